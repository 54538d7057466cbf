/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/layers.h"

/* A naming scheme: how one source of weights names the canonical layers. Another source is another
 * of these; nothing else in effvk knows a tensor's name. */
typedef struct
{
  const char *id; /* "torchvision" */

  /* A tensor that every file of this scheme has. */
  const char *landmark;

  /* The structure that the tensors spell: channels, kernels, stages, squeezed widths, classes.
   * Strides and residuals are the caller's to derive. Appends blocks. */
  gboolean (*read_structure) (const EffvkSafetensors *file, EffvkArch *arch, GError **error);

  /* The tensor that holds a part of a layer of @arch. Transfer full. */
  char *(*name) (const EffvkArch *arch, const EffvkLayerInfo *layer, EffvkPart part);

  /* A tensor that belongs to the scheme but not to inference. */
  gboolean (*ignorable) (const char *name);
} EffvkNaming;

extern const EffvkNaming effvk_naming_torchvision;

/* Sets %EFFVK_MODEL_ERROR_UNSUPPORTED and returns FALSE. */
gboolean effvk_unsupported (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The scheme that @file follows, or NULL with @error set. */
const EffvkNaming *effvk_naming_find (const EffvkSafetensors *file, GError **error);

/* The architecture that the tensors spell, with strides, residuals, activation and variant; and its
 * layers with their tensors. Every tensor that is needed is there with the right shape and type,
 * and no other is. Size, padding and bn_eps are the recognised (or the family's first) member's.
 * @recognised is the member, or NULL for a structure without a name. */
gboolean effvk_arch_init_from_tensors (EffvkArch *arch, GArray **layers, const char **recognised,
                                       EffvkRecipe *recipe, const EffvkSafetensors *file,
                                       GError **error);
