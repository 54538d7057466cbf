/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/settings.h"

#include "classify/device-loss.h"

#define DEFAULT_THRESHOLD 0.0
#define DEFAULT_INTERVAL 1
#define DEFAULT_MAX_IN_FLIGHT 3
#define MAX_IN_FLIGHT 16
#define MAX_CANARY 86400

GType
gst_effvk_skipped_mode_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_EFFVK_SKIPPED_NONE, "No classes", "none" },
    { GST_EFFVK_SKIPPED_LAST, "The classes of the last frame that was classified, with their age",
      "last" },
    { GST_EFFVK_SKIPPED_AUTO, "last in a live pipeline, otherwise none", "auto" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstEffvkSkippedMode", values));
  return type;
}

void
gst_effvk_settings_install (GObjectClass *object_class)
{
  const GParamFlags playing
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;

  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    g_object_class_install_property (object_class, GST_EFFVK_PROP_NETWORK + i,
                                     gst_effvk_model_config_get_spec (i));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_MODEL_INSTANCE_ID,
      g_param_spec_string (
          "model-instance-id", "Model instance ID",
          "Elements of the process with the same ID share one network. They adopt its properties "
          "from whichever element sets them. Two elements that set different values are an error",
          NULL, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
                           "Classes with a lower score are not reported. Scores are from 0 to 1. "
                           "With activation=none they can have any size and sign",
                           -G_MAXFLOAT, G_MAXFLOAT, DEFAULT_THRESHOLD, playing));
  g_object_class_install_property (object_class, GST_EFFVK_PROP_META_MODE,
                                   g_param_spec_enum ("meta-mode", "Meta mode",
                                                      "How the classes are attached to the buffers",
                                                      GST_EFFVK_TYPE_META_MODE, GST_EFFVK_META_AUTO,
                                                      playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_ATTACH_ALTERNATIVES,
      g_param_spec_boolean ("attach-alternatives", "Attach alternatives",
                            "Attach the classes after the label as GstAnalytics classifications "
                            "too, one each, best first. The custom meta always has all classes",
                            FALSE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_ATTACH_LOGITS,
      g_param_spec_boolean ("attach-logits", "Attach logits",
                            "Attach the network's raw answers as a GstTensorMeta (GStreamer 1.26) "
                            "with the id classification-generic-out, float32, [1, classes]",
                            FALSE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_ATTACH_EMBEDDING,
      g_param_spec_boolean ("attach-embedding", "Attach embedding",
                            "Attach the features that the classifier reads, as the custom meta "
                            "EffvkEmbeddingMeta and, from GStreamer 1.26, as a GstTensorMeta with "
                            "the id effvk-embedding, float32, [1, features]",
                            FALSE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_ATTACH_HEATMAP,
      g_param_spec_boolean ("attach-heatmap", "Attach heat map",
                            "Attach to the custom meta where the network saw its best class. This "
                            "takes one more pass over the network's head",
                            FALSE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_ATTACH_MEASURES,
      g_param_spec_boolean ("attach-measures", "Attach measures",
                            "Measure each frame in system memory at full resolution, and attach "
                            "to the custom meta what was measured",
                            FALSE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_SIGNAL,
      g_param_spec_boolean (
          "signal", "Signal",
          "With a model of a signal's states, as the built-in one: measure each frame, and make "
          "the state of the signal the label, with the network's classes after it. Post messages "
          "effvkclassify-signal where a state is raised or cleared. Not with allow, deny or "
          "class-thresholds, nor for objects",
          FALSE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_TEACH_FILE,
      g_param_spec_string ("teach-file", "Teach file",
                           "Where teach-fit writes the model (.safetensors), with its embeddings "
                           "beside it for effvk teach --add. Needed for teach-example, unless "
                           "attach-embedding is set",
                           NULL, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
                            "Post an element message for each classified frame", TRUE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_INFERENCE_INTERVAL,
      g_param_spec_uint ("inference-interval", "Inference interval",
                         "Classify every n-th frame and skip the others. The count begins anew at "
                         "a start and at a flush",
                         1, G_MAXUINT, DEFAULT_INTERVAL, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_INFERENCE_INTERVAL_TIME,
      g_param_spec_uint64 (
          "inference-interval-time", "Inference interval time",
          "Skip frames until this much running time, in ns, has passed since the last classified "
          "frame. With inference-interval, both must have passed. 0: do not skip by time",
          0, G_MAXINT64, 0, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_QOS,
      g_param_spec_boolean ("qos", "Quality of service",
                            "Skip frames that the sink says would come too late, and post QoS "
                            "messages. Their processed and dropped counts are of inferences",
                            TRUE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_DEADLINE,
      g_param_spec_uint64 (
          "deadline", "Deadline",
          "Skip a frame that is older than this, in ns, by the pipeline's clock. 0: never. -1 (the "
          "largest number) means automatic: in a live pipeline, skip frames that inference has "
          "made later than max-in-flight frames last",
          0, G_MAXUINT64, GST_CLOCK_TIME_NONE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_SKIPPED,
      g_param_spec_enum ("skipped", "Skipped frames",
                         "What a skipped frame carries. Skipped frames pass like all others",
                         GST_EFFVK_TYPE_SKIPPED_MODE, GST_EFFVK_SKIPPED_AUTO, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_MAX_IN_FLIGHT,
      g_param_spec_uint ("max-in-flight", "Max in flight",
                         "How many frames may be in the element at once while later ones arrive. "
                         "Above the value at the start, further frames wait for the device",
                         1, MAX_IN_FLIGHT, DEFAULT_MAX_IN_FLIGHT, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_DEVICE_RESTARTS,
      g_param_spec_uint ("device-restarts", "Device restarts",
                         "How often within a minute a device that was lost is opened anew. Frames "
                         "pass without classes meanwhile. 0: the loss ends the stream",
                         0, GST_EFFVK_MAX_DEVICE_RESTARTS, GST_EFFVK_DEFAULT_DEVICE_RESTARTS,
                         playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_CANARY,
      g_param_spec_uint ("canary", "Canary",
                         "Run a frame whose answer is known beside the stream every so many "
                         "seconds, and compare all bits with its first answer. At the first "
                         "difference the element warns, and the network falls back to fp32, then "
                         "to the simplest kernels. 0: off",
                         0, MAX_CANARY, 0, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_STATS,
      g_param_spec_boxed (
          "stats", "Statistics",
          "What was done: frames, inferences, skips and their reasons, messages, device, "
          "precision, kernels, copied bytes, and percentiles of each stage's time in ns",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_effvk_steady_install_properties (object_class, GST_EFFVK_PROP_STEADY);
  gst_effvk_objects_install_properties (object_class, GST_EFFVK_PROP_OBJECTS);
  gst_effvk_filter_install_properties (object_class, GST_EFFVK_PROP_FILTER);
}

void
gst_effvk_settings_init (GstEffvkSettings *settings)
{
  *settings = (GstEffvkSettings){
    .pace = { .interval = DEFAULT_INTERVAL,
              .deadline = GST_CLOCK_TIME_NONE,
              .max_in_flight = DEFAULT_MAX_IN_FLIGHT,
              .qos = TRUE },
    .reporting = { .threshold = DEFAULT_THRESHOLD,
                   .post_messages = TRUE,
                   .skipped = GST_EFFVK_SKIPPED_AUTO,
                   .steady = { .unknown_threshold = GST_EFFVK_MODELS_THRESHOLD } },
    .objects = { .interval = 1 },
    .filter = gst_effvk_filter_new (),
    .device_restarts = GST_EFFVK_DEFAULT_DEVICE_RESTARTS,
  };
  gst_effvk_model_config_init (&settings->network);
}

void
gst_effvk_settings_clear (GstEffvkSettings *settings)
{
  gst_effvk_model_config_clear (&settings->network);
  gst_effvk_object_options_clear (&settings->objects);
  g_clear_pointer (&settings->filter, gst_effvk_filter_free);
  g_clear_pointer (&settings->teach_file, g_free);
}

gboolean
gst_effvk_settings_is_of_network (const GParamSpec *spec)
{
  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    if (gst_effvk_model_config_get_spec (i) == spec)
      return TRUE;
  return g_str_equal (spec->name, "model-instance-id")
         || g_str_equal (spec->name, "inference-region") || g_str_equal (spec->name, "regions")
         || g_str_equal (spec->name, "attach-embedding")
         || g_str_equal (spec->name, "attach-heatmap") || g_str_equal (spec->name, "teach-file");
}

void
gst_effvk_settings_get_config (const GstEffvkSettings *settings, GstEffvkModelConfig *config)
{
  gst_effvk_model_config_copy (&settings->network, config);
  config->objects = gst_effvk_objects_are_wanted (&settings->objects);
  config->embeddings
      = settings->reporting.attach_embedding || (settings->teach_file && *settings->teach_file);
  config->heatmaps = settings->reporting.attach_heatmap;
  config->max_in_flight = settings->pace.max_in_flight;
}

GstEffvkReporting
gst_effvk_settings_get_reporting (const GstEffvkSettings *settings, gboolean live)
{
  GstEffvkReporting how = settings->reporting;

  how.top_k = settings->network.top_k;
  if (how.skipped == GST_EFFVK_SKIPPED_AUTO)
    how.skipped = live ? GST_EFFVK_SKIPPED_LAST : GST_EFFVK_SKIPPED_NONE;
  return how;
}

/* Where the frames are is not undone. */
static void
take_back_network (GstEffvkSettings *settings, const GstEffvkModelConfig *accepted)
{
  GstEffvkModelConfig old = settings->network, *network = &settings->network;

  gst_effvk_model_config_copy (accepted, network);
  g_clear_object (&network->frames_device);
  network->frames_device = g_steal_pointer (&old.frames_device);
  gst_effvk_model_config_clear (&old);
}

GPtrArray *
gst_effvk_settings_take_back (GstEffvkSettings *settings, GObjectClass *klass,
                              const GstEffvkModelConfig *accepted)
{
  GValue before[GST_EFFVK_PROP_MODEL_INSTANCE_ID + 1] = { 0 };
  GPtrArray *changed = g_ptr_array_new ();
  GParamSpec *specs[G_N_ELEMENTS (before)];

  for (guint id = 1; id < G_N_ELEMENTS (before); id++)
    {
      specs[id] = id == GST_EFFVK_PROP_MODEL_INSTANCE_ID
                      ? g_object_class_find_property (klass, "model-instance-id")
                      : gst_effvk_model_config_get_spec (id - GST_EFFVK_PROP_NETWORK);
      g_value_init (&before[id], specs[id]->value_type);
      gst_effvk_settings_get (settings, id, &before[id]);
    }
  take_back_network (settings, accepted);
  for (guint id = 1; id < G_N_ELEMENTS (before); id++)
    {
      g_auto (GValue) after = G_VALUE_INIT;

      g_value_init (&after, specs[id]->value_type);
      gst_effvk_settings_get (settings, id, &after);
      if (g_param_values_cmp (specs[id], &before[id], &after) != 0)
        g_ptr_array_add (changed, specs[id]);
      g_value_unset (&before[id]);
    }
  return changed;
}

void
gst_effvk_settings_set_taught (GstEffvkSettings *settings, EffvkModel *model, const char *file)
{
  static const char *const of_a_model[] = { "model-file", "model-overrides", "labels-file" };

  for (guint i = 0; i < GST_EFFVK_N_NETWORK_PROPERTIES; i++)
    {
      GParamSpec *spec = gst_effvk_model_config_get_spec (i);
      g_auto (GValue) value = G_VALUE_INIT;

      for (guint k = 0; k < G_N_ELEMENTS (of_a_model); k++)
        if (g_str_equal (spec->name, of_a_model[k]))
          {
            g_value_init (&value, G_TYPE_STRING);
            g_value_set_string (&value, k == 0 ? file : NULL);
            gst_effvk_model_config_set (&settings->network, i, &value);
          }
    }
  g_set_object (&settings->network.taught, model);
}

static gboolean
is_network_property (guint id)
{
  return id >= GST_EFFVK_PROP_NETWORK
         && id < GST_EFFVK_PROP_NETWORK + GST_EFFVK_N_NETWORK_PROPERTIES;
}

gboolean
gst_effvk_settings_set (GstEffvkSettings *settings, guint id, const GValue *value)
{
  GstEffvkReporting *reporting = &settings->reporting;
  GstEffvkPace *pace = &settings->pace;

  if (is_network_property (id))
    {
      gst_effvk_model_config_set (&settings->network, id - GST_EFFVK_PROP_NETWORK, value);
      return TRUE;
    }
  switch (id)
    {
    case GST_EFFVK_PROP_THRESHOLD:
      reporting->threshold = g_value_get_double (value);
      return TRUE;
    case GST_EFFVK_PROP_META_MODE:
      reporting->meta_mode = (GstEffvkMetaMode) g_value_get_enum (value);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_ALTERNATIVES:
      reporting->attach_alternatives = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_LOGITS:
      reporting->attach_logits = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_EMBEDDING:
      reporting->attach_embedding = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_HEATMAP:
      reporting->attach_heatmap = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_MEASURES:
      reporting->attach_measures = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_SIGNAL:
      reporting->signal = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_TEACH_FILE:
      g_free (settings->teach_file);
      settings->teach_file = g_value_dup_string (value);
      return TRUE;
    case GST_EFFVK_PROP_POST_MESSAGES:
      reporting->post_messages = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_INFERENCE_INTERVAL:
      pace->interval = g_value_get_uint (value);
      return TRUE;
    case GST_EFFVK_PROP_MODEL_INSTANCE_ID:
      g_free (settings->network.instance_id);
      settings->network.instance_id = g_value_dup_string (value);
      return TRUE;
    case GST_EFFVK_PROP_INFERENCE_INTERVAL_TIME:
      pace->interval_time = g_value_get_uint64 (value);
      return TRUE;
    case GST_EFFVK_PROP_QOS:
      pace->qos = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_DEADLINE:
      pace->deadline = g_value_get_uint64 (value);
      return TRUE;
    case GST_EFFVK_PROP_SKIPPED:
      reporting->skipped = (GstEffvkSkippedMode) g_value_get_enum (value);
      return TRUE;
    case GST_EFFVK_PROP_MAX_IN_FLIGHT:
      pace->max_in_flight = g_value_get_uint (value);
      return TRUE;
    case GST_EFFVK_PROP_DEVICE_RESTARTS:
      settings->device_restarts = g_value_get_uint (value);
      return TRUE;
    case GST_EFFVK_PROP_CANARY:
      settings->canary = g_value_get_uint (value);
      return TRUE;
    default:
      return gst_effvk_steady_set (&reporting->steady, id - GST_EFFVK_PROP_STEADY, value)
             || gst_effvk_objects_set (&settings->objects, id - GST_EFFVK_PROP_OBJECTS, value)
             || gst_effvk_filter_set (settings->filter, id - GST_EFFVK_PROP_FILTER, value);
    }
}

gboolean
gst_effvk_settings_get (const GstEffvkSettings *settings, guint id, GValue *value)
{
  const GstEffvkReporting *reporting = &settings->reporting;
  const GstEffvkPace *pace = &settings->pace;

  if (is_network_property (id))
    {
      gst_effvk_model_config_get (&settings->network, id - GST_EFFVK_PROP_NETWORK, value);
      return TRUE;
    }
  switch (id)
    {
    case GST_EFFVK_PROP_THRESHOLD:
      g_value_set_double (value, reporting->threshold);
      return TRUE;
    case GST_EFFVK_PROP_META_MODE:
      g_value_set_enum (value, reporting->meta_mode);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_ALTERNATIVES:
      g_value_set_boolean (value, reporting->attach_alternatives);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_LOGITS:
      g_value_set_boolean (value, reporting->attach_logits);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_EMBEDDING:
      g_value_set_boolean (value, reporting->attach_embedding);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_HEATMAP:
      g_value_set_boolean (value, reporting->attach_heatmap);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_MEASURES:
      g_value_set_boolean (value, reporting->attach_measures);
      return TRUE;
    case GST_EFFVK_PROP_SIGNAL:
      g_value_set_boolean (value, reporting->signal);
      return TRUE;
    case GST_EFFVK_PROP_TEACH_FILE:
      g_value_set_string (value, settings->teach_file);
      return TRUE;
    case GST_EFFVK_PROP_POST_MESSAGES:
      g_value_set_boolean (value, reporting->post_messages);
      return TRUE;
    case GST_EFFVK_PROP_INFERENCE_INTERVAL:
      g_value_set_uint (value, pace->interval);
      return TRUE;
    case GST_EFFVK_PROP_MODEL_INSTANCE_ID:
      g_value_set_string (value, settings->network.instance_id);
      return TRUE;
    case GST_EFFVK_PROP_INFERENCE_INTERVAL_TIME:
      g_value_set_uint64 (value, pace->interval_time);
      return TRUE;
    case GST_EFFVK_PROP_QOS:
      g_value_set_boolean (value, pace->qos);
      return TRUE;
    case GST_EFFVK_PROP_DEADLINE:
      g_value_set_uint64 (value, pace->deadline);
      return TRUE;
    case GST_EFFVK_PROP_SKIPPED:
      g_value_set_enum (value, reporting->skipped);
      return TRUE;
    case GST_EFFVK_PROP_MAX_IN_FLIGHT:
      g_value_set_uint (value, pace->max_in_flight);
      return TRUE;
    case GST_EFFVK_PROP_DEVICE_RESTARTS:
      g_value_set_uint (value, settings->device_restarts);
      return TRUE;
    case GST_EFFVK_PROP_CANARY:
      g_value_set_uint (value, settings->canary);
      return TRUE;
    default:
      return gst_effvk_steady_get (&reporting->steady, id - GST_EFFVK_PROP_STEADY, value)
             || gst_effvk_objects_get (&settings->objects, id - GST_EFFVK_PROP_OBJECTS, value)
             || gst_effvk_filter_get (settings->filter, id - GST_EFFVK_PROP_FILTER, value);
    }
}
