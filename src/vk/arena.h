/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A tensor's need: bytes, alive from dispatch first to dispatch last, both included. */
typedef struct
{
  gsize size;
  guint first, last;
  gsize offset; /* out */
} EffvkArenaItem;

/* Gives every item an offset such that no two that live at once overlap. Largest first, lowest
 * free offset (greedy by size, Pisarchyk & Lee 2020, arXiv 2001.03288). Returns the bytes of the
 * whole arena. */
gsize effvk_arena_plan (EffvkArenaItem *items, guint n_items, gsize alignment);
