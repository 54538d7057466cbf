/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/pace.h"

void
gst_effvk_pacer_reset (GstEffvkPacer *pacer)
{
  *pacer = (GstEffvkPacer){ .due = GST_CLOCK_TIME_NONE,
                            .earliest = GST_CLOCK_TIME_NONE,
                            .proportion = 1.0 };
}

void
gst_effvk_pacer_take_qos (GstEffvkPacer *pacer, GstEvent *event)
{
  GstClockTime timestamp;
  GstClockTimeDiff late;

  gst_event_parse_qos (event, NULL, &pacer->proportion, &late, &timestamp);
  pacer->late = late;
  if (!GST_CLOCK_TIME_IS_VALID (timestamp))
    pacer->earliest = GST_CLOCK_TIME_NONE;
  else if (late > 0) /* twice, so that downstream catches up */
    pacer->earliest = timestamp + 2 * (GstClockTime) late;
  else
    pacer->earliest = timestamp > (GstClockTime) -late ? timestamp - (GstClockTime) -late : 0;
}

static gboolean
is_before (GstClockTime time, GstClockTime limit)
{
  return GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (limit) && time < limit;
}

/* The times at which a frame is due lie on a grid, so that frames that come a little early or late
 * do not add up to fewer classified ones. */
static void
move_due (GstEffvkPacer *pacer, const GstEffvkPace *pace, GstClockTime running_time)
{
  if (!GST_CLOCK_TIME_IS_VALID (running_time))
    return;
  if (is_before (pacer->due, running_time) && running_time - pacer->due < pace->interval_time)
    pacer->due += pace->interval_time;
  else
    pacer->due = running_time + pace->interval_time;
}

static gboolean
is_turn (const GstEffvkPacer *pacer, const GstEffvkPace *pace, GstClockTime running_time)
{
  if (pacer->since == 0)
    return TRUE;
  if (pacer->since < pace->interval)
    return FALSE;
  return !pace->interval_time || !is_before (running_time, pacer->due);
}

GstEffvkSkip
gst_effvk_pacer_decide (GstEffvkPacer *pacer, const GstEffvkPace *pace, gboolean empty,
                        GstClockTime running_time, GstClockTime now)
{
  GstEffvkSkip skip = GST_EFFVK_SKIP_NOT;

  if (empty)
    return GST_EFFVK_SKIP_EMPTY;
  if (!is_turn (pacer, pace, running_time))
    skip = GST_EFFVK_SKIP_INTERVAL;
  else if (pace->qos && is_before (running_time, pacer->earliest))
    skip = GST_EFFVK_SKIP_QOS;
  else if (pace->deadline && GST_CLOCK_TIME_IS_VALID (running_time)
           && is_before (running_time + pace->deadline, now))
    skip = GST_EFFVK_SKIP_DEADLINE;
  if (skip != GST_EFFVK_SKIP_NOT)
    {
      /* counts on, also past the interval; but not from before the first classified frame */
      pacer->since += pacer->since > 0 && pacer->since < G_MAXUINT;
      return skip;
    }
  pacer->since = 1;
  move_due (pacer, pace, running_time);
  return GST_EFFVK_SKIP_NOT;
}
