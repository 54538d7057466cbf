/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

#define GST_EFFVK_DEFAULT_TOP_K 5
#define GST_EFFVK_DEFAULT_BATCH_TIMEOUT (10 * GST_MSECOND)

/* What a network is made of: a model, a device, and how both are used. */
typedef struct
{
  /* NULL or empty: the default */
  char *model_file, *model_overrides, *labels_file, *device;
  char *instance_id;          /* of a network that is shared */
  EffvkDevice *frames_device; /* that frames are in the memory of, rather than device; or NULL */
  EffvkPrecision precision;
  EffvkOutputActivation activation;
  GstClockTime batch_timeout;
  guint top_k, max_in_flight;
  guint batch_size; /* 0: as suits the device and @objects */
  gboolean objects; /* it is to be asked about objects, not frames, when it is made */
} GstEffvkModelConfig;

void gst_effvk_model_config_copy (const GstEffvkModelConfig *config, GstEffvkModelConfig *copy);
void gst_effvk_model_config_clear (GstEffvkModelConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstEffvkModelConfig, gst_effvk_model_config_clear)

/* Whether a network that is made as @has says is what @wanted asks for. It may report more classes, and
 * has the slots that it has. */
gboolean gst_effvk_model_config_satisfies (const GstEffvkModelConfig *has,
                                           const GstEffvkModelConfig *wanted);

/* Whether it has the id of a network that elements share. */
gboolean gst_effvk_model_config_is_shared (const GstEffvkModelConfig *config);

/* Whether an element that wants @ours can join a network that was made of @theirs, whose batch size came
 * to @batch: each setting is left at its default or is the same. FALSE with @error set when not. */
gboolean gst_effvk_model_config_check_shared (const GstEffvkModelConfig *theirs, guint batch,
                                              const GstEffvkModelConfig *ours, GError **error);
