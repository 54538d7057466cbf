/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/classification-meta.h"

#include "common/analytics-meta.h"
#include "common/roi-meta.h"

#include <math.h>

GType
gst_effvk_meta_mode_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_EFFVK_META_AUTO, "GstAnalytics where this GStreamer has it, and the custom meta",
      "auto" },
    { GST_EFFVK_META_ANALYTICS,
      "A GstAnalytics classification of the frame: the label (GStreamer 1.24)", "analytics" },
    { GST_EFFVK_META_CUSTOM, "The custom meta " GST_EFFVK_CLASSIFICATION_META, "custom" },
    { GST_EFFVK_META_ROI,
      "A region of interest over the frame, in DL Streamer's older layout, which it drops at the "
      "end of 2026",
      "roi" },
    { GST_EFFVK_META_NONE, "Nothing is attached: messages only", "none" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstEffvkMetaMode", values));
  return type;
}

const char *
gst_effvk_classification_meta_lacks (GstEffvkMetaMode mode, gboolean alternatives, gboolean logits)
{
  if (mode == GST_EFFVK_META_ANALYTICS && !gst_effvk_analytics_is_available ())
    return "meta-mode=analytics needs GStreamer 1.24";
  if (alternatives && !gst_effvk_analytics_is_available ())
    return "attach-alternatives needs GStreamer 1.24";
  if (logits && !gst_effvk_analytics_has_tensors ())
    return "attach-logits needs GStreamer 1.26";
  return NULL;
}

void
gst_effvk_classification_meta_register (void)
{
  static const gchar *tags[] = { NULL };
  static gsize registered;

  if (g_once_init_enter (&registered))
    {
      /* Another program with this library, the plugin for instance, may have been first. */
      if (!gst_meta_get_info (GST_EFFVK_CLASSIFICATION_META))
        gst_meta_register_custom (GST_EFFVK_CLASSIFICATION_META, tags, NULL, NULL, NULL);
      g_once_init_leave (&registered, 1);
    }
}

static void
append_take (GValue *array, GValue *value)
{
  gst_value_array_append_and_take_value (array, value);
}

static void
set_classes (GstStructure *structure, EffvkResult *result, guint n, GstClockTime age)
{
  GValue labels = G_VALUE_INIT, indices = G_VALUE_INIT, scores = G_VALUE_INIT;

  gst_value_array_init (&labels, n);
  gst_value_array_init (&indices, n);
  gst_value_array_init (&scores, n);
  for (guint i = 0; i < n; i++)
    {
      GValue label = G_VALUE_INIT, index = G_VALUE_INIT, score = G_VALUE_INIT;

      g_value_init (&label, G_TYPE_STRING);
      g_value_set_string (&label, effvk_result_get_label (result, i));
      append_take (&labels, &label);
      g_value_init (&index, G_TYPE_INT);
      g_value_set_int (&index, (int) effvk_result_get_index (result, i));
      append_take (&indices, &index);
      g_value_init (&score, G_TYPE_DOUBLE);
      g_value_set_double (&score, effvk_result_get_score (result, i));
      append_take (&scores, &score);
    }
  gst_structure_take_value (structure, "labels", &labels);
  gst_structure_take_value (structure, "indices", &indices);
  gst_structure_take_value (structure, "scores", &scores);
  gst_structure_set (structure, "age", G_TYPE_UINT64, age, NULL);
}

/* Sets "heatmap" (GBytes of floats, row by row), "heatmap-width" and "heatmap-height" (guint), and
 * "heatmap-area" (four doubles): the part of the picture, or of the object, that it covers, in
 * shares. */
static void
set_heatmap (GstStructure *structure, EffvkResult *result)
{
  guint width, height;
  const float *cells = effvk_result_get_heatmap (result, &width, &height);
  double area[4];
  GValue list = G_VALUE_INIT;

  if (!cells)
    return;
  effvk_result_get_heatmap_area (result, &area[0], &area[1], &area[2], &area[3]);
  gst_value_array_init (&list, G_N_ELEMENTS (area));
  for (guint i = 0; i < G_N_ELEMENTS (area); i++)
    {
      GValue value = G_VALUE_INIT;

      g_value_init (&value, G_TYPE_DOUBLE);
      g_value_set_double (&value, area[i]);
      append_take (&list, &value);
    }
  gst_structure_take_value (structure, "heatmap-area", &list);
  gst_structure_set (structure, "heatmap-width", G_TYPE_UINT, width, "heatmap-height", G_TYPE_UINT,
                     height, NULL);
  {
    g_autoptr (GBytes) bytes = g_bytes_new (cells, (gsize) width * height * sizeof *cells);

    gst_structure_set (structure, "heatmap", G_TYPE_BYTES, bytes, NULL);
  }
}

/* Sets "measures". */
static void
set_measures (GstStructure *structure, const EffvkMeasures *measures)
{
  GEnumClass *names = g_type_class_ref (EFFVK_TYPE_MEASURE);
  GstStructure *values = gst_structure_new_empty ("measures");

  for (guint i = 0; i < names->n_values; i++)
    {
      double value = effvk_measures_get (measures, (EffvkMeasure) names->values[i].value);

      if (isfinite (value))
        gst_structure_set (values, names->values[i].value_nick, G_TYPE_DOUBLE, value, NULL);
    }
  gst_structure_set (structure, "measures", GST_TYPE_STRUCTURE, values, NULL);
  gst_structure_free (values);
  g_type_class_unref (names);
}

static GstStructure *
add_custom (GstBuffer *buffer, EffvkModel *model)
{
  GstCustomMeta *meta = gst_buffer_add_custom_meta (buffer, GST_EFFVK_CLASSIFICATION_META);
  GstStructure *structure = gst_custom_meta_get_structure (meta);

  gst_structure_set (structure, "model", G_TYPE_STRING, effvk_model_get_name (model), NULL);
  return structure;
}

static void
attach_custom_objects (GstBuffer *buffer, const GstEffvkAttachment *how, const GArray *objects,
                       guint width, guint height)
{
  GValue list = G_VALUE_INIT;

  gst_value_array_init (&list, objects->len);
  for (guint i = 0; i < objects->len; i++)
    {
      const GstEffvkObject *object = &g_array_index (objects, GstEffvkObject, i);
      GValue item = G_VALUE_INIT;

      if (object->n == 0)
        continue;
      g_value_init (&item, GST_TYPE_STRUCTURE);
      g_value_take_boxed (&item, gst_effvk_object_describe (object, width, height));
      set_classes (g_value_get_boxed (&item), object->result, object->n, object->age);
      if (how->heatmap)
        set_heatmap (g_value_get_boxed (&item), object->result);
      append_take (&list, &item);
    }
  if (gst_value_array_get_size (&list) > 0)
    gst_structure_take_value (add_custom (buffer, how->model), "objects", &list);
  else
    g_value_unset (&list);
}

static GstEffvkAnalytics
begin_analytics (const GstEffvkAttachment *how)
{
  return (GstEffvkAnalytics){ .model = how->model,
                              .alternatives = how->alternatives,
                              .descriptor = GST_EFFVK_OBJECT_NONE };
}

void
gst_effvk_classification_attach (GstBuffer *buffer, const GstEffvkAttachment *how,
                                 EffvkResult *result, guint n, guint width, guint height,
                                 GstClockTime age)
{
  GstEffvkAnalytics analytics = begin_analytics (how);
  GstEffvkMetaMode mode = how->mode;

  if (n == 0)
    return;
  if (mode == GST_EFFVK_META_AUTO || mode == GST_EFFVK_META_ANALYTICS)
    gst_effvk_analytics_attach (buffer, &analytics, result, n, NULL);
  if (mode == GST_EFFVK_META_AUTO || mode == GST_EFFVK_META_CUSTOM)
    {
      GstStructure *structure = add_custom (buffer, how->model);

      set_classes (structure, result, n, age);
      if (how->heatmap)
        set_heatmap (structure, result);
      if (how->measures)
        set_measures (structure, how->measures);
    }
  if (mode == GST_EFFVK_META_ROI)
    gst_effvk_roi_attach (buffer, how->model, result, n, NULL, width, height);
}

void
gst_effvk_classification_attach_objects (GstBuffer *buffer, const GstEffvkAttachment *how,
                                         const GArray *objects, guint width, guint height)
{
  GstEffvkAnalytics analytics = begin_analytics (how);
  GstEffvkMetaMode mode = how->mode;

  for (guint i = 0; i < objects->len; i++)
    {
      const GstEffvkObject *object = &g_array_index (objects, GstEffvkObject, i);

      if (object->n == 0)
        continue;
      if (mode == GST_EFFVK_META_ANALYTICS
          || (mode == GST_EFFVK_META_AUTO && object->od != GST_EFFVK_OBJECT_NONE))
        gst_effvk_analytics_attach (buffer, &analytics, object->result, object->n, object);
      if (mode == GST_EFFVK_META_ROI
          || (mode == GST_EFFVK_META_AUTO && object->roi != GST_EFFVK_OBJECT_NONE))
        gst_effvk_roi_attach (buffer, how->model, object->result, object->n, object, width, height);
    }
  if (mode == GST_EFFVK_META_AUTO || mode == GST_EFFVK_META_CUSTOM)
    attach_custom_objects (buffer, how, objects, width, height);
}

void
gst_effvk_classification_to_value (EffvkResult *result, guint n, GValue *value)
{
  gst_value_array_init (value, n);
  for (guint i = 0; i < n; i++)
    {
      GValue item = G_VALUE_INIT;

      g_value_init (&item, GST_TYPE_STRUCTURE);
      g_value_take_boxed (&item,
                          gst_structure_new ("class", "label", G_TYPE_STRING,
                                             effvk_result_get_label (result, i), "index",
                                             G_TYPE_INT, (int) effvk_result_get_index (result, i),
                                             "score", G_TYPE_DOUBLE,
                                             (double) effvk_result_get_score (result, i), NULL));
      append_take (value, &item);
    }
}
