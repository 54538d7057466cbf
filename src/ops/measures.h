/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"
#include "ops/op.h"

#define EFFVK_MEASURES_STRIP 64 /* rows, and */
#define EFFVK_MEASURES_CHUNK 16 /* pixels of a row that an invocation measures */
#define EFFVK_MEASURES_BLOCK 16 /* rows of a block of which the largest change is told */
#define EFFVK_MEASURES_EDGE 40  /* by which the pixels of a chunk differ where there is an edge */
#define EFFVK_MEASURES_TOTALS 4 /* texels of a strip */

/* What the luma of a frame is like at full resolution, as sums over rows, columns and strips, see
 * shaders/measures.comp. The output is [1,1,texels,4]. Each row has the least, the most, and the
 * sum of steps from the row above. Each column has the same, with steps from the column before.
 * Each strip has the totals. */
typedef struct
{
  EffvkTensor frame, last; /* planes as uploaded; of a frame as it is now, and of the one before */
  EffvkTensor output;      /* fp32 */
  const EffvkFrameLayout *layout; /* of both */
  float black, white;             /* 0..255: darker and brighter than which a pixel is so */
} EffvkMeasuresOp;

extern const EffvkKernel effvk_measures_kernels[];
extern const guint effvk_measures_n_kernels;

/* Of a frame's layout: columns, a whole number of chunks; strips; texels of the output. */
guint effvk_measures_get_columns (const EffvkFrameLayout *layout);
guint effvk_measures_get_strips (const EffvkFrameLayout *layout);
guint effvk_measures_get_size (const EffvkFrameLayout *layout);

/* The plane that is read, which alone need be there. */
guint effvk_measures_get_plane (const EffvkFrameLayout *layout);

gboolean effvk_measures_op (const EffvkOpContext *context, const EffvkMeasuresOp *op,
                            GError **error);
