/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/model-config.h"

#define DEFAULT_DEVICE "auto"
#define MAX_TOP_K 1000
#define MAX_BATCH_SIZE 64
#define DEFAULT_BATCH_TIMEOUT (10 * GST_MSECOND)

typedef enum
{
  ONE_VALUE,        /* any value that is set is what the network has to have */
  ONE_OR_AUTOMATIC, /* the same; but the default means that somebody else may choose */
  AT_LEAST,         /* the network has to have so much, or more */
} Rule;

typedef struct
{
  GParamSpec *spec;
  gsize offset; /* in GstEffvkModelConfig */
  Rule rule;
} Row;

#define FIELD(field) G_STRUCT_OFFSET (GstEffvkModelConfig, field)

static void
make_rows (Row *rows)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;
  const Row table[] = {
    { g_param_spec_string ("model-file", "Model file",
                           "The model: an EfficientNet in a .safetensors, .onnx or .tflite file, "
                           "or timm's folder of model.safetensors and config.json. Unset: effvk's "
                           "own model, which tells the state of a video signal",
                           NULL, flags),
      FIELD (model_file), ONE_OR_AUTOMATIC },
    { g_param_spec_string (
          "model-overrides", "Model overrides",
          "A JSON object that overrides what the model says of itself. Its keys are those of "
          "timm's pretrained_cfg: {\"padding\": \"same\", \"crop_pct\": 1.0}",
          NULL, flags),
      FIELD (model_overrides), ONE_OR_AUTOMATIC },
    { g_param_spec_string ("labels-file", "Labels file",
                           "The classes' names: text with one name a line, or a JSON list or map. "
                           "Unset: the model's own",
                           NULL, flags),
      FIELD (labels_file), ONE_OR_AUTOMATIC },
    { g_param_spec_string ("device", "Device",
                           "The Vulkan device: auto (the best GPU, else the CPU), gpu, cpu, an "
                           "index, part of a name, or a UUID. Frames in Vulkan images are "
                           "classified on the device that they are on",
                           DEFAULT_DEVICE, flags),
      FIELD (device), ONE_OR_AUTOMATIC },
    { g_param_spec_enum ("precision", "Precision",
                         "How weights and activations are stored. auto: fp16 on a GPU that passes "
                         "the self-test with it, else fp32",
                         EFFVK_TYPE_PRECISION, EFFVK_PRECISION_AUTO, flags),
      FIELD (precision), ONE_OR_AUTOMATIC },
    { g_param_spec_enum ("activation", "Activation",
                         "What turns the network's raw answers into scores. auto: what the model "
                         "says, otherwise sigmoid for one class and softmax for more. sigmoid is "
                         "for models in which several classes can be true",
                         EFFVK_TYPE_OUTPUT_ACTIVATION, EFFVK_OUTPUT_ACTIVATION_AUTO, flags),
      FIELD (activation), ONE_OR_AUTOMATIC },
    { g_param_spec_uint ("top-k", "Top-k", "Classes to report, best first", 1, MAX_TOP_K,
                         GST_EFFVK_DEFAULT_TOP_K, flags),
      FIELD (top_k), AT_LEAST },
    { g_param_spec_uint (
          "batch-size", "Batch size",
          "How many images one submission to the device holds. They are the objects of a frame, or "
          "frames of elements that share a network. Frames of a single stream go one by one. 0 "
          "means automatic: 8 for objects on a GPU, otherwise 1",
          0, MAX_BATCH_SIZE, 0, flags),
      FIELD (batch_size), ONE_OR_AUTOMATIC },
    { g_param_spec_uint64 ("batch-timeout", "Batch timeout",
                           "How long, in ns, a frame waits for frames of the other elements with "
                           "the same model-instance-id, while the device has nothing else to do",
                           0, GST_SECOND, DEFAULT_BATCH_TIMEOUT, flags),
      FIELD (batch_timeout), ONE_VALUE },
  };

  G_STATIC_ASSERT (G_N_ELEMENTS (table) == GST_EFFVK_N_NETWORK_PROPERTIES);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      rows[i] = table[i];
      g_param_spec_ref_sink (rows[i].spec);
    }
}

static const Row *
get_row (guint number)
{
  static Row rows[GST_EFFVK_N_NETWORK_PROPERTIES];
  static gsize made;

  if (g_once_init_enter (&made))
    {
      make_rows (rows);
      g_once_init_leave (&made, 1);
    }
  return &rows[number];
}

GParamSpec *
gst_effvk_model_config_get_spec (guint number)
{
  return get_row (number)->spec;
}

/* Reads a property into an empty GValue; an empty string is the default. */
static void
read_value (const GstEffvkModelConfig *config, const Row *row, GValue *value)
{
  gconstpointer field = G_STRUCT_MEMBER_P (config, row->offset);

  g_value_init (value, row->spec->value_type);
  if (G_IS_PARAM_SPEC_UINT (row->spec))
    g_value_set_uint (value, *(const guint *) field);
  else if (G_IS_PARAM_SPEC_UINT64 (row->spec))
    g_value_set_uint64 (value, *(const guint64 *) field);
  else if (G_IS_PARAM_SPEC_ENUM (row->spec))
    g_value_set_enum (value, *(const int *) field);
  else if (*(const char *const *) field && **(const char *const *) field)
    g_value_set_string (value, *(const char *const *) field);
  else
    g_param_value_set_default (row->spec, value);
}

static gboolean
is_same (const GstEffvkModelConfig *a, const GstEffvkModelConfig *b, const Row *row)
{
  g_auto (GValue) x = G_VALUE_INIT;
  g_auto (GValue) y = G_VALUE_INIT;

  read_value (a, row, &x);
  read_value (b, row, &y);
  return g_param_values_cmp (row->spec, &x, &y) == 0;
}

static gboolean
is_default (const GstEffvkModelConfig *config, const Row *row)
{
  g_auto (GValue) value = G_VALUE_INIT;

  read_value (config, row, &value);
  return g_param_value_defaults (row->spec, &value);
}

static gboolean
is_set (const GstEffvkModelConfig *config, guint number)
{
  return (config->set >> number & 1) != 0;
}

void
gst_effvk_model_config_init (GstEffvkModelConfig *config)
{
  *config = (GstEffvkModelConfig){ 0 };
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, get_row (i)->spec->value_type);
      g_param_value_set_default (get_row (i)->spec, &value);
      gst_effvk_model_config_set (config, i, &value);
    }
  config->set = 0;
}

void
gst_effvk_model_config_set (GstEffvkModelConfig *config, guint number, const GValue *value)
{
  const Row *row = get_row (number);
  gpointer field = G_STRUCT_MEMBER_P (config, row->offset);

  if (G_IS_PARAM_SPEC_UINT (row->spec))
    *(guint *) field = g_value_get_uint (value);
  else if (G_IS_PARAM_SPEC_UINT64 (row->spec))
    *(guint64 *) field = g_value_get_uint64 (value);
  else if (G_IS_PARAM_SPEC_ENUM (row->spec))
    *(int *) field = g_value_get_enum (value);
  else
    {
      g_free (*(char **) field);
      *(char **) field = g_value_dup_string (value);
    }
  if (row->offset == FIELD (model_file))
    g_clear_object (&config->taught); /* another is asked for now */
  if (row->rule == ONE_OR_AUTOMATIC && is_default (config, row))
    config->set &= ~(1u << number);
  else
    config->set |= 1u << number;
}

void
gst_effvk_model_config_get (const GstEffvkModelConfig *config, guint number, GValue *value)
{
  const Row *row = get_row (number);

  if (G_IS_PARAM_SPEC_STRING (row->spec)) /* as it was set */
    g_value_set_string (value, G_STRUCT_MEMBER (char *, config, row->offset));
  else
    {
      g_auto (GValue) read = G_VALUE_INIT;

      read_value (config, row, &read);
      g_value_copy (&read, value);
    }
}

void
gst_effvk_model_config_copy (const GstEffvkModelConfig *config, GstEffvkModelConfig *copy)
{
  *copy = *config;
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    if (G_IS_PARAM_SPEC_STRING (get_row (i)->spec))
      G_STRUCT_MEMBER (char *, copy, get_row (i)->offset)
          = g_strdup (G_STRUCT_MEMBER (char *, config, get_row (i)->offset));
  copy->instance_id = g_strdup (config->instance_id);
  if (copy->frames_device)
    g_object_ref (copy->frames_device);
  if (copy->taught)
    g_object_ref (copy->taught);
}

void
gst_effvk_model_config_clear (GstEffvkModelConfig *config)
{
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    if (G_IS_PARAM_SPEC_STRING (get_row (i)->spec))
      g_free (G_STRUCT_MEMBER (char *, config, get_row (i)->offset));
  g_free (config->instance_id);
  g_clear_object (&config->frames_device);
  g_clear_object (&config->taught);
  *config = (GstEffvkModelConfig){ 0 };
}

/* All rows of this rule are unsigned. */
static guint
read_amount (const GstEffvkModelConfig *config, const Row *row)
{
  return G_STRUCT_MEMBER (guint, config, row->offset);
}

gboolean
gst_effvk_model_config_satisfies (const GstEffvkModelConfig *has, const GstEffvkModelConfig *wanted,
                                  gboolean only_set)
{
  if (wanted->frames_device && has->frames_device != wanted->frames_device)
    return FALSE;
  if (only_set ? has->fallback < wanted->fallback : has->fallback != wanted->fallback)
    return FALSE;
  if ((wanted->embeddings && !has->embeddings) || (wanted->heatmaps && !has->heatmaps)
      || ((wanted->taught || !only_set) && has->taught != wanted->taught))
    return FALSE;
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    {
      const Row *row = get_row (i);

      if (row->rule == AT_LEAST ? read_amount (has, row) < read_amount (wanted, row)
                                : (!only_set || is_set (wanted, i)) && !is_same (has, wanted, row))
        return FALSE;
    }
  return TRUE;
}

gboolean
gst_effvk_model_config_is_shared (const GstEffvkModelConfig *config)
{
  return config->instance_id && *config->instance_id;
}

GParamSpec *
gst_effvk_model_config_find_contradiction (const GstEffvkModelConfig *a,
                                           const GstEffvkModelConfig *b)
{
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    if (get_row (i)->rule != AT_LEAST && is_set (a, i) && is_set (b, i)
        && !is_same (a, b, get_row (i)))
      return get_row (i)->spec;
  return NULL;
}

char *
gst_effvk_model_config_print (const GstEffvkModelConfig *config, const GParamSpec *spec)
{
  g_auto (GValue) value = G_VALUE_INIT;

  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    if (get_row (i)->spec == spec)
      read_value (config, get_row (i), &value);
  return gst_value_serialize (&value);
}

void
gst_effvk_model_config_merge (GstEffvkModelConfig *config, const GstEffvkModelConfig *other)
{
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    {
      const Row *row = get_row (i);
      g_auto (GValue) value = G_VALUE_INIT;

      if (row->rule == AT_LEAST ? read_amount (config, row) >= read_amount (other, row)
                                : is_set (config, i) || !is_set (other, i))
        continue;
      read_value (other, row, &value);
      gst_effvk_model_config_set (config, i, &value);
    }
  if (!config->frames_device && other->frames_device)
    config->frames_device = g_object_ref (other->frames_device);
  config->max_in_flight = MAX (config->max_in_flight, other->max_in_flight);
  config->objects |= other->objects;
  config->embeddings |= other->embeddings;
  config->heatmaps |= other->heatmaps;
  config->fallback = MAX (config->fallback, other->fallback);
  if (!config->taught && other->taught)
    config->taught = g_object_ref (other->taught);
}
