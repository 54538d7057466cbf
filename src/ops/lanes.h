/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The specialization constants of shaders/lanes.glsl. */
typedef struct
{
  guint split;  /* S: lanes that share a tile of 4*S channels; the others take further pixels */
  guint pixels; /* P: pixels of a lane */
} EffvkLanes;

/* P where compile time counts for more than speed: code grows with it, and a CPU device compiles a
 * shader when it first runs. */
#define EFFVK_LANES_PIXELS 28

/* The choice that costs least: wasted lanes and pixels against fetches. @full: P with S = 8;
 * @splits: whether S may be less than 8. */
EffvkLanes effvk_lanes_choose (guint pixels, guint channels, guint full, gboolean splits);

/* Pixels of a workgroup. */
static inline guint
effvk_lanes_group_pixels (EffvkLanes lanes)
{
  return lanes.pixels * 8 / lanes.split;
}
