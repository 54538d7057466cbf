/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* gates = sigmoid (excite * act (squeeze * mean + bias) + bias), mean = sum of sums / pixels */
typedef struct
{
  EffvkTensor sums;   /* [N,1,T,C] fp32, from effvk_depthwise() */
  EffvkTensor output; /* [N,1,1,C] fp32; padding channels are finite, not 0 */
  guint pixels;       /* H * W of what was summed */
  guint squeezed;     /* S */
  EffvkActivation activation;
  const float *squeeze_weight; /* [S][C] */
  const float *squeeze_bias;   /* [S] */
  const float *excite_weight;  /* [C][S] */
  const float *excite_bias;    /* [C] */
} EffvkSqueezeExcite;

extern const EffvkKernel effvk_squeeze_excite_kernels[];
extern const guint effvk_squeeze_excite_n_kernels;

/* The weights as the kernels want them, see shaders/squeeze-excite.glsl. @S: op->squeezed, or more,
 * which are zero. */
EffvkTensor effvk_squeeze_excite_pack (const EffvkOpContext *context, const EffvkSqueezeExcite *op,
                                       guint C, guint S);

/* Bytes of shared memory that shaders/squeeze-sums.glsl takes, in a workgroup of @threads. */
guint effvk_squeeze_excite_shared_bytes (guint max_C4, guint max_S, guint threads);

gboolean effvk_squeeze_excite (const EffvkOpContext *context, const EffvkSqueezeExcite *op,
                               GError **error);
