/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/arch.h"
#include "model/recipe.h"

/* An untrained network as the bytes of a safetensors file, or NULL when there is no memory for it.
 *
 * Weights are uniform with variance 1 / fan-in. The running statistics are those that a network in
 * training would have gathered, estimated from the moments of the activations, with some noise; the
 * last batch norm of a residual branch is small. So activations stay of order one at any depth, and
 * logits differ between inputs. The same seed makes the same bytes on every machine. */
GBytes *effvk_random_file (const EffvkArch *arch, const EffvkRecipe *recipe, guint32 seed);
