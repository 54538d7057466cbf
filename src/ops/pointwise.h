/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/squeeze-excite.h"

/* A 1x1 convolution: output = act (sum_k input * scale * weight + bias) + residual. */
typedef struct
{
  EffvkTensor input;  /* [N,H,W,K] */
  EffvkTensor output; /* [N,H,W,C] */
  EffvkTensor scale;  /* [N,1,1,K] fp32, multiplies the input; or EFFVK_TENSOR_NONE */
  /* In the place of a scale, or NULL: gates still to be computed, in this dispatch or in one before
   * it; its output is not used. */
  const EffvkSqueezeExcite *squeeze_excite;
  EffvkTensor residual; /* [N,H,W,C]; or EFFVK_TENSOR_NONE */
  EffvkActivation activation;
  const float *weight; /* [C][K] */
  const float *bias;   /* [C] */
} EffvkPointwise;

extern const EffvkKernel effvk_pointwise_kernels[];
extern const guint effvk_pointwise_n_kernels;

/* Whether to leave squeeze-excite to the pointwise convolution that its gates are for. This is so
 * with every plan except a CPU's, where squeeze-excite is an op of its own unless it is forced. */
gboolean effvk_pointwise_takes_squeeze_excite (const EffvkOpContext *context);

gboolean effvk_pointwise (const EffvkOpContext *context, const EffvkPointwise *op, GError **error);
