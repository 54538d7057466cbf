/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/names/names.h"

/* timm's state_dict:
 *
 *   conv_stem, bn1                     stem
 *   blocks.S.B                         stage S and block B from 0, one of
 *     conv_pw, bn1, conv_dw, bn2, se.conv_reduce, se.conv_expand, conv_pwl, bn3   MBConv
 *     conv_dw, bn1, se…, conv_pw, bn2                                             without expansion
 *     conv_exp, bn1, conv_pwl, bn2                                                fused
 *     conv, bn1                                                                   without
 *     projection
 *   conv_head, bn2                     head
 *   classifier                         fully connected
 */

static const EffvkSafetensor *
lookup (const EffvkSafetensors *file, guint stage, guint index, const char *layer)
{
  return effvk_naming_lookup (file, "blocks.%u.%u.%s.weight", stage - 1, index, layer);
}

static gboolean
find_block (const EffvkSafetensors *file, guint stage, guint index, EffvkBlockTensors *tensors)
{
  const EffvkSafetensor *pointwise = lookup (file, stage, index, "conv_pw");

  tensors->depthwise = lookup (file, stage, index, "conv_dw");
  tensors->squeeze = lookup (file, stage, index, "se.conv_reduce");
  tensors->project = lookup (file, stage, index, "conv_pwl");
  if (tensors->depthwise && tensors->project)
    tensors->expand = pointwise;
  else if (tensors->depthwise)
    tensors->project = pointwise;
  else
    {
      tensors->fused = lookup (file, stage, index, "conv_exp");
      if (!tensors->fused)
        tensors->fused = lookup (file, stage, index, "conv");
    }
  return tensors->depthwise || tensors->fused || tensors->project || pointwise;
}

/* The layer of convolutions, and the number of its batch norm. */
static const char *
name_in_block (const EffvkBlock *block, EffvkLayer layer, guint *norm)
{
  gboolean widened = block->expanded != block->in;

  switch (layer)
    {
    case EFFVK_LAYER_EXPAND:
      *norm = 1;
      return "conv_pw";
    case EFFVK_LAYER_FUSED:
      *norm = 1;
      return widened ? "conv_exp" : "conv";
    case EFFVK_LAYER_DEPTHWISE:
      *norm = widened ? 2 : 1;
      return "conv_dw";
    case EFFVK_LAYER_SQUEEZE:
      return "se.conv_reduce";
    case EFFVK_LAYER_EXCITE:
      return "se.conv_expand";
    default:
      *norm = widened && block->kind == EFFVK_BLOCK_MBCONV ? 3 : 2;
      return widened ? "conv_pwl" : "conv_pw";
    }
}

static char *
name (const EffvkArch *arch, const EffvkLayerInfo *layer, EffvkPart part)
{
  const EffvkBlock *block; /* there are none yet when the stem's name is asked for */
  const char *leaf = effvk_naming_leaf (part), *convolution;
  gboolean norm = part >= EFFVK_PART_GAMMA;
  guint index, number = 0;

  switch (layer->kind)
    {
    case EFFVK_LAYER_STEM:
      return g_strdup_printf ("%s.%s", norm ? "bn1" : "conv_stem", leaf);
    case EFFVK_LAYER_HEAD:
      return g_strdup_printf ("%s.%s", norm ? "bn2" : "conv_head", leaf);
    case EFFVK_LAYER_CLASSIFIER:
      return g_strdup_printf ("classifier.%s", leaf);
    default:
      break;
    }
  block = &g_array_index (arch->blocks, EffvkBlock, layer->block);
  index = effvk_naming_index_in_stage (arch, layer->block);
  convolution = name_in_block (block, layer->kind, &number);
  if (norm)
    return g_strdup_printf ("blocks.%u.%u.bn%u.%s", block->stage - 1, index, number, leaf);
  return g_strdup_printf ("blocks.%u.%u.%s.%s", block->stage - 1, index, convolution, leaf);
}

const EffvkNaming effvk_naming_timm = {
  .id = "timm",
  .training = EFFVK_TRAINING_TIMM,
  .landmark = "conv_stem.weight",
  .body = "blocks.",
  .find_block = find_block,
  .name = name,
};
