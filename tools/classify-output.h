/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "frames.h"

#include <effvk/effvk-result.h>

/* Prints results in the order of their frames: JSON lines, or a table in which a video has a line
 * for as long as its first class stays the same. While that takes long and stderr is a terminal,
 * how far it is stands in that terminal's last line. */
typedef struct _ToolOutput ToolOutput;

ToolOutput *tool_output_new (gboolean json);
void tool_output_free (ToolOutput *output); /* prints what is still to be printed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolOutput, tool_output_free)

/* @pts is -1 for an image. */
void tool_output_add (ToolOutput *output, const char *source, guint64 frame, gint64 pts,
                      EffvkResult *result);

/* @pts and @duration in ns, or -1. Cheap enough for every frame. */
void tool_output_progress (ToolOutput *output, const char *source, gint64 pts, gint64 duration);

/* Makes room for an error message. */
void tool_output_hide_progress (ToolOutput *output);
