/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classifier-slot.h"

/* The last so many times, for percentiles. */
#define EFFVK_STATS_WINDOW 1024

typedef struct
{
  guint64 images, submissions, copied_bytes, not_finite;
  guint64 frames_copied, frames_in_place, frames_by_device, frames_imported;
  guint64 collected;
  guint64 gpu_times[EFFVK_STATS_WINDOW], total_times[EFFVK_STATS_WINDOW]; /* ns, a ring */
} EffvkStats;

void effvk_stats_add_submission (EffvkStats *stats, const EffvkSlotFrames *frames);
void effvk_stats_add (EffvkStats *stats, guint64 gpu_time, guint64 total_time, gboolean finite);

/* Adds the counters and percentiles as effvk_classifier_get_statistics() documents them. */
void effvk_stats_describe (const EffvkStats *stats, GVariantDict *dict);
