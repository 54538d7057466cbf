/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What a stream has shown, with a little inertia: another class is a new state only when it has been
 * the first for a while without a break. The state then began with the first of these frames. */
typedef struct
{
  gint64 hold; /* ns */

  gint state; /* the class, or -1 before the first */
  gint64 since;
  double sum; /* of scores in this state */
  guint64 n;

  gint candidate; /* -1 when there is none */
  gint64 candidate_since;
  double candidate_sum;
  guint64 candidate_n;
} ToolMonitorState;

typedef struct
{
  gint state, previous; /* previous is -1 for the first */
  gint64 since, previous_since;
  double score; /* mean since then */
} ToolMonitorEvent;

void tool_monitor_state_init (ToolMonitorState *state, gint64 hold);

/* Adds a frame's first class. Returns whether the state changed, with @event filled in. */
gboolean tool_monitor_state_add (ToolMonitorState *state, gint64 time, gint class, double score,
                                 ToolMonitorEvent *event);

/* The stream ended: a stream shorter than the inertia has the state that it has shown. */
gboolean tool_monitor_state_end (ToolMonitorState *state, ToolMonitorEvent *event);
