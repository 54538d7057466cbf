/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The specialization constants of shaders/lanes.glsl. */
typedef struct
{
  guint lanes;  /* L: lanes of a workgroup */
  guint split;  /* S: lanes that share a tile of 4*S channels; the others take further pixels */
  guint pixels; /* P: pixels of a lane */
} EffvkLanes;

/* Lanes of a workgroup: as many as a subgroup of the device has, but one of these. */
#define EFFVK_LANES_MIN 4
#define EFFVK_LANES_MAX 8

static inline guint
effvk_lanes_count (guint subgroup_size)
{
  return subgroup_size < EFFVK_LANES_MAX ? EFFVK_LANES_MIN : EFFVK_LANES_MAX;
}

/* P where compile time counts for more than speed: code grows with it, and a CPU device compiles a
 * shader when it first runs. */
#define EFFVK_LANES_PIXELS 28

/* The choice that costs least: wasted lanes and pixels against fetches. @lanes: of a workgroup,
 * from effvk_lanes_count(); @full: P with S = @lanes. */
EffvkLanes effvk_lanes_choose (guint lanes, guint pixels, guint channels, guint full);

/* The weights of a convolution in texels, with their biases, for any choice of S. */
guint64 effvk_lanes_count_weights (guint channels, guint64 inputs);

/* Pixels of a workgroup. */
static inline guint
effvk_lanes_group_pixels (EffvkLanes lanes)
{
  return lanes.pixels * lanes.lanes / lanes.split;
}
