/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/* The specialization constants of shaders/gemm-tile.glsl. */
typedef struct
{
  guint tx;    /* invocations side by side in channels, of two texels each */
  guint ty;    /* and in pixels */
  guint quads; /* Q: runs of four pixels of an invocation */
} EffvkGemmTile;

/* Invocations of a workgroup. */
#define EFFVK_GEMM_TILE_THREADS 128
/* Texels of inputs that are in shared memory at a time: weights are padded to them. */
#define EFFVK_GEMM_TILE_STEP 4

/* Chooses a tile for @pixels of all images and @channels. It has as few idle invocations as
 * possible, as many workgroups as a GPU wants, and no more shared memory than the device has. */
EffvkGemmTile effvk_gemm_tile_choose (const EffvkDeviceCaps *caps, guint64 pixels, guint channels);

static inline guint
effvk_gemm_tile_channels (EffvkGemmTile tile)
{
  return 8 * tile.tx;
}

static inline guint
effvk_gemm_tile_pixels (EffvkGemmTile tile)
{
  return 4 * tile.quads * tile.ty;
}

/* Of shared memory. */
guint effvk_gemm_tile_shared_bytes (EffvkGemmTile tile);

/* Spreads tiles of pixels over the last two axes of a grid. */
void effvk_gemm_tile_spread (guint64 tiles, guint32 groups[3]);

/* Workgroups that the tiles come to. */
guint64 effvk_gemm_tile_groups (EffvkGemmTile tile, guint64 pixels, guint channels);
