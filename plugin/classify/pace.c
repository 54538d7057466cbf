/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/pace.h"

void
gst_effvk_pacer_reset (GstEffvkPacer *pacer)
{
  GstEffvkLag lag = pacer->lag;

  gst_effvk_lag_reset (&lag);
  *pacer = (GstEffvkPacer){
    .lag = lag, .due = GST_CLOCK_TIME_NONE, .earliest = GST_CLOCK_TIME_NONE, .proportion = 1.0
  };
  gst_effvk_timeline_reset (&pacer->timeline);
}

GstClockTime
gst_effvk_pacer_advance (GstEffvkPacer *pacer, const GstSegment *segment, GstBuffer *buffer,
                         GstClockTime duration, GstClockTime now)
{
  gboolean broken;
  GstClockTime time = gst_effvk_timeline_advance (&pacer->timeline, segment,
                                                  GST_BUFFER_PTS (buffer), duration, now, &broken);

  if (broken)
    pacer->earliest = GST_CLOCK_TIME_NONE; /* is of the running times before */
  return time;
}

/* Downstream knows running times only; by as much as the timeline has shifted them, they are not
 * late. */
void
gst_effvk_pacer_take_qos (GstEffvkPacer *pacer, GstEvent *event)
{
  const GstEffvkTimeline *timeline = &pacer->timeline;
  GstClockTime timestamp;
  GstClockTimeDiff late;
  gint64 time;

  gst_event_parse_qos (event, NULL, &pacer->proportion, &late, &timestamp);
  pacer->earliest = GST_CLOCK_TIME_NONE;
  pacer->late = late;
  if (!GST_CLOCK_TIME_IS_VALID (timestamp) || timestamp > G_MAXINT64 / 4)
    return;
  time = (gint64) timestamp + timeline->shift;
  if (timeline->shift != 0 && time > (gint64) timeline->last)
    return; /* of a frame from before the shift */
  late = CLAMP (late, -G_MAXINT64 / 8, G_MAXINT64 / 8) - timeline->shift;
  time += late > 0 ? 2 * late : late; /* twice, so that downstream catches up */
  pacer->earliest = (GstClockTime) MAX (time, 0);
}

static gboolean
is_before (GstClockTime time, GstClockTime limit)
{
  return GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (limit) && time < limit;
}

/* The times at which a frame is due lie on a grid, so that frames that come a little early or late
 * do not add up to fewer classified ones. */
static void
move_due (GstEffvkPacer *pacer, const GstEffvkPace *pace, GstClockTime time)
{
  if (is_before (pacer->due, time) && time - pacer->due < pace->interval_time)
    pacer->due += pace->interval_time;
  else
    pacer->due = time + pace->interval_time;
}

static gboolean
is_turn (const GstEffvkPacer *pacer, const GstEffvkPace *pace, GstClockTime time)
{
  if (pacer->since == 0)
    return TRUE;
  if (pacer->since < pace->interval)
    return FALSE;
  return !pace->interval_time || !is_before (time, pacer->due);
}

static gboolean
is_late (GstEffvkPacer *pacer, const GstEffvkPace *pace, const GstEffvkMoment *moment)
{
  if (GST_CLOCK_TIME_IS_VALID (pace->deadline))
    return pace->deadline && is_before (moment->time + pace->deadline, moment->now);
  return GST_CLOCK_TIME_IS_VALID (moment->limit)
         && gst_effvk_lag_exceeds (&pacer->lag, moment->limit);
}

GstEffvkSkip
gst_effvk_pacer_decide (GstEffvkPacer *pacer, const GstEffvkPace *pace,
                        const GstEffvkMoment *moment)
{
  GstEffvkSkip skip = GST_EFFVK_SKIP_NOT;

  if (GST_CLOCK_TIME_IS_VALID (moment->now))
    gst_effvk_lag_advance (&pacer->lag, moment->time, moment->now, moment->held);
  if (moment->empty)
    return GST_EFFVK_SKIP_EMPTY;
  if (!is_turn (pacer, pace, moment->time))
    skip = GST_EFFVK_SKIP_INTERVAL;
  else if (pace->qos && is_before (moment->time, pacer->earliest))
    skip = GST_EFFVK_SKIP_QOS;
  else if (is_late (pacer, pace, moment))
    skip = GST_EFFVK_SKIP_DEADLINE;
  if (skip != GST_EFFVK_SKIP_NOT)
    {
      /* counts on, also past the interval; but not from before the first classified frame */
      pacer->since += pacer->since > 0 && pacer->since < G_MAXUINT;
      return skip;
    }
  pacer->since = 1;
  move_due (pacer, pace, moment->time);
  return GST_EFFVK_SKIP_NOT;
}
