/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-effvkclassify
 * @title: effvkclassify
 * @short_description: classifies video frames with an EfficientNet on Vulkan compute
 *
 * Every frame passes unchanged. The element attaches the classes that the network sees in it as
 * metadata, and posts them as a message. The device handles the frame's format, size, crop and
 * colorimetry, and prepares the frame as for the model's training. The element needs no videoscale
 * before it. It needs videoconvert only for formats that the pad template does not name.
 *
 * Up to #GstEffvkClassify:max-in-flight frames are in the element at once. Later frames arrive
 * while the device works. A frame leaves as soon as its result and those of the frames before it
 * are there. Frames and events keep their order, and no frame is dropped. In a live pipeline the
 * element reports its latency in whole frames. It posts a latency message when the latency grows.
 *
 * ## Pace
 *
 * The element can skip an inference, but never a frame. It does so for three reasons:
 *
 * - #GstEffvkClassify:inference-interval and #GstEffvkClassify:inference-interval-time ask for it.
 * - The sink is late, with #GstEffvkClassify:qos.
 * - The frame is late, with #GstEffvkClassify:deadline.
 *
 * #GstEffvkClassify:skipped says what a skipped frame carries.
 *
 * A live stream does not fall behind by default. When inference makes it later than
 * #GstEffvkClassify:max-in-flight frames last (at least 100 ms), frames are skipped and carry the
 * last classes. An element warning says so once. Other causes of lateness do not count. A stream
 * that is not live has every frame classified.
 *
 * Intervals, deadline, QoS, ages and steady labels follow a time that never falls back. The frames'
 * time stamps may.
 *
 * ## How long it takes
 *
 * #GstEffvkClassify:stats has percentiles of each stage's time. GStreamer's latency tracer reports
 * how long each frame spent in the element:
 * `GST_TRACERS="latency(flags=pipeline+element)" GST_DEBUG=GST_TRACER:7`.
 *
 * ## Many streams
 *
 * Elements with the same #GstEffvkClassify:model-instance-id share one network. They adopt its
 * properties from whichever element sets them, in whatever order they start. Two elements that set
 * a property to different values are an error. A value that means "automatic" or "none" counts as
 * not set. When an element sets something new while others play, all of them get a new network.
 * Each then posts a message `effvkclassify-model`.
 *
 * A frame waits for frames of the other streams. Then #GstEffvkClassify:batch-size of them go to
 * the device at once. The wait ends when every stream has a frame waiting. It lasts while the
 * device has other work. When the device has none, a frame waits at most
 * #GstEffvkClassify:batch-timeout.
 * #GstEffvkClassify:max-in-flight belongs to each element.
 *
 * ## Changes while playing
 *
 * Most properties can be set at any time; gst-inspect-1.0 says which. When a property of the
 * network changes, another network is loaded beside the one that runs. It takes its place between
 * two frames. Frames in flight are answered by the network that they were given to. Where the new
 * network cannot be loaded, the old one and its settings stay. An element message
 * `effvkclassify-model` tells how it went: `swapped` (boolean), `model` (string, the network that
 * runs), `model-file` (string, what was asked for) and, where it was refused, `reason` (string).
 * Set properties that belong together with one g_object_set().
 *
 * ## A device that is lost
 *
 * When the device is lost in the middle of a stream, the element posts a warning. It opens the
 * device anew and builds the network again. Frames pass without classes meanwhile. Then the element
 * posts a message `effvkclassify-device` with `device` (string, its name) and `restarts` (uint,
 * within a minute). #GstEffvkClassify:device-restarts bounds how often this happens. Beyond it the
 * loss is an error. The element cannot reopen a device that GStreamer has opened
 * (`memory:VulkanImage`).
 *
 * ## A device that computes wrong
 *
 * #GstEffvkClassify:canary runs a frame whose answer is known beside the stream. When its answer
 * has other bits than the first time, the element posts a warning. Then it loads another network,
 * as when a property changes: in fp32 where it was fp16, then with the simplest kernels. The next
 * start begins anew.
 *
 * The element posts a message `effvkclassify-canary`. `device` (string) is the device's name.
 * `differing` and `values` (uint) say how many of the answer's values differ. `falls-back-to`
 * (string) is fp32, plain kernels, or nothing where nothing is left. `stats` counts the answers
 * (`canaries`) and those that differed (`canaries-different`).
 *
 * ## Memory
 *
 * - System memory: the device reads frames where they lie when upstream took the element's pool.
 * On devices that share the CPU's memory it also does so when the same memory comes again. Planes
 * and strides must be multiples of 16 bytes. All other frames are copied.
 * - Vulkan images (`memory:VulkanImage`): GStreamer's device copies the frames, and the network
 * works on that device, whatever #GstEffvkClassify:device says.
 * - DMA buffers (`memory:DMABuf`, GStreamer 1.24 and later): the device imports linear buffers. It
 * also imports buffers with a DRM modifier that it lists for their format. These need a
 * GstVideoMeta. Once the element has started, its caps name what can be imported.
 *
 * #GstEffvkClassify:stats counts frames and bytes of each way.
 *
 * ## Colours
 *
 * Matrix, range and chroma siting come from the caps: BT.601, BT.709, BT.2020 and SMPTE 240M, also
 * limited range of gray and RGB. Primaries are not converted: the network sees BT.2020 a little
 * less saturated than it is. HDR (PQ, HLG) is refused.
 *
 * ## Metadata
 *
 * - GstAnalytics (GStreamer 1.24 and later): a classification (ClsMtd) of one class, the label.
 * #GstEffvkClassify:attach-alternatives adds one for each of the other classes, best first. From
 * GStreamer 1.30 its semantic tag is the model's name. It is then related to a ClsMtd of all labels
 * with the tag `class_descriptor`.
 * - The custom meta `EffvkClassificationMeta` on every version: a structure. It has the arrays
 * `labels` (string), `indices` (int) and `scores` (double), and `model` (string). `age` (guint64)
 * is ns since the frame that was classified, 0 where it is this one.
 * - With #GstEffvkClassify:meta-mode `roi`: a region of interest over the frame, of the type
 * `frame`. Its parameters are in DL Streamer's older layout, which DL Streamer drops at the end of
 * 2026.
 * - With #GstEffvkClassify:attach-logits (GStreamer 1.26 and later): a GstTensorMeta of the raw
 * answers. They are averaged where smoothing is on. From GStreamer 1.28 on the caps tell of it, so
 * that `tensordecodebin` and `classifiertensordecoder` read it.
 *
 * ## Objects
 *
 * With #GstEffvkClassify:inference-region `roi-list` the element classifies the objects that a
 * detector upstream has found, not the frame. It takes GstAnalytics' detections (ODMtd) and regions
 * of interest. An object that has both is classified once.
 *
 * - A detection gets a ClsMtd. It is related by RELATE_TO and CONTAIN, and back by RELATE_TO and
 * IS_PART_OF.
 * - A region of interest gets parameters `classification` with `label` (string), `label_id` (int),
 * `confidence` (double) and `model_name` (string), best first.
 * - The custom meta has `objects` instead of the three arrays. It is an array of structures. Each
 * has these arrays, `age`, and `x`, `y`, `width` and `height` (double, in shares of the picture's
 * size). It has `type` (string) and `id` (int64) where they are known.
 *
 * #GstEffvkClassify:regions names rectangles that are classified without a detector, beside the
 * frame. With #GstEffvkClassify:inference-region `regions` they are classified instead of it. They
 * travel as objects do. Their `type` is the region's name, and each has a steady label of its own.
 *
 * An object can have a tracker's id: a related GstAnalyticsTrackingMtd, or DL Streamer's parameter
 * `object_id`. It keeps its classes between two inferences (#GstEffvkClassify:reclassify-interval),
 * and in skipped frames where #GstEffvkClassify:skipped says so. It has a steady label of its own.
 * The last 1024 objects are remembered, for 300 frames after they were seen.
 *
 * ## Classes that count
 *
 * #GstEffvkClassify:allow and #GstEffvkClassify:deny choose the classes that may be reported.
 * #GstEffvkClassify:class-thresholds sets the least score of single classes. They work before the
 * best classes are chosen: where the network's best class does not count, the best one that does is
 * the label. Where none does, the label is `unknown`. They hold for frames, objects and regions.
 *
 * A class that the model does not have is an error at the start. Later it is a warning, and the
 * classes that were set before stay. When a network without these classes takes over, frames pass
 * without classes until somebody sets the lists anew.
 *
 * A heat map is of the network's best class. It is left out where that class does not count.
 *
 * ## Steady labels
 *
 * The network answers each frame by itself, so the best class can change from frame to frame. The
 * element can make the label steady:
 *
 * - #GstEffvkClassify:smoothing and #GstEffvkClassify:smoothing-time average the answers.
 * - #GstEffvkClassify:hysteresis keeps a label until another class is clearly better.
 * - #GstEffvkClassify:hold keeps a label until another class has lasted.
 * - #GstEffvkClassify:unknown-threshold and #GstEffvkClassify:unknown-margin say `unknown`, with
 * the index -1, where no class is sure enough. The score is then the probability that the best
 * class is wrong.
 *
 * The label is the first class everywhere. The others follow, best first. A flush begins anew.
 *
 * ## Messages
 *
 * With #GstEffvkClassify:post-messages the element posts a message `effvkclassify` for each
 * classified frame. It has `model` (string), `timestamp`, `stream-time`, `running-time` and
 * `duration`. These are #GstClockTime as guint64, and GST_CLOCK_TIME_NONE where the frame or its
 * segment does not say. The label is `label` (string), `index` (int) and `score` (double).
 * `classes` is an array of structures with the same three fields. Where objects are classified,
 * `objects` replaces these four fields. It is an array with a structure for each object that was
 * classified in this frame. Each structure has the four fields and the object's place, as in the
 * custom meta.
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
 * gst-launch-1.0 -m videotestsrc ! vulkanupload ! 'video/x-raw(memory:VulkanImage)' ! \
 *     effvkclassify ! fakesink
 * ]| The same for frames that are on the GPU.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! \
 *     effvkclassify model-file=b0.safetensors top-k=1 threshold=0.5 ! videoconvert ! autovideosink
 * ]| Classify a camera's pictures, and report only what the network is sure of.
 * |[
 * gst-launch-1.0 -m v4l2src ! videoconvert ! effvkclassify smoothing-time=500000000 \
 *     hold=1000000000 unknown-threshold=0.5 messages-on-change=true ! fakesink
 * ]| Say what a camera sees when that changes, and no more often.
 *
 * Since: 0.1
 */
#include "classify/effvkclassify.h"

#include "classify/effvkclassify-private.h"
#include "memory/dmabuf-buffer.h"
#include "common/element-error.h"
#include "common/embedding-meta.h"
#include "classify/instance-registry.h"

GST_DEBUG_CATEGORY (gst_effvk_classify_debug);
#define GST_CAT_DEFAULT gst_effvk_classify_debug

G_DEFINE_FINAL_TYPE (GstEffvkClassify, gst_effvk_classify, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (effvkclassify, "effvkclassify", GST_RANK_NONE,
                                       GST_EFFVK_TYPE_CLASSIFY,
                                       GST_DEBUG_CATEGORY_INIT (gst_effvk_classify_debug,
                                                                "effvkclassify", 0,
                                                                "EfficientNet on Vulkan"))

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                               GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (GST_EFFVK_FRAME_FORMATS)
                                                    GST_EFFVK_VULKAN_CAPS GST_EFFVK_DMABUF_CAPS));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                               GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (GST_EFFVK_FRAME_FORMATS)
                                                    GST_EFFVK_VULKAN_CAPS GST_EFFVK_DMABUF_CAPS));

#define LACKS "%s or later, and effvk built with its gstreamer-analytics-1.0"

static const char *
get_lacks (const GstEffvkReporting *how)
{
  return gst_effvk_classification_meta_lacks (how->meta_mode, how->attach_alternatives,
                                              how->attach_logits);
}

static gboolean
start (GstEffvkClassify *self)
{
  g_autofree char *problem = NULL;
  const char *lacks;

  GST_OBJECT_LOCK (self);
  problem = g_strdup (self->settings.objects.regions_problem);
  lacks = get_lacks (&self->settings.reporting);
  self->counters = (GstEffvkCounters){ 0 };
  self->settings.network.fallback = GST_EFFVK_FALLBACK_NONE;
  GST_OBJECT_UNLOCK (self);
  if (lacks)
    {
      GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, (LACKS, lacks), (NULL));
      return FALSE;
    }
  if (problem)
    {
      GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", problem), (NULL));
      return FALSE;
    }
  if (!gst_effvk_classify_expects_vulkan (self) && !gst_effvk_classify_join_network (self))
    return FALSE;
  GST_OBJECT_LOCK (self);
  self->lost = self->restoring = FALSE;
  self->restarts.n = 0;
  self->latency.live = self->latency.asked = FALSE;
  gst_effvk_latency_reset (&self->latency, NULL, self->settings.pace.max_in_flight);
  self->pacer.lag.warned = FALSE;
  gst_effvk_pacer_reset (&self->pacer);
  GST_OBJECT_UNLOCK (self);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  gst_effvk_reporter_reset (&self->reporter);
  if (self->network)
    gst_effvk_classify_begin_swaps (self);
  return TRUE;
}

/* When the pads are inactive. */
static void
stop (GstEffvkClassify *self)
{
  EffvkDevice *device;

  /* A flush that came to its end while the source pad went inactive has started it again. */
  gst_effvk_queue_set_flushing (&self->queue);
  gst_pad_stop_task (self->src);
  gst_effvk_teaching_stop (self->teaching);
  gst_effvk_queue_discard (&self->queue, NULL);
  gst_effvk_classify_end_swaps (self);
  gst_effvk_canary_clear (&self->canary);
  gst_effvk_registry_leave (self);
  GST_OBJECT_LOCK (self);
  device = g_steal_pointer (&self->settings.network.frames_device);
  GST_OBJECT_UNLOCK (self);
  if (device)
    gst_effvk_registry_declare (self);
  gst_effvk_reporter_clear (&self->reporter);
  g_clear_object (&device);
  g_clear_pointer (&self->image, effvk_image_free);
  gst_clear_caps (&self->caps);
  self->told = (GstEffvkLogitsShape){ 0 };
}

void
gst_effvk_classify_post_latency (GstEffvkClassify *self)
{
  GstClockTime latency;

  GST_OBJECT_LOCK (self);
  latency = self->latency.n_frames * self->latency.frame;
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (self, "the latency is %" GST_TIME_FORMAT " now", GST_TIME_ARGS (latency));
  gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

/* Whether others, who share its network, count what it sets. */
static void
set_declared (GstEffvkClassify *self, gboolean declared)
{
  GST_OBJECT_LOCK (self);
  self->declared = declared;
  GST_OBJECT_UNLOCK (self);
  if (declared)
    gst_effvk_registry_declare (self);
  else
    gst_effvk_registry_withdraw (self);
}

static GstStateChangeReturn
gst_effvk_classify_change_state (GstElement *element, GstStateChange transition)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    set_declared (self, TRUE);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  result = GST_ELEMENT_CLASS (gst_effvk_classify_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    stop (self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    {
      set_declared (self, FALSE);
      gst_effvk_vulkan_clear (&self->vulkan, element); /* the device may have been lost */
    }
  return result;
}

static GstStructure *
get_stats (GstEffvkClassify *self)
{
  g_autoptr (GstEffvkModelInstance) network = gst_effvk_classify_get_network (self);
  GstEffvkCounters counters; /* a copy: sorting must not hold the lock */
  GstStructure *stats;

  GST_OBJECT_LOCK (self);
  counters = self->counters;
  GST_OBJECT_UNLOCK (self);
  stats = gst_effvk_statistics_new (&counters);
  if (network)
    {
      gst_structure_set (stats, "streams", G_TYPE_UINT,
                         gst_effvk_model_instance_get_n_streams (network), "batch-size",
                         G_TYPE_UINT,
                         effvk_classifier_get_batch_size (
                             gst_effvk_model_instance_get_classifier (network)),
                         NULL);
      gst_effvk_statistics_add (stats, gst_effvk_model_instance_get_classifier (network),
                                &counters);
    }
  return stats;
}

static void
gst_effvk_classify_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (object);
  g_autofree char *problem = NULL;
  const char *lacks, *lacked;
  gboolean known, latency;

  GST_OBJECT_LOCK (self);
  lacked = get_lacks (&self->settings.reporting);
  known = gst_effvk_settings_set (&self->settings, id, value);
  if (id == GST_EFFVK_PROP_OBJECTS + GST_EFFVK_OBJECTS_REGIONS)
    problem = g_strdup (self->settings.objects.regions_problem);
  lacks = self->network ? get_lacks (&self->settings.reporting) : NULL; /* else start() says so */
  latency = gst_effvk_latency_set_max (&self->latency, self->settings.pace.max_in_flight)
            && self->network;
  GST_OBJECT_UNLOCK (self);
  if (latency)
    gst_effvk_classify_post_latency (self);
  if (problem)
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS, ("%s. The old regions are kept", problem),
                         (NULL));
  if (lacks && lacks != lacked)
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS, (LACKS ": it is not attached", lacks), (NULL));
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

/* After a g_object_set() of one or several properties, which belong together. */
static void
gst_effvk_classify_dispatch_changed (GObject *object, guint n, GParamSpec **specs)
{
  gboolean network = FALSE;

  G_OBJECT_CLASS (gst_effvk_classify_parent_class)->dispatch_properties_changed (object, n, specs);
  for (guint i = 0; i < n; i++)
    network |= gst_effvk_settings_is_of_network (specs[i]);
  if (network)
    gst_effvk_classify_check_network (GST_EFFVK_CLASSIFY (object));
}

static void
gst_effvk_classify_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (object);
  gboolean known;

  if (id == GST_EFFVK_PROP_STATS)
    {
      g_value_take_boxed (value, get_stats (self));
      return;
    }
  GST_OBJECT_LOCK (self);
  known = gst_effvk_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_effvk_classify_set_context (GstElement *element, GstContext *context)
{
  gst_effvk_vulkan_set_context (&GST_EFFVK_CLASSIFY (element)->vulkan, element, context);
  GST_ELEMENT_CLASS (gst_effvk_classify_parent_class)->set_context (element, context);
}

static void
gst_effvk_classify_dispose (GObject *object)
{
  gst_effvk_registry_withdraw (GST_EFFVK_CLASSIFY (object)); /* if it was not stopped before */
  G_OBJECT_CLASS (gst_effvk_classify_parent_class)->dispose (object);
}

static void
gst_effvk_classify_finalize (GObject *object)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (object);

  gst_effvk_queue_clear (&self->queue);
  gst_effvk_settings_clear (&self->settings);
  gst_effvk_model_config_clear (&self->accepted);
  gst_effvk_vulkan_clear (&self->vulkan, GST_ELEMENT (self));
  gst_effvk_tracks_free (self->tracks);
  gst_effvk_teaching_free (self->teaching);
  G_OBJECT_CLASS (gst_effvk_classify_parent_class)->finalize (object);
}

/* Teaching needs what the network gives only when it is asked to. */
static gboolean
has_embeddings (GstEffvkClassify *self)
{
  g_auto (GstEffvkModelConfig) config = { 0 };

  GST_OBJECT_LOCK (self);
  gst_effvk_settings_get_config (&self->settings, &config);
  GST_OBJECT_UNLOCK (self);
  return config.embeddings;
}

static gboolean
gst_effvk_classify_teach_example (GstEffvkClassify *self, const char *label)
{
  if (!label || !*label || !has_embeddings (self))
    {
      GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
                           ("teach-example needs a label. Set teach-file or attach-embedding "
                            "before it"),
                           (NULL));
      return FALSE;
    }
  gst_effvk_teaching_ask (self->teaching, label);
  return TRUE;
}

/* From the thread of the fit. */
static void
take_taught (GstElement *element, EffvkModel *model, const char *file)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (element);

  GST_OBJECT_LOCK (self);
  gst_effvk_settings_set_taught (&self->settings, model, file);
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "model-file"); /* has the network swapped */
}

static gboolean
gst_effvk_classify_teach_fit (GstEffvkClassify *self)
{
  g_autofree char *file = NULL;

  GST_OBJECT_LOCK (self);
  file = g_strdup (self->settings.teach_file);
  GST_OBJECT_UNLOCK (self);
  return gst_effvk_teaching_fit (self->teaching, file, take_taught);
}

static void
add_actions (GType type)
{
  const GSignalFlags flags = G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION;

  /**
   * GstEffvkClassify::teach-example:
   * @element: the element
   * @label: what the next frame, or each object in it, shows
   *
   * Remembers the next frame that is classified as an example of a class. An element message
   * `effvkclassify-example` tells when it came: `label`, and `examples`, how many the class has
   * now.
   *
   * Returns: %FALSE where neither #GstEffvkClassify:teach-file nor
   * #GstEffvkClassify:attach-embedding is set
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("teach-example", type, flags,
                              G_CALLBACK (gst_effvk_classify_teach_example), NULL, NULL, NULL,
                              G_TYPE_BOOLEAN, 1, G_TYPE_STRING);
  /**
   * GstEffvkClassify::teach-fit:
   * @element: the element
   *
   * Fits a classifier to the examples, in a thread, and writes it to #GstEffvkClassify:teach-file.
   * It takes its place between two frames. An element message `effvkclassify-taught` tells how it
   * went: `taught`, and `accuracy` or `reason`; `effvkclassify-model` tells of the swap.
   *
   * Returns: %FALSE where one is being fitted already, or there is no example
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("teach-fit", type, flags, G_CALLBACK (gst_effvk_classify_teach_fit),
                              NULL, NULL, NULL, G_TYPE_BOOLEAN, 0);
}

static void
gst_effvk_classify_class_init (GstEffvkClassifyClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_effvk_classify_set_property;
  object_class->get_property = gst_effvk_classify_get_property;
  object_class->dispatch_properties_changed = gst_effvk_classify_dispatch_changed;
  object_class->dispose = gst_effvk_classify_dispose;
  object_class->finalize = gst_effvk_classify_finalize;
  gst_effvk_settings_install (object_class);
  add_actions (G_OBJECT_CLASS_TYPE (klass));
  gst_type_mark_as_plugin_api (EFFVK_TYPE_PRECISION, 0);
  gst_type_mark_as_plugin_api (EFFVK_TYPE_OUTPUT_ACTIVATION, 0);
  gst_type_mark_as_plugin_api (GST_EFFVK_TYPE_META_MODE, 0);
  gst_type_mark_as_plugin_api (GST_EFFVK_TYPE_INFERENCE_REGION, 0);
  gst_type_mark_as_plugin_api (GST_EFFVK_TYPE_SKIPPED_MODE, 0);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (
      element_class, "effvk classifier", "Filter/Analyzer/Video/Hardware",
      "Classifies video frames with an EfficientNet on Vulkan compute, on any vendor's GPU",
      "the effvk maintainers");
  element_class->set_context = GST_DEBUG_FUNCPTR (gst_effvk_classify_set_context);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_effvk_classify_change_state);
  gst_effvk_classification_meta_register ();
  gst_effvk_embedding_meta_register ();
}

static void
gst_effvk_classify_init (GstEffvkClassify *self)
{
  gst_effvk_settings_init (&self->settings);
  gst_effvk_queue_init (&self->queue);
  self->tracks = gst_effvk_tracks_new ();
  self->teaching = gst_effvk_teaching_new (GST_ELEMENT (self));
  self->reporter = (GstEffvkReporter){ .element = GST_ELEMENT (self),
                                       .counters = &self->counters,
                                       .tracks = self->tracks,
                                       .filter = self->settings.filter,
                                       .teaching = self->teaching };
  gst_effvk_classify_add_sink (self);
  gst_effvk_classify_add_source (self);
}
