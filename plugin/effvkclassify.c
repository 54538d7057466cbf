/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-effvkclassify
 * @title: effvkclassify
 * @short_description: classifies video frames with an EfficientNet on Vulkan compute
 *
 * Every frame passes unchanged, with the classes that the network sees in it attached as metadata
 * and posted as an element message. The frame's format, size, crop and colorimetry are handled on
 * the device, with the preprocessing that the model was trained with: no videoscale, and
 * videoconvert only for formats that the pad template does not name.
 *
 * ## Metadata
 *
 * - GstAnalytics (GStreamer 1.24 and later): one classification of the frame, best class first.
 * - The custom meta `EffvkClassificationMeta` on every version: a structure with the arrays
 * `labels` (string), `indices` (int) and `scores` (double), and `model`, the network's variant
 * (string).
 *
 * ## Messages
 *
 * With #EffvkClassify:post-messages an element message `effvkclassify` per classified frame, with
 * `timestamp`, `stream-time`, `running-time` and `duration` (#GstClockTime as guint64), and for the
 * best class `label` (string), `index` (int), `score` (double); `classes` is an array of structures
 * with the same three fields.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -m v4l2src ! videoconvert ! effvkclassify ! fakesink
 * ]| Tell the state of a camera's signal (picture, black, noise, …) with effvk's own model.
 * |[
 * gst-launch-1.0 -m filesrc location=video.mp4 ! decodebin ! videoconvert ! \
 *     effvkclassify model-file=b0.safetensors ! fakesink
 * ]| Print the classes of every frame of a file.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! \
 *     effvkclassify model-file=b0.safetensors top-k=1 threshold=0.5 ! videoconvert ! autovideosink
 * ]| Classify a camera's pictures, and report only what the network is sure of.
 *
 * Since: 0.1
 */
#include "effvkclassify.h"

#include "classification-meta.h"
#include "element-error.h"
#include "frame.h"
#include "message.h"
#include "network.h"
#include "statistics.h"

#include <effvk/effvk.h>

GST_DEBUG_CATEGORY_STATIC (effvk_classify_debug);
#define GST_CAT_DEFAULT effvk_classify_debug

#define DEFAULT_DEVICE "auto"
#define DEFAULT_TOP_K 5
#define DEFAULT_THRESHOLD 0.0
#define MAX_TOP_K 1000
#define DEFAULT_INTERVAL 1

enum
{
  PROP_MODEL_FILE = 1,
  PROP_LABELS_FILE,
  PROP_MODEL_OVERRIDES,
  PROP_DEVICE,
  PROP_PRECISION,
  PROP_TOP_K,
  PROP_ACTIVATION,
  PROP_THRESHOLD,
  PROP_META_MODE,
  PROP_POST_MESSAGES,
  PROP_INFERENCE_INTERVAL,
  PROP_STATS,
};

struct _EffvkClassify
{
  GstBaseTransform parent_instance;

  /* properties, under the object lock */
  char *model_file, *model_overrides, *labels_file, *device;
  EffvkPrecision precision;
  EffvkOutputActivation activation;
  guint top_k, interval;
  double threshold;
  EffvkMetaMode meta_mode;
  gboolean post_messages;
  guint64 frames, inferences, skipped, messages, not_finite;
  EffvkClassifier *classifier; /* from start to stop; written under the object lock */

  /* streaming thread */
  guint since_inference; /* frames from the last classified one to the next; 0: none yet */
  GQuark *quarks;        /* per class */
  GstVideoInfo info;
  EffvkImage *image; /* for frames of info, as large as the last of them lay in memory */
  gboolean lost;     /* the device, until the next start; has been reported */
};

G_DEFINE_FINAL_TYPE (EffvkClassify, effvk_classify, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (
    effvkclassify, "effvkclassify", GST_RANK_NONE, EFFVK_TYPE_CLASSIFY,
    GST_DEBUG_CATEGORY_INIT (effvk_classify_debug, "effvkclassify", 0, "EfficientNet on Vulkan"))

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                               GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (EFFVK_FRAME_FORMATS)));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                               GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (EFFVK_FRAME_FORMATS)));

static gboolean
effvk_classify_start (GstBaseTransform *base)
{
  EffvkClassify *self = EFFVK_CLASSIFY (base);
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autofree char *model_file = NULL;
  g_autofree char *model_overrides = NULL;
  g_autofree char *labels_file = NULL;
  g_autofree char *selector = NULL;
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;
  EffvkClassifier *classifier;
  EffvkMetaMode meta_mode;
  guint n;

  GST_OBJECT_LOCK (self);
  model_file = g_strdup (self->model_file);
  model_overrides = g_strdup (self->model_overrides);
  labels_file = g_strdup (self->labels_file);
  selector = g_strdup (self->device ? self->device : DEFAULT_DEVICE);
  meta_mode = self->meta_mode;
  effvk_classifier_options_set_precision (options, self->precision);
  effvk_classifier_options_set_activation (options, self->activation);
  effvk_classifier_options_set_top_k (options, self->top_k);
  effvk_classifier_options_set_max_in_flight (options, 1);
  self->frames = self->inferences = self->skipped = self->messages = self->not_finite = 0;
  GST_OBJECT_UNLOCK (self);

  if (!effvk_meta_mode_is_available (meta_mode))
    {
      GST_ELEMENT_ERROR (
          self, RESOURCE, SETTINGS,
          ("meta-mode=analytics needs GStreamer 1.24 or later, and effvk built with it"), (NULL));
      return FALSE;
    }
  model = effvk_network_load_model (GST_ELEMENT (self), model_file, model_overrides, labels_file);
  if (!model)
    return FALSE;
  device = effvk_network_open_device (GST_ELEMENT (self), selector);
  if (!device)
    return FALSE;
  classifier = effvk_classifier_new (device, model, options, &error);
  if (!classifier)
    {
      effvk_element_post_error (GST_ELEMENT (self), error, "Could not build the network", NULL);
      return FALSE;
    }
  n = effvk_model_get_n_classes (model);
  self->quarks = g_new (GQuark, n);
  for (guint i = 0; i < n; i++)
    self->quarks[i] = g_quark_from_string (effvk_model_get_label (model, i));
  GST_INFO_OBJECT (self, "%s on %s (%s)", effvk_model_get_variant (model),
                   effvk_device_get_name (device), effvk_device_get_driver (device));
  GST_OBJECT_LOCK (self);
  self->classifier = classifier;
  GST_OBJECT_UNLOCK (self);
  self->lost = FALSE;
  self->since_inference = 0;
  return TRUE;
}

static gboolean
effvk_classify_stop (GstBaseTransform *base)
{
  EffvkClassify *self = EFFVK_CLASSIFY (base);
  EffvkClassifier *classifier;

  GST_OBJECT_LOCK (self);
  classifier = g_steal_pointer (&self->classifier);
  GST_OBJECT_UNLOCK (self);
  g_clear_object (&classifier);
  g_clear_pointer (&self->quarks, g_free);
  g_clear_pointer (&self->image, effvk_image_free);
  return TRUE;
}

static gboolean
effvk_classify_set_caps (GstBaseTransform *base, GstCaps *incaps, GstCaps *outcaps)
{
  EffvkClassify *self = EFFVK_CLASSIFY (base);
  g_autofree char *reason = NULL;
  GstVideoInfo info;
  EffvkImage *image;

  if (!gst_video_info_from_caps (&info, incaps))
    {
      GST_ERROR_OBJECT (self, "invalid caps %" GST_PTR_FORMAT, incaps);
      return FALSE;
    }
  if (GST_VIDEO_INFO_INTERLACE_MODE (&info) == GST_VIDEO_INTERLACE_MODE_ALTERNATE
      || GST_VIDEO_INFO_INTERLACE_MODE (&info) == GST_VIDEO_INTERLACE_MODE_FIELDS)
    reason = g_strdup_printf ("The video's fields lie apart (interlace-mode=%s); weave them before",
                              gst_video_interlace_mode_to_string (
                                  GST_VIDEO_INFO_INTERLACE_MODE (&info)));
  image = reason ? NULL
                 : effvk_frame_new_image (&info, (guint) GST_VIDEO_INFO_WIDTH (&info),
                                          (guint) GST_VIDEO_INFO_HEIGHT (&info), &reason);
  if (!image)
    {
      GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", reason), ("caps %" GST_PTR_FORMAT, incaps));
      return FALSE;
    }
  g_clear_pointer (&self->image, effvk_image_free);
  self->image = image;
  self->info = info;
  return TRUE;
}

/* Maps the frame and points the image at its planes. Where it fails one error is posted and nothing
 * is mapped. */
static gboolean
take (EffvkClassify *self, GstBuffer *buffer, GstVideoFrame *frame)
{
  g_autofree char *reason = NULL;

  if (!effvk_frame_map (frame, &self->info, buffer, &reason))
    {
      GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", reason), (NULL));
      return FALSE;
    }
  if (effvk_frame_describe (&self->image, &self->info, frame, &reason))
    return TRUE;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", reason), (NULL));
  gst_video_frame_unmap (frame);
  return FALSE;
}

/* A lost device stays lost, so that it is reported once and not with every frame that follows. */
static void
post_frame_error (EffvkClassify *self, const GError *error)
{
  self->lost = g_error_matches (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_LOST)
               || g_error_matches (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_TIMEOUT);
  effvk_element_post_error (GST_ELEMENT (self), error, "Could not classify a frame", NULL);
}

static gboolean
submit (EffvkClassify *self)
{
  g_autoptr (GError) error = NULL;

  if (effvk_classifier_submit (self->classifier, self->image, NULL, &error))
    return TRUE;
  post_frame_error (self, error);
  return FALSE;
}

static EffvkResult *
collect (EffvkClassify *self)
{
  g_autoptr (GError) error = NULL;
  EffvkResult *result = effvk_classifier_collect (self->classifier, TRUE, NULL, &error);

  if (!result)
    post_frame_error (self, error);
  return result;
}

/* Reports a result: metadata on the buffer, a message on the bus. */
static void
attach (EffvkClassify *self, GstBuffer *buffer, EffvkResult *result)
{
  guint n = effvk_result_get_n_classes (result), top_k;
  EffvkMetaMode meta_mode;
  gboolean post_messages, warn;
  double threshold;

  GST_OBJECT_LOCK (self);
  top_k = self->top_k;
  threshold = self->threshold;
  meta_mode = self->meta_mode;
  post_messages = self->post_messages && n > 0;
  self->inferences++;
  self->messages += post_messages;
  self->not_finite += n == 0;
  warn = n == 0 && self->not_finite == 1;
  GST_OBJECT_UNLOCK (self);

  if (warn) /* not for each of perhaps every frame */
    GST_ELEMENT_WARNING (
        self, STREAM, FAILED,
        ("The network's answer is not finite: this frame, and further ones like it, are "
         "passed on without classes"),
        ("not-finite in stats counts them"));
  if (n == 0)
    return;
  n = MIN (n, top_k);
  while (n > 0 && effvk_result_get_score (result, n - 1) < threshold)
    n--;
  effvk_classification_attach (buffer, meta_mode, effvk_classifier_get_model (self->classifier),
                               result, n, self->quarks, (guint) GST_VIDEO_INFO_WIDTH (&self->info),
                               (guint) GST_VIDEO_INFO_HEIGHT (&self->info));
  if (post_messages)
    effvk_message_post (GST_ELEMENT (self), &GST_BASE_TRANSFORM (self)->segment, buffer, result, n);
}

/* The frame after a flush is of another place in the stream: it is classified. */
static gboolean
effvk_classify_sink_event (GstBaseTransform *base, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    EFFVK_CLASSIFY (base)->since_inference = 0;
  return GST_BASE_TRANSFORM_CLASS (effvk_classify_parent_class)->sink_event (base, event);
}

static GstFlowReturn
effvk_classify_transform_ip (GstBaseTransform *base, GstBuffer *buffer)
{
  EffvkClassify *self = EFFVK_CLASSIFY (base);
  gboolean nothing
      = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP) && !gst_buffer_get_size (buffer);
  g_autoptr (EffvkResult) result = NULL;
  gboolean submitted, skip;
  GstVideoFrame frame;

  GST_OBJECT_LOCK (self);
  skip = nothing || (self->since_inference > 0 && self->since_inference < self->interval);
  self->frames++;
  self->skipped += skip;
  GST_OBJECT_UNLOCK (self);
  if (!nothing)
    self->since_inference = skip ? self->since_inference + 1 : 1;
  if (skip)
    return GST_FLOW_OK;
  if (self->lost || !take (self, buffer, &frame))
    return GST_FLOW_ERROR;
  submitted = submit (self);
  gst_video_frame_unmap (&frame);
  if (!submitted)
    return GST_FLOW_ERROR;
  result = collect (self);
  if (!result)
    return GST_FLOW_ERROR;
  attach (self, buffer, result);
  return GST_FLOW_OK;
}

static GstStructure *
get_stats (EffvkClassify *self)
{
  g_autoptr (EffvkClassifier) classifier = NULL;
  GstStructure *stats;

  GST_OBJECT_LOCK (self);
  stats = gst_structure_new ("application/x-effvkclassify-stats", "frames", G_TYPE_UINT64,
                             self->frames, "inferences", G_TYPE_UINT64, self->inferences, "skipped",
                             G_TYPE_UINT64, self->skipped, "messages", G_TYPE_UINT64,
                             self->messages, NULL);
  if (self->classifier)
    classifier = g_object_ref (self->classifier);
  GST_OBJECT_UNLOCK (self);
  if (classifier)
    effvk_statistics_add (stats, classifier);
  return stats;
}

static void
effvk_classify_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  EffvkClassify *self = EFFVK_CLASSIFY (object);

  GST_OBJECT_LOCK (self);
  switch (id)
    {
    case PROP_MODEL_FILE:
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      break;
    case PROP_MODEL_OVERRIDES:
      g_free (self->model_overrides);
      self->model_overrides = g_value_dup_string (value);
      break;
    case PROP_LABELS_FILE:
      g_free (self->labels_file);
      self->labels_file = g_value_dup_string (value);
      break;
    case PROP_DEVICE:
      g_free (self->device);
      self->device = g_value_dup_string (value);
      break;
    case PROP_PRECISION:
      self->precision = (EffvkPrecision) g_value_get_enum (value);
      break;
    case PROP_TOP_K:
      self->top_k = g_value_get_uint (value);
      break;
    case PROP_ACTIVATION:
      self->activation = (EffvkOutputActivation) g_value_get_enum (value);
      break;
    case PROP_THRESHOLD:
      self->threshold = g_value_get_double (value);
      break;
    case PROP_META_MODE:
      self->meta_mode = (EffvkMetaMode) g_value_get_enum (value);
      break;
    case PROP_POST_MESSAGES:
      self->post_messages = g_value_get_boolean (value);
      break;
    case PROP_INFERENCE_INTERVAL:
      self->interval = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (self);
}

static void
effvk_classify_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EffvkClassify *self = EFFVK_CLASSIFY (object);

  if (id == PROP_STATS)
    {
      g_value_take_boxed (value, get_stats (self));
      return;
    }
  GST_OBJECT_LOCK (self);
  switch (id)
    {
    case PROP_MODEL_FILE:
      g_value_set_string (value, self->model_file);
      break;
    case PROP_MODEL_OVERRIDES:
      g_value_set_string (value, self->model_overrides);
      break;
    case PROP_LABELS_FILE:
      g_value_set_string (value, self->labels_file);
      break;
    case PROP_DEVICE:
      g_value_set_string (value, self->device);
      break;
    case PROP_PRECISION:
      g_value_set_enum (value, self->precision);
      break;
    case PROP_TOP_K:
      g_value_set_uint (value, self->top_k);
      break;
    case PROP_ACTIVATION:
      g_value_set_enum (value, self->activation);
      break;
    case PROP_THRESHOLD:
      g_value_set_double (value, self->threshold);
      break;
    case PROP_META_MODE:
      g_value_set_enum (value, self->meta_mode);
      break;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, self->post_messages);
      break;
    case PROP_INFERENCE_INTERVAL:
      g_value_set_uint (value, self->interval);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  GST_OBJECT_UNLOCK (self);
}

static void
effvk_classify_finalize (GObject *object)
{
  EffvkClassify *self = EFFVK_CLASSIFY (object);

  g_free (self->model_file);
  g_free (self->model_overrides);
  g_free (self->labels_file);
  g_free (self->device);
  G_OBJECT_CLASS (effvk_classify_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = flags | GST_PARAM_MUTABLE_READY,
                    playing = flags | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (
      object_class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
                           "The model: an EfficientNet in a .safetensors, .onnx or .tflite file, "
                           "or timm's folder of model.safetensors and config.json; unset: effvk's "
                           "own, which tells the state of a video signal",
                           NULL, ready));
  g_object_class_install_property (
      object_class, PROP_MODEL_OVERRIDES,
      g_param_spec_string (
          "model-overrides", "Model overrides",
          "A JSON object that goes before what the model says of itself, in the keys of timm's "
          "pretrained_cfg, for instance {\"padding\": \"same\", \"crop_pct\": 1.0}",
          NULL, ready));
  g_object_class_install_property (
      object_class, PROP_LABELS_FILE,
      g_param_spec_string ("labels-file", "Labels file",
                           "The classes' names, text with one a line or a JSON list or map; unset: "
                           "the model's own",
                           NULL, ready));
  g_object_class_install_property (
      object_class, PROP_DEVICE,
      g_param_spec_string (
          "device", "Device",
          "The Vulkan device: auto (the best GPU, else the CPU), gpu, cpu, an index, part of "
          "a name, or a UUID",
          DEFAULT_DEVICE, ready));
  g_object_class_install_property (
      object_class, PROP_PRECISION,
      g_param_spec_enum (
          "precision", "Precision",
          "How weights and activations are stored; auto: fp16 on a GPU that passes the "
          "self-test with it, else fp32",
          EFFVK_TYPE_PRECISION, EFFVK_PRECISION_AUTO, ready));
  g_object_class_install_property (
      object_class, PROP_TOP_K,
      g_param_spec_uint (
          "top-k", "Top-k",
          "Classes to report, best first. Lowered, it counts from the next frame on; raised "
          "above its value at the start, from the next start",
          1, MAX_TOP_K, DEFAULT_TOP_K, playing));
  g_object_class_install_property (
      object_class, PROP_ACTIVATION,
      g_param_spec_enum ("activation", "Activation",
                         "What makes scores of the network's answers; auto: what the model says, "
                         "else softmax. sigmoid is for models of which several classes may be true",
                         EFFVK_TYPE_OUTPUT_ACTIVATION, EFFVK_OUTPUT_ACTIVATION_AUTO, ready));
  g_object_class_install_property (
      object_class, PROP_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
                           "Classes with a lower score are not reported; scores are from 0 to 1, "
                           "but with activation=none, where they are of any size and sign",
                           -G_MAXFLOAT, G_MAXFLOAT, DEFAULT_THRESHOLD, playing));
  g_object_class_install_property (object_class, PROP_META_MODE,
                                   g_param_spec_enum ("meta-mode", "Meta mode",
                                                      "How the classes are attached to the buffers",
                                                      EFFVK_TYPE_META_MODE, EFFVK_META_AUTO,
                                                      ready));
  g_object_class_install_property (
      object_class, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
                            "Post an element message per classified frame", TRUE, playing));
  g_object_class_install_property (
      object_class, PROP_INFERENCE_INTERVAL,
      g_param_spec_uint ("inference-interval", "Inference interval",
                         "Classify every n-th frame; the others pass without classes and are "
                         "counted as skipped. Counts anew from a start or a flush",
                         1, G_MAXUINT, DEFAULT_INTERVAL, playing));
  g_object_class_install_property (
      object_class, PROP_STATS,
      g_param_spec_boxed (
          "stats", "Statistics",
          "What was done and how: frames, inferences, skipped, messages, device, precision, "
          "copied bytes, times in ns",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
effvk_classify_class_init (EffvkClassifyClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = effvk_classify_set_property;
  object_class->get_property = effvk_classify_get_property;
  object_class->finalize = effvk_classify_finalize;
  install_properties (object_class);
  gst_type_mark_as_plugin_api (EFFVK_TYPE_PRECISION, 0);
  gst_type_mark_as_plugin_api (EFFVK_TYPE_OUTPUT_ACTIVATION, 0);
  gst_type_mark_as_plugin_api (EFFVK_TYPE_META_MODE, 0);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (
      element_class, "effvk classifier", "Filter/Analyzer/Video/Hardware",
      "Classifies video frames with an EfficientNet on Vulkan compute, on any vendor's GPU",
      "the effvk maintainers");

  base_class->start = GST_DEBUG_FUNCPTR (effvk_classify_start);
  base_class->stop = GST_DEBUG_FUNCPTR (effvk_classify_stop);
  base_class->set_caps = GST_DEBUG_FUNCPTR (effvk_classify_set_caps);
  base_class->sink_event = GST_DEBUG_FUNCPTR (effvk_classify_sink_event);
  base_class->transform_ip = GST_DEBUG_FUNCPTR (effvk_classify_transform_ip);
  base_class->passthrough_on_same_caps = FALSE;
  effvk_classification_meta_register ();
}

static void
effvk_classify_init (EffvkClassify *self)
{
  self->device = g_strdup (DEFAULT_DEVICE);
  self->top_k = DEFAULT_TOP_K;
  self->threshold = DEFAULT_THRESHOLD;
  self->interval = DEFAULT_INTERVAL;
  self->post_messages = TRUE;
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
  gst_base_transform_set_gap_aware (GST_BASE_TRANSFORM (self), TRUE); /* keep the flag */
}
