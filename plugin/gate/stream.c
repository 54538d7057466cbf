/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate's pads: buffers pass, wait or are dropped. */
#include "common/classification-reader.h"
#include "common/times.h"
#include "gate/effvkgate-private.h"

#include <gst/video/video.h>

/* Whether the gate is to be open for a buffer of the timeline's @time. */
static gboolean
decide (GstEffvkGate *self, GstClockTime time)
{
  gboolean rest, moved;

  GST_OBJECT_LOCK (self);
  rest = self->pass == NULL; /* open where only what is dropped is named */
  moved = rest ? self->told.dropped == GST_EFFVK_SEEN_ONE : self->told.passed == GST_EFFVK_SEEN_ONE;
  if (moved)
    self->last = time;
  else if (self->open != rest && GST_CLOCK_TIME_IS_VALID (self->last)
           && time - self->last < self->hold)
    moved = TRUE;
  if (!rest && self->told.dropped == GST_EFFVK_SEEN_ONE)
    moved = FALSE;
  GST_OBJECT_UNLOCK (self);
  return moved ? !rest : rest;
}

static void
post (GstEffvkGate *self, gboolean open, GstBuffer *buffer)
{
  GstStructure *structure;

  GST_OBJECT_LOCK (self);
  structure
      = gst_structure_new ("effvkgate", "open", G_TYPE_BOOLEAN, open, "label", G_TYPE_STRING,
                           self->told.label ? self->told.label : "", "running-time", G_TYPE_UINT64,
                           gst_effvk_running_time (&self->segment, buffer), "stream-time",
                           G_TYPE_UINT64, gst_effvk_stream_time (&self->segment, buffer), NULL);
  GST_OBJECT_UNLOCK (self);
  gst_element_post_message (GST_ELEMENT (self),
                            gst_message_new_element (GST_OBJECT (self), structure));
}

/* What leaves the pre-roll's old end: nobody will see it. */
static void
leave (GstMiniObject *object, gpointer data)
{
  GstEffvkGate *self = data;

  if (GST_IS_EVENT (object))
    {
      gst_pad_push_event (self->src, GST_EVENT_CAST (object));
      return;
    }
  if (GST_BUFFER_PTS_IS_VALID (object) && self->segment.format == GST_FORMAT_TIME)
    gst_pad_push_event (self->src,
                        gst_event_new_gap (GST_BUFFER_PTS (object), GST_BUFFER_DURATION (object)));
  GST_OBJECT_LOCK (self);
  self->n_dropped++;
  GST_OBJECT_UNLOCK (self);
  gst_mini_object_unref (object);
}

static GstFlowReturn
push (GstEffvkGate *self, GstBuffer *buffer)
{
  if (self->wait_for_key && GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))
    {
      leave (GST_MINI_OBJECT_CAST (buffer), self);
      return GST_FLOW_OK;
    }
  self->wait_for_key = FALSE;
  if (self->discont)
    {
      buffer = gst_buffer_make_writable (buffer);
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
      self->discont = FALSE;
    }
  GST_OBJECT_LOCK (self);
  self->n_passed++;
  GST_OBJECT_UNLOCK (self);
  return gst_pad_push (self->src, buffer);
}

static GstFlowReturn
push_pre_roll (GstEffvkGate *self)
{
  GstFlowReturn flow = GST_FLOW_OK;
  GstMiniObject *object;

  while (flow == GST_FLOW_OK && (object = gst_effvk_pre_roll_pop (&self->roll)))
    {
      if (GST_IS_EVENT (object))
        gst_pad_push_event (self->src, GST_EVENT_CAST (object));
      else
        flow = push (self, GST_BUFFER_CAST (object));
    }
  return flow;
}

/* Lets go of what is too old for a pre-roll that ends at @time. */
static void
trim (GstEffvkGate *self, GstClockTime time)
{
  GstClockTime duration;
  guint64 bytes;

  GST_OBJECT_LOCK (self);
  duration = self->pre_roll;
  bytes = self->pre_roll_bytes;
  GST_OBJECT_UNLOCK (self);
  gst_effvk_pre_roll_trim (&self->roll, time, duration, bytes, leave, self);
}

/* The buffer does not pass now; perhaps later, when the gate opens. */
static void
hold_back (GstEffvkGate *self, GstBuffer *buffer, GstClockTime time)
{
  gboolean pre_roll;

  GST_OBJECT_LOCK (self);
  pre_roll = self->pre_roll > 0;
  GST_OBJECT_UNLOCK (self);
  if (pre_roll)
    gst_effvk_pre_roll_add (&self->roll, GST_MINI_OBJECT_CAST (buffer), time);
  else
    leave (GST_MINI_OBJECT_CAST (buffer), self);
  trim (self, time);
}

/* The gate opens: from the pre-roll's keyframe, or else from the next one. */
static GstFlowReturn
open_gate (GstEffvkGate *self, GstBuffer *buffer, GstClockTime time)
{
  trim (self, time);
  self->discont = TRUE;
  self->wait_for_key = gst_effvk_pre_roll_is_empty (&self->roll)
                       && GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (self->wait_for_key)
    gst_pad_push_event (self->sink,
                        gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE, 0));
  return push_pre_roll (self);
}

static void
find_out_liveness (GstEffvkGate *self)
{
  g_autoptr (GstQuery) query = NULL;

  if (self->asked)
    return;
  query = gst_query_new_latency ();
  if (gst_pad_peer_query (self->sink, query))
    gst_query_parse_latency (query, &self->live, NULL, NULL);
  self->asked = TRUE;
}

/* A time that never falls back. Encoded pictures come in the order in which they are decoded. */
static GstClockTime
advance (GstEffvkGate *self, GstBuffer *buffer)
{
  GstClockTime duration = GST_BUFFER_DURATION (buffer), now = GST_CLOCK_TIME_NONE;
  gboolean broken;

  if (!GST_CLOCK_TIME_IS_VALID (duration) || duration == 0)
    duration = self->frame ? self->frame : GST_SECOND / 30;
  find_out_liveness (self);
  if (self->live)
    now = gst_element_get_current_running_time (GST_ELEMENT (self));
  return gst_effvk_timeline_advance (&self->timeline, &self->segment,
                                     GST_BUFFER_DTS_OR_PTS (buffer), MIN (duration, GST_SECOND),
                                     now, &broken);
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstEffvkGate *self = GST_EFFVK_GATE (parent);
  GstClockTime time = advance (self, buffer);
  GstFlowReturn flow = GST_FLOW_OK;
  gboolean open, was_open;

  if (!self->watched)
    {
      g_autoptr (GPtrArray) seen
          = gst_effvk_classifications_read (buffer, self->width, self->height);

      gst_effvk_gate_tell (self, seen);
    }
  open = decide (self, time);
  GST_OBJECT_LOCK (self);
  was_open = self->open;
  self->open = open;
  GST_OBJECT_UNLOCK (self);
  if (open != was_open)
    {
      post (self, open, buffer);
      g_object_notify (G_OBJECT (self), "open");
    }
  if (open && !was_open)
    flow = open_gate (self, buffer, time);
  if (flow != GST_FLOW_OK)
    gst_buffer_unref (buffer);
  else if (open)
    flow = push (self, buffer);
  else
    hold_back (self, buffer, time);
  return flow;
}

void
gst_effvk_gate_reset (GstEffvkGate *self)
{
  gst_effvk_pre_roll_clear (&self->roll);
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  gst_effvk_timeline_reset (&self->timeline);
  self->live = self->asked = FALSE;
  self->last = GST_CLOCK_TIME_NONE;
  self->wait_for_key = self->discont = FALSE;
  GST_OBJECT_LOCK (self);
  self->told.passed = self->told.dropped = GST_EFFVK_SEEN_NOTHING;
  g_clear_pointer (&self->told.label, g_free);
  self->open = self->pass == NULL;
  GST_OBJECT_UNLOCK (self);
}

/* The rest of the stream is not seen by anybody. */
static void
drain (GstEffvkGate *self)
{
  GstMiniObject *object;

  while ((object = gst_effvk_pre_roll_pop (&self->roll)))
    leave (object, self);
}

static GstClockTime
get_frame_duration (GstCaps *caps)
{
  gint n, d;

  if (!gst_structure_get_fraction (gst_caps_get_structure (caps, 0), "framerate", &n, &d) || n <= 0
      || d <= 0)
    return 0;
  return gst_util_uint64_scale_int (GST_SECOND, d, n);
}

static gboolean
sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstEffvkGate *self = GST_EFFVK_GATE (parent);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      gst_effvk_gate_get_size (caps, &self->width, &self->height);
      self->frame = get_frame_duration (caps);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      gst_effvk_timeline_take_segment (&self->timeline);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_effvk_gate_reset (self);
      break;
    case GST_EVENT_STREAM_START: /* and with EOS, the end of what the pre-roll is for */
    case GST_EVENT_EOS:
      drain (self);
      break;
    default:
      break;
    }
  if (GST_EVENT_IS_SERIALIZED (event) && !gst_effvk_pre_roll_is_empty (&self->roll))
    {
      gst_effvk_pre_roll_add (&self->roll, GST_MINI_OBJECT_CAST (event), GST_CLOCK_TIME_NONE);
      return TRUE;
    }
  return gst_pad_event_default (pad, parent, event);
}

static GstPad *
add_pad (GstEffvkGate *self, const char *name)
{
  GstPad *pad = gst_pad_new_from_template (
      gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), name), name);

  GST_PAD_SET_PROXY_CAPS (pad);
  gst_element_add_pad (GST_ELEMENT (self), pad);
  return pad;
}

void
gst_effvk_gate_add_pads (GstEffvkGate *self)
{
  self->width = self->height = 1;
  self->sink = add_pad (self, "sink");
  gst_pad_set_chain_function (self->sink, GST_DEBUG_FUNCPTR (chain));
  gst_pad_set_event_function (self->sink, GST_DEBUG_FUNCPTR (sink_event));
  GST_PAD_SET_PROXY_ALLOCATION (self->sink);
  self->src = add_pad (self, "src");
}
