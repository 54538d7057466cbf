/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* Where the best class was seen (a class activation map): output[p] = the classifier's row of that
 * class times act (input[p] * weight + bias). Its mean over the pixels is the class's logit less
 * its bias. */
typedef struct
{
  EffvkTensor input;  /* [N,H,W,K], the head's */
  EffvkTensor best;   /* [N,1,k,4] fp32, as EffvkTopK makes it */
  EffvkTensor output; /* [N,1,1,H*W] fp32 */
  guint channels;     /* C, of the head */
  guint classes;
  EffvkActivation activation;
  const float *weight; /* [C][K], the head's */
  const float *bias;   /* [C] */
  const float *rows;   /* [classes][C], the classifier's */
} EffvkHeatmap;

extern const EffvkKernel effvk_heatmap_kernels[];
extern const guint effvk_heatmap_n_kernels;

gboolean effvk_heatmap (const EffvkOpContext *context, const EffvkHeatmap *op, GError **error);
