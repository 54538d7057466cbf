/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/model.h"
#include "model/safetensors.h"

/* The canonical layers of an architecture: what tensors it is made of, whatever a file calls them.
 */

#define EFFVK_N_LAYERS (EFFVK_LAYER_CLASSIFIER + 1)

typedef enum
{
  EFFVK_PART_WEIGHT,
  EFFVK_PART_BIAS, /* of a layer without batch norm */
  EFFVK_PART_GAMMA,
  EFFVK_PART_BETA,
  EFFVK_PART_MEAN,
  EFFVK_PART_VARIANCE,
} EffvkPart;

#define EFFVK_N_PARTS (EFFVK_PART_VARIANCE + 1)

typedef struct
{
  EffvkLayer kind;
  guint block; /* 0 for stem, head and classifier */
  guint out, in, kernel;
  gboolean batch_norm; /* else a bias */
  gboolean dense;      /* the weight is [out, in], not [out, in, kernel, kernel] */
  const EffvkSafetensor
      *parts[EFFVK_N_PARTS]; /* of the file; NULL where the layer has no such part */
} EffvkLayerInfo;

/* In the order of the network: (element-type EffvkLayerInfo), parts not yet set. */
GArray *effvk_arch_layers (const EffvkArch *arch);

gboolean effvk_layer_has_part (const EffvkLayerInfo *layer, EffvkPart part);
/* Returns the rank. */
guint effvk_layer_part_shape (const EffvkLayerInfo *layer, EffvkPart part, guint64 shape[4]);
guint64 effvk_layer_part_size (const EffvkLayerInfo *layer, EffvkPart part);

/* What training learns: everything but the running statistics. */
guint64 effvk_arch_n_parameters (const EffvkArch *arch);
