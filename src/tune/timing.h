/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/program.h"

/* How long every dispatch of @n programs takes, in order, when they run one after the other. Times
 * are ns, the median of @runs runs after one that does not count. @times has room for all
 * dispatches. The time of measuring itself (a barrier and a timestamp) is measured too, and
 * subtracted.
 * @device_clock receives whether the device measured. Where its timestamps are missing or do not
 * work, each dispatch is submitted alone and waited for: no more than an estimate. */
gboolean effvk_programs_time (EffvkProgram *const *programs, guint n, guint runs, double *times,
                              gboolean *device_clock, GError **error);

/* The median; sorts @values. */
double effvk_median (double *values, guint n);
