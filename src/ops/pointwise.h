/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* A 1x1 convolution: output = act (sum_k input * scale * weight + bias) + residual. */
typedef struct
{
  EffvkTensor input;    /* [N,H,W,K] */
  EffvkTensor output;   /* [N,H,W,C] */
  EffvkTensor scale;    /* [N,1,1,K] fp32, multiplies the input; or EFFVK_TENSOR_NONE */
  EffvkTensor residual; /* [N,H,W,C]; or EFFVK_TENSOR_NONE */
  EffvkActivation activation;
  const float *weight; /* [C][K] */
  const float *bias;   /* [C] */
} EffvkPointwise;

extern const EffvkKernel effvk_pointwise_kernels[];
extern const guint effvk_pointwise_n_kernels;

gboolean effvk_pointwise (const EffvkOpContext *context, const EffvkPointwise *op, GError **error);
