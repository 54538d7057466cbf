/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/arch.h"
#include "model/recipe.h"

#include <effvk/effvk-model.h>

/* What the network reads from a model. All of it is constant while the model lives. */
const EffvkArch *effvk_model_get_arch (EffvkModel *model);
const EffvkRecipe *effvk_model_get_recipe (EffvkModel *model);

/* A digest of all that embeddings depend on: the weights but for the classifier's, and how images
 * are prepared. Transfer full. */
char *effvk_model_describe_backbone (EffvkModel *model);

/* The same network with another classifier. */
typedef struct
{
  guint n_classes;
  const char *const *labels; /* one a class */
  const float *weight;       /* [n_classes][embedding size] */
  const float *bias;         /* [n_classes] */
  EffvkOutputActivation output;
  double unknown_threshold;
  const char *teaching; /* a JSON object, or NULL */
} EffvkNewClassifier;

EffvkModel *effvk_model_new_with_classifier (EffvkModel *backbone,
                                             const EffvkNewClassifier *classifier, GError **error);

typedef enum
{
  EFFVK_LAYER_STEM,      /* block ignored */
  EFFVK_LAYER_EXPAND,    /* 1x1 (MBConv) */
  EFFVK_LAYER_FUSED,     /* kxk (fused-MBConv) */
  EFFVK_LAYER_DEPTHWISE, /* in == 1 */
  EFFVK_LAYER_SQUEEZE,   /* SE's first FC, channels to squeezed */
  EFFVK_LAYER_EXCITE,    /* SE's second FC, squeezed to channels */
  EFFVK_LAYER_PROJECT,   /* 1x1, no activation */
  EFFVK_LAYER_HEAD,      /* block ignored */
  EFFVK_LAYER_CLASSIFIER /* block ignored */
} EffvkLayer;

/* A layer's weights with batch norm folded in, in the file's order. */
typedef struct
{
  guint out, in, kernel; /* in is 1 for a depthwise layer */
  float *weight;         /* [out][in][kernel][kernel] */
  float *bias;           /* [out] */
} EffvkWeights;

void effvk_weights_clear (EffvkWeights *weights);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkWeights, effvk_weights_clear)

/* Fills @weights for one layer of one block (an index into arch->blocks). Folding happens here, a
 * layer at a time, so that the whole network never exists twice. The model was checked when it was
 * loaded, so this cannot fail for a layer that the architecture has. Thread-safe.
 * Folding is done in double precision: w * gamma / sqrt(var + eps), beta - mean * gamma / sqrt(var
 * + eps). */
void effvk_model_get_weights (EffvkModel *model, EffvkLayer layer, guint block,
                              EffvkWeights *weights);
