/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify-output.h"

/* What an image or a video shows as a whole: the shares of its time that each class is the
   first. */
typedef struct _ToolSummary ToolSummary;

ToolSummary *tool_summary_new (ToolOutputFormat format);
void tool_summary_free (ToolSummary *summary); /* prints what is still to be printed */

/* Prints the line of the source before when a new one begins. */
void tool_summary_add (ToolSummary *summary, const ToolAnswer *answer);
