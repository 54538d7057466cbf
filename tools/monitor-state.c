/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor-state.h"

void
tool_monitor_state_init (ToolMonitorState *state, gint64 hold)
{
  *state = (ToolMonitorState){ .hold = hold, .state = -1, .candidate = -1 };
}

static gboolean
change (ToolMonitorState *state, ToolMonitorEvent *event)
{
  *event = (ToolMonitorEvent){
    .state = state->candidate,
    .previous = state->state,
    .since = state->candidate_since,
    .previous_since = state->since,
    .score = state->candidate_sum / (double) state->candidate_n,
  };
  state->state = state->candidate;
  state->since = state->candidate_since;
  state->sum = state->candidate_sum;
  state->n = state->candidate_n;
  state->candidate = -1;
  return TRUE;
}

gboolean
tool_monitor_state_add (ToolMonitorState *state, gint64 time, gint class, double score,
                        ToolMonitorEvent *event)
{
  if (class == state->state)
    {
      state->candidate = -1;
      state->sum += score;
      state->n++;
      return FALSE;
    }
  if (class != state->candidate)
    {
      state->candidate = class;
      state->candidate_since = time;
      state->candidate_sum = 0;
      state->candidate_n = 0;
    }
  state->candidate_sum += score;
  state->candidate_n++;
  return time - state->candidate_since >= state->hold ? change (state, event) : FALSE;
}

gboolean
tool_monitor_state_end (ToolMonitorState *state, ToolMonitorEvent *event)
{
  return state->state < 0 && state->candidate >= 0 ? change (state, event) : FALSE;
}
