/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify-answer.h"

/* Prints answers in the order of their frames, in one of the formats. While that takes long and
 * stderr is a terminal, how far it is stands in that terminal's last line. */
typedef struct _ToolOutput ToolOutput;

typedef enum
{
  /* an image has its best classes, a video a line for as long as its first stays */
  TOOL_OUTPUT_TABLE,
  TOOL_OUTPUT_JSON, /* a line for each frame */
  TOOL_OUTPUT_CSV,  /* a line for each class of each frame */
} ToolOutputFormat;

/* With @summary there is a line for each image and video, in JSON and CSV as well. */
ToolOutput *tool_output_new (ToolOutputFormat format, gboolean summary);
void tool_output_free (ToolOutput *output); /* prints what is still to be printed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolOutput, tool_output_free)

void tool_output_add (ToolOutput *output, const ToolAnswer *answer);

/* @pts and @duration in ns, or -1. Cheap enough for every frame. */
void tool_output_progress (ToolOutput *output, const char *source, gint64 pts, gint64 duration);
