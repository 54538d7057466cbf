/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/statistics.h"

#include "common/percentiles.h"

static const char *const stage_names[GST_EFFVK_N_STAGES] = {
  [GST_EFFVK_STAGE_ROOM] = "room",     [GST_EFFVK_STAGE_SUBMIT] = "submit",
  [GST_EFFVK_STAGE_ANSWER] = "answer", [GST_EFFVK_STAGE_ORDER] = "order",
  [GST_EFFVK_STAGE_REPORT] = "report", [GST_EFFVK_STAGE_PUSH] = "push",
};
static const char *const skip_names[GST_EFFVK_N_SKIPS] = {
  [GST_EFFVK_SKIP_EMPTY] = "skipped-empty",   [GST_EFFVK_SKIP_INTERVAL] = "skipped-interval",
  [GST_EFFVK_SKIP_QOS] = "skipped-qos",       [GST_EFFVK_SKIP_DEADLINE] = "skipped-deadline",
  [GST_EFFVK_SKIP_DEVICE] = "skipped-device",
};

void
gst_effvk_counters_add_time (GstEffvkCounters *counters, GstEffvkStage stage, gint64 us)
{
  guint64 i = counters->times[stage].n++ % GST_EFFVK_TIMES_WINDOW;

  counters->times[stage].us[i] = (guint32) CLAMP (us, 0, G_MAXUINT32);
}

guint64
gst_effvk_counters_get_skipped (const GstEffvkCounters *counters)
{
  guint64 n = 0;

  for (guint i = GST_EFFVK_SKIP_NOT + 1; i < GST_EFFVK_N_SKIPS; i++)
    n += counters->skipped[i];
  return n;
}

static void
add_percentiles (GstStructure *stats, const GstEffvkCounters *counters, GstEffvkStage stage)
{
  static const double shares[] = { 0.50, 0.95, 0.99 };
  double values[GST_EFFVK_TIMES_WINDOW], found[G_N_ELEMENTS (shares)];
  guint n = (guint) MIN (counters->times[stage].n, GST_EFFVK_TIMES_WINDOW);

  for (guint i = 0; i < n; i++)
    values[i] = counters->times[stage].us[i];
  gst_effvk_percentiles (values, n, shares, G_N_ELEMENTS (shares), found);
  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      g_autofree char *name
          = g_strdup_printf ("%s-time-p%.0f", stage_names[stage], shares[i] * 100);

      gst_structure_set (stats, name, G_TYPE_UINT64, (guint64) found[i] * GST_USECOND, NULL);
    }
}

GstStructure *
gst_effvk_statistics_new (const GstEffvkCounters *counters)
{
  GstStructure *stats
      = gst_structure_new ("application/x-effvkclassify-stats", "frames", G_TYPE_UINT64,
                           counters->frames, "inferences", G_TYPE_UINT64, counters->inferences,
                           "messages", G_TYPE_UINT64, counters->messages, "skipped", G_TYPE_UINT64,
                           gst_effvk_counters_get_skipped (counters), "objects", G_TYPE_UINT64,
                           counters->objects, "objects-classified", G_TYPE_UINT64,
                           counters->objects_classified, "objects-ignored", G_TYPE_UINT64,
                           counters->objects_ignored, "canaries", G_TYPE_UINT64, counters->canaries,
                           "canaries-different", G_TYPE_UINT64, counters->canaries_different, NULL);

  for (guint i = GST_EFFVK_SKIP_NOT + 1; i < GST_EFFVK_N_SKIPS; i++)
    gst_structure_set (stats, skip_names[i], G_TYPE_UINT64, counters->skipped[i], NULL);
  for (guint i = 0; i < GST_EFFVK_N_STAGES; i++)
    add_percentiles (stats, counters, i);
  return stats;
}

static void
increase (GstStructure *stats, const char *name, guint64 by)
{
  guint64 value = 0;

  gst_structure_get_uint64 (stats, name, &value);
  gst_structure_set (stats, name, G_TYPE_UINT64, value + by, NULL);
}

void
gst_effvk_statistics_add (GstStructure *stats, EffvkClassifier *classifier,
                          const GstEffvkCounters *counters)
{
  EffvkModel *model = effvk_classifier_get_model (classifier);
  g_autoptr (GVariant) dictionary = effvk_classifier_get_statistics (classifier);
  GVariantIter iter;
  const char *name;
  GVariant *value;

  gst_structure_set (stats, "model", G_TYPE_STRING, effvk_model_get_name (model), NULL);
  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
        gst_structure_set (stats, name, G_TYPE_STRING, g_variant_get_string (value, NULL), NULL);
      else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
        gst_structure_set (stats, name, G_TYPE_UINT, g_variant_get_uint32 (value), NULL);
      else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
        gst_structure_set (stats, name, G_TYPE_UINT64, g_variant_get_uint64 (value), NULL);
      else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
        {
          g_autofree const char **strings = g_variant_get_strv (value, NULL);

          gst_structure_set (stats, name, G_TYPE_STRV, strings, NULL);
        }
      g_variant_unref (value);
    }
  increase (stats, "frames-copied", counters->uploaded);
  increase (stats, "copied-bytes", counters->uploaded_bytes);
}
