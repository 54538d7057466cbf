/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/steady-clock.h"

/* So many calls in a row may be of one time; for how long one counts where time stood still
 * since. */
#define MAX_STILL 4
#define DEFAULT_STEP (SECOND / 30)
#define SECOND G_GUINT64_CONSTANT (1000000000)

/* What passes between two calls as a rule: the shorter step, since the other may have been a
 * leap. */
static guint64
get_step (const EffvkSteadyClock *clock)
{
  guint64 latest = clock->steps[0], before = clock->steps[1];

  return before ? MIN (latest, before) : latest ? latest : DEFAULT_STEP;
}

guint64
effvk_steady_clock_advance (EffvkSteadyClock *clock, guint64 time)
{
  guint64 step = get_step (clock), passed = step;

  if (!clock->started)
    passed = 0;
  else if (time > clock->last)
    {
      passed = time - clock->last;
      clock->steps[1] = clock->steps[0];
      clock->steps[0] = passed;
      clock->n_still = 0;
      if (clock->steps[1] && passed > MAX (10 * step, SECOND))
        passed = step;
    }
  else if (time == clock->last && ++clock->n_still <= MAX_STILL)
    passed = 0;
  clock->started = TRUE;
  clock->last = time;
  clock->now += passed;
  return passed;
}
