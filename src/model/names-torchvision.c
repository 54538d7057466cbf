/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/names.h"

#include <string.h>

/* torchvision's state_dict:
 *
 *   features.0.{0,1}            stem: convolution, batch norm
 *   features.N.M.block.K.{0,1}  stage N from 1, block M from 0; K counts the block's layers
 *   features.N.M.block.K.fc1    squeeze, fc2 excite; takes one K
 *   features.L.{0,1}            head, L after the last stage
 *   classifier.1                fully connected
 */

#define MAX_CHANNELS 16384
#define MAX_CLASSES 1000000
#define MAX_BLOCKS 1000 /* L2 has 88, V2-XL 100 */

/* A tensor of the given rank whose first two dimensions are plausible, or NULL with @error set. */
static const EffvkSafetensor *
require (const EffvkSafetensors *file, const char *name, guint rank, guint64 max_out,
         GError **error)
{
  const EffvkSafetensor *tensor = effvk_safetensors_lookup (file, name);

  if (!tensor)
    {
      effvk_unsupported (error, "expected a tensor \"%s\", found none", name);
      return NULL;
    }
  if (tensor->rank == rank && tensor->shape[0] >= 1 && tensor->shape[0] <= max_out
      && tensor->shape[1] >= 1 && tensor->shape[1] <= MAX_CHANNELS
      && (rank == 2 || tensor->shape[2] == tensor->shape[3]))
    return tensor;
  g_autofree char *found = effvk_safetensor_describe (tensor);
  effvk_unsupported (
      error,
      "tensor \"%s\": expected %u dimensions, channels from 1 to %d and a square kernel, "
      "found %s",
      name, rank, MAX_CHANNELS, found);
  return NULL;
}

G_GNUC_PRINTF (2, 3)
static gboolean
has (const EffvkSafetensors *file, const char *format, ...)
{
  va_list args;
  char name[128];

  va_start (args, format);
  g_vsnprintf (name, sizeof name, format, args);
  va_end (args);
  return effvk_safetensors_lookup (file, name) != NULL;
}

static const EffvkSafetensor *
require_block (const EffvkSafetensors *file, guint stage, guint index, guint k, const char *leaf,
               GError **error)
{
  char name[128];
  g_snprintf (name, sizeof name, "features.%u.%u.block.%u.%s.weight", stage, index, k, leaf);
  return require (file, name, 4, MAX_CHANNELS, error);
}

static gboolean
check_kernel (const EffvkSafetensor *tensor, gboolean allow_5, GError **error)
{
  guint64 kernel = tensor->shape[2];
  if (kernel == 3 || (allow_5 && kernel == 5))
    return TRUE;
  return effvk_unsupported (error,
                            "tensor \"%s\": expected a kernel of %s, found %" G_GUINT64_FORMAT,
                            tensor->name, allow_5 ? "3 or 5" : "3", kernel);
}

static gboolean
read_block (const EffvkSafetensors *file, EffvkBlock *block, guint index, GError **error)
{
  guint stage = block->stage, k = 1;
  gboolean widened = TRUE;
  const EffvkSafetensor *first = require_block (file, stage, index, 0, "0", error);
  const EffvkSafetensor *tensor = first;

  if (!first)
    return FALSE;
  if (first->shape[2] == 1)
    {
      /* Expand, then depthwise. */
      block->kind = EFFVK_BLOCK_MBCONV;
      block->expanded = (guint) first->shape[0];
      tensor = require_block (file, stage, index, k++, "0", error);
      if (!tensor)
        return FALSE;
    }
  else if (first->shape[1] == 1)
    {
      block->kind = EFFVK_BLOCK_MBCONV;
      block->expanded = block->in;
      widened = FALSE;
    }
  else
    {
      block->kind = EFFVK_BLOCK_FUSED;
      widened = has (file, "features.%u.%u.block.1.0.weight", stage, index);
      block->expanded = widened ? (guint) first->shape[0] : block->in;
    }
  if (!check_kernel (tensor, block->kind == EFFVK_BLOCK_MBCONV, error))
    return FALSE;
  block->kernel = (guint) tensor->shape[2];
  if (widened && block->expanded == block->in)
    return effvk_unsupported (
        error, "tensor \"%s\": expected an expansion of the %u channels, found as many",
        first->name, block->in);

  if (block->kind == EFFVK_BLOCK_MBCONV
      && has (file, "features.%u.%u.block.%u.fc1.weight", stage, index, k))
    {
      tensor = require_block (file, stage, index, k++, "fc1", error);
      if (!tensor)
        return FALSE;
      block->squeezed = (guint) tensor->shape[0];
    }
  if (block->kind == EFFVK_BLOCK_MBCONV || widened)
    first = require_block (file, stage, index, k, "0", error);
  if (!first)
    return FALSE;
  block->out = (guint) first->shape[0];
  return TRUE;
}

static gboolean
read_structure (const EffvkSafetensors *file, EffvkArch *arch, GError **error)
{
  const EffvkSafetensor *tensor = require (file, "features.0.0.weight", 4, MAX_CHANNELS, error);
  guint stage, index, channels;
  char name[64];

  if (!tensor)
    return FALSE;
  if (tensor->shape[1] != 3 && tensor->shape[1] != 1)
    return effvk_unsupported (
        error, "tensor \"%s\": expected 3 or 1 input channels, found %" G_GUINT64_FORMAT,
        tensor->name, tensor->shape[1]);
  if (!check_kernel (tensor, FALSE, error))
    return FALSE;
  arch->stem_out = channels = (guint) tensor->shape[0];
  arch->in_channels = (guint) tensor->shape[1];
  arch->stem_kernel = (guint) tensor->shape[2];

  for (stage = 1; has (file, "features.%u.0.block.0.0.weight", stage); stage++)
    for (index = 0; has (file, "features.%u.%u.block.0.0.weight", stage, index); index++)
      {
        EffvkBlock block = { .stage = stage, .in = channels };
        if (arch->blocks->len == MAX_BLOCKS)
          return effvk_unsupported (error, "expected at most %d blocks, found more", MAX_BLOCKS);
        if (!read_block (file, &block, index, error))
          return FALSE;
        channels = block.out;
        g_array_append_val (arch->blocks, block);
      }
  if (stage == 1)
    return effvk_unsupported (error,
                              "expected a tensor \"features.1.0.block.0.0.weight\", found none");

  g_snprintf (name, sizeof name, "features.%u.0.weight", stage);
  tensor = require (file, name, 4, MAX_CHANNELS, error);
  if (!tensor)
    return FALSE;
  arch->head_out = (guint) tensor->shape[0];
  tensor = require (file, "classifier.1.weight", 2, MAX_CLASSES, error);
  if (!tensor)
    return FALSE;
  arch->classes = (guint) tensor->shape[0];
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
  static const char *const leaves[]
      = { "0.weight", NULL, "1.weight", "1.bias", "1.running_mean", "1.running_var" };
  const EffvkBlock *block = &g_array_index (arch->blocks, EffvkBlock, layer->block);
  const char *suffix = part == EFFVK_PART_BIAS ? "bias" : "weight";
  guint index = 0, k = position (block, layer->kind);

  switch (layer->kind)
    {
    case EFFVK_LAYER_STEM:
      return g_strdup_printf ("features.0.%s", leaves[part]);
    case EFFVK_LAYER_HEAD:
      block = &g_array_index (arch->blocks, EffvkBlock, arch->blocks->len - 1);
      return g_strdup_printf ("features.%u.%s", block->stage + 1, leaves[part]);
    case EFFVK_LAYER_CLASSIFIER:
      return g_strdup_printf ("classifier.1.%s", suffix);
    default:
      break;
    }
  while (index < layer->block
         && g_array_index (arch->blocks, EffvkBlock, layer->block - index - 1).stage
                == block->stage)
    index++;
  if (layer->kind == EFFVK_LAYER_SQUEEZE || layer->kind == EFFVK_LAYER_EXCITE)
    return g_strdup_printf ("features.%u.%u.block.%u.%s.%s", block->stage, index, k,
                            layer->kind == EFFVK_LAYER_SQUEEZE ? "fc1" : "fc2", suffix);
  return g_strdup_printf ("features.%u.%u.block.%u.%s", block->stage, index, k, leaves[part]);
}

static gboolean
ignorable (const char *name)
{
  return g_str_has_suffix (name, ".num_batches_tracked");
}

const EffvkNaming effvk_naming_torchvision = {
  .id = "torchvision",
  .landmark = "features.0.0.weight",
  .read_structure = read_structure,
  .name = name,
  .ignorable = ignorable,
};
