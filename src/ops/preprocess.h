/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"
#include "ops/preprocess-plan.h"

/*
 * From the planes of raw frames to the network's input: crop, antialiased resize, conversion to
 * RGB or, for one channel, to BT.601's luma of it (as PIL's mode L), normalisation. The
 * dispatches are those that the frames need:
 *
 * - "resize-gather" does all at once, where an output has two samples of an axis and nothing is
 *   rounded between. There is one for each way in which the samples lie.
 * - Else "resize-rows" filters every plane vertically, whatever its bytes mean. It does so only for
 *   the rows and columns that the crop needs. There is one for each number of taps.
 *   "resize-columns" filters horizontally, converts and normalises.
 * - "resize-narrow" comes before these two where PIL would round after each pass (RGB of 8 bits)
 *   and the filter overshoots. It makes a narrower frame, so that rows are filtered last, as PIL
 *   does.
 *
 * What each item of the batch is made of is in @items when the program runs, see preprocess-plan.h.
 */
typedef struct
{
  const EffvkRecipe *recipe;
  const EffvkPreprocessRoom *room; /* for every item that will be written */
  EffvkTensor frames;              /* holds the planes of all items */
  const EffvkBuffer *items;        /* effvk_preprocess_items().size bytes or more */
  EffvkTensor output;              /* [N,H,W,3] or [N,H,W,1], H and W of the recipe */
  guint batch;                     /* items: output's first images */
} EffvkPreprocess;

extern const EffvkKernel effvk_preprocess_kernels[];
extern const guint effvk_preprocess_n_kernels;

/* The tensor that op->frames takes; effvk_program_rebind() makes it another buffer. */
EffvkTensor effvk_preprocess_add_frames (EffvkProgram *program, const EffvkBuffer *frames);

/* Bytes that the frames of a submission may have together, a multiple of 256. */
gsize effvk_preprocess_get_max_frames (EffvkDevice *device);

gboolean effvk_preprocess (const EffvkOpContext *context, const EffvkPreprocess *op,
                           GError **error);
