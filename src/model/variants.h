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
} EffvkFamily;

/* The first member of a family, for files that are no known member: "efficientnet_b0". */
const char *effvk_family_base (EffvkFamily family);

/* The strides of a family's stages, or NULL when it has no such number of stages. */
const guint *effvk_family_strides (EffvkFamily family, guint n_stages);
/* "7", "6 or 7": for messages. */
const char *effvk_family_stages (EffvkFamily family);

/* Compound scaling of B0 for any @phi: depth 1.2^phi, width 1.1^phi, resolution 1.15^phi, the last
 * rounded to a multiple of 8. */
void effvk_arch_init_phi (EffvkArch *arch, double phi, guint classes);

/* The named member whose stem, blocks and head are @arch's, or NULL. */
const char *effvk_arch_recognise (const EffvkArch *arch);

/* How the named member was trained: @recipe whole, and padding and bn_eps of @arch. torchvision's
 * where it has the member; TensorFlow's for Lite, V2-B, V2-XL, B8 and L2. False for unknown names.
 */
gboolean effvk_variant_training (const char *name, EffvkRecipe *recipe, EffvkPadding *padding,
                                 double *bn_eps);
