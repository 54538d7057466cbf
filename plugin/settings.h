/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classification-meta.h"
#include "network.h"
#include "objects.h"
#include "pace.h"
#include "steady.h"

typedef enum
{
  EFFVK_SKIPPED_NONE,
  EFFVK_SKIPPED_LAST,
} EffvkSkippedMode;

GType effvk_skipped_mode_get_type (void);
#define EFFVK_TYPE_SKIPPED_MODE (effvk_skipped_mode_get_type ())

/* What is told of a result, and where. */
typedef struct
{
  guint top_k;
  double threshold;
  EffvkMetaMode meta_mode;
  gboolean attach_logits, post_messages;
  EffvkSkippedMode skipped;
  EffvkSteady steady;
} EffvkReporting;

/* effvkclassify's properties; under its object lock. */
typedef struct
{
  EffvkNetworkConfig
      network; /* but for top_k and max_in_flight, which are those below at the start */
  EffvkPace pace;
  EffvkReporting reporting;
  EffvkObjectOptions objects;
} EffvkSettings;

enum
{
  EFFVK_PROP_MODEL_FILE = 1,
  EFFVK_PROP_LABELS_FILE,
  EFFVK_PROP_MODEL_OVERRIDES,
  EFFVK_PROP_DEVICE,
  EFFVK_PROP_PRECISION,
  EFFVK_PROP_TOP_K,
  EFFVK_PROP_ACTIVATION,
  EFFVK_PROP_THRESHOLD,
  EFFVK_PROP_META_MODE,
  EFFVK_PROP_ATTACH_LOGITS,
  EFFVK_PROP_POST_MESSAGES,
  EFFVK_PROP_INFERENCE_INTERVAL,
  EFFVK_PROP_INFERENCE_INTERVAL_TIME,
  EFFVK_PROP_QOS,
  EFFVK_PROP_DEADLINE,
  EFFVK_PROP_SKIPPED,
  EFFVK_PROP_MAX_IN_FLIGHT,
  EFFVK_PROP_MODEL_INSTANCE_ID,
  EFFVK_PROP_BATCH_TIMEOUT,
  EFFVK_PROP_BATCH_SIZE,
  EFFVK_PROP_STATS,
  EFFVK_PROP_STEADY, /* EFFVK_STEADY_N_PROPERTIES of them */
  EFFVK_PROP_OBJECTS
  = EFFVK_PROP_STEADY + EFFVK_STEADY_N_PROPERTIES, /* EFFVK_OBJECTS_N_PROPERTIES */
};

void effvk_settings_install (GObjectClass *object_class);
void effvk_settings_init (EffvkSettings *settings);
void effvk_settings_clear (EffvkSettings *settings);

/* Whether the network that runs is made of it. */
gboolean effvk_settings_is_of_network (const GParamSpec *spec);

/* Those settings become the ones that @made is made with. Returns the specs of the properties, of @klass, that this changes. Free
 * with g_ptr_array_unref(). */
GPtrArray *effvk_settings_take_back (EffvkSettings *settings, GObjectClass *klass,
                                     const EffvkNetworkConfig *made);

/* FALSE: it is no setting. */
gboolean effvk_settings_set (EffvkSettings *settings, guint id, const GValue *value);
gboolean effvk_settings_get (const EffvkSettings *settings, guint id, GValue *value);
