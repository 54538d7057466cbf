/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/gemm-tile.h"

#define THREADS EFFVK_GEMM_TILE_THREADS
#define MAX_TX 16
/* vec4s of pixels in one row of shared memory. */
#define MAX_ROW 64

/* Along one axis of a grid; every device has as many. */
#define MAX_GROUPS 65535

/* Workgroups that keep a large GPU busy. */
#define ENOUGH 512

guint
effvk_gemm_tile_shared_bytes (EffvkGemmTile tile)
{
  guint row = tile.quads * tile.ty + 1; /* vec4s of pixels, beside those of weights */

  return 4 * EFFVK_GEMM_TILE_STEP * (row + 2 * tile.tx) * 16;
}

void
effvk_gemm_tile_spread (guint64 tiles, guint32 groups[3])
{
  groups[1] = (guint32) MIN (tiles, MAX_GROUPS);
  groups[2] = (guint32) ((tiles + groups[1] - 1) / groups[1]);
}

guint64
effvk_gemm_tile_groups (EffvkGemmTile tile, guint64 pixels, guint channels)
{
  guint group_pixels = effvk_gemm_tile_pixels (tile), group = effvk_gemm_tile_channels (tile);

  return (pixels + group_pixels - 1) / group_pixels * ((channels + group - 1) / group);
}

static gboolean
fits (EffvkGemmTile tile, const EffvkDeviceCaps *caps)
{
  return effvk_gemm_tile_shared_bytes (tile) <= caps->max_shared_bytes;
}

EffvkGemmTile
effvk_gemm_tile_choose (const EffvkDeviceCaps *caps, guint64 pixels, guint channels)
{
  guint C8 = (channels + 7) / 8, fewest = (C8 + MAX_TX - 1) / MAX_TX, least = G_MAXUINT;
  EffvkGemmTile tile = { 1, THREADS, 2 };

  for (guint n = fewest; n <= fewest + 2; n++)
    {
      guint tx = (C8 + n - 1) / n;

      if (tx * n < least)
        {
          least = tx * n;
          tile.tx = tx;
        }
    }
  tile.ty = THREADS / tile.tx;
  if (tile.ty * tile.quads > MAX_ROW || !fits (tile, caps)
      || effvk_gemm_tile_groups (tile, pixels, channels) < ENOUGH)
    tile.quads = 1;
  tile.ty = MIN (tile.ty, MAX_ROW);
  while (!fits (tile, caps)) /* the smallest does anywhere */
    tile.ty--;
  return tile;
}
