/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "back-off.h"

#define FIRST_PAUSE (G_USEC_PER_SEC / 2)
#define LONGEST_PAUSE (30 * G_USEC_PER_SEC)

void
tool_back_off_reset (ToolBackOff *back_off)
{
  back_off->pause = 0;
}

gint64
tool_back_off_next (ToolBackOff *back_off)
{
  gint64 pause = back_off->pause ? back_off->pause : FIRST_PAUSE;

  back_off->pause = MIN (pause * 2, LONGEST_PAUSE);
  return (gint64) ((double) pause * g_random_double_range (0.75, 1.0));
}

void
tool_back_off_give_up (ToolBackOff *back_off)
{
  back_off->pause = LONGEST_PAUSE;
}
