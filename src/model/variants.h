/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/arch.h"
#include "model/recipe.h"

/* What is known about the members of the family beyond their shape: how their weights were trained.
 */

typedef enum
{
  EFFVK_FAMILY_B,
  EFFVK_FAMILY_LITE,
  EFFVK_FAMILY_V2,
  EFFVK_FAMILY_EDGE, /* EdgeTPU: fused blocks as V2's, ReLU, no squeeze-excite */
} EffvkFamily;

/* Who trained the weights, and so how: the same member has other pictures, padding and epsilon. */
typedef enum
{
  EFFVK_TRAINING_TORCHVISION, /* where it has no weights of a member: as TensorFlow */
  EFFVK_TRAINING_TENSORFLOW,  /* and timm's "tf_" ports */
  EFFVK_TRAINING_TIMM,        /* its own: symmetric padding; TensorFlow's where it has only ports */
  EFFVK_TRAINING_LUKEMELAS,   /* TensorFlow's weights, but no margin around the crop */
  /* TensorFlow's weights; pictures go straight to the input's size, whatever their shape. */
  EFFVK_TRAINING_TRANSFORMERS,
} EffvkTraining;

/* The first member of a family, for files that are no known member: "efficientnet_b0". */
const char *effvk_family_base (EffvkFamily family);

/* The strides of a family's stages, or NULL when it has no such number of stages. */
const guint *effvk_family_strides (EffvkFamily family, guint n_stages);
/* Its stages, before any scaling, where it has that number of them. */
const EffvkStage *effvk_family_find_stages (EffvkFamily family, guint n_stages);
/* Whether the block's input is added to its output; the block's widths and stride are set. */
gboolean effvk_family_has_residual (EffvkFamily family, const EffvkBlock *block);
/* "7", "6 or 7": for messages. */
const char *effvk_family_stages (EffvkFamily family);

/* Compound scaling of B0 for any @phi: depth 1.2^phi, width 1.1^phi, resolution 1.15^phi, the last
 * rounded to a multiple of 8. */
void effvk_arch_init_phi (EffvkArch *arch, double phi, guint classes);

/* The named member whose stem, blocks and head are @arch's, or NULL. */
const char *effvk_arch_recognise (const EffvkArch *arch);

/* The member of any of its names ("tf_efficientnet_b3.in1k" is "efficientnet_b3"), or NULL. */
const char *effvk_variant_find (const char *name);

/* Whether timm has weights of @name of its own, and not only TensorFlow's. */
gboolean effvk_variant_has_own (const char *name);

/* How the named member was trained: @recipe whole, and @padding and @bn_eps. False for unknown
 * names. */
gboolean effvk_variant_training (const char *name, EffvkTraining training, EffvkRecipe *recipe,
                                 EffvkPadding *padding, double *bn_eps);
