/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/classification-meta.h"
#include "classify/filter.h"
#include "classify/model-instance.h"
#include "classify/objects.h"
#include "classify/pace.h"
#include "classify/steady.h"

typedef enum
{
  GST_EFFVK_SKIPPED_NONE,
  GST_EFFVK_SKIPPED_LAST,
  GST_EFFVK_SKIPPED_AUTO,
} GstEffvkSkippedMode;

GType gst_effvk_skipped_mode_get_type (void);
#define GST_EFFVK_TYPE_SKIPPED_MODE (gst_effvk_skipped_mode_get_type ())

/* What is told of a result, and where. */
typedef struct
{
  guint top_k; /* the network's property, see gst_effvk_settings_get_reporting() */
  double threshold;
  GstEffvkMetaMode meta_mode;
  gboolean attach_alternatives, attach_logits, attach_embedding, attach_heatmap, attach_measures,
      signal, post_messages;
  GstEffvkSkippedMode skipped;
  GstEffvkSteady steady;
} GstEffvkReporting;

/* effvkclassify's properties; under its object lock. */
typedef struct
{
  GstEffvkModelConfig network;
  GstEffvkPace pace;
  GstEffvkReporting reporting;
  GstEffvkObjectOptions objects;
  GstEffvkFilter *filter; /* has a lock of its own */
  char *teach_file;
  guint device_restarts; /* within a minute */
  guint canary;          /* s; 0: none */
} GstEffvkSettings;

enum
{
  GST_EFFVK_PROP_NETWORK = 1, /* GST_EFFVK_N_NETWORK_PROPERTIES of them, see model-config.h */
  GST_EFFVK_PROP_MODEL_INSTANCE_ID = GST_EFFVK_PROP_NETWORK + GST_EFFVK_N_NETWORK_PROPERTIES,
  GST_EFFVK_PROP_THRESHOLD,
  GST_EFFVK_PROP_META_MODE,
  GST_EFFVK_PROP_ATTACH_ALTERNATIVES,
  GST_EFFVK_PROP_ATTACH_LOGITS,
  GST_EFFVK_PROP_ATTACH_EMBEDDING,
  GST_EFFVK_PROP_ATTACH_HEATMAP,
  GST_EFFVK_PROP_ATTACH_MEASURES,
  GST_EFFVK_PROP_SIGNAL,
  GST_EFFVK_PROP_TEACH_FILE,
  GST_EFFVK_PROP_POST_MESSAGES,
  GST_EFFVK_PROP_INFERENCE_INTERVAL,
  GST_EFFVK_PROP_INFERENCE_INTERVAL_TIME,
  GST_EFFVK_PROP_QOS,
  GST_EFFVK_PROP_DEADLINE,
  GST_EFFVK_PROP_SKIPPED,
  GST_EFFVK_PROP_MAX_IN_FLIGHT,
  GST_EFFVK_PROP_DEVICE_RESTARTS,
  GST_EFFVK_PROP_CANARY,
  GST_EFFVK_PROP_STATS,
  GST_EFFVK_PROP_STEADY, /* GST_EFFVK_STEADY_N_PROPERTIES of them */
  GST_EFFVK_PROP_OBJECTS
  = GST_EFFVK_PROP_STEADY + GST_EFFVK_STEADY_N_PROPERTIES, /* GST_EFFVK_OBJECTS_N_PROPERTIES */
  GST_EFFVK_PROP_FILTER
  = GST_EFFVK_PROP_OBJECTS + GST_EFFVK_OBJECTS_N_PROPERTIES, /* GST_EFFVK_FILTER_N_PROPERTIES */
};

void gst_effvk_settings_install (GObjectClass *object_class);
void gst_effvk_settings_init (GstEffvkSettings *settings);
void gst_effvk_settings_clear (GstEffvkSettings *settings);

/* Whether another network may be needed when it is set. */
gboolean gst_effvk_settings_is_of_network (const GParamSpec *spec);

/* What the network is to be made of. Clear with gst_effvk_model_config_clear(). */
void gst_effvk_settings_get_config (const GstEffvkSettings *settings, GstEffvkModelConfig *config);

/* How results are told, in a pipeline that is live or not: without anything automatic. */
GstEffvkReporting gst_effvk_settings_get_reporting (const GstEffvkSettings *settings,
                                                    gboolean live);

/* The network's settings become those of @accepted. Returns the specs of the properties, of @klass,
 * that this changes. Free with g_ptr_array_unref(). */
GPtrArray *gst_effvk_settings_take_back (GstEffvkSettings *settings, GObjectClass *klass,
                                         const GstEffvkModelConfig *accepted);

/* The model is @model from now on, which was taught and is in @file (NULL: in none). */
void gst_effvk_settings_set_taught (GstEffvkSettings *settings, EffvkModel *model,
                                    const char *file);

/* FALSE: it is no setting. */
gboolean gst_effvk_settings_set (GstEffvkSettings *settings, guint id, const GValue *value);
gboolean gst_effvk_settings_get (const GstEffvkSettings *settings, guint id, GValue *value);
