/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/layers.h"
#include "model/variants.h"

/* The weights of one block as a file has them; NULL: none. Nothing is checked yet. */
typedef struct
{
  const EffvkSafetensor *expand, *fused, *depthwise, *squeeze, *project;
} EffvkBlockTensors;

/* A naming scheme: how one source of weights names the canonical layers. Another source is another
 * of these; nothing else in effvk knows a tensor's name. */
typedef struct
{
  const char *id; /* "torchvision" */

  /* How weights that have these names are trained, when nothing else says it. */
  EffvkTraining training;

  /* The stem's convolution: a tensor that every file of this scheme has. */
  const char *landmark;

  /* What the names of the blocks' tensors begin with. */
  const char *body;

  /* Blocks are numbered through (@stage is then 1): their shapes tell where a stage ends. */
  gboolean flat;

  /* The tensors of block @index (from 0) of @stage (from 1). Returns FALSE when there is none. */
  gboolean (*find_block) (const EffvkSafetensors *file, guint stage, guint index,
                          EffvkBlockTensors *tensors);

  /* The tensor that holds a part of a layer of @arch, whose blocks are known. Transfer full. */
  char *(*name) (const EffvkArch *arch, const EffvkLayerInfo *layer, EffvkPart part);
} EffvkNaming;

extern const EffvkNaming effvk_naming_torchvision, effvk_naming_timm, effvk_naming_lukemelas,
    effvk_naming_transformers;

/* For the schemes: the tensor of that name, or NULL. */
const EffvkSafetensor *effvk_naming_lookup (const EffvkSafetensors *file, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
/* The place of block @block (an index into arch->blocks) within its stage. */
guint effvk_naming_index_in_stage (const EffvkArch *arch, guint block);
/* "weight", "bias", and for batch norm "weight", "bias", "running_mean", "running_var". */
const char *effvk_naming_leaf (EffvkPart part);

/* The structure that the tensors spell: channels, kernels, stages, squeezed widths, classes.
 * Strides and residuals are the caller's to derive. Appends blocks. */
gboolean effvk_naming_read_structure (const EffvkNaming *naming, const EffvkSafetensors *file,
                                      EffvkArch *arch, GError **error);

/* Sets %EFFVK_MODEL_ERROR_UNSUPPORTED and returns FALSE. */
gboolean effvk_unsupported (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* The scheme that @file follows, or NULL with @error set. What its tensors' names begin with before
 * the scheme's own ("module.") is cut off and kept in @file, and its only linear layer gets the
 * classifier's name. */
const EffvkNaming *effvk_naming_settle (EffvkSafetensors *file, GError **error);

/* The architecture that the tensors spell, with strides, residuals, activation and variant; and its
 * layers with their tensors. Every tensor that is needed is there with the right shape and type,
 * and no other is. Size, padding, bn_eps and @recipe are the recognised (or the family's first)
 * member's, as the scheme's source trains it.
 * @recognised is the member, or NULL for a structure without a name. */
gboolean effvk_arch_init_from_tensors (EffvkArch *arch, GArray **layers, const char **recognised,
                                       const EffvkNaming **naming, EffvkRecipe *recipe,
                                       EffvkSafetensors *file, GError **error);

/* Refuses what has an EfficientNet's tensors but no EfficientNet's blocks: of another network
 * nothing tells the activation and the strides. */
gboolean effvk_arch_check_blocks (const EffvkArch *arch, GError **error);
