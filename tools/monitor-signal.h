/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "monitor-state.h"

#include <effvk/effvk.h>

/* The state of a stream's signal, for a monitor: the network's answers, what is measured of every
 * frame, and what the decoder says. */
typedef struct
{
  EffvkSignal *signal;
  EffvkMeter *meter;
  EffvkModel *model;
  gint64 first; /* ns, the first frame's time; negative: there is none yet */
  gint last;    /* the class of the newest answer, or TOOL_MONITOR_NONE */
  double score; /* of it */
} ToolMonitorSignal;

/* @hold: ns for which a class must be seen, or negative: each state's own default. @timeout: ns
 * without a frame. */
ToolMonitorSignal *tool_monitor_signal_new (EffvkClassifier *classifier, gint64 hold,
                                            gint64 timeout);
void tool_monitor_signal_free (ToolMonitorSignal *signal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolMonitorSignal, tool_monitor_signal_free)

/* Adds a frame: the network's answer, or NULL where it was not asked. @damaged: the decoder says
 * so. */
gboolean tool_monitor_signal_add (ToolMonitorSignal *signal, EffvkResult *result,
                                  const EffvkImage *image, gboolean damaged, gint64 time,
                                  GError **error);

/* Frames do not come any more, for @passed ns. */
void tool_monitor_signal_lose (ToolMonitorSignal *signal, gint64 passed);

/* Brings @state up to date. Returns whether it changed, with @event filled in. */
gboolean tool_monitor_signal_update (ToolMonitorSignal *signal, ToolMonitorState *state,
                                     gint64 time, ToolMonitorEvent *event);

/* The stream ended. A stream too short for a state has what its last frame showed. */
gboolean tool_monitor_signal_end (ToolMonitorSignal *signal, ToolMonitorState *state,
                                  ToolMonitorEvent *event);
