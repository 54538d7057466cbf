/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#define TOOL_MONITOR_CANDIDATES 16

/* What is no class: the state before the first frames, and that of a stream that has no frames. */
#define TOOL_MONITOR_NONE (-1)
#define TOOL_MONITOR_NO_SIGNAL (-2)
#define TOOL_MONITOR_UNKNOWN (-3) /* frames that are of no class that the model knows */
/* A state of EffvkSignal for which the model has no class; and back. */
#define TOOL_MONITOR_SIGNAL(state) (-100 - (gint) (state))
#define TOOL_MONITOR_IS_SIGNAL(state) ((state) <= -100)

/* What a stream has shown, with a little inertia. Frames of another state than the present one add
 * up their time. Frames of the present state take theirs away from it. When the sum reaches @hold,
 * the state changes to the class that was most often the first since. So a stream that breaks in
 * more ways than one, or recovers now and then, has left its state as well. The new state began
 * with the first other frame. */
typedef struct
{
  gint64 hold; /* ns */

  gint state; /* the class, or one of the above */
  gint64 since;
  double sum; /* of scores in this state */
  guint64 n;

  gint64 last; /* the frame before: its time, and whether it was of another class than the state */
  gboolean last_away;
  gint64 away; /* ns that speak against the state */
  gint64 away_since;
  guint n_candidates; /* what was seen since, 0 when all is as it was */
  struct
  {
    gint class;
    double sum;
    guint64 n;
  } candidates[TOOL_MONITOR_CANDIDATES];
} ToolMonitorState;

typedef struct
{
  gint state, previous; /* previous is TOOL_MONITOR_NONE for the first */
  gint64 since, previous_since;
  double score; /* mean since then */
} ToolMonitorEvent;

void tool_monitor_state_init (ToolMonitorState *state, gint64 hold);

/* Adds a frame's first class. Returns whether the state changed, with @event filled in. */
gboolean tool_monitor_state_add (ToolMonitorState *state, gint64 time, gint class, double score,
                                 ToolMonitorEvent *event);

/* Frames do not come any more since @time: at once there is no signal. Returns whether that is new,
 * with
 * @event filled in. */
gboolean tool_monitor_state_lose (ToolMonitorState *state, gint64 time, ToolMonitorEvent *event);

/* The stream ended: a stream shorter than the inertia has the state that it has shown. */
gboolean tool_monitor_state_end (ToolMonitorState *state, ToolMonitorEvent *event);
