/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"
#include "model/recipe.h"
#include "ops/op.h"

/*
 * From the planes of a raw frame to the network's input: crop, antialiased resize, conversion to
 * RGB or, for one channel, to BT.601's luma of it (as PIL's mode L), normalisation. Two dispatches: "resize-rows" filters every plane vertically, whatever its
 * bytes mean, only for the rows and columns that the crop needs; "resize-columns" filters
 * horizontally, converts and normalises.
 */
typedef struct
{
  const EffvkFrameLayout *layout; /* how the frame lies in the staging buffer */
  const EffvkRecipe *recipe;
  const EffvkBuffer *staging; /* N frames, each of layout->size bytes, a multiple of 256 */
  EffvkTensor output;         /* [N,H,W,3] or [N,H,W,1], H and W of the recipe */
} EffvkPreprocess;

extern const EffvkKernel effvk_preprocess_kernels[];
extern const guint effvk_preprocess_n_kernels;

gboolean effvk_preprocess (const EffvkOpContext *context, const EffvkPreprocess *op,
                           GError **error);
