/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

typedef struct
{
  GPtrArray *fields; /* (element-type utf8), one at least */
  guint line;        /* where it begins, from 1 */
} ToolCsvRow;

/* Reads a CSV file (RFC 4180; UTF-8, with or without a byte-order mark): rows, without empty lines
 * and those that begin with #. (element-type ToolCsvRow), or NULL with @error set. */
GPtrArray *tool_csv_read (const char *path, GError **error);
