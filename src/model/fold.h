/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/layers.h"

/* Refuses weights that are NaN or infinite, variances that with @bn_eps are not positive, and
 * layers that overflow when batch norm is folded into them. Reads each weight once. */
gboolean effvk_layer_check (const EffvkSafetensors *file, const EffvkLayerInfo *layer,
                            double bn_eps, GError **error);

/* The layer's weights, batch norm folded in: w * gamma / sqrt(var + eps) and
 * beta - mean * gamma / sqrt(var + eps), in double precision. Allocates. */
void effvk_layer_fold (const EffvkSafetensors *file, const EffvkLayerInfo *layer, double bn_eps,
                       EffvkWeights *weights);
