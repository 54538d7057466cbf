/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sink pad: caps, frames that are put to the network, events and queries in their places. */
#include "classify/effvkclassify-private.h"
#include "memory/dmabuf-buffer.h"
#include "memory/frame-allocator.h"

#define GST_CAT_DEFAULT gst_effvk_classify_debug

static const char *
describe_place (const GstEffvkFramesPlace *place)
{
  return place->kind == GST_EFFVK_FRAMES_IN_VULKAN   ? "Vulkan images"
         : place->kind == GST_EFFVK_FRAMES_IN_DMABUF ? "DMA buffers"
                                                     : "memory that the CPU maps";
}

static gboolean
set_caps (GstEffvkClassify *self, GstCaps *caps)
{
  g_autofree char *reason = NULL;
  gboolean changed;
  GstVideoInfo info;
  EffvkImage *image;

  GstEffvkFramesPlace place = { .kind = gst_effvk_frames_kind (caps) };

  if (!(place.kind == GST_EFFVK_FRAMES_IN_DMABUF
            ? gst_effvk_dmabuf_parse_caps (&info, &place.modifier, caps)
            : gst_video_info_from_caps (&info, caps)))
    {
      GST_ERROR_OBJECT (self, "invalid caps %" GST_PTR_FORMAT, caps);
      return FALSE;
    }
  if (GST_VIDEO_INFO_INTERLACE_MODE (&info) == GST_VIDEO_INTERLACE_MODE_ALTERNATE
      || GST_VIDEO_INFO_INTERLACE_MODE (&info) == GST_VIDEO_INTERLACE_MODE_FIELDS)
    reason = g_strdup_printf ("The video's fields lie apart (interlace-mode=%s); weave them before",
                              gst_video_interlace_mode_to_string (
                                  GST_VIDEO_INFO_INTERLACE_MODE (&info)));
  image = reason ? NULL
                 : gst_effvk_video_image_new (&info, (guint) GST_VIDEO_INFO_WIDTH (&info),
                                              (guint) GST_VIDEO_INFO_HEIGHT (&info), &reason);
  if (!image)
    {
      GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", reason), ("caps %" GST_PTR_FORMAT, caps));
      return FALSE;
    }
  if (!gst_effvk_classify_prepare_network (self, caps))
    {
      effvk_image_free (image);
      return FALSE;
    }
  GST_OBJECT_LOCK (self);
  changed = gst_effvk_latency_reset (&self->latency, &info, self->settings.pace.max_in_flight)
            && self->image; /* nobody has asked before the first caps */
  self->info = info;
  GST_OBJECT_UNLOCK (self);
  gst_effvk_canary_clear (&self->canary); /* its frame is of the stream's kind */
  g_clear_pointer (&self->image, effvk_image_free);
  self->image = image;
  self->place = place;
  if (place.kind == GST_EFFVK_FRAMES_IN_VULKAN)
    gst_effvk_vulkan_look_upstream (&self->vulkan, self->sink);
  gst_effvk_orientation_tags_apply (&self->turned, image);
  self->way = NULL;
  GST_INFO_OBJECT (self, "caps %" GST_PTR_FORMAT ": frames in %s", caps, describe_place (&place));
  if (changed)
    gst_effvk_classify_post_latency (self);
  return TRUE;
}

/* Once for as long as it stays so. */
static void
warn_outside (GstEffvkClassify *self, guint outside)
{
  if (outside && !self->regions_outside)
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
                         ("%u of the regions lie outside of the picture, and have no classes",
                          outside),
                         (NULL));
  self->regions_outside = outside > 0;
}

/* The whole picture as the last of the rectangles that the network is asked about. */
static EffvkRectangle *
append_frame (EffvkRectangle *due, guint *n_due, const GstEffvkItem *item)
{
  due = g_renew (EffvkRectangle, due, *n_due + 1);
  due[(*n_due)++] = (EffvkRectangle){ 0, 0, item->width, item->height };
  return due;
}

/* Finds the frame's objects. Returns those that the network is to be asked about. */
static EffvkRectangle *
find_objects (GstEffvkClassify *self, GstEffvkItem *item, GstBuffer *buffer,
              const GstEffvkObjectOptions *options, guint *n_due)
{
  EffvkModel *model = gst_effvk_model_instance_get_model (item->network);
  EffvkRectangle *due;
  guint ignored, outside;

  item->objects
      = gst_effvk_objects_find (buffer, options, item->width, item->height, &ignored, &outside);
  warn_outside (self, outside);
  due = gst_effvk_objects_plan (item->objects, self->tracks, model, options->interval, n_due);
  GST_OBJECT_LOCK (self);
  self->counters.objects += item->objects->len;
  self->counters.objects_classified += *n_due;
  self->counters.objects_ignored += ignored;
  GST_OBJECT_UNLOCK (self);
  return due;
}

/* Decides what the network is asked about a frame, which may be nothing; FALSE: the frame is at
   fault. */
static gboolean
ask (GstEffvkClassify *self, GstEffvkItem *item, GstBuffer *buffer, gboolean wanted)
{
  g_auto (GstEffvkObjectOptions) options = { 0 };
  g_autofree EffvkRectangle *due = NULL;
  g_autofree char *reason = NULL;
  EffvkClassifier *classifier;
  GstEffvkSkippedMode skipped;
  guint x, y, n_due = 0;

  GST_OBJECT_LOCK (self);
  gst_effvk_object_options_copy (&self->settings.objects, &options);
  skipped = gst_effvk_settings_get_reporting (&self->settings, self->latency.live).skipped;
  GST_OBJECT_UNLOCK (self);
  if (!wanted && skipped == GST_EFFVK_SKIPPED_NONE)
    return TRUE;
  item->network = gst_effvk_classify_get_network (self);
  if (gst_effvk_objects_are_wanted (&options))
    {
      item->and_frame = gst_effvk_objects_and_frame (&options);
      gst_effvk_frame_get_picture (&self->info, buffer, &x, &y, &item->width, &item->height);
      if (wanted)
        due = find_objects (self, item, buffer, &options, &n_due);
      else /* those whose classes are known */
        item->objects = gst_effvk_objects_find (buffer, &options, item->width, item->height,
                                                &(guint){ 0 }, &(guint){ 0 });
      if (wanted && item->and_frame)
        due = append_frame (due, &n_due, item);
      wanted = n_due > 0;
    }
  if (!wanted)
    return TRUE;
  classifier = gst_effvk_model_instance_get_classifier (item->network);
  if (self->place.kind == GST_EFFVK_FRAMES_IN_VULKAN)
    gst_effvk_vulkan_wait (&self->vulkan, effvk_classifier_get_device (classifier));
  item->request
      = gst_effvk_request_new (&self->image, &self->place, effvk_classifier_get_device (classifier),
                               &self->info, buffer, due, n_due,
                               effvk_classifier_get_batch_size (classifier), &reason);
  if (!item->request && gst_effvk_classify_outlives (self, item->network, reason))
    return TRUE;
  if (!item->request)
    {
      GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", reason), (NULL));
      return FALSE;
    }
  if (item->request->way != self->way)
    {
      self->way = item->request->way;
      GST_INFO_OBJECT (self, "frames: %s", self->way);
    }
  if (item->request->copied)
    {
      GST_OBJECT_LOCK (self);
      self->counters.uploaded++;
      self->counters.uploaded_bytes += item->request->copied;
      GST_OBJECT_UNLOCK (self);
    }
  return TRUE;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (parent);
  g_autoptr (GstEffvkItem) item = gst_effvk_item_new (GST_MINI_OBJECT_CAST (buffer));
  GstFlowReturn flow;
  GstEffvkPace pace;
  gboolean lost, put, wanted;
  gint64 began;

  item->arrived = g_get_monotonic_time ();
  GST_OBJECT_LOCK (self);
  pace = self->settings.pace;
  lost = self->lost;
  GST_OBJECT_UNLOCK (self);
  if (lost)
    return GST_FLOW_ERROR;
  if (!self->image)
    return GST_FLOW_NOT_NEGOTIATED;
  flow = gst_effvk_queue_wait_for_room (&self->queue, pace.max_in_flight);
  if (flow != GST_FLOW_OK)
    return flow;
  item->admitted = g_get_monotonic_time ();
  item->width = (guint) GST_VIDEO_INFO_WIDTH (&self->info);
  item->height = (guint) GST_VIDEO_INFO_HEIGHT (&self->info);
  began = item->admitted;
  wanted = gst_effvk_classify_decide (self, &pace, item, buffer);
  gst_effvk_classify_watch (self, item->time);
  if (!ask (self, item, buffer, wanted))
    return GST_FLOW_ERROR;
  put = gst_effvk_queue_put (&self->queue, g_steal_pointer (&item));
  self->asking += g_get_monotonic_time () - began;
  return put ? GST_FLOW_OK : GST_FLOW_FLUSHING;
}

static void
flush_start (GstEffvkClassify *self, GstEvent *event)
{
  gst_effvk_queue_set_flushing (&self->queue);
  gst_pad_push_event (self->src, event);
  gst_pad_pause_task (self->src); /* returns when the task is out of downstream */
}

/* The frame after a flush is of another place in the stream: it is classified. */
static void
flush_stop (GstEffvkClassify *self, GstEvent *event)
{
  gst_pad_push_event (self->src, event);
  gst_effvk_queue_discard (&self->queue, self->src);
  gst_effvk_reporter_reset (&self->reporter);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  GST_OBJECT_LOCK (self);
  gst_effvk_pacer_reset (&self->pacer);
  GST_OBJECT_UNLOCK (self);
  gst_effvk_queue_restart (&self->queue);
  gst_pad_start_task (self->src, gst_effvk_classify_loop, self, NULL);
}

static GstFlowReturn
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (parent);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_FLUSH_START:
      flush_start (self, event);
      return GST_FLOW_OK;
    case GST_EVENT_FLUSH_STOP:
      flush_stop (self, event);
      return GST_FLOW_OK;
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      if (!set_caps (self, caps))
        {
          gst_event_unref (event);
          return GST_FLOW_NOT_NEGOTIATED;
        }
      break;
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      GST_OBJECT_LOCK (self);
      gst_effvk_timeline_take_segment (&self->pacer.timeline);
      GST_OBJECT_UNLOCK (self);
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_TAG:
      gst_effvk_orientation_tags_take_event (&self->turned, event);
      gst_effvk_orientation_tags_apply (&self->turned, self->image);
      break;
    default:
      break;
    }
  if (!GST_EVENT_IS_SERIALIZED (event))
    return gst_pad_push_event (self->src, event) ? GST_FLOW_OK : GST_FLOW_ERROR;
  return gst_effvk_queue_put (&self->queue, gst_effvk_item_new (GST_MINI_OBJECT_CAST (event)))
             ? GST_FLOW_OK
             : GST_FLOW_FLUSHING;
}

/* Downstream's pools must have a frame for each that is held here. */
static void
enlarge_pools (GstQuery *query, guint n)
{
  for (guint i = 0; i < gst_query_get_n_allocation_pools (query); i++)
    {
      GstBufferPool *pool;
      guint size, min, max;

      gst_query_parse_nth_allocation_pool (query, i, &pool, &size, &min, &max);
      min = max ? MIN (min + n, max) : min + n;
      gst_query_set_nth_allocation_pool (query, i, pool, size, min, max);
      g_clear_pointer (&pool, gst_object_unref);
    }
}

/* Memory of the device's for frames, unless downstream has some of its own. */
static gboolean
propose_memory (GstEffvkClassify *self, GstQuery *query)
{
  g_autoptr (GstEffvkModelInstance) network = gst_effvk_classify_get_network (self);
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (network && caps && gst_effvk_frames_kind (caps) == GST_EFFVK_FRAMES_MAPPED)
    gst_effvk_frame_allocator_propose (effvk_classifier_get_device (
                                           gst_effvk_model_instance_get_classifier (network)),
                                       query);
  return gst_query_get_n_allocation_pools (query) > 0;
}

/* Leaves of frames in DMA buffers those that the network's device can import; as long as there is
 * none, all. Takes the reference. */
static GstCaps *
restrict_dmabuf (GstEffvkClassify *self, GstCaps *caps)
{
  g_autoptr (GstEffvkModelInstance) network = gst_effvk_classify_get_network (self);

  if (!network)
    return caps;
  return gst_effvk_dmabuf_restrict_caps (caps,
                                         effvk_classifier_get_device (
                                             gst_effvk_model_instance_get_classifier (network)));
}

static gboolean
takes_dmabuf (GstEffvkClassify *self, GstCaps *caps)
{
  g_autoptr (GstCaps) taken = restrict_dmabuf (self, gst_caps_copy (caps));

  return !gst_caps_is_empty (taken);
}

static gboolean
query_caps (GstEffvkClassify *self, GstPad *pad, GstQuery *query)
{
  GstCaps *caps;

  if (!gst_pad_query_default (pad, GST_OBJECT (self), query))
    return FALSE;
  gst_query_parse_caps_result (query, &caps);
  caps = restrict_dmabuf (self, gst_caps_ref (caps));
  if (gst_effvk_vulkan_is_refused (&self->vulkan, GST_ELEMENT (self)))
    caps = gst_effvk_frame_caps_remove (caps, GST_EFFVK_FEATURE_VULKAN);
  if (gst_effvk_classify_tells_logits (self)) /* what downstream asks for comes from here */
    caps = gst_effvk_tensor_caps_remove (caps);
  gst_query_set_caps_result (query, caps);
  gst_caps_unref (caps);
  return TRUE;
}

/* With the logits in them, as downstream will see them. */
static gboolean
downstream_accepts (GstEffvkClassify *self, GstPad *pad, GstCaps *caps)
{
  g_autoptr (GstEffvkModelInstance) network = gst_effvk_classify_get_network (self);
  GstEffvkLogitsShape logits = gst_effvk_classify_get_logits (self, network);
  g_autoptr (GstCaps) ours = gst_pad_get_pad_template_caps (pad);
  g_autoptr (GstCaps) told = gst_effvk_tensor_caps_add (gst_caps_ref (caps), &logits);

  return gst_caps_is_subset (caps, ours) && gst_pad_peer_query_accept_caps (self->src, told);
}

static gboolean
query_accept_caps (GstEffvkClassify *self, GstPad *pad, GstQuery *query)
{
  GstEffvkFramesKind kind;
  GstCaps *caps;

  gst_query_parse_accept_caps (query, &caps);
  kind = gst_effvk_frames_kind (caps);
  if ((kind == GST_EFFVK_FRAMES_IN_DMABUF && !takes_dmabuf (self, caps))
      || (kind == GST_EFFVK_FRAMES_IN_VULKAN
          && gst_effvk_vulkan_is_refused (&self->vulkan, GST_ELEMENT (self))))
    gst_query_set_accept_caps_result (query, FALSE);
  else if (gst_effvk_classify_tells_logits (self))
    gst_query_set_accept_caps_result (query, downstream_accepts (self, pad, caps));
  else
    return gst_pad_query_default (pad, GST_OBJECT (self), query);
  return TRUE;
}

static gboolean
sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (parent);
  gboolean answered;
  guint n;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT
      && gst_effvk_vulkan_answer (&self->vulkan, GST_ELEMENT (self), query))
    return TRUE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS)
    return query_caps (self, pad, query);
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS)
    return query_accept_caps (self, pad, query);
  /* It is about the stream behind the frames and events that came before. */
  if (GST_QUERY_IS_SERIALIZED (query) && !gst_effvk_queue_drain (&self->queue))
    return FALSE;
  answered = gst_pad_query_default (pad, parent, query);
  if (GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION)
    {
      answered |= propose_memory (self, query);
      GST_OBJECT_LOCK (self);
      n = self->settings.pace.max_in_flight;
      GST_OBJECT_UNLOCK (self);
      enlarge_pools (query, n);
    }
  return answered;
}

void
gst_effvk_classify_add_sink (GstEffvkClassify *self)
{
  self->sink = gst_pad_new_from_template (
      gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), "sink"), "sink");
  gst_pad_set_chain_function (self->sink, GST_DEBUG_FUNCPTR (chain));
  gst_pad_set_event_full_function (self->sink, GST_DEBUG_FUNCPTR (sink_event));
  gst_pad_set_query_function (self->sink, GST_DEBUG_FUNCPTR (sink_query));
  GST_PAD_SET_PROXY_CAPS (self->sink);
  GST_PAD_SET_PROXY_ALLOCATION (self->sink);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
}
