/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common.h"

typedef struct
{
  const ToolTarget *target;
  double interval, hold, timeout; /* s */
  double unknown_threshold;       /* negative: the model's own */
  gboolean json;
} ToolMonitorMany;

/* Watches several files and streams until all have ended or the user stops it. It prints their
 * changes, one a line, and on a terminal a line for each below them. Streams are connected and
 * followed as `effvk serve` does. FALSE with @error: nothing could be begun, or some failed, which
 * was printed. */
gboolean tool_monitor_many (const ToolMonitorMany *options, char *const *sources, GError **error);
