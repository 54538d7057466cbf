/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source pad: the task that takes out what can leave, in order, and what downstream asks. */
#include "classify/effvkclassify-private.h"

#define GST_CAT_DEFAULT gst_effvk_classify_debug

/* A lost device stays lost, so that it is reported once and not with every frame that follows. The
   error is posted first: upstream posts an error of its own as soon as a frame is refused. */
static void
post_frame_error (GstEffvkClassify *self, const GError *error)
{
  g_autoptr (GError) prefixed = g_error_copy (error);
  g_auto (GstEffvkModelConfig) config = { 0 };

  gst_effvk_classify_get_config (self, &config);
  g_prefix_error (&prefixed, "Could not classify a frame: ");
  gst_effvk_model_instance_post_error (GST_ELEMENT (self), &config, prefixed);
  GST_OBJECT_LOCK (self);
  self->lost = g_error_matches (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_LOST)
               || g_error_matches (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_TIMEOUT);
  GST_OBJECT_UNLOCK (self);
}

static void
measure_latency (GstEffvkClassify *self, const GstEffvkItem *item)
{
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = gst_effvk_latency_measure (&self->latency,
                                       (GstClockTime) (item->request->done - item->admitted)
                                           * GST_USECOND);
  GST_OBJECT_UNLOCK (self);
  if (changed)
    gst_effvk_classify_post_latency (self);
}

static void
count_times (GstEffvkClassify *self, const GstEffvkItem *item, const gint64 *taken_reported_pushed)
{
  const gint64 times[GST_EFFVK_N_STAGES + 1]
      = { item->arrived,           item->admitted,           item->asked,
          item->request->done,     taken_reported_pushed[0], taken_reported_pushed[1],
          taken_reported_pushed[2] };

  GST_OBJECT_LOCK (self);
  for (guint i = 0; i < GST_EFFVK_N_STAGES; i++)
    gst_effvk_counters_add_time (&self->counters, i, times[i + 1] - times[i]);
  GST_OBJECT_UNLOCK (self);
}

GstEffvkLogitsShape
gst_effvk_classify_get_logits (GstEffvkClassify *self, GstEffvkModelInstance *network)
{
  GstEffvkLogitsShape logits = { 0 };

  if (!network || !gst_effvk_classify_tells_logits (self))
    return logits;
  GST_OBJECT_LOCK (self);
  logits.rows = gst_effvk_objects_and_frame (&self->settings.objects);
  GST_OBJECT_UNLOCK (self);
  logits.classes = effvk_model_get_n_classes (gst_effvk_model_instance_get_model (network));
  return logits;
}

gboolean
gst_effvk_classify_tells_logits (GstEffvkClassify *self)
{
  gboolean attached;

  GST_OBJECT_LOCK (self);
  attached = self->settings.reporting.attach_logits;
  GST_OBJECT_UNLOCK (self);
  return attached && gst_effvk_tensor_caps_exist ();
}

static void
push_caps (GstEffvkClassify *self, const GstEffvkLogitsShape *logits)
{
  g_autoptr (GstCaps) caps = gst_effvk_tensor_caps_add (gst_caps_ref (self->caps), logits);

  self->told = *logits;
  gst_pad_push_event (self->src, gst_event_new_caps (caps));
}

static void
push_caps_event (GstEffvkClassify *self, GstEvent *event)
{
  g_autoptr (GstEffvkModelInstance) network = gst_effvk_classify_get_network (self);
  GstEffvkLogitsShape logits = gst_effvk_classify_get_logits (self, network);
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  gst_caps_replace (&self->caps, caps);
  gst_effvk_signal_watch_set_caps (&self->reporter.watch, caps);
  if (logits.classes > 0)
    {
      push_caps (self, &logits);
      gst_event_unref (event);
      return;
    }
  self->told = logits;
  gst_pad_push_event (self->src, event);
}

/* The property or the model may have changed since. */
static void
update_caps (GstEffvkClassify *self, const GstEffvkItem *item)
{
  GstEffvkLogitsShape logits = gst_effvk_classify_get_logits (self, item->network);

  if (self->caps && item->network
      && (logits.rows != self->told.rows || logits.classes != self->told.classes))
    push_caps (self, &logits);
}

static void
push_frame (GstEffvkClassify *self, GstEffvkItem *item, GstBuffer *buffer)
{
  gint64 times[3] = { g_get_monotonic_time () };
  GstEffvkReporting how;

  if (item->request && item->request->error
      && gst_effvk_classify_outlives (self, item->network, item->request->error->message))
    g_clear_pointer (&item->request, gst_effvk_request_unref); /* the frame passes without */
  if (item->request && item->request->error)
    {
      post_frame_error (self, item->request->error);
      gst_buffer_unref (buffer);
      gst_effvk_queue_set_flow (&self->queue, GST_FLOW_ERROR, TRUE);
      return;
    }
  if (item->request)
    measure_latency (self, item);
  update_caps (self, item);
  GST_OBJECT_LOCK (self);
  how = gst_effvk_settings_get_reporting (&self->settings, self->latency.live);
  GST_OBJECT_UNLOCK (self);
  if (item->request)
    GST_LOG_OBJECT (self, "the frame of %" GST_TIME_FORMAT " is answered: %u results after %.2f ms",
                    GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), item->request->results->len,
                    (double) (item->request->done - item->asked) / 1e3);
  buffer = gst_effvk_reporter_report (&self->reporter, &how, item, buffer);
  times[1] = g_get_monotonic_time ();
  gst_effvk_queue_set_flow (&self->queue, gst_pad_push (self->src, buffer), FALSE);
  times[2] = g_get_monotonic_time ();
  if (item->request)
    count_times (self, item, times);
}

static void
push_event (GstEffvkClassify *self, GstEvent *event)
{
  GstFlowReturn untold;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_CAPS:
      push_caps_event (self, event);
      return;
    case GST_EVENT_STREAM_START:
      gst_effvk_queue_forgive (&self->queue, GST_FLOW_EOS);
      break;
    case GST_EVENT_SEGMENT:
      gst_effvk_queue_forgive (&self->queue, GST_FLOW_EOS);
      gst_event_copy_segment (event, &self->reporter.segment);
      break;
    case GST_EVENT_EOS:
      /* upstream, which would say so, has no further frame with which to learn of it */
      untold = gst_effvk_queue_get_untold (&self->queue);
      if (untold != GST_FLOW_OK)
        GST_ELEMENT_FLOW_ERROR (self, untold);
      break;
    default:
      break;
    }
  gst_pad_push_event (self->src, event);
}

void
gst_effvk_classify_loop (gpointer data)
{
  GstEffvkClassify *self = data;
  GstFlowReturn flow;
  g_autoptr (GstEffvkItem) item = gst_effvk_queue_take (&self->queue, &flow);

  if (!item)
    {
      gst_pad_pause_task (self->src);
      return;
    }
  if (GST_IS_EVENT (item->object))
    push_event (self, GST_EVENT (g_steal_pointer (&item->object)));
  else if (flow == GST_FLOW_OK) /* else downstream has refused the frame before it */
    push_frame (self, item, GST_BUFFER (g_steal_pointer (&item->object)));
  gst_effvk_queue_done (&self->queue);
}

static gboolean
source_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (parent);

  if (GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE)
    gst_effvk_queue_forgive (&self->queue, GST_FLOW_NOT_LINKED);
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    {
      GST_OBJECT_LOCK (self);
      gst_effvk_pacer_take_qos (&self->pacer, event);
      GST_OBJECT_UNLOCK (self);
    }
  return gst_pad_event_default (pad, parent, event);
}

/* What upstream can give, with the logits. */
static gboolean
query_caps (GstEffvkClassify *self, GstPad *pad, GstQuery *query)
{
  g_autoptr (GstEffvkModelInstance) network = gst_effvk_classify_get_network (self);
  GstEffvkLogitsShape logits = gst_effvk_classify_get_logits (self, network);
  g_autoptr (GstCaps) caps = NULL;
  g_autoptr (GstQuery) upstream = NULL;
  GstCaps *filter, *answered;

  gst_query_parse_caps (query, &filter);
  caps = filter ? gst_effvk_tensor_caps_remove (gst_caps_copy (filter)) : NULL;
  upstream = gst_query_new_caps (caps);
  if (!gst_pad_query_default (pad, GST_OBJECT (self), upstream))
    return FALSE;
  gst_query_parse_caps_result (upstream, &answered);
  gst_caps_replace (&caps, answered);
  caps = gst_effvk_tensor_caps_add (g_steal_pointer (&caps), &logits);
  if (filter)
    {
      g_autoptr (GstCaps) all = g_steal_pointer (&caps);

      caps = gst_caps_intersect_full (filter, all, GST_CAPS_INTERSECT_FIRST);
    }
  gst_query_set_caps_result (query, caps);
  return TRUE;
}

static gboolean
source_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (parent);
  GstClockTime latency;
  gboolean live;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT
      && gst_effvk_vulkan_answer (&self->vulkan, GST_ELEMENT (self), query))
    return TRUE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS && gst_effvk_classify_tells_logits (self))
    return query_caps (self, pad, query);
  if (!gst_pad_query_default (pad, parent, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    {
      GST_OBJECT_LOCK (self);
      gst_effvk_latency_answer (&self->latency, query);
      live = self->latency.live;
      latency = self->latency.n_frames * self->latency.frame;
      GST_OBJECT_UNLOCK (self);
      GST_INFO_OBJECT (self, "the pipeline is %s: latency %" GST_TIME_FORMAT,
                       live ? "live" : "not live", GST_TIME_ARGS (live ? latency : 0));
    }
  return TRUE;
}

static gboolean
activate (GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstEffvkClassify *self = GST_EFFVK_CLASSIFY (parent);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (active)
    {
      gst_effvk_queue_restart (&self->queue);
      return gst_pad_start_task (pad, gst_effvk_classify_loop, self, NULL);
    }
  gst_effvk_queue_set_flushing (&self->queue);
  return gst_pad_stop_task (pad);
}

void
gst_effvk_classify_add_source (GstEffvkClassify *self)
{
  self->src = gst_pad_new_from_template (
      gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), "src"), "src");
  gst_pad_set_activatemode_function (self->src, GST_DEBUG_FUNCPTR (activate));
  gst_pad_set_event_function (self->src, GST_DEBUG_FUNCPTR (source_event));
  gst_pad_set_query_function (self->src, GST_DEBUG_FUNCPTR (source_query));
  GST_PAD_SET_PROXY_CAPS (self->src);
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}
