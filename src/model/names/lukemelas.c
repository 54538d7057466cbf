/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/names/names.h"

/* The state_dict of EfficientNet-PyTorch by Luke Melas-Kyriazi, a port of TensorFlow's weights:
 *
 *   _conv_stem, _bn0     stem
 *   _blocks.N            block N from 0, through all stages:
 *     _expand_conv, _bn0, _depthwise_conv, _bn1, _se_reduce, _se_expand, _project_conv, _bn2
 *   _conv_head, _bn1     head
 *   _fc                  fully connected
 */

static const EffvkSafetensor *
lookup (const EffvkSafetensors *file, guint index, const char *layer)
{
  return effvk_naming_lookup (file, "_blocks.%u.%s.weight", index, layer);
}

static gboolean
find_block (const EffvkSafetensors *file, guint stage G_GNUC_UNUSED, guint index,
            EffvkBlockTensors *tensors)
{
  tensors->expand = lookup (file, index, "_expand_conv");
  tensors->depthwise = lookup (file, index, "_depthwise_conv");
  tensors->squeeze = lookup (file, index, "_se_reduce");
  tensors->project = lookup (file, index, "_project_conv");
  return tensors->expand || tensors->depthwise || tensors->project;
}

static char *
name (const EffvkArch *arch G_GNUC_UNUSED, const EffvkLayerInfo *layer, EffvkPart part)
{
  static const struct
  {
    const char *convolution, *norm;
  } names[EFFVK_N_LAYERS] = {
    [EFFVK_LAYER_STEM] = { "_conv_stem", "_bn0" },
    [EFFVK_LAYER_EXPAND] = { "_expand_conv", "_bn0" },
    [EFFVK_LAYER_FUSED] = { "_fused_conv", "_bn0" }, /* there is none */
    [EFFVK_LAYER_DEPTHWISE] = { "_depthwise_conv", "_bn1" },
    [EFFVK_LAYER_SQUEEZE] = { "_se_reduce", NULL },
    [EFFVK_LAYER_EXCITE] = { "_se_expand", NULL },
    [EFFVK_LAYER_PROJECT] = { "_project_conv", "_bn2" },
    [EFFVK_LAYER_HEAD] = { "_conv_head", "_bn1" },
    [EFFVK_LAYER_CLASSIFIER] = { "_fc", NULL },
  };
  const char *module
      = part >= EFFVK_PART_GAMMA ? names[layer->kind].norm : names[layer->kind].convolution;
  const char *leaf = effvk_naming_leaf (part);

  switch (layer->kind)
    {
    case EFFVK_LAYER_STEM:
    case EFFVK_LAYER_HEAD:
    case EFFVK_LAYER_CLASSIFIER:
      return g_strdup_printf ("%s.%s", module, leaf);
    default:
      return g_strdup_printf ("_blocks.%u.%s.%s", layer->block, module, leaf);
    }
}

const EffvkNaming effvk_naming_lukemelas = {
  .id = "lukemelas",
  .training = EFFVK_TRAINING_LUKEMELAS,
  .landmark = "_conv_stem.weight",
  .body = "_blocks.",
  .flat = TRUE,
  .find_block = find_block,
  .name = name,
};
