/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/names/names.h"

/* The state_dict of HuggingFace transformers' EfficientNetForImageClassification, Keras' weights:
 *
 *   efficientnet.embeddings.{convolution,batchnorm}   stem
 *   efficientnet.encoder.blocks.N                     block N from 0, through all stages:
 *     expansion.{expand_conv,expand_bn}
 *     depthwise_conv.{depthwise_conv,depthwise_norm}
 *     squeeze_excite.{reduce,expand}
 *     projection.{project_conv,project_bn}
 *   efficientnet.encoder.{top_conv,top_bn}            head
 *   classifier                                        fully connected
 */

static const struct
{
  const char *convolution, *norm;
} names[EFFVK_N_LAYERS] = {
  [EFFVK_LAYER_STEM] = { "embeddings.convolution", "embeddings.batchnorm" },
  [EFFVK_LAYER_EXPAND] = { "expansion.expand_conv", "expansion.expand_bn" },
  [EFFVK_LAYER_FUSED] = { "fused_conv", "fused_bn" }, /* there is none */
  [EFFVK_LAYER_DEPTHWISE] = { "depthwise_conv.depthwise_conv", "depthwise_conv.depthwise_norm" },
  [EFFVK_LAYER_SQUEEZE] = { "squeeze_excite.reduce", NULL },
  [EFFVK_LAYER_EXCITE] = { "squeeze_excite.expand", NULL },
  [EFFVK_LAYER_PROJECT] = { "projection.project_conv", "projection.project_bn" },
  [EFFVK_LAYER_HEAD] = { "encoder.top_conv", "encoder.top_bn" },
};

static const EffvkSafetensor *
lookup (const EffvkSafetensors *file, guint index, EffvkLayer layer)
{
  return effvk_naming_lookup (file, "efficientnet.encoder.blocks.%u.%s.weight", index,
                              names[layer].convolution);
}

static gboolean
find_block (const EffvkSafetensors *file, guint stage G_GNUC_UNUSED, guint index,
            EffvkBlockTensors *tensors)
{
  tensors->expand = lookup (file, index, EFFVK_LAYER_EXPAND);
  tensors->depthwise = lookup (file, index, EFFVK_LAYER_DEPTHWISE);
  tensors->squeeze = lookup (file, index, EFFVK_LAYER_SQUEEZE);
  tensors->project = lookup (file, index, EFFVK_LAYER_PROJECT);
  return tensors->expand || tensors->depthwise || tensors->project;
}

static char *
name (const EffvkArch *arch G_GNUC_UNUSED, const EffvkLayerInfo *layer, EffvkPart part)
{
  const char *module
      = part >= EFFVK_PART_GAMMA ? names[layer->kind].norm : names[layer->kind].convolution;
  const char *leaf = effvk_naming_leaf (part);

  switch (layer->kind)
    {
    case EFFVK_LAYER_CLASSIFIER:
      return g_strdup_printf ("classifier.%s", leaf);
    case EFFVK_LAYER_STEM:
    case EFFVK_LAYER_HEAD:
      return g_strdup_printf ("efficientnet.%s.%s", module, leaf);
    default:
      return g_strdup_printf ("efficientnet.encoder.blocks.%u.%s.%s", layer->block, module, leaf);
    }
}

const EffvkNaming effvk_naming_transformers = {
  .id = "transformers",
  .training = EFFVK_TRAINING_TRANSFORMERS,
  .landmark = "efficientnet.embeddings.convolution.weight",
  .body = "efficientnet.",
  .flat = TRUE,
  .find_block = find_block,
  .name = name,
};
