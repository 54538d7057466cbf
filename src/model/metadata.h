/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/arch.h"
#include "model/recipe.h"
#include "model/variants.h"

/* What tensors cannot say: a JSON object in the field names of timm's config.json and its
 * pretrained_cfg, with padding, bn_eps, activation, output_activation, antialias and resize_size
 * added. It is in the file's own header (__metadata__["effvk"]), in a config.json beside it, or
 * given by the user. */

/* In the order of precedence, but for labels, which a file of their own overrides. */
typedef enum
{
  EFFVK_SOURCE_DEFAULT, /* how weights with these names are trained */
  EFFVK_SOURCE_ASSUMED, /* the same, where those that are known are trained in several ways */
  EFFVK_SOURCE_TENSORS, /* or the graph that holds them */
  EFFVK_SOURCE_CONFIG,
  EFFVK_SOURCE_METADATA,
  EFFVK_SOURCE_OVERRIDE,
  EFFVK_SOURCE_LABELS_FILE,
} EffvkSource;

/* Nothing says it: what an architecture's name says goes before it. */
static inline gboolean
effvk_source_is_open (EffvkSource source)
{
  return source <= EFFVK_SOURCE_ASSUMED;
}

/* Where each value came from. */
typedef struct
{
  EffvkSource variant, size, resize, crop, interpolation, antialias, mean, std;
  EffvkSource padding, bn_eps, activation, output, labels;
} EffvkSources;

/* What teaching (teach/) leaves in a file. */
typedef struct
{
  double unknown_threshold; /* the label is unknown where its score is lower; 0: never */
  char *teaching;           /* how it was taught and how good it is: a JSON object, or NULL */
} EffvkTaught;

/* What an object is applied to: a model whose tensors have been read. */
typedef struct
{
  EffvkArch *arch;
  EffvkRecipe *recipe;
  EffvkSources *sources;
  EffvkTaught *taught;
  char ***labels;         /* a NULL-terminated list, one a class; or NULL */
  EffvkTraining training; /* of the tensors' names */
  const char *member;     /* whose structure it has, or NULL */
} EffvkMetadataTarget;

/* The graph's output that the user's object names ("output"), or NULL: it has to be known before
 * the graph is read. Whatever is wrong with the object, effvk_metadata_apply() says it. */
char *effvk_metadata_find_output (const char *json);

/* Whether @json is about a model: other programs have a config.json, too. True for what is no JSON:
 * effvk_metadata_apply() says what is wrong with it. */
gboolean effvk_metadata_is_config (const char *json, gsize length);

/* Overrides @target's variant, size, padding, epsilon, activations, recipe and labels with what
 * @json says. Structure and classes come from tensors; what contradicts them is refused. Where
 * nothing else says them, padding, epsilon and recipe are those that the architecture's name stands
 * for (trainings.h). Unknown keys are ignored, but for the user's own, which are refused. */
gboolean effvk_metadata_apply (const EffvkMetadataTarget *target, EffvkSource source,
                               const char *json, gsize length, GError **error);

/* The same object, for writing. @labels and @taught may be NULL. Transfer full. */
char *effvk_metadata_to_json (const EffvkArch *arch, const EffvkRecipe *recipe, char **labels,
                              const EffvkTaught *taught);

/* By the enumerations' values; NULL-terminated but for the last. */
extern const char *const effvk_interpolation_names[],
    *const effvk_crop_mode_names[],
        *const effvk_padding_names[], *const effvk_activation_names[],
                                          *const effvk_output_names[], *const effvk_source_names[];
