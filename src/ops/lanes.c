/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/lanes.h"

EffvkLanes
effvk_lanes_choose (guint lanes, guint pixels, guint channels, guint full)
{
  EffvkLanes best = { lanes, lanes, full };
  guint64 best_cost = G_MAXUINT64;

  for (guint split = lanes; split >= 2; split /= 2)
    {
      EffvkLanes with = { lanes, split, split == lanes ? full : EFFVK_LANES_PIXELS };
      guint group = effvk_lanes_group_pixels (with);
      guint64 tiles
          = (guint64) ((channels + 4 * split - 1) / (4 * split)) * ((pixels + group - 1) / group);
      /* a step, in cycles as measured on a CPU device: arithmetic with its shuffles, then fetches
       */
      guint64 cost = tiles * (18 * with.pixels + 30 * ((with.pixels + split - 1) / split + 4));

      if (cost < best_cost)
        {
          best_cost = cost;
          best = with;
        }
    }
  return best;
}

guint64
effvk_lanes_count_weights (guint channels, guint64 inputs)
{
  const guint tile = 4 * EFFVK_LANES_MAX;

  return (guint64) ((channels + tile - 1) / tile) * EFFVK_LANES_MAX * (inputs + 1);
}
