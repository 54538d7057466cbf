/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/names/names.h"

#include <string.h>

gboolean
effvk_unsupported (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_UNSUPPORTED, message);
  return FALSE;
}

static EffvkFamily
family_of (const EffvkArch *arch)
{
  gboolean fused = FALSE, squeeze = FALSE;

  for (guint i = 0; i < arch->blocks->len; i++)
    {
      const EffvkBlock *block = &g_array_index (arch->blocks, EffvkBlock, i);
      fused |= block->kind == EFFVK_BLOCK_FUSED;
      squeeze |= block->squeezed > 0;
    }
  if (fused)
    return squeeze ? EFFVK_FAMILY_V2 : EFFVK_FAMILY_EDGE;
  return squeeze ? EFFVK_FAMILY_B : EFFVK_FAMILY_LITE;
}

static EffvkActivation
activation_of (EffvkFamily family)
{
  switch (family)
    {
    case EFFVK_FAMILY_LITE:
      return EFFVK_ACTIVATION_RELU6;
    case EFFVK_FAMILY_EDGE:
      return EFFVK_ACTIVATION_RELU;
    default:
      return EFFVK_ACTIVATION_SILU;
    }
}

/* What no tensor tells: the strides, by the family's table, and with them the residuals. */
static gboolean
derive (EffvkArch *arch, GError **error)
{
  EffvkFamily family = family_of (arch);
  guint n_stages = g_array_index (arch->blocks, EffvkBlock, arch->blocks->len - 1).stage;
  const guint *strides = effvk_family_strides (family, n_stages);

  if (!strides)
    return effvk_unsupported (error, "expected %s stages of blocks, found %u",
                              effvk_family_stages (family), n_stages);
  arch->stem_stride = 2;
  arch->activation = activation_of (family);
  arch->output = effvk_arch_default_output (arch->classes);
  for (guint i = 0, stage = 0; i < arch->blocks->len; i++)
    {
      EffvkBlock *block = &g_array_index (arch->blocks, EffvkBlock, i);
      block->stride = block->stage != stage ? strides[block->stage - 1] : 1;
      block->residual = effvk_family_has_residual (family, block);
      stage = block->stage;
    }
  return TRUE;
}

static gboolean
check_tensor (const EffvkLayerInfo *layer, EffvkPart part, const char *name,
              const EffvkSafetensor *tensor, GError **error)
{
  guint64 shape[4];
  guint rank = effvk_layer_part_shape (layer, part, shape);
  g_autofree char *expected = effvk_shape_describe (shape, rank);

  if (!tensor)
    return effvk_unsupported (error, "expected a tensor \"%s\" %s, found none", name, expected);
  if (tensor->rank == rank && memcmp (tensor->shape, shape, rank * sizeof *shape) == 0
      && effvk_safetensor_is_float (tensor))
    return TRUE;
  g_autofree char *found = effvk_safetensor_describe (tensor);
  return effvk_unsupported (
      error, "tensor \"%s\": expected F32, F16 or BF16 %s, found %s%s", name, expected, found,
      effvk_safetensor_is_float (tensor)
          ? ""
          : ": of a network that was quantised, take the file from before, or ONNX or TFLite");
}

/* What training counts: batches, and by torch's AveragedModel, models. */
static gboolean
is_counter (const char *name)
{
  return g_str_has_suffix (name, ".num_batches_tracked") || g_str_equal (name, "n_averaged");
}

static gboolean
bind_layers (const EffvkNaming *naming, const EffvkArch *arch, GArray *layers,
             const EffvkSafetensors *file, GError **error)
{
  g_autofree guint8 *used = g_new0 (guint8, file->n_tensors);

  for (guint i = 0; i < layers->len; i++)
    for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
      {
        EffvkLayerInfo *layer = &g_array_index (layers, EffvkLayerInfo, i);
        if (!effvk_layer_has_part (layer, part))
          continue;
        g_autofree char *name = naming->name (arch, layer, part);
        const EffvkSafetensor *tensor = effvk_safetensors_lookup (file, name);
        if (!check_tensor (layer, part, name, tensor, error))
          return FALSE;
        layer->parts[part] = tensor;
        used[tensor - file->tensors] = TRUE;
      }

  for (guint i = 0; i < file->n_tensors; i++)
    if (!used[i] && !is_counter (file->tensors[i].name))
      {
        g_autofree char *text = effvk_safetensor_describe (&file->tensors[i]);
        return effvk_unsupported (
            error,
            "unexpected tensor \"%s\", %s: expected only those of an EfficientNet "
            "with %u blocks",
            file->tensors[i].name, text, arch->blocks->len);
      }
  return TRUE;
}

static char *
describe_block (EffvkBlockKind kind, guint kernel, gboolean widened, gboolean squeeze)
{
  return g_strdup_printf ("a %s block of kernel %u, %s expansion and %s squeeze-excite",
                          kind == EFFVK_BLOCK_FUSED ? "fused" : "depthwise", kernel,
                          widened ? "with" : "without", squeeze ? "with" : "without");
}

gboolean
effvk_arch_check_blocks (const EffvkArch *arch, GError **error)
{
  EffvkFamily family = family_of (arch);
  guint n_stages = g_array_index (arch->blocks, EffvkBlock, arch->blocks->len - 1).stage;
  const EffvkStage *stages = effvk_family_find_stages (family, n_stages);

  for (guint i = 0; i < arch->blocks->len; i++)
    {
      const EffvkBlock *block = &g_array_index (arch->blocks, EffvkBlock, i);
      const EffvkStage *stage = &stages[block->stage - 1];
      gboolean squeeze = stage->se_ratio > 0 && family != EFFVK_FAMILY_LITE;
      g_autofree char *expected
          = describe_block (stage->kind, stage->kernel, stage->expand != 1, squeeze);
      g_autofree char *found = describe_block (block->kind, block->kernel,
                                               block->expanded != block->in, block->squeezed > 0);

      if (strcmp (expected, found) != 0)
        return effvk_unsupported (
            error,
            "block %u, of stage %u: expected %s, as an EfficientNet has there, found %s. This is "
            "another network, and its tensors do not tell its activation. If it is to run all the "
            "same, say that: --overrides '{\"activation\": \"relu\"}'",
            i, block->stage, expected, found);
    }
  return TRUE;
}

/* What one channel is normalised with, where only colours' numbers are known. */
static void
make_gray (float values[3])
{
  values[0] = values[1] = values[2] = (values[0] + values[1] + values[2]) / 3;
}

gboolean
effvk_arch_init_from_tensors (EffvkArch *arch, GArray **layers, const char **recognised,
                              const EffvkNaming **naming, EffvkRecipe *recipe,
                              EffvkSafetensors *file, GError **error)
{
  g_autoptr (GArray) list = NULL;

  memset (arch, 0, sizeof *arch);
  *naming = effvk_naming_settle (file, error);
  if (!*naming)
    return FALSE;
  arch->blocks = g_array_new (FALSE, TRUE, sizeof (EffvkBlock));
  if (!effvk_naming_read_structure (*naming, file, arch, error) || !derive (arch, error))
    goto fail;
  list = effvk_arch_layers (arch);
  if (!bind_layers (*naming, arch, list, file, error))
    goto fail;

  *recognised = effvk_arch_recognise (arch);
  effvk_variant_training (*recognised ? *recognised : effvk_family_base (family_of (arch)),
                          (*naming)->training, recipe, &arch->padding, &arch->bn_eps);
  if (arch->in_channels == 1)
    {
      make_gray (recipe->mean);
      make_gray (recipe->std);
    }
  arch->variant = g_strdup (*recognised ? *recognised : "efficientnet (custom)");
  arch->width = recipe->width;
  arch->height = recipe->height;
  *layers = g_steal_pointer (&list);
  return TRUE;

fail:
  effvk_arch_clear (arch);
  return FALSE;
}
