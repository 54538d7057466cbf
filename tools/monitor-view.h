/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "monitor-state.h"

#include <effvk/effvk-model.h>
#include <effvk/effvk-signal.h>

/* Shows what a monitor sees. It prints the changes, one a line, in words or in JSON. On a terminal
 * the current state and the history stand below them. The history is a line of blocks, one a
 * second. In words, a summary may stand at the end. */
typedef struct _ToolMonitorView ToolMonitorView;

/* @source is the file's name or the URI. */
ToolMonitorView *tool_monitor_view_new (EffvkModel *model, const char *source, gboolean json,
                                        gboolean summary);
void tool_monitor_view_free (ToolMonitorView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolMonitorView, tool_monitor_view_free)

/* A change. */
void tool_monitor_view_event (ToolMonitorView *view, const ToolMonitorEvent *event);

/* Something was raised or cleared. */
void tool_monitor_view_signal (ToolMonitorView *view, const EffvkSignalEvent *event);

/* After each frame. */
void tool_monitor_view_frame (ToolMonitorView *view, const ToolMonitorState *state, gint64 time);

/* Frames do not come any more, for a reason; @kind is "stalled" or "state" (it broke off). */
void tool_monitor_view_lost (ToolMonitorView *view, const ToolMonitorEvent *event, const char *kind,
                             const char *reason);

/* While no frame comes: @time goes on. */
void tool_monitor_view_idle (ToolMonitorView *view, const ToolMonitorState *state, gint64 time);

/* The stream ended at @time. */
void tool_monitor_view_end (ToolMonitorView *view, const ToolMonitorState *state, gint64 time);
