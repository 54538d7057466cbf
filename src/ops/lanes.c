/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/lanes.h"

EffvkLanes
effvk_lanes_choose (guint pixels, guint channels, guint full, gboolean splits)
{
  EffvkLanes best = { 8, full };
  guint64 best_cost = G_MAXUINT64;

  for (guint split = 8; split >= (splits ? 2 : 8); split /= 2)
    {
      EffvkLanes lanes = { split, split == 8 ? full : EFFVK_LANES_PIXELS };
      guint group = effvk_lanes_group_pixels (lanes);
      guint64 tiles
          = (guint64) ((channels + 4 * split - 1) / (4 * split)) * ((pixels + group - 1) / group);
      /* a step, in cycles as measured on a CPU device: arithmetic with its shuffles, then fetches
       */
      guint64 cost = tiles * (18 * lanes.pixels + 30 * ((lanes.pixels + split - 1) / split + 4));

      if (cost < best_cost)
        {
          best_cost = cost;
          best = lanes;
        }
    }
  return best;
}
