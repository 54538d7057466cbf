/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/names/names.h"

/* torchvision's state_dict:
 *
 *   features.0.{0,1}            stem: convolution, batch norm
 *   features.N.M.block.K.{0,1}  stage N from 1, block M from 0; K counts the block's layers
 *   features.N.M.block.K.fc1    squeeze, fc2 excite; takes one K
 *   features.L.{0,1}            head, L after the last stage
 *   classifier.1                fully connected
 */

static const EffvkSafetensor *
lookup (const EffvkSafetensors *file, guint stage, guint index, guint k, const char *leaf)
{
  return effvk_naming_lookup (file, "features.%u.%u.block.%u.%s.weight", stage, index, k, leaf);
}

/* What the block's first layer is, its shape tells. */
static gboolean
find_block (const EffvkSafetensors *file, guint stage, guint index, EffvkBlockTensors *tensors)
{
  const EffvkSafetensor *first = lookup (file, stage, index, 0, "0");
  guint k = 1;

  if (!first)
    return FALSE;
  if (first->rank == 4 && first->shape[2] == 1)
    {
      tensors->expand = first;
      tensors->depthwise = lookup (file, stage, index, k++, "0");
    }
  else if (first->rank == 4 && first->shape[1] == 1)
    tensors->depthwise = first;
  else
    tensors->fused = first;
  tensors->squeeze = lookup (file, stage, index, k, "fc1");
  if (tensors->squeeze)
    k++;
  tensors->project = lookup (file, stage, index, k, "0");
  return TRUE;
}

/* Where in block.K a layer stands: layers before it that the block has. */
static guint
position (const EffvkBlock *block, EffvkLayer layer)
{
  guint expand = block->kind == EFFVK_BLOCK_MBCONV && block->expanded != block->in;

  switch (layer)
    {
    case EFFVK_LAYER_DEPTHWISE:
      return expand;
    case EFFVK_LAYER_SQUEEZE:
    case EFFVK_LAYER_EXCITE:
      return expand + 1;
    case EFFVK_LAYER_PROJECT:
      return expand + 1 + (block->squeezed > 0);
    default:
      return 0;
    }
}

static char *
name (const EffvkArch *arch, const EffvkLayerInfo *layer, EffvkPart part)
{
  const EffvkBlock *block; /* there are none yet when the stem's name is asked for */
  const char *leaf = effvk_naming_leaf (part);
  guint module = part >= EFFVK_PART_GAMMA, index, k; /* 0: convolution, 1: batch norm */

  switch (layer->kind)
    {
    case EFFVK_LAYER_STEM:
      return g_strdup_printf ("features.0.%u.%s", module, leaf);
    case EFFVK_LAYER_HEAD:
      block = &g_array_index (arch->blocks, EffvkBlock, arch->blocks->len - 1);
      return g_strdup_printf ("features.%u.%u.%s", block->stage + 1, module, leaf);
    case EFFVK_LAYER_CLASSIFIER:
      return g_strdup_printf ("classifier.1.%s", leaf);
    default:
      break;
    }
  block = &g_array_index (arch->blocks, EffvkBlock, layer->block);
  index = effvk_naming_index_in_stage (arch, layer->block);
  k = position (block, layer->kind);
  if (layer->kind == EFFVK_LAYER_SQUEEZE || layer->kind == EFFVK_LAYER_EXCITE)
    return g_strdup_printf ("features.%u.%u.block.%u.%s.%s", block->stage, index, k,
                            layer->kind == EFFVK_LAYER_SQUEEZE ? "fc1" : "fc2", leaf);
  return g_strdup_printf ("features.%u.%u.block.%u.%u.%s", block->stage, index, k, module, leaf);
}

const EffvkNaming effvk_naming_torchvision = {
  .id = "torchvision",
  .training = EFFVK_TRAINING_TORCHVISION,
  .landmark = "features.0.0.weight",
  .body = "features.",
  .find_block = find_block,
  .name = name,
};
