/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/queue.h"
#include "classify/settings.h"
#include "classify/signal.h"
#include "classify/statistics.h"
#include "classify/teaching.h"

/*
 * The way of results from the network to the frame and to the application: the only place where
 * they are chosen, attached and posted. Frames come here in order, one at a time.
 */
typedef struct
{
  GstElement *element; /* messages are from it, and its object lock guards counters */
  GstEffvkCounters *counters;
  GstSegment segment;      /* that the frames lie in */
  EffvkSmoother *smoother; /* of the stream; NULL until it is needed */
  GstEffvkTracks *tracks;  /* of the objects in it */
  GstEffvkTeaching *teaching;
  GstEffvkFilter *filter; /* which classes count */
  GstEffvkSignalWatch watch;
  char *label; /* the last that was told of a frame, where the signal is followed; or NULL */

  /* what was told last of a frame; for the frames that are skipped after it */
  EffvkModel *model;
  EffvkResult *result;
  GstClockTime time; /* of its frame, the timeline's */
} GstEffvkReporter;

/* Frees what it has of its own. */
void gst_effvk_reporter_clear (GstEffvkReporter *reporter);

/* Forgets the stream so far. */
void gst_effvk_reporter_reset (GstEffvkReporter *reporter);

/* Attaches what the network answered about @item's frame to @buffer, which is that frame, and posts
 * it. Takes @buffer and returns it, or one with the same memory. */
GstBuffer *gst_effvk_reporter_report (GstEffvkReporter *reporter, const GstEffvkReporting *how,
                                      const GstEffvkItem *item, GstBuffer *buffer);
