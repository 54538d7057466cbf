/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* The head's 1x1 convolution with the average pool in the same kernel: output = mean over pixels of
 * act (input * weight + bias). */
typedef struct
{
  EffvkTensor input;  /* [N,H,W,K] */
  EffvkTensor output; /* [N,1,1,C] fp32 */
  EffvkActivation activation;
  const float *weight; /* [C][K] */
  const float *bias;   /* [C] */
} EffvkHead;

extern const EffvkKernel effvk_head_kernels[];
extern const guint effvk_head_n_kernels;

gboolean effvk_head (const EffvkOpContext *context, const EffvkHead *op, GError **error);
