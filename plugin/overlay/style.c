/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay/style.h"

GType
gst_effvk_show_get_type (void)
{
  static const GFlagsValue values[] = {
    { GST_EFFVK_SHOW_LABEL, "The label of the frame, and its score", "label" },
    { GST_EFFVK_SHOW_BARS, "The scores of the best classes as bars", "bars" },
    { GST_EFFVK_SHOW_OBJECTS, "Boxes and labels of objects and regions", "objects" },
    { GST_EFFVK_SHOW_AGE, "How old the answer is, where it is not of this frame", "age" },
    { GST_EFFVK_SHOW_STRIP, "A strip with the labels of the last minutes", "strip" },
    { GST_EFFVK_SHOW_FPS, "Frames per second", "fps" },
    { GST_EFFVK_SHOW_MODEL, "The model that answered", "model" },
    { GST_EFFVK_SHOW_HEATMAP, "Where the label was seen, where that is attached", "heatmap" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstEffvkShow", values));
  return type;
}

GType
gst_effvk_place_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_EFFVK_PLACE_TOP_LEFT, "Top left", "top-left" },
    { GST_EFFVK_PLACE_TOP, "Top", "top" },
    { GST_EFFVK_PLACE_TOP_RIGHT, "Top right", "top-right" },
    { GST_EFFVK_PLACE_BOTTOM_LEFT, "Bottom left", "bottom-left" },
    { GST_EFFVK_PLACE_BOTTOM, "Bottom", "bottom" },
    { GST_EFFVK_PLACE_BOTTOM_RIGHT, "Bottom right", "bottom-right" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstEffvkPlace", values));
  return type;
}

guint32
gst_effvk_style_get_label_color (const char *label)
{
  /* Told apart also by who does not see red or green (after Okabe and Ito). */
  static const guint32 colors[] = { 0xffe69f00, 0xff56b4e9, 0xff009e73, 0xfff0e442, 0xff0072b2,
                                    0xffd55e00, 0xffcc79a7, 0xff8dd3c7, 0xffbebada, 0xfffb8072 };

  if (!label || g_str_equal (label, "unknown"))
    return 0xff808080;
  return colors[g_str_hash (label) % G_N_ELEMENTS (colors)];
}
