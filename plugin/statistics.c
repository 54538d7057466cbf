/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "statistics.h"

GstStructure *
effvk_statistics_new (const EffvkCounters *counters)
{
  return gst_structure_new ("application/x-effvkclassify-stats", "frames", G_TYPE_UINT64,
                            counters->frames, "inferences", G_TYPE_UINT64, counters->inferences,
                            "skipped", G_TYPE_UINT64, counters->skipped, "messages", G_TYPE_UINT64,
                            counters->messages, "objects", G_TYPE_UINT64, counters->objects,
                            "objects-classified", G_TYPE_UINT64, counters->objects_classified,
                            "objects-ignored", G_TYPE_UINT64, counters->objects_ignored, NULL);
}

void
effvk_statistics_add (GstStructure *stats, EffvkClassifier *classifier)
{
  g_autoptr (GVariant) dictionary = effvk_classifier_get_statistics (classifier);
  GVariantIter iter;
  const char *name;
  GVariant *value;

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
        gst_structure_set (stats, name, G_TYPE_STRV, g_variant_get_strv (value, NULL), NULL);
      g_variant_unref (value);
    }
}
