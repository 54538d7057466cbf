/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

#define GST_EFFVK_DEFAULT_TOP_K 5

/* What a network does without where a device computes wrong; each includes those before. */
typedef enum
{
  GST_EFFVK_FALLBACK_NONE,
  GST_EFFVK_FALLBACK_FP32,  /* without fp16, whatever the precision says */
  GST_EFFVK_FALLBACK_PLAIN, /* with the simplest kernels */
} GstEffvkFallback;

/* What a network is made of: a model, a device, and how both are used. */
typedef struct
{
  /* The network's properties. model-config.c has one table of them; whatever is done with a
   * property goes by that table. NULL or empty strings: the default. */
  char *model_file, *model_overrides, *labels_file, *device;
  EffvkPrecision precision;
  EffvkOutputActivation activation;
  guint top_k, batch_size;
  GstClockTime batch_timeout;
  guint set; /* a bit for each property that somebody set, by its number */

  /* The rest. */
  char *instance_id;          /* of a network that is shared */
  EffvkDevice *frames_device; /* that frames are in the memory of, rather than device; or NULL */
  guint max_in_flight;
  guint n_streams;               /* whose frames may come; 0 is as good as 1 */
  gboolean objects;              /* it is to be asked about objects, not frames */
  gboolean embeddings, heatmaps; /* its results are to have them */
  GstEffvkFallback fallback;
  EffvkModel *taught; /* instead of model_file's: one that was taught while it played; or NULL */
} GstEffvkModelConfig;

#define GST_EFFVK_N_NETWORK_PROPERTIES 9

/* The property with this number, below GST_EFFVK_N_NETWORK_PROPERTIES. Owned by the table. */
GParamSpec *gst_effvk_model_config_get_spec (guint number);

/* Every property at its default, and nothing else. */
void gst_effvk_model_config_init (GstEffvkModelConfig *config);
void gst_effvk_model_config_copy (const GstEffvkModelConfig *config, GstEffvkModelConfig *copy);
void gst_effvk_model_config_clear (GstEffvkModelConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstEffvkModelConfig, gst_effvk_model_config_clear)

/* Set or get a property. A value that means "automatic" or "none" takes an earlier one back:
 * then the property does not count as set. */
void gst_effvk_model_config_set (GstEffvkModelConfig *config, guint number, const GValue *value);
void gst_effvk_model_config_get (const GstEffvkModelConfig *config, guint number, GValue *value);

/* Whether a network that was made as @has says is what @wanted asks for: in all properties, or only
 * in those that are set (@only_set). It may report more classes. */
gboolean gst_effvk_model_config_satisfies (const GstEffvkModelConfig *has,
                                           const GstEffvkModelConfig *wanted, gboolean only_set);

/* Whether it has the id of a network that elements share. */
gboolean gst_effvk_model_config_is_shared (const GstEffvkModelConfig *config);

/* The property that both set, to different values; NULL: there is none. */
GParamSpec *gst_effvk_model_config_find_contradiction (const GstEffvkModelConfig *a,
                                                       const GstEffvkModelConfig *b);

/* A property's value as text, for messages. Free with g_free(). */
char *gst_effvk_model_config_print (const GstEffvkModelConfig *config, const GParamSpec *spec);

/* Takes over what @other sets and @config does not, and whatever more @other needs. */
void gst_effvk_model_config_merge (GstEffvkModelConfig *config, const GstEffvkModelConfig *other);
