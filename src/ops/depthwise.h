/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* A depthwise kxk convolution, k 3 or 5, stride 1 or 2: output = act (conv (input) + bias), and on
 * request the squeeze's sums over the output's pixels. Pixels outside the input are zero. */
typedef struct
{
  EffvkTensor input;  /* [N,H,W,C] */
  EffvkTensor output; /* [N,OH,OW,C] */
  guint kernel, stride;
  guint pad_x, pad_y; /* before the first pixel */
  EffvkActivation activation;
  const float *weight; /* [C][kernel][kernel] */
  const float *bias;   /* [C] */
  gboolean squeeze;    /* whether sums are wanted */
} EffvkDepthwise;

extern const EffvkKernel effvk_depthwise_kernels[];
extern const guint effvk_depthwise_n_kernels;

/* @sums receives a new tensor [N,1,T,C] in fp32, T partial sums that add up to the sum over all
 * pixels (T is the kernel's affair), or EFFVK_TENSOR_NONE when none are wanted. */
gboolean effvk_depthwise (const EffvkOpContext *context, const EffvkDepthwise *op,
                          EffvkTensor *sums, GError **error);
