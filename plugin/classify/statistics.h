/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/pace.h"

#include <effvk/effvk-classifier.h>

/* The stations of a frame that is classified. */
typedef enum
{
  GST_EFFVK_STAGE_ROOM,   /* waits for a place in the element: upstream is held back */
  GST_EFFVK_STAGE_SUBMIT, /* is mapped, copied and put to the network */
  GST_EFFVK_STAGE_ANSWER, /* from there to the network's answer */
  GST_EFFVK_STAGE_ORDER,  /* answered, waits for those before it and for downstream */
  GST_EFFVK_STAGE_REPORT, /* metadata and messages */
  GST_EFFVK_STAGE_PUSH,   /* downstream works, or holds us back */
  GST_EFFVK_N_STAGES
} GstEffvkStage;

#define GST_EFFVK_TIMES_WINDOW 1024

/* What the element did since its start; all zero at first. */
typedef struct
{
  guint64 frames, inferences, messages, not_finite;
  guint64 objects, objects_classified, objects_ignored;
  guint64 canaries, canaries_different; /* answers */
  guint64 uploaded, uploaded_bytes; /* frames for several submissions, copied before the first */
  guint64 skipped[GST_EFFVK_N_SKIPS];
  struct
  {
    guint64 n;
    guint32 us[GST_EFFVK_TIMES_WINDOW]; /* a ring of the last ones */
  } times[GST_EFFVK_N_STAGES];
} GstEffvkCounters;

/* @us: from the monotonic clock. */
void gst_effvk_counters_add_time (GstEffvkCounters *counters, GstEffvkStage stage, gint64 us);

guint64 gst_effvk_counters_get_skipped (const GstEffvkCounters *counters);

GstStructure *gst_effvk_statistics_new (const GstEffvkCounters *counters);

/* Adds effvk_classifier_get_statistics() to @stats, a field each, and to those what was copied
   before. */
void gst_effvk_statistics_add (GstStructure *stats, EffvkClassifier *classifier,
                               const GstEffvkCounters *counters);
