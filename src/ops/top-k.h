/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

#include <effvk/effvk-types.h>

/* The k best classes and their scores, best first; among equals the lower index comes first. */
typedef struct
{
  EffvkTensor logits; /* [N,1,1,C] fp32, any C */
  EffvkTensor output; /* [N,1,k,4] fp32: class index, score, 1 if all logits are finite, 0 */
  EffvkOutputActivation activation; /* what makes scores of logits; not AUTO */
} EffvkTopK;

extern const EffvkKernel effvk_top_k_kernels[];
extern const guint effvk_top_k_n_kernels;

gboolean effvk_top_k (const EffvkOpContext *context, const EffvkTopK *op, GError **error);
