/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* How long to wait before each attempt to reach something again. The pause doubles each time, up to
 * 30 s. Each differs a little, so that many do not come back at the same moment. */
typedef struct
{
  gint64 pause; /* us, the next one without what makes it differ; 0: the first */
} ToolBackOff;

/* What was away is there again. */
void tool_back_off_reset (ToolBackOff *back_off);

/* us: from 3/4 of the pause to all of it. */
gint64 tool_back_off_next (ToolBackOff *back_off);

/* As after many attempts. */
void tool_back_off_give_up (ToolBackOff *back_off);
