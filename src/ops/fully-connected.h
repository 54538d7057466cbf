/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* The classifier: output = input * weight + bias */
typedef struct
{
  EffvkTensor input;   /* [N,1,1,K] fp32 */
  EffvkTensor output;  /* [N,1,1,C] fp32 */
  const float *weight; /* [C][K] */
  const float *bias;   /* [C] */
} EffvkFullyConnected;

extern const EffvkKernel effvk_fully_connected_kernels[];
extern const guint effvk_fully_connected_n_kernels;

gboolean effvk_fully_connected (const EffvkOpContext *context, const EffvkFullyConnected *op,
                                GError **error);
