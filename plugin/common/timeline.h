/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/*
 * A time for each frame of a stream, for all that compares times: it never falls back and never
 * stands still for long, whatever the frames' time stamps do. As long as these are in order it is
 * their running time.
 *
 * Cameras start again at 0, reconnect without a segment, repeat a time stamp or leave it out. Then
 * the time goes on by as much as has passed. In a live pipeline the clock says how much, else the
 * frame's duration. The same holds for a frame of a live pipeline that comes from the future. In a
 * file a time that leaps forward is a hole in the stream, and counts as it is.
 */
typedef struct
{
  gboolean begun;
  gint64 shift;      /* ns, what is added to frames' running times */
  GstClockTime last; /* the last frame's time */
  GstClockTime now;  /* the clock's running time when that went on, or GST_CLOCK_TIME_NONE */
  gint64 ahead;      /* ns, how far the earliest frame was ahead of the clock */
  guint n_since;     /* frames since the time went on */
  guint n_still;     /* frames whose time stamps did not, in a row */
} GstEffvkTimeline;

/* At the start, and after a flush. */
void gst_effvk_timeline_reset (GstEffvkTimeline *timeline);

/* Running times begin anew, as a segment says: they are right again. */
void gst_effvk_timeline_take_segment (GstEffvkTimeline *timeline);

/* Returns the next frame's time.
 * @stamp: its time stamp in the segment: of presentation, or of decoding where the order is that
 * @duration: how long a frame lasts
 * @now: the clock's running time in a live pipeline, else GST_CLOCK_TIME_NONE
 * @broken: set to whether the frame's running time does not follow the one before */
GstClockTime gst_effvk_timeline_advance (GstEffvkTimeline *timeline, const GstSegment *segment,
                                         GstClockTime stamp, GstClockTime duration,
                                         GstClockTime now, gboolean *broken);
