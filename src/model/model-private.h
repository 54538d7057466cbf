/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/layers.h"
#include "model/metadata.h"
#include "model/names/names.h"

struct _EffvkModel
{
  GObject parent_instance;

  EffvkSafetensors file;
  const EffvkNaming *naming; /* whose names the tensors have */
  const char *name;          /* of the model that comes with effvk, else NULL */
  EffvkArch arch;
  EffvkRecipe recipe;
  EffvkSources sources;
  GArray *layers;      /* (element-type EffvkLayerInfo), in the order of the network */
  guint *block_layers; /* the index in layers of each block's first; then of the head */
  EffvkTaught taught;
  char **labels;      /* one a class; numbered where the model has none */
  char *output;       /* of a graph with several outputs, the one that is taken; or NULL */
  gboolean quantised; /* the file's weights are; they are read as what they stand for */
};
