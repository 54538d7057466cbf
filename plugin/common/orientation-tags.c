/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/orientation-tags.h"

static void
take_tags (GstEffvkOrientationTags *turned, GstTagList *tags)
{
  GstEffvkOrientationTag *by = &turned->by[gst_tag_list_get_scope (tags)];
  g_autoptr (GEnumClass) orientations = NULL;
  g_autofree char *name = NULL;
  const GEnumValue *value;

  if (!gst_tag_list_get_string (tags, GST_TAG_IMAGE_ORIENTATION, &name))
    return;
  orientations = g_type_class_ref (EFFVK_TYPE_ORIENTATION);
  value = g_enum_get_value_by_nick (orientations, name);
  by->said = TRUE;
  by->orientation = value ? (EffvkOrientation) value->value : EFFVK_ORIENTATION_ROTATE_0;
}

void
gst_effvk_orientation_tags_take_event (GstEffvkOrientationTags *turned, GstEvent *event)
{
  GstTagList *tags;

  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    *turned = (GstEffvkOrientationTags){ 0 };
  if (GST_EVENT_TYPE (event) != GST_EVENT_TAG)
    return;
  gst_event_parse_tag (event, &tags);
  take_tags (turned, tags);
}

void
gst_effvk_orientation_tags_apply (const GstEffvkOrientationTags *turned, EffvkImage *image)
{
  const GstEffvkOrientationTag *by
      = &turned->by[turned->by[GST_TAG_SCOPE_STREAM].said ? GST_TAG_SCOPE_STREAM
                                                          : GST_TAG_SCOPE_GLOBAL];

  if (image)
    effvk_image_set_orientation (image, by->orientation);
}
