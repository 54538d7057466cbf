/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/stream.h"

#include "back-off.h"
#include "media-decoder.h"

#include <string.h>

#define PATIENCE 4 /* timeouts, for the first frame of a connection */
#define MOST_REGIONS 64

const char *const serve_state_names[SERVE_N_STATES] = {
  [SERVE_CONNECTING] = "connecting", [SERVE_PLAYING] = "playing", [SERVE_STALLED] = "stalled",
  [SERVE_NO_SIGNAL] = "no-signal",   [SERVE_FAILED] = "failed",
};
const char *const serve_skip_names[SERVE_SKIPS]
    = { "empty", "interval", "qos", "deadline", "device" };

struct _ServeStream
{
  char *name, *instance;
  ServeStreamConfig *config;
  ServeModelConfig model;
  const ServeStreamEvents *events;
  gpointer user_data;

  ServePipeline *pipeline; /* NULL: between two attempts, and of streams that are pushed */
  gboolean pushed;
  ServeState state;
  char *reason;
  gint64 since; /* us since 1970 */
  ToolBackOff back_off;
  gint64 connected;  /* us, when the connection began */
  gint64 next;       /* us, when to connect */
  guint64 frames;    /* of this connection, so far as seen */
  gint64 last_frame; /* us, when one was seen, or the connection began */
  gboolean answered; /* a result has come since it began to play */
  GPtrArray *channels;
  ServeTotals totals; /* of the connections before, and of results that were pushed */
};

static void
free_channel (gpointer data)
{
  ServeChannel *channel = data;

  g_free (channel->region);
  g_free (channel->label);
  g_free (channel);
}

static void
set_state (ServeStream *stream, ServeState state, const char *reason)
{
  if (stream->state == state && g_strcmp0 (stream->reason, reason) == 0)
    return;
  if (stream->state != state)
    stream->since = g_get_real_time ();
  stream->state = state;
  g_free (stream->reason);
  stream->reason = g_strdup (reason);
  if (state != SERVE_PLAYING)
    stream->answered = FALSE;
  stream->events->state (stream, stream->user_data);
}

static ServeChannel *
get_channel (ServeStream *stream, const char *region)
{
  ServeChannel *channel;

  for (guint i = 0; i < stream->channels->len; i++)
    {
      channel = g_ptr_array_index (stream->channels, i);
      if (g_strcmp0 (channel->region, region) == 0)
        return channel;
    }
  if (stream->channels->len > MOST_REGIONS)
    return NULL;
  channel = g_new0 (ServeChannel, 1);
  channel->region = g_strdup (region);
  g_ptr_array_insert (stream->channels, region ? -1 : 0, channel);
  return channel;
}

static void
take_result (ServeStream *stream, const char *region, const char *label, double score)
{
  ServeChannel *channel = get_channel (stream, region);

  if (!channel)
    return;
  channel->seen = g_get_real_time ();
  channel->score = score;
  if (g_strcmp0 (channel->label, label) != 0)
    {
      g_free (channel->label);
      channel->label = g_strdup (label);
      channel->since = channel->seen;
    }
  stream->answered = TRUE;
  stream->events->result (stream, channel, stream->user_data);
}

static void
take_structure (ServeStream *stream, const GstStructure *structure, gboolean is_object)
{
  const char *label = gst_structure_get_string (structure, "label");
  const char *type = gst_structure_get_string (structure, "type");
  double score = 0;

  if (!label || (is_object && !type))
    return;
  gst_structure_get_double (structure, "score", &score);
  take_result (stream, is_object ? type : NULL, label, score);
}

static void
on_result (const GstStructure *message, gpointer user_data)
{
  const GValue *objects = gst_structure_get_value (message, "objects");

  if (!objects)
    take_structure (user_data, message, FALSE);
  for (guint i = 0; objects && i < gst_value_array_get_size (objects); i++)
    take_structure (user_data, g_value_get_boxed (gst_value_array_get_value (objects, i)), TRUE);
}

static void
add_pipeline (ServeTotals *totals, ServePipeline *pipeline)
{
  g_autoptr (GstStructure) stats = serve_pipeline_get_stats (pipeline);
  guint64 value = 0;

  totals->frames += serve_pipeline_get_frames (pipeline);
  serve_pipeline_add_latency (pipeline, &totals->latency);
  if (stats && gst_structure_get_uint64 (stats, "inferences", &value))
    totals->inferences += value;
  for (guint i = 0; stats && i < SERVE_SKIPS; i++)
    {
      g_autofree char *name = g_strconcat ("skipped-", serve_skip_names[i], NULL);

      if (gst_structure_get_uint64 (stats, name, &value))
        totals->skipped[i] += value;
    }
}

static void
disconnect (ServeStream *stream)
{
  if (!stream->pipeline)
    return;
  add_pipeline (&stream->totals, stream->pipeline);
  serve_pipeline_stop (g_steal_pointer (&stream->pipeline), TRUE);
}

/* The connection is over; another one follows after a pause. */
static void
lose (ServeStream *stream, ServeState state, const char *reason)
{
  disconnect (stream);
  if (state == SERVE_FAILED)
    tool_back_off_give_up (&stream->back_off);
  stream->next = g_get_monotonic_time () + tool_back_off_next (&stream->back_off);
  set_state (stream, state, reason);
}

static void
see_frames (ServeStream *stream, gint64 now)
{
  guint64 frames
      = stream->pushed ? stream->totals.frames : serve_pipeline_get_frames (stream->pipeline);

  if (frames == stream->frames)
    return;
  stream->frames = frames;
  stream->last_frame = now;
  tool_back_off_reset (&stream->back_off);
  set_state (stream, SERVE_PLAYING, NULL);
}

static void
on_end (const char *reason, gboolean lasting, gpointer user_data)
{
  ServeStream *stream = user_data;

  /* A file is played again and again, a short one once a second. */
  if (!reason && !tool_media_is_remote (stream->config->uri)
      && serve_pipeline_get_frames (stream->pipeline) > 0)
    {
      see_frames (stream, g_get_monotonic_time ());
      disconnect (stream);
      stream->next = stream->connected + G_USEC_PER_SEC;
      if (stream->events->ended)
        {
          stream->next = G_MAXINT64;
          stream->events->ended (stream, stream->user_data);
        }
      return;
    }
  lose (stream, lasting ? SERVE_FAILED : SERVE_NO_SIGNAL, reason ? reason : "the stream ended");
}

static void
connect_source (ServeStream *stream)
{
  static const ServePipelineEvents events = { on_result, on_end };
  g_autoptr (GError) error = NULL;

  stream->frames = 0;
  stream->last_frame = stream->connected = g_get_monotonic_time ();
  stream->pipeline = serve_pipeline_start (stream->config, &stream->model, stream->instance,
                                           &events, stream, &error);
  if (!stream->pipeline)
    lose (stream, SERVE_FAILED, error->message);
}

ServeStream *
serve_stream_new (const char *name, const ServeStreamConfig *config, const ServeModelConfig *model,
                  const char *instance, const ServeStreamEvents *events, gpointer user_data)
{
  ServeStream *stream = g_new0 (ServeStream, 1);

  stream->name = g_strdup (name);
  stream->instance = g_strdup (instance);
  stream->config = serve_stream_config_copy (config);
  serve_keys_copy (serve_model_keys, model, &stream->model);
  stream->events = events;
  stream->user_data = user_data;
  stream->pushed = strcmp (config->uri, SERVE_PUSH) == 0;
  stream->since = g_get_real_time ();
  stream->last_frame = g_get_monotonic_time ();
  stream->channels = g_ptr_array_new_with_free_func (free_channel);
  if (!stream->pushed)
    connect_source (stream);
  return stream;
}

void
serve_stream_free (ServeStream *stream)
{
  if (stream->pipeline)
    serve_pipeline_stop (stream->pipeline, FALSE);
  g_ptr_array_unref (stream->channels);
  serve_keys_clear (serve_model_keys, &stream->model);
  serve_stream_config_free (stream->config);
  g_free (stream->reason);
  g_free (stream->instance);
  g_free (stream->name);
  g_free (stream);
}

const char *
serve_stream_get_name (ServeStream *stream)
{
  return stream->name;
}

const char *
serve_stream_get_instance (ServeStream *stream)
{
  return stream->instance;
}

const ServeStreamConfig *
serve_stream_get_config (ServeStream *stream)
{
  return stream->config;
}

ServeState
serve_stream_get_state (ServeStream *stream)
{
  return stream->state;
}

const char *
serve_stream_get_reason (ServeStream *stream)
{
  return stream->reason;
}

gint64
serve_stream_get_since (ServeStream *stream)
{
  return stream->since;
}

GPtrArray *
serve_stream_get_channels (ServeStream *stream)
{
  return stream->channels;
}

ServeTotals
serve_stream_get_totals (ServeStream *stream)
{
  ServeTotals totals = stream->totals;

  if (stream->pipeline)
    add_pipeline (&totals, stream->pipeline);
  return totals;
}

GstStructure *
serve_stream_get_stats (ServeStream *stream)
{
  return stream->pipeline ? serve_pipeline_get_stats (stream->pipeline) : NULL;
}

gboolean
serve_stream_is_waiting (ServeStream *stream)
{
  return stream->state == SERVE_PLAYING && !stream->answered;
}

GstSample *
serve_stream_get_sample (ServeStream *stream)
{
  return stream->pipeline ? serve_pipeline_get_sample (stream->pipeline) : NULL;
}

/* Regions that are not watched any more have no label. */
static void
forget_regions (ServeStream *stream)
{
  for (guint i = stream->channels->len; i-- > 0;)
    if (((ServeChannel *) g_ptr_array_index (stream->channels, i))->region)
      g_ptr_array_remove_index (stream->channels, i);
}

void
serve_stream_set_config (ServeStream *stream, const ServeStreamConfig *config)
{
  gboolean anew = serve_keys_differ (serve_stream_keys, stream->config, config, FALSE);

  if (g_strcmp0 (stream->config->regions, config->regions) != 0)
    forget_regions (stream);
  serve_keys_copy (serve_stream_keys, config, stream->config);
  if (!anew && stream->pipeline)
    serve_pipeline_update (stream->pipeline, stream->config);
  if (!anew)
    return;
  disconnect (stream);
  stream->pushed = strcmp (config->uri, SERVE_PUSH) == 0;
  tool_back_off_reset (&stream->back_off);
  set_state (stream, SERVE_CONNECTING, NULL);
  if (!stream->pushed)
    connect_source (stream);
}

static void
on_silence (ServeStream *stream)
{
  g_autofree char *reason = g_strdup_printf ("no frame came for %g s", stream->config->timeout);

  /* A multicast and a device are waited for. */
  if (stream->pipeline && tool_media_is_connected (stream->config->uri))
    lose (stream, stream->state == SERVE_PLAYING ? SERVE_STALLED : SERVE_NO_SIGNAL, reason);
  else if (stream->state == SERVE_PLAYING)
    set_state (stream, SERVE_STALLED, reason);
}

/* A connection has longer for its first frame, and a file for its first answer: while the network
 * is made, nobody takes more frames. */
static gint64
get_patience (const ServeStream *stream)
{
  gboolean first = stream->pipeline
                   && (stream->frames == 0
                       || (!stream->answered && !tool_media_is_remote (stream->config->uri)));
  double s = stream->config->timeout * (first ? PATIENCE : 1);

  return (gint64) (s * G_USEC_PER_SEC);
}

void
serve_stream_tick (ServeStream *stream)
{
  gint64 now = g_get_monotonic_time ();

  if (stream->pipeline || stream->pushed)
    {
      see_frames (stream, now);
      if (now - stream->last_frame > get_patience (stream))
        on_silence (stream);
    }
  else if (now >= stream->next)
    {
      stream->totals.reconnects++;
      connect_source (stream);
    }
}

void
serve_stream_push (ServeStream *stream, const char *region, const char *label, double score)
{
  stream->totals.frames++;
  stream->totals.inferences++;
  take_result (stream, region, label, score);
  see_frames (stream, g_get_monotonic_time ());
}
