/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common.h"

/* While completions are made, takes a command's options instead of its work. tool_parse() calls it.
 * Returns whether it took them. */
gboolean tool_completion_take (const char *command, const GOptionEntry *entries);

/* effvk completion SHELL: prints what completes the commands @commands, of which there are @n. */
ToolStatus tool_completion (const ToolCommand *commands, guint n, char ***argv);
