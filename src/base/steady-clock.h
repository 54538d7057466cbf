/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A time that never falls back, made of times that may: fall back, stand still, leap. Begins as
 * { 0 }, and anew. */
typedef struct
{
  gboolean started;
  guint64 last;     /* ns, the newest time */
  guint64 now;      /* ns, the same but that it never falls back */
  guint64 steps[2]; /* ns, the last two that the time took forward; 0: none yet */
  guint n_still;    /* times that were the same, in a row */
} EffvkSteadyClock;

/* Moves it on, and returns by how much. Where time leaps, falls back, or stands still for longer
 * than a few calls, that is one step. So nothing waits for the time to come back, and a single call
 * does not decide everything. */
guint64 effvk_steady_clock_advance (EffvkSteadyClock *clock, guint64 time);
