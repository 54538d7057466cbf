/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor-state.h"

void
tool_monitor_state_init (ToolMonitorState *state, gint64 hold)
{
  *state = (ToolMonitorState){ .hold = hold, .state = TOOL_MONITOR_NONE };
}

static gboolean
change (ToolMonitorState *state, ToolMonitorEvent *event)
{
  guint best = 0;

  for (guint i = 1; i < state->n_candidates; i++)
    if (state->candidates[i].n > state->candidates[best].n)
      best = i;
  *event = (ToolMonitorEvent){
    .state = state->candidates[best].class,
    .previous = state->state,
    .since = state->away_since,
    .previous_since = state->since,
    .score = state->candidates[best].sum / (double) state->candidates[best].n,
  };
  state->state = event->state;
  state->since = event->since;
  state->sum = state->candidates[best].sum;
  state->n = state->candidates[best].n;
  state->n_candidates = 0;
  state->away = 0;
  state->last_away = FALSE;
  return TRUE;
}

/* Of more classes than there is room for the first are enough. */
static void
add_candidate (ToolMonitorState *state, gint class, double score)
{
  guint i = 0;

  while (i < state->n_candidates && state->candidates[i].class != class)
    i++;
  if (i == TOOL_MONITOR_CANDIDATES)
    return;
  if (i == state->n_candidates)
    {
      state->candidates[i].class = class;
      state->candidates[i].sum = 0;
      state->candidates[i].n = 0;
      state->n_candidates++;
    }
  state->candidates[i].sum += score;
  state->candidates[i].n++;
}

gboolean
tool_monitor_state_add (ToolMonitorState *state, gint64 time, gint class, double score,
                        ToolMonitorEvent *event)
{
  /* What a frame shows holds until the next. A stream that began anew has no time between. */
  gint64 passed = CLAMP (time - state->last, 0, state->hold);

  state->away = CLAMP (state->away + (state->last_away ? passed : -passed), 0, state->hold);
  if (state->away == 0 && !state->last_away)
    state->n_candidates = 0;
  state->last = time;
  state->last_away = class != state->state;
  if (!state->last_away)
    {
      state->sum += score;
      state->n++;
      return FALSE;
    }
  if (state->n_candidates == 0)
    state->away_since = time;
  add_candidate (state, class, score);
  return state->away >= state->hold ? change (state, event) : FALSE;
}

gboolean
tool_monitor_state_lose (ToolMonitorState *state, gint64 time, ToolMonitorEvent *event)
{
  gint64 hold = state->hold;

  if (state->state == TOOL_MONITOR_NO_SIGNAL)
    {
      state->n_candidates = 0; /* what came and went meanwhile was no state */
      state->away = 0;
      state->last_away = FALSE;
      return FALSE;
    }
  *event = (ToolMonitorEvent){ .state = TOOL_MONITOR_NO_SIGNAL,
                               .previous = state->state,
                               .since = time,
                               .previous_since = state->since };
  *state = (ToolMonitorState){
    .hold = hold, .state = TOOL_MONITOR_NO_SIGNAL, .since = time, .last = time
  };
  return TRUE;
}

gboolean
tool_monitor_state_end (ToolMonitorState *state, ToolMonitorEvent *event)
{
  gboolean none = state->state == TOOL_MONITOR_NONE || state->state == TOOL_MONITOR_NO_SIGNAL;

  return none && state->n_candidates > 0 ? change (state, event) : FALSE;
}
