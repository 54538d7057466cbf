/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/timeline.h"

/* So many frames in a row may have one time stamp (fields, repeated frames). */
#define MAX_STILL 4
/* A frame of a live pipeline that is earlier than all before it by more is from the future. */
#define MAX_AHEAD (2 * (gint64) GST_SECOND)

void
gst_effvk_timeline_reset (GstEffvkTimeline *timeline)
{
  *timeline = (GstEffvkTimeline){ .now = GST_CLOCK_TIME_NONE, .ahead = G_MININT64 };
}

void
gst_effvk_timeline_take_segment (GstEffvkTimeline *timeline)
{
  timeline->shift = 0;
}

/* The running time, also of a frame outside of the segment, where it is negative. FALSE: none. */
static gboolean
get_running_time (const GstSegment *segment, GstClockTime stamp, gint64 *time)
{
  guint64 value;
  int sign;

  if (segment->format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID (stamp))
    return FALSE;
  sign = gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, stamp, &value);
  value = MIN (value, (guint64) G_MAXINT64 / 4); /* sums of a few stay in range */
  *time = sign < 0 ? -(gint64) value : (gint64) value;
  return sign != 0;
}

/* What has passed since the time went on, as far as one can know. */
static GstClockTime
get_passed (const GstEffvkTimeline *timeline, GstClockTime duration, GstClockTime now)
{
  if (GST_CLOCK_TIME_IS_VALID (now) && GST_CLOCK_TIME_IS_VALID (timeline->now)
      && now > timeline->now)
    return now - timeline->now;
  return duration * (timeline->n_since + 1);
}

/* Whether @time, of the next frame, goes on from the last one's. */
static gboolean
follows (GstEffvkTimeline *timeline, gint64 time, GstClockTime duration, GstClockTime now)
{
  gint64 step = time - (gint64) timeline->last;

  if (step <= 0)
    {
      timeline->n_still += timeline->n_still <= MAX_STILL;
      return -step <= 2 * (gint64) duration && timeline->n_still <= MAX_STILL;
    }
  timeline->n_still = 0;
  return !GST_CLOCK_TIME_IS_VALID (now) || !GST_CLOCK_TIME_IS_VALID (timeline->now)
         || time - (gint64) now <= timeline->ahead + MAX_AHEAD;
}

static void
go_on (GstEffvkTimeline *timeline, GstClockTime next, GstClockTime now)
{
  if (timeline->begun && next == timeline->last)
    {
      timeline->n_since++;
      return;
    }
  timeline->begun = TRUE;
  timeline->last = next;
  timeline->now = now;
  timeline->n_since = 0;
  if (GST_CLOCK_TIME_IS_VALID (now))
    timeline->ahead = MAX (timeline->ahead, (gint64) next - (gint64) now);
}

GstClockTime
gst_effvk_timeline_advance (GstEffvkTimeline *timeline, const GstSegment *segment,
                            GstClockTime stamp, GstClockTime duration, GstClockTime now,
                            gboolean *broken)
{
  GstClockTime next = timeline->begun ? timeline->last + get_passed (timeline, duration, now) : 0;
  gboolean known;
  gint64 running;

  *broken = FALSE;
  known = get_running_time (segment, stamp, &running);
  if (known && timeline->begun && follows (timeline, running + timeline->shift, duration, now))
    next = MAX (timeline->last, (GstClockTime) MAX (running + timeline->shift, 0));
  else if (known && !timeline->begun)
    next = (GstClockTime) MAX (running, 0);
  else
    *broken = known;
  if (*broken)
    timeline->shift = (gint64) next - running;
  go_on (timeline, next, now);
  return next;
}
