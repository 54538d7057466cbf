/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common.h"

/* Milliseconds from the start of a process to its first result: with nothing in any shader cache,
 * then with what the first run left there. Runs this program twice, with caches of their own in a
 * temporary folder. @device_uuid is the device, @batch images make a result. */
gboolean tool_measure_starts (const ToolTarget *target, const char *device_uuid,
                              EffvkPrecision precision, guint batch, double *cold_ms,
                              double *warm_ms, GError **error);

/* What the process being measured does when it has its first result. */
void tool_report_start (void);
