/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pace.h"

#include <effvk/effvk-classifier.h>

/* The stations of a frame that is classified. */
typedef enum
{
  EFFVK_STAGE_ROOM,   /* waits for a place in the element: upstream is held back */
  EFFVK_STAGE_SUBMIT, /* is mapped, copied and put to the network */
  EFFVK_STAGE_ANSWER, /* from there to the network's answer */
  EFFVK_STAGE_ORDER,  /* answered, waits for those before it and for downstream */
  EFFVK_STAGE_REPORT, /* metadata and messages */
  EFFVK_STAGE_PUSH,   /* downstream works, or holds us back */
  EFFVK_N_STAGES
} EffvkStage;

#define EFFVK_TIMES_WINDOW 1024

/* What the element did since its start; all zero at first. */
typedef struct
{
  guint64 frames, inferences, messages, not_finite;
  guint64 objects, objects_classified, objects_ignored;
  guint64 uploaded, uploaded_bytes; /* frames for several submissions, copied before the first */
  guint64 skipped[EFFVK_N_SKIPS];
  struct
  {
    guint64 n;
    guint32 us[EFFVK_TIMES_WINDOW]; /* a ring of the last ones */
  } times[EFFVK_N_STAGES];
} EffvkCounters;

/* @us: from the monotonic clock. */
void effvk_counters_add_time (EffvkCounters *counters, EffvkStage stage, gint64 us);

guint64 effvk_counters_get_skipped (const EffvkCounters *counters);

GstStructure *effvk_statistics_new (const EffvkCounters *counters);

/* Adds effvk_classifier_get_statistics() to @stats, a field each, and to those what was copied before. */
void effvk_statistics_add (GstStructure *stats, EffvkClassifier *classifier,
                           const EffvkCounters *counters);
