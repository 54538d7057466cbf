/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/depthwise.h"
#include "ops/squeeze-excite.h"

/* The first half of an MBConv block as one dispatch: a pointwise convolution and its activation,
 * then a depthwise one, and on request squeeze-excite. @input and @squeeze of the depthwise
 * convolution are not used, nor are @sums of squeeze-excite. */
typedef struct
{
  EffvkTensor input;                        /* [N,H,W,K] */
  const float *expand_weight;               /* [C][K] */
  const float *expand_bias;                 /* [C] */
  EffvkDepthwise depthwise;                 /* one activation for both */
  const EffvkSqueezeExcite *squeeze_excite; /* or NULL */
} EffvkExpandDepthwise;

extern const EffvkKernel effvk_expand_depthwise_kernels[];
extern const guint effvk_expand_depthwise_n_kernels;

/* Whether the device can do it in one dispatch: expanded channels are squeezed to @squeezed (0: no
 * squeeze-excite), the filter is @kernel wide. */
gboolean effvk_expand_depthwise_fits (const EffvkOpContext *context, guint squeezed, guint kernel,
                                      guint stride);

/* Whether one dispatch is the plan's choice for @batch images. */
gboolean effvk_expand_depthwise_is_worthwhile (const EffvkOpContext *context, guint batch);

gboolean effvk_expand_depthwise (const EffvkOpContext *context, const EffvkExpandDepthwise *op,
                                 GError **error);
