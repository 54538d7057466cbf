/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Numbers for people. All transfer full. */

/* "1,234,567" */
char *tool_format_count (guint64 count);

/* Of ns: "0:01:02.345" and "0:01:02.3" */
char *tool_format_time (gint64 ns);
char *tool_format_tenths (gint64 ns);
