/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/lag.h"

/* If skipping does not help within this time, it is not inference that makes the stream late. */
#define MAX_FUTILE GST_SECOND
/* Skipping that lasts so long, with no longer breaks than this, is worth a warning. */
#define WORTH_A_WARNING (2 * GST_SECOND)

void
gst_effvk_lag_reset (GstEffvkLag *lag)
{
  *lag = (GstEffvkLag){ .lowest = GST_CLOCK_TIME_NONE,
                        .skipping_since = GST_CLOCK_TIME_NONE,
                        .warned = lag->warned };
}

void
gst_effvk_lag_advance (GstEffvkLag *lag, GstClockTime time, GstClockTime now, GstClockTime held)
{
  gint64 age = GST_CLOCK_DIFF (time, now);
  gint64 grown = lag->begun ? age - lag->age : 0;

  if (lag->begun && now > lag->now + held)
    lag->futile += now - lag->now - held;
  lag->begun = TRUE;
  lag->age = age;
  lag->now = now;
  if (grown > 0)
    lag->lag += MIN ((GstClockTime) grown, held);
  else
    lag->lag -= MIN (lag->lag, (GstClockTime) -grown);
}

gboolean
gst_effvk_lag_exceeds (GstEffvkLag *lag, GstClockTime limit)
{
  if (lag->lag <= limit)
    {
      lag->lowest = GST_CLOCK_TIME_NONE;
      return FALSE;
    }
  if (!GST_CLOCK_TIME_IS_VALID (lag->lowest) || lag->lag + limit / 8 < lag->lowest)
    {
      lag->lowest = lag->lag;
      lag->futile = 0;
    }
  if (lag->futile <= MAX_FUTILE)
    return TRUE;
  lag->lag = 0;
  lag->lowest = GST_CLOCK_TIME_NONE;
  return FALSE;
}

gboolean
gst_effvk_lag_take_decision (GstEffvkLag *lag, GstClockTime now, gboolean skipped)
{
  gboolean recent
      = GST_CLOCK_TIME_IS_VALID (lag->skipping_since) && now <= lag->skipped_last + WORTH_A_WARNING;

  if (!recent && !skipped)
    return FALSE;
  if (!recent)
    {
      lag->skipping_since = now;
      lag->n_frames = lag->n_skipped = 0;
    }
  lag->n_frames++;
  lag->n_skipped += skipped;
  if (skipped)
    lag->skipped_last = now;
  if (lag->warned || !skipped || now < lag->skipping_since + WORTH_A_WARNING)
    return FALSE;
  lag->warned = TRUE;
  return TRUE;
}
