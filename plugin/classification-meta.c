/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classification-meta.h"

#include <gst/video/video.h>

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

GType
effvk_meta_mode_get_type (void)
{
  static const GEnumValue values[] = {
    { EFFVK_META_AUTO, "GstAnalytics where this GStreamer has it, and the custom meta", "auto" },
    { EFFVK_META_ANALYTICS, "A GstAnalytics classification of the frame (GStreamer 1.24)",
      "analytics" },
    { EFFVK_META_CUSTOM, "The custom meta " EFFVK_CLASSIFICATION_META, "custom" },
    { EFFVK_META_ROI, "A region of interest over the frame, in DL Streamer's layout", "roi" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("EffvkMetaMode", values));
  return type;
}

gboolean
effvk_meta_mode_is_available (EffvkMetaMode mode)
{
#ifdef HAVE_GST_ANALYTICS
  return TRUE;
#else
  return mode != EFFVK_META_ANALYTICS;
#endif
}

void
effvk_classification_meta_register (void)
{
  static const gchar *tags[] = { NULL };
  static gsize registered;

  if (g_once_init_enter (&registered))
    {
      gst_meta_register_custom (EFFVK_CLASSIFICATION_META, tags, NULL, NULL, NULL);
      g_once_init_leave (&registered, 1);
    }
}

static void
append_take (GValue *array, GValue *value)
{
  gst_value_array_append_and_take_value (array, value);
}

static void
attach_custom (GstBuffer *buffer, EffvkModel *model, EffvkResult *result, guint n)
{
  GstCustomMeta *meta = gst_buffer_add_custom_meta (buffer, EFFVK_CLASSIFICATION_META);
  GstStructure *structure = gst_custom_meta_get_structure (meta);
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
  gst_structure_set (structure, "model", G_TYPE_STRING, effvk_model_get_variant (model), NULL);
  gst_structure_take_value (structure, "labels", &labels);
  gst_structure_take_value (structure, "indices", &indices);
  gst_structure_take_value (structure, "scores", &scores);
}

static void
attach_analytics (GstBuffer *buffer, EffvkResult *result, guint n, const GQuark *quarks)
{
#ifdef HAVE_GST_ANALYTICS
  g_autofree gfloat *levels = g_new (gfloat, n);
  g_autofree GQuark *labels = g_new (GQuark, n);
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  GstAnalyticsClsMtd mtd;

  if (!meta)
    meta = gst_buffer_add_analytics_relation_meta (buffer);
  for (guint i = 0; i < n; i++)
    {
      guint index = effvk_result_get_index (result, i);

      levels[i] = effvk_result_get_score (result, i);
      labels[i] = index == EFFVK_CLASS_UNKNOWN
                      ? g_quark_from_string (effvk_result_get_label (result, i))
                      : quarks[index];
    }
  gst_analytics_relation_meta_add_cls_mtd (meta, n, levels, labels, &mtd);
#endif
}

static void
attach_roi (GstBuffer *buffer, EffvkResult *result, guint n, guint width, guint height)
{
  GstVideoRegionOfInterestMeta *roi
      = gst_buffer_add_video_region_of_interest_meta (buffer, "frame", 0, 0, width, height);

  for (guint i = 0; i < n; i++)
    gst_video_region_of_interest_meta_add_param (
        roi, gst_structure_new ("classification", "label", G_TYPE_STRING,
                                effvk_result_get_label (result, i), "label_id", G_TYPE_INT,
                                (int) effvk_result_get_index (result, i), "confidence",
                                G_TYPE_DOUBLE, (double) effvk_result_get_score (result, i), NULL));
}

void
effvk_classification_attach (GstBuffer *buffer, EffvkMetaMode mode, EffvkModel *model,
                             EffvkResult *result, guint n, const GQuark *quarks, guint width,
                             guint height)
{
  if (n == 0)
    return;
  if (mode == EFFVK_META_AUTO || mode == EFFVK_META_ANALYTICS)
    attach_analytics (buffer, result, n, quarks);
  if (mode == EFFVK_META_AUTO || mode == EFFVK_META_CUSTOM)
    attach_custom (buffer, model, result, n);
  if (mode == EFFVK_META_ROI)
    attach_roi (buffer, result, n, width, height);
}

void
effvk_classification_to_value (EffvkResult *result, guint n, GValue *value)
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
