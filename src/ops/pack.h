/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* How the matrix kernels want their weights: [ceil(out / tile)][taps][in_padded][tile], so that a
 * tile of output channels reads one after the other, then the bias [ceil(out / tile) * tile]; all
 * padding is zero. @weight is [out][in][taps]. Returns the constant; @bias_texel receives the
 * bias's place. */
EffvkTensor effvk_pack_tiles (const EffvkOpContext *context, const char *name, const float *weight,
                              const float *bias, guint out, guint in, guint taps, guint in_padded,
                              guint tile, gint32 *bias_texel);

/* Depthwise filters: [kernel * kernel][channels] in texels, then the bias [channels]. @weight is
 * [channels][kernel * kernel]. */
EffvkTensor effvk_pack_filters (const EffvkOpContext *context, const float *weight,
                                const float *bias, guint channels, guint kernel);
