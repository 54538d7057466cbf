/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which frames are classified: what the pacer decides about each, and who is told. */
#include "classify/effvkclassify-private.h"
#include "common/times.h"

#define GST_CAT_DEFAULT gst_effvk_classify_debug

/* Less is within what a busy machine does to every stream. */
#define LEAST_LIMIT (100 * GST_MSECOND)

static const char *const reasons[GST_EFFVK_N_SKIPS] = {
  [GST_EFFVK_SKIP_NOT] = "is classified",
  [GST_EFFVK_SKIP_EMPTY] = "is skipped: a gap, without a picture",
  [GST_EFFVK_SKIP_INTERVAL] = "is skipped: not its turn (inference-interval)",
  [GST_EFFVK_SKIP_QOS] = "is skipped: the sink is late (qos)",
  [GST_EFFVK_SKIP_DEADLINE] = "is skipped: it is too old (deadline)",
  [GST_EFFVK_SKIP_DEVICE] = "is skipped: the device was lost",
};

static void
post_qos (GstEffvkClassify *self, GstBuffer *buffer, GstClockTimeDiff jitter)
{
  guint64 inferences, skipped;
  GstMessage *message;
  double proportion;
  gboolean live;

  GST_OBJECT_LOCK (self);
  inferences = self->counters.inferences;
  skipped = gst_effvk_counters_get_skipped (&self->counters);
  proportion = self->pacer.proportion;
  live = self->latency.live;
  GST_OBJECT_UNLOCK (self);
  message = gst_message_new_qos (GST_OBJECT (self), live,
                                 gst_effvk_running_time (&self->segment, buffer),
                                 gst_effvk_stream_time (&self->segment, buffer),
                                 GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  gst_message_set_qos_values (message, jitter, proportion, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, inferences, skipped);
  gst_element_post_message (GST_ELEMENT (self), message);
}

static void
warn_about_lag (GstEffvkClassify *self, const GstEffvkLag *lag, GstEffvkSkippedMode skipped)
{
  double seconds = (double) (lag->now - lag->skipping_since) / GST_SECOND;

  GST_ELEMENT_WARNING (
      self, RESOURCE, BUSY,
      ("Inference is too slow for this live stream: to keep up, %" G_GUINT64_FORMAT
       " of %" G_GUINT64_FORMAT " frames in %.1f s were not classified. They pass %s. A smaller "
       "model, a faster device, or inference-interval=N (every N-th frame) would help. deadline=0 "
       "classifies every frame, however late.",
       lag->n_skipped, lag->n_frames, seconds,
       skipped == GST_EFFVK_SKIPPED_LAST ? "with the classes of the last one that was"
                                         : "without classes"),
      ("stats counts them as skipped-deadline; this is said once"));
}

/* For how long inference can have held the stream back since the last frame. That is while it made
 * the frame wait. On a CPU it is also while it worked, because whatever makes the frames shares the
 * CPU. It is not while downstream held back both. */
static GstClockTime
take_held (GstEffvkClassify *self)
{
  g_autoptr (GstEffvkModelInstance) network = gst_effvk_classify_get_network (self);
  EffvkDevice *device
      = network ? effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network))
                : NULL;
  gint64 waited, blocked, answering, held, before = self->held;

  gst_effvk_queue_get_times (&self->queue, &waited, &blocked, &answering);
  held = device && effvk_device_get_device_type (device) == EFFVK_DEVICE_TYPE_CPU
             ? answering - blocked
             : waited + self->asking;
  self->held = held;
  return (GstClockTime) MAX (held - before, 0) * GST_USECOND;
}

/* Whether the stream is live; downstream, which asks when the pipeline begins to play, does not
 * know of what is linked later. */
static void
find_out_liveness (GstEffvkClassify *self, GstClockTime now)
{
  g_autoptr (GstQuery) query = NULL;
  gboolean answered, asked;

  GST_OBJECT_LOCK (self);
  asked = self->latency.asked;
  GST_OBJECT_UNLOCK (self);
  if (asked || !GST_CLOCK_TIME_IS_VALID (now) || now < GST_SECOND)
    return;
  query = gst_query_new_latency ();
  answered = gst_pad_peer_query (self->sink, query);
  GST_OBJECT_LOCK (self);
  if (answered)
    gst_effvk_latency_take_liveness (&self->latency, query);
  self->latency.asked = TRUE;
  GST_OBJECT_UNLOCK (self);
}

/* Under the object lock. How late inference may make the stream. */
static GstClockTime
get_limit (GstEffvkClassify *self, const GstEffvkPace *pace, GstClockTime now)
{
  if (GST_CLOCK_TIME_IS_VALID (pace->deadline) || !self->latency.live
      || !GST_CLOCK_TIME_IS_VALID (now))
    return GST_CLOCK_TIME_NONE;
  return MAX (self->latency.max * self->latency.frame, LEAST_LIMIT);
}

static GstClockTime
get_duration (GstEffvkClassify *self, GstBuffer *buffer)
{
  return GST_BUFFER_DURATION_IS_VALID (buffer) && GST_BUFFER_DURATION (buffer) > 0
             ? MIN (GST_BUFFER_DURATION (buffer), GST_SECOND)
             : self->latency.frame;
}

gboolean
gst_effvk_classify_decide (GstEffvkClassify *self, const GstEffvkPace *pace, GstEffvkItem *item,
                           GstBuffer *buffer)
{
  GstEffvkMoment moment = { .empty = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP)
                                     && !gst_buffer_get_size (buffer),
                            .now = gst_element_get_current_running_time (GST_ELEMENT (self)),
                            .held = take_held (self) };
  GstEffvkPacer *pacer = &self->pacer;
  GstEffvkSkippedMode skipped;
  GstClockTimeDiff late;
  gboolean warn = FALSE;
  GstEffvkSkip skip;
  GstEffvkLag lag;

  find_out_liveness (self, moment.now);
  GST_OBJECT_LOCK (self);
  moment.time = gst_effvk_pacer_advance (pacer, &self->segment, buffer, get_duration (self, buffer),
                                         self->latency.live ? moment.now : GST_CLOCK_TIME_NONE);
  moment.limit = get_limit (self, pace, moment.now);
  skip = self->restoring ? GST_EFFVK_SKIP_DEVICE : gst_effvk_pacer_decide (pacer, pace, &moment);
  late = skip == GST_EFFVK_SKIP_QOS ? pacer->late : GST_CLOCK_DIFF (moment.time, moment.now);
  if (GST_CLOCK_TIME_IS_VALID (moment.limit))
    warn = gst_effvk_lag_take_decision (&pacer->lag, moment.now, skip == GST_EFFVK_SKIP_DEADLINE);
  lag = pacer->lag;
  self->counters.frames++;
  self->counters.skipped[skip] += skip != GST_EFFVK_SKIP_NOT;
  skipped = gst_effvk_settings_get_reporting (&self->settings, self->latency.live).skipped;
  GST_OBJECT_UNLOCK (self);
  item->time = moment.time;
  GST_LOG_OBJECT (self, "the frame of %" GST_TIME_FORMAT " %s",
                  GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), reasons[skip]);
  if (skip == GST_EFFVK_SKIP_QOS || skip == GST_EFFVK_SKIP_DEADLINE)
    post_qos (self, buffer, late);
  if (warn)
    warn_about_lag (self, &lag, skipped);
  return skip == GST_EFFVK_SKIP_NOT;
}
