/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-classifier.h>
#include <gst/gst.h>

/* What the element did since its start. */
typedef struct
{
  guint64 frames, inferences, skipped, messages, not_finite;
  guint64 objects, objects_classified, objects_ignored;
} EffvkCounters;

GstStructure *effvk_statistics_new (const EffvkCounters *counters);

/* Adds effvk_classifier_get_statistics() to @stats, a field each. */
void effvk_statistics_add (GstStructure *stats, EffvkClassifier *classifier);
