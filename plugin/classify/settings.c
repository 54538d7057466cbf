/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/settings.h"

#define DEFAULT_DEVICE "auto"
#define MAX_TOP_K 1000
#define DEFAULT_THRESHOLD 0.0
#define DEFAULT_INTERVAL 1
#define DEFAULT_MAX_IN_FLIGHT 3
#define MAX_IN_FLIGHT 16
#define MAX_BATCH_SIZE 64

GType
gst_effvk_skipped_mode_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_EFFVK_SKIPPED_NONE, "No classes", "none" },
    { GST_EFFVK_SKIPPED_LAST, "The classes of the last frame that was classified, with their age",
      "last" },
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
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = flags | GST_PARAM_MUTABLE_READY,
                    playing = flags | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
                           "The model: an EfficientNet in a .safetensors, .onnx or .tflite file, "
                           "or timm's folder of model.safetensors and config.json; unset: effvk's "
                           "own, which tells the state of a video signal",
                           NULL, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_MODEL_OVERRIDES,
      g_param_spec_string (
          "model-overrides", "Model overrides",
          "A JSON object that goes before what the model says of itself, in the keys of timm's "
          "pretrained_cfg, for instance {\"padding\": \"same\", \"crop_pct\": 1.0}",
          NULL, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_LABELS_FILE,
      g_param_spec_string ("labels-file", "Labels file",
                           "The classes' names, text with one a line or a JSON list or map; unset: "
                           "the model's own",
                           NULL, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_DEVICE,
      g_param_spec_string (
          "device", "Device",
          "The Vulkan device: auto (the best GPU, else the CPU), gpu, cpu, an index, part of "
          "a name, or a UUID. Frames in Vulkan images are classified on the device that they are "
          "on",
          DEFAULT_DEVICE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_PRECISION,
      g_param_spec_enum (
          "precision", "Precision",
          "How weights and activations are stored; auto: fp16 on a GPU that passes the "
          "self-test with it, else fp32",
          EFFVK_TYPE_PRECISION, EFFVK_PRECISION_AUTO, playing));
  g_object_class_install_property (object_class, GST_EFFVK_PROP_TOP_K,
                                   g_param_spec_uint ("top-k", "Top-k",
                                                      "Classes to report, best first", 1, MAX_TOP_K,
                                                      GST_EFFVK_DEFAULT_TOP_K, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_ACTIVATION,
      g_param_spec_enum ("activation", "Activation",
                         "What makes scores of the network's answers; auto: what the model says, "
                         "else sigmoid for one class and softmax for more. sigmoid is for models "
                         "of which several classes may be true",
                         EFFVK_TYPE_OUTPUT_ACTIVATION, EFFVK_OUTPUT_ACTIVATION_AUTO, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
                           "Classes with a lower score are not reported; scores are from 0 to 1, "
                           "but with activation=none, where they are of any size and sign",
                           -G_MAXFLOAT, G_MAXFLOAT, DEFAULT_THRESHOLD, playing));
  g_object_class_install_property (object_class, GST_EFFVK_PROP_META_MODE,
                                   g_param_spec_enum ("meta-mode", "Meta mode",
                                                      "How the classes are attached to the buffers",
                                                      GST_EFFVK_TYPE_META_MODE, GST_EFFVK_META_AUTO,
                                                      ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_ATTACH_LOGITS,
      g_param_spec_boolean ("attach-logits", "Attach logits",
                            "Attach the network's raw answers as well, as a GstTensorMeta "
                            "(GStreamer 1.26) with the id classification-generic-out, float32, "
                            "[1, classes]",
                            FALSE, ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
                            "Post an element message per classified frame", TRUE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_INFERENCE_INTERVAL,
      g_param_spec_uint ("inference-interval", "Inference interval",
                         "Classify every n-th frame, and skip the others. Counts anew from a start "
                         "or a flush",
                         1, G_MAXUINT, DEFAULT_INTERVAL, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_INFERENCE_INTERVAL_TIME,
      g_param_spec_uint64 ("inference-interval-time", "Inference interval time",
                           "Nanoseconds of running time from one classified frame to the next: "
                           "frames between are skipped. With inference-interval both must have "
                           "passed. 0: none",
                           0, G_MAXINT64, 0, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_QOS,
      g_param_spec_boolean ("qos", "Quality of service",
                            "Skip frames that the sink says would come too late, and post QoS "
                            "messages, in which processed and dropped count inferences",
                            TRUE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_DEADLINE,
      g_param_spec_uint64 ("deadline", "Deadline",
                           "For live sources: skip a frame that is older than this, in "
                           "nanoseconds, when it could be classified. 0: none",
                           0, G_MAXINT64, 0, playing));
  g_object_class_install_property (object_class, GST_EFFVK_PROP_SKIPPED,
                                   g_param_spec_enum ("skipped", "Skipped frames",
                                                      "What skipped frames, which pass too, carry",
                                                      GST_EFFVK_TYPE_SKIPPED_MODE,
                                                      GST_EFFVK_SKIPPED_NONE, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_MAX_IN_FLIGHT,
      g_param_spec_uint (
          "max-in-flight", "Max in flight",
          "Frames that may be in the element at once while later ones arrive. Raised above its "
          "value at the start, further frames wait for the device",
          1, MAX_IN_FLIGHT, DEFAULT_MAX_IN_FLIGHT, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_BATCH_SIZE,
      g_param_spec_uint ("batch-size", "Batch size",
                         "Images that one submission to the device holds: a frame's objects, with "
                         "inference-region=roi-list, or frames of the elements that share a "
                         "network. It costs the same when fewer are there. 0: of objects, on "
                         "another device than a CPU, 8 when the network is made; else 1",
                         0, MAX_BATCH_SIZE, 0, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_MODEL_INSTANCE_ID,
      g_param_spec_string ("model-instance-id", "Model instance ID",
                           "Elements of the process with the same ID share one network, and their "
                           "frames go to the device in batches of up to batch-size. The first to "
                           "start makes it; what another one sets otherwise than that is an error",
                           NULL, ready));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_BATCH_TIMEOUT,
      g_param_spec_uint64 (
          "batch-timeout", "Batch timeout",
          "Nanoseconds that a frame waits, while the device has nothing to do, for "
          "frames of the other elements with the same model-instance-id",
          0, GST_SECOND, GST_EFFVK_DEFAULT_BATCH_TIMEOUT, playing));
  g_object_class_install_property (
      object_class, GST_EFFVK_PROP_STATS,
      g_param_spec_boxed (
          "stats", "Statistics",
          "What was done and how: frames, inferences, skipped and why, messages, device, "
          "precision, kernels, copied bytes, percentiles of each stage's time in ns",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_effvk_steady_install_properties (object_class, GST_EFFVK_PROP_STEADY);
  gst_effvk_objects_install_properties (object_class, GST_EFFVK_PROP_OBJECTS);
}

void
gst_effvk_settings_init (GstEffvkSettings *settings)
{
  *settings = (GstEffvkSettings){
    .network
    = { .device = g_strdup (DEFAULT_DEVICE), .batch_timeout = GST_EFFVK_DEFAULT_BATCH_TIMEOUT },
    .pace = { .interval = DEFAULT_INTERVAL, .max_in_flight = DEFAULT_MAX_IN_FLIGHT, .qos = TRUE },
    .reporting
    = { .top_k = GST_EFFVK_DEFAULT_TOP_K, .threshold = DEFAULT_THRESHOLD, .post_messages = TRUE },
    .objects = { .interval = 1 },
  };
}

void
gst_effvk_settings_clear (GstEffvkSettings *settings)
{
  gst_effvk_model_config_clear (&settings->network);
  gst_effvk_object_options_clear (&settings->objects);
}

static const char *const network_properties[]
    = { "model-file", "model-overrides", "labels-file", "device", "precision",
        "activation", "batch-timeout",   "batch-size",  "top-k",  NULL };

gboolean
gst_effvk_settings_is_of_network (const GParamSpec *spec)
{
  return g_strv_contains (network_properties, spec->name);
}

/* What joins it to others, and where the frames are, is not undone. */
static void
take_back_network (GstEffvkSettings *settings, const GstEffvkModelConfig *made)
{
  GstEffvkModelConfig old = settings->network, *network = &settings->network;

  gst_effvk_model_config_copy (made, network);
  g_free (network->instance_id);
  network->instance_id = g_steal_pointer (&old.instance_id);
  g_clear_object (&network->frames_device);
  network->frames_device = g_steal_pointer (&old.frames_device);
  gst_effvk_model_config_clear (&old);
  settings->reporting.top_k = MIN (settings->reporting.top_k, made->top_k);
}

GPtrArray *
gst_effvk_settings_take_back (GstEffvkSettings *settings, GObjectClass *klass,
                              const GstEffvkModelConfig *made)
{
  GParamSpec *specs[G_N_ELEMENTS (network_properties) - 1];
  GValue before[G_N_ELEMENTS (specs)] = { 0 };
  GPtrArray *changed = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (specs); i++)
    {
      specs[i] = g_object_class_find_property (klass, network_properties[i]);
      g_value_init (&before[i], specs[i]->value_type);
      gst_effvk_settings_get (settings, specs[i]->param_id, &before[i]);
    }
  take_back_network (settings, made);
  for (guint i = 0; i < G_N_ELEMENTS (specs); i++)
    {
      g_auto (GValue) after = G_VALUE_INIT;

      g_value_init (&after, specs[i]->value_type);
      gst_effvk_settings_get (settings, specs[i]->param_id, &after);
      if (g_param_values_cmp (specs[i], &before[i], &after) != 0)
        g_ptr_array_add (changed, specs[i]);
      g_value_unset (&before[i]);
    }
  return changed;
}

static void
set_string (char **string, const GValue *value)
{
  g_free (*string);
  *string = g_value_dup_string (value);
}

gboolean
gst_effvk_settings_set (GstEffvkSettings *settings, guint id, const GValue *value)
{
  GstEffvkModelConfig *network = &settings->network;
  GstEffvkReporting *reporting = &settings->reporting;
  GstEffvkPace *pace = &settings->pace;

  switch (id)
    {
    case GST_EFFVK_PROP_MODEL_FILE:
      set_string (&network->model_file, value);
      return TRUE;
    case GST_EFFVK_PROP_MODEL_OVERRIDES:
      set_string (&network->model_overrides, value);
      return TRUE;
    case GST_EFFVK_PROP_LABELS_FILE:
      set_string (&network->labels_file, value);
      return TRUE;
    case GST_EFFVK_PROP_DEVICE:
      set_string (&network->device, value);
      return TRUE;
    case GST_EFFVK_PROP_PRECISION:
      network->precision = (EffvkPrecision) g_value_get_enum (value);
      return TRUE;
    case GST_EFFVK_PROP_ACTIVATION:
      network->activation = (EffvkOutputActivation) g_value_get_enum (value);
      return TRUE;
    case GST_EFFVK_PROP_TOP_K:
      reporting->top_k = g_value_get_uint (value);
      return TRUE;
    case GST_EFFVK_PROP_THRESHOLD:
      reporting->threshold = g_value_get_double (value);
      return TRUE;
    case GST_EFFVK_PROP_META_MODE:
      reporting->meta_mode = (GstEffvkMetaMode) g_value_get_enum (value);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_LOGITS:
      reporting->attach_logits = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_POST_MESSAGES:
      reporting->post_messages = g_value_get_boolean (value);
      return TRUE;
    case GST_EFFVK_PROP_INFERENCE_INTERVAL:
      pace->interval = g_value_get_uint (value);
      return TRUE;
    case GST_EFFVK_PROP_MODEL_INSTANCE_ID:
      set_string (&network->instance_id, value);
      return TRUE;
    case GST_EFFVK_PROP_BATCH_TIMEOUT:
      network->batch_timeout = g_value_get_uint64 (value);
      return TRUE;
    case GST_EFFVK_PROP_BATCH_SIZE:
      network->batch_size = g_value_get_uint (value);
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
    default:
      return gst_effvk_steady_set (&reporting->steady, id - GST_EFFVK_PROP_STEADY, value)
             || gst_effvk_objects_set (&settings->objects, id - GST_EFFVK_PROP_OBJECTS, value);
    }
}

gboolean
gst_effvk_settings_get (const GstEffvkSettings *settings, guint id, GValue *value)
{
  const GstEffvkModelConfig *network = &settings->network;
  const GstEffvkReporting *reporting = &settings->reporting;
  const GstEffvkPace *pace = &settings->pace;

  switch (id)
    {
    case GST_EFFVK_PROP_MODEL_FILE:
      g_value_set_string (value, network->model_file);
      return TRUE;
    case GST_EFFVK_PROP_MODEL_OVERRIDES:
      g_value_set_string (value, network->model_overrides);
      return TRUE;
    case GST_EFFVK_PROP_LABELS_FILE:
      g_value_set_string (value, network->labels_file);
      return TRUE;
    case GST_EFFVK_PROP_DEVICE:
      g_value_set_string (value, network->device);
      return TRUE;
    case GST_EFFVK_PROP_PRECISION:
      g_value_set_enum (value, network->precision);
      return TRUE;
    case GST_EFFVK_PROP_ACTIVATION:
      g_value_set_enum (value, network->activation);
      return TRUE;
    case GST_EFFVK_PROP_TOP_K:
      g_value_set_uint (value, reporting->top_k);
      return TRUE;
    case GST_EFFVK_PROP_THRESHOLD:
      g_value_set_double (value, reporting->threshold);
      return TRUE;
    case GST_EFFVK_PROP_META_MODE:
      g_value_set_enum (value, reporting->meta_mode);
      return TRUE;
    case GST_EFFVK_PROP_ATTACH_LOGITS:
      g_value_set_boolean (value, reporting->attach_logits);
      return TRUE;
    case GST_EFFVK_PROP_POST_MESSAGES:
      g_value_set_boolean (value, reporting->post_messages);
      return TRUE;
    case GST_EFFVK_PROP_INFERENCE_INTERVAL:
      g_value_set_uint (value, pace->interval);
      return TRUE;
    case GST_EFFVK_PROP_MODEL_INSTANCE_ID:
      g_value_set_string (value, network->instance_id);
      return TRUE;
    case GST_EFFVK_PROP_BATCH_TIMEOUT:
      g_value_set_uint64 (value, network->batch_timeout);
      return TRUE;
    case GST_EFFVK_PROP_BATCH_SIZE:
      g_value_set_uint (value, network->batch_size);
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
    default:
      return gst_effvk_steady_get (&reporting->steady, id - GST_EFFVK_PROP_STEADY, value)
             || gst_effvk_objects_get (&settings->objects, id - GST_EFFVK_PROP_OBJECTS, value);
    }
}
