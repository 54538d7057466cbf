/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/arch.h"
#include "model/recipe.h"

/* What tensors cannot say: the JSON object in a file's __metadata__["effvk"], in the field names of
 * timm's pretrained_cfg with padding, bn_eps, activation, antialias and resize_size added. */

typedef enum
{
  EFFVK_SOURCE_DEFAULT,
  EFFVK_SOURCE_TENSORS,
  EFFVK_SOURCE_METADATA,
  EFFVK_SOURCE_LABELS_FILE,
} EffvkSource;

/* Where each value came from. */
typedef struct
{
  EffvkSource variant, size, resize, crop, interpolation, antialias, mean, std;
  EffvkSource padding, bn_eps, activation, labels;
} EffvkSources;

/* Overrides @arch (variant, size, padding, epsilon, activation) and @recipe with what @json says,
 * and sets @labels (a NULL-terminated list, one a class) where it has labels. @arch's structure and
 * classes come from tensors; metadata that contradicts them is refused. Unknown keys are ignored.
 */
gboolean effvk_metadata_apply (const char *json, EffvkArch *arch, EffvkRecipe *recipe,
                               char ***labels, EffvkSources *sources, GError **error);

/* The same object, for writing. @labels may be NULL. Transfer full. */
char *effvk_metadata_to_json (const EffvkArch *arch, const EffvkRecipe *recipe, char **labels);

const char *effvk_interpolation_name (EffvkInterpolation interpolation);
const char *effvk_crop_mode_name (EffvkCropMode mode);
const char *effvk_padding_name (EffvkPadding padding);
const char *effvk_activation_name (EffvkActivation activation);
