/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>

/*
 * The time that the element adds to a live stream, in whole frames. It begins with one, and grows
 * when an answer takes longer. It falls only at the next start or change of caps, so that it is
 * stable. It is never more than may be in flight: beyond that upstream waits, and no latency helps
 * against that.
 */
typedef struct
{
  GstClockTime frame; /* how long one lasts */
  guint n_frames, max;
  guint
      /* answers yet to come that tell nothing: the first ones build what the others use */
      n_warming;
  gboolean live;  /* what upstream answered to the last query */
  gboolean asked; /* there has been one */
} GstEffvkLatency;

/* At the start, and for other caps. Returns whether that changes the latency. */
gboolean gst_effvk_latency_reset (GstEffvkLatency *latency, const GstVideoInfo *info,
                                  guint max_in_flight);

/* Other frames may be in flight at once. Returns whether that changes the answer to the query. */
gboolean gst_effvk_latency_set_max (GstEffvkLatency *latency, guint max_in_flight);

/* Tells how long an answer took. Returns whether that changes the latency. */
gboolean gst_effvk_latency_measure (GstEffvkLatency *latency, GstClockTime time);

/* Takes from the answer to a LATENCY query whether upstream is live. */
void gst_effvk_latency_take_liveness (GstEffvkLatency *latency, GstQuery *query);

/* Adds the element's latency to what upstream answered to a LATENCY query. */
void gst_effvk_latency_answer (GstEffvkLatency *latency, GstQuery *query);
