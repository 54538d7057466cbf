/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/*
 * By how much inference has made a live stream late. A frame's age does not say so. After a hole in
 * the stream, a stall of the sink or a restart of the source, frames may be old for good. Skipping
 * inferences would not make them younger. So an age that grows counts only as far as inference has
 * held the stream back meanwhile. An age that falls counts as a whole.
 */
typedef struct
{
  gboolean begun;
  gint64 age; /* ns, of the last frame */
  GstClockTime now, lag;
  GstClockTime lowest; /* since frames are skipped for it */
  GstClockTime futile; /* how long that has not made it lower, though no inference held it up */

  /* for the warning; running times */
  GstClockTime skipping_since, skipped_last;
  guint64 n_frames, n_skipped; /* since the former */
  gboolean warned;             /* since the start; a reset leaves it */
} GstEffvkLag;

void gst_effvk_lag_reset (GstEffvkLag *lag);

/* The next frame is @now - @time old when it could be classified; since the one before,
 * inference has held the stream back for at most @held. */
void gst_effvk_lag_advance (GstEffvkLag *lag, GstClockTime time, GstClockTime now,
                            GstClockTime held);

/* Whether the frame is to be skipped, since the stream is later than @limit. */
gboolean gst_effvk_lag_exceeds (GstEffvkLag *lag, GstClockTime limit);

/* Tells what became of the frame. Returns TRUE once: when frames have been skipped for some
 * time, so that the user should know. */
gboolean gst_effvk_lag_take_decision (GstEffvkLag *lag, GstClockTime now, gboolean skipped);
