/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "queue.h"
#include "settings.h"
#include "statistics.h"

/*
 * The way of results from the network to the frame and to the application: the only place where they
 * are chosen, attached and posted. Frames come here in order, one at a time.
 */
typedef struct
{
  GstElement *element; /* messages are from it, and its object lock guards counters */
  EffvkCounters *counters;
  GstSegment segment;      /* that the frames lie in */
  EffvkSmoother *smoother; /* of the stream; NULL until it is needed */
  EffvkTracks *tracks;     /* of the objects in it */

  /* what was told last of a frame; for the frames that are skipped after it */
  EffvkModel *model;
  EffvkResult *result;
  GstClockTime time; /* running time of its frame */
} EffvkReporter;

/* Forgets the stream so far. */
void effvk_reporter_reset (EffvkReporter *reporter);

/* Attaches what the network answered about @item's frame to @buffer, which is that frame, and posts it.
 * Takes @buffer and returns it, or one with the same memory. */
GstBuffer *effvk_reporter_report (EffvkReporter *reporter, const EffvkReporting *how,
                                  const EffvkItem *item, GstBuffer *buffer);
