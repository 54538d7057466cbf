/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/names/names.h"

#include <string.h>

/* What all naming schemes share: from the tensors of the blocks to the structure of the network. */

#define MAX_CHANNELS 16384
#define MAX_CLASSES 1000000
#define MAX_BLOCKS 1000 /* L2 has 88, V2-XL 100 */

const EffvkSafetensor *
effvk_naming_lookup (const EffvkSafetensors *file, const char *format, ...)
{
  va_list args;
  char name[128];

  va_start (args, format);
  g_vsnprintf (name, sizeof name, format, args);
  va_end (args);
  return effvk_safetensors_lookup (file, name);
}

guint
effvk_naming_index_in_stage (const EffvkArch *arch, guint block)
{
  guint stage = g_array_index (arch->blocks, EffvkBlock, block).stage, index = 0;

  while (index < block
         && g_array_index (arch->blocks, EffvkBlock, block - index - 1).stage == stage)
    index++;
  return index;
}

const char *
effvk_naming_leaf (EffvkPart part)
{
  static const char *const leaves[]
      = { "weight", "bias", "weight", "bias", "running_mean", "running_var" };

  return leaves[part];
}

/* Whether @tensor has the given rank and its first two dimensions are plausible. */
static gboolean
check_weight (const EffvkSafetensor *tensor, guint rank, guint64 max_out, GError **error)
{
  if (max_out == MAX_CLASSES && tensor->rank == rank && tensor->shape[0] > MAX_CLASSES)
    return effvk_unsupported (
        error, "tensor \"%s\": expected at most %d classes, found %" G_GUINT64_FORMAT, tensor->name,
        MAX_CLASSES, tensor->shape[0]);
  if (tensor->rank == rank && tensor->shape[0] >= 1 && tensor->shape[0] <= max_out
      && tensor->shape[1] >= 1 && tensor->shape[1] <= MAX_CHANNELS
      && (rank == 2 || tensor->shape[2] == tensor->shape[3]))
    return TRUE;
  g_autofree char *found = effvk_safetensor_describe (tensor);
  return effvk_unsupported (
      error,
      "tensor \"%s\": expected %u dimensions, channels from 1 to %d and a square kernel, "
      "found %s",
      tensor->name, rank, MAX_CHANNELS, found);
}

/* The weight of a layer outside the blocks, or NULL with @error set. */
static const EffvkSafetensor *
require (const EffvkNaming *naming, const EffvkSafetensors *file, const EffvkArch *arch,
         EffvkLayer kind, guint rank, guint64 max_out, GError **error)
{
  EffvkLayerInfo layer = { .kind = kind };
  g_autofree char *name = naming->name (arch, &layer, EFFVK_PART_WEIGHT);
  const EffvkSafetensor *tensor = effvk_safetensors_lookup (file, name);

  if (!tensor)
    {
      effvk_unsupported (error, "expected a tensor \"%s\", found none", name);
      return NULL;
    }
  return check_weight (tensor, rank, max_out, error) ? tensor : NULL;
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
check_block (const EffvkBlockTensors *t, const EffvkBlock *block, guint index, GError **error)
{
  const EffvkSafetensor *const all[]
      = { t->expand, t->fused, t->depthwise, t->squeeze, t->project };
  const EffvkSafetensor *filter = t->fused ? t->fused : t->depthwise;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (all[i] && !check_weight (all[i], 4, MAX_CHANNELS, error))
      return FALSE;
  if (!filter)
    return effvk_unsupported (
        error, "block %u of stage %u: expected a depthwise or a fused convolution, found neither",
        index, block->stage);
  if (t->depthwise && !t->project)
    return effvk_unsupported (
        error, "block %u of stage %u: expected a projection after \"%s\", found none", index,
        block->stage, filter->name);
  if (t->fused && t->squeeze)
    return effvk_unsupported (
        error, "tensor \"%s\": expected no squeeze-excite in a fused block, found it",
        t->squeeze->name);
  return check_kernel (filter, t->fused == NULL, error);
}

static gboolean
read_block (const EffvkBlockTensors *t, EffvkBlock *block, guint index, GError **error)
{
  const EffvkSafetensor *widening = t->fused && t->project ? t->fused : t->expand;

  if (!check_block (t, block, index, error))
    return FALSE;
  block->kind = t->fused ? EFFVK_BLOCK_FUSED : EFFVK_BLOCK_MBCONV;
  block->kernel = (guint) (t->fused ? t->fused : t->depthwise)->shape[2];
  block->expanded = widening ? (guint) widening->shape[0] : block->in;
  if (widening && block->expanded == block->in)
    return effvk_unsupported (
        error, "tensor \"%s\": expected an expansion of the %u channels, found as many",
        widening->name, block->in);
  block->squeezed = t->squeeze ? (guint) t->squeeze->shape[0] : 0;
  block->out = (guint) (t->project ? t->project : t->fused)->shape[0];
  return TRUE;
}

/* Where blocks are numbered through, a stage is a run of equal ones. They have the same shapes,
 * except the input of the first one. Neighbouring stages differ in one of these. */
static gboolean
begins_stage (const EffvkBlock *previous, const EffvkBlock *block)
{
  return block->kind != previous->kind || block->kernel != previous->kernel
         || block->out != previous->out
         || (block->expanded == block->in) != (previous->expanded == previous->in);
}

static gboolean
append_block (EffvkArch *arch, const EffvkBlockTensors *tensors, EffvkBlock *block, guint index,
              GError **error)
{
  if (arch->blocks->len == MAX_BLOCKS)
    return effvk_unsupported (error, "expected at most %d blocks, found more", MAX_BLOCKS);
  if (!read_block (tensors, block, index, error))
    return FALSE;
  g_array_append_val (arch->blocks, *block);
  return TRUE;
}

static gboolean
read_flat (const EffvkNaming *naming, const EffvkSafetensors *file, EffvkArch *arch, GError **error)
{
  EffvkBlock block = { .stage = 1, .out = arch->stem_out };
  EffvkBlockTensors tensors = { 0 };

  for (guint index = 0; naming->find_block (file, 1, index, &tensors); index++)
    {
      block.in = block.out;
      if (!append_block (arch, &tensors, &block, index, error))
        return FALSE;
      EffvkBlock *last = &g_array_index (arch->blocks, EffvkBlock, index);
      if (index && begins_stage (last - 1, last))
        last->stage = ++block.stage;
      tensors = (EffvkBlockTensors){ 0 };
    }
  return TRUE;
}

static gboolean
read_stages (const EffvkNaming *naming, const EffvkSafetensors *file, EffvkArch *arch,
             GError **error)
{
  guint channels = arch->stem_out;

  for (guint stage = 1;; stage++)
    for (guint index = 0;; index++)
      {
        EffvkBlock block = { .stage = stage, .in = channels };
        EffvkBlockTensors tensors = { 0 };

        if (!naming->find_block (file, stage, index, &tensors))
          {
            if (index == 0)
              return TRUE;
            break;
          }
        if (!append_block (arch, &tensors, &block, index, error))
          return FALSE;
        channels = block.out;
      }
}

gboolean
effvk_naming_read_structure (const EffvkNaming *naming, const EffvkSafetensors *file,
                             EffvkArch *arch, GError **error)
{
  const EffvkSafetensor *tensor
      = require (naming, file, arch, EFFVK_LAYER_STEM, 4, MAX_CHANNELS, error);

  if (!tensor)
    return FALSE;
  if (tensor->shape[1] != 3 && tensor->shape[1] != 1)
    return effvk_unsupported (
        error, "tensor \"%s\": expected 3 or 1 input channels, found %" G_GUINT64_FORMAT,
        tensor->name, tensor->shape[1]);
  if (!check_kernel (tensor, FALSE, error))
    return FALSE;
  arch->stem_out = (guint) tensor->shape[0];
  arch->in_channels = (guint) tensor->shape[1];
  arch->stem_kernel = (guint) tensor->shape[2];

  if (!(naming->flat ? read_flat : read_stages) (naming, file, arch, error))
    return FALSE;
  if (arch->blocks->len == 0)
    return effvk_unsupported (error, "expected blocks after the stem, found none");

  tensor = require (naming, file, arch, EFFVK_LAYER_HEAD, 4, MAX_CHANNELS, error);
  if (!tensor)
    return FALSE;
  arch->head_out = (guint) tensor->shape[0];
  tensor = require (naming, file, arch, EFFVK_LAYER_CLASSIFIER, 2, MAX_CLASSES, error);
  if (!tensor)
    return FALSE;
  arch->classes = (guint) tensor->shape[0];
  return TRUE;
}
