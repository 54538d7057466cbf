/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* A full kxk convolution (the stem, fused-MBConv): output = act (conv (input) + bias) + residual.
 * Pixels outside the input are zero. */
typedef struct
{
  EffvkTensor input;    /* [N,H,W,K] */
  EffvkTensor output;   /* [N,OH,OW,C] */
  EffvkTensor residual; /* [N,OH,OW,C]; or EFFVK_TENSOR_NONE */
  guint kernel, stride;
  guint pad_x, pad_y; /* before the first pixel */
  EffvkActivation activation;
  const float *weight; /* [C][K][kernel][kernel] */
  const float *bias;   /* [C] */
} EffvkConv;

extern const EffvkKernel effvk_conv_kernels[];
extern const guint effvk_conv_n_kernels;

gboolean effvk_conv (const EffvkOpContext *context, const EffvkConv *op, GError **error);
