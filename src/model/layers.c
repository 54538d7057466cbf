/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/layers.h"

static void
append (GArray *layers, EffvkLayer kind, guint block, guint out, guint in, guint kernel)
{
  EffvkLayerInfo layer = {
    .kind = kind,
    .block = block,
    .out = out,
    .in = in,
    .kernel = kernel,
    .batch_norm
    = kind != EFFVK_LAYER_SQUEEZE && kind != EFFVK_LAYER_EXCITE && kind != EFFVK_LAYER_CLASSIFIER,
    .dense = kind == EFFVK_LAYER_CLASSIFIER,
  };
  g_array_append_val (layers, layer);
}

static void
append_block (GArray *layers, const EffvkBlock *b, guint i)
{
  gboolean widened = b->expanded != b->in;

  if (b->kind == EFFVK_BLOCK_FUSED)
    append (layers, EFFVK_LAYER_FUSED, i, widened ? b->expanded : b->out, b->in, b->kernel);
  else
    {
      if (widened)
        append (layers, EFFVK_LAYER_EXPAND, i, b->expanded, b->in, 1);
      append (layers, EFFVK_LAYER_DEPTHWISE, i, b->expanded, 1, b->kernel);
    }
  if (b->squeezed)
    {
      append (layers, EFFVK_LAYER_SQUEEZE, i, b->squeezed, b->expanded, 1);
      append (layers, EFFVK_LAYER_EXCITE, i, b->expanded, b->squeezed, 1);
    }
  if (b->kind == EFFVK_BLOCK_MBCONV || widened)
    append (layers, EFFVK_LAYER_PROJECT, i, b->out, b->expanded, 1);
}

GArray *
effvk_arch_layers (const EffvkArch *arch)
{
  GArray *layers = g_array_new (FALSE, TRUE, sizeof (EffvkLayerInfo));
  guint channels = arch->stem_out;

  append (layers, EFFVK_LAYER_STEM, 0, arch->stem_out, arch->in_channels, arch->stem_kernel);
  for (guint i = 0; i < arch->blocks->len; i++)
    {
      const EffvkBlock *block = &g_array_index (arch->blocks, EffvkBlock, i);
      append_block (layers, block, i);
      channels = block->out;
    }
  append (layers, EFFVK_LAYER_HEAD, 0, arch->head_out, channels, 1);
  append (layers, EFFVK_LAYER_CLASSIFIER, 0, arch->classes, arch->head_out, 1);
  return layers;
}

gboolean
effvk_layer_has_part (const EffvkLayerInfo *layer, EffvkPart part)
{
  if (part == EFFVK_PART_WEIGHT)
    return TRUE;
  return (part == EFFVK_PART_BIAS) != layer->batch_norm;
}

guint
effvk_layer_part_shape (const EffvkLayerInfo *layer, EffvkPart part, guint64 shape[4])
{
  shape[0] = layer->out;
  shape[1] = layer->in;
  shape[2] = shape[3] = layer->kernel;
  if (part != EFFVK_PART_WEIGHT)
    return 1;
  return layer->dense ? 2 : 4;
}

guint64
effvk_layer_part_size (const EffvkLayerInfo *layer, EffvkPart part)
{
  guint64 shape[4], size = 1;
  guint rank = effvk_layer_part_shape (layer, part, shape);

  for (guint i = 0; i < rank; i++)
    size *= shape[i];
  return size;
}

guint64
effvk_arch_n_parameters (const EffvkArch *arch)
{
  g_autoptr (GArray) layers = effvk_arch_layers (arch);
  guint64 n = 0;

  for (guint i = 0; i < layers->len; i++)
    for (EffvkPart part = 0; part <= EFFVK_PART_BETA; part++)
      {
        const EffvkLayerInfo *layer = &g_array_index (layers, EffvkLayerInfo, i);
        if (effvk_layer_has_part (layer, part))
          n += effvk_layer_part_size (layer, part);
      }
  return n;
}
