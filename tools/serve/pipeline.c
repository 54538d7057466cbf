/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/pipeline.h"

#include "media-decoder.h"
#include "media-problem.h"
#include "serve/keeper.h"

#include <string.h>

#define LONGEST_END (10 * G_USEC_PER_SEC)
#define IN_ELEMENT 16 /* frames whose time in effvkclassify is measured */

const double serve_latency_bounds[SERVE_LATENCIES]
    = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, G_MAXDOUBLE };

struct _ServePipeline
{
  gint references; /* atomic */
  const ServePipelineEvents *events;
  gpointer user_data; /* events and this: NULL when it was stopped; main thread */
  char *location, *user, *password, *instance;
  ServeModelConfig model;
  double latency; /* s */
  gboolean remote;

  GstElement *pipeline, *queue, *classify, *sink;
  guint watch;
  char *missing;  /* a plugin, as the bus told */
  gboolean ended; /* was told */

  GMutex state_lock; /* while the state of the pipeline changes */
  gboolean joined;   /* the network */
  gboolean again;    /* the stream comes again */
  gint stopped;      /* atomic: it is to end */
  GError *problem;   /* a thread looks into it */

  gint linked; /* atomic */
  guint64 frames;
  GMutex lock; /* of what follows, and frames */
  struct
  {
    GstClockTime pts;
    gint64 came; /* us */
  } inside[IN_ELEMENT];
  guint next_inside;
  ServeLatency times;
};

static gint n_pipelines; /* atomic */

static void
unref (gpointer data)
{
  ServePipeline *pipeline = data;

  if (!g_atomic_int_dec_and_test (&pipeline->references))
    return;
  gst_clear_object (&pipeline->pipeline);
  g_clear_error (&pipeline->problem);
  g_free (pipeline->location);
  g_free (pipeline->user);
  g_free (pipeline->password);
  g_free (pipeline->missing);
  g_free (pipeline->instance);
  serve_keys_clear (serve_model_keys, &pipeline->model);
  g_mutex_clear (&pipeline->state_lock);
  g_mutex_clear (&pipeline->lock);
  g_free (pipeline);
  g_atomic_int_add (&n_pipelines, -1);
}

static ServePipeline *
ref (ServePipeline *pipeline)
{
  g_atomic_int_inc (&pipeline->references);
  return pipeline;
}

guint
serve_pipeline_count (void)
{
  return (guint) g_atomic_int_get (&n_pipelines);
}

void
serve_pipeline_wait (void)
{
  gint64 deadline = g_get_monotonic_time () + LONGEST_END;

  while (serve_pipeline_count () + serve_keeper_count () > 0 && g_get_monotonic_time () < deadline)
    {
      serve_keeper_forget (NULL);
      if (!g_main_context_iteration (NULL, FALSE))
        g_usleep (G_USEC_PER_SEC / 100);
    }
}

/* Runs @work (@pipeline) in a thread that nobody waits for. */
static void
run (ServePipeline *pipeline, GThreadFunc work)
{
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_try_new ("effvk-stream", work, ref (pipeline), &error);

  if (thread)
    g_thread_unref (thread);
  else
    work (pipeline); /* better late than never */
}

static gpointer
play (gpointer data)
{
  ServePipeline *pipeline = data;
  GstState state;

  g_mutex_lock (&pipeline->state_lock);
  if (!g_atomic_int_get (&pipeline->stopped)
      && gst_element_set_state (pipeline->pipeline, GST_STATE_PLAYING)
             == GST_STATE_CHANGE_NO_PREROLL)
    g_object_set (pipeline->sink, "sync", FALSE, NULL);
  gst_element_get_state (pipeline->classify, &state, NULL, 0);
  pipeline->joined = state >= GST_STATE_PAUSED;
  if (pipeline->joined)
    serve_keeper_joined (pipeline->instance);
  g_mutex_unlock (&pipeline->state_lock);
  unref (pipeline);
  return NULL;
}

static gpointer
end (gpointer data)
{
  ServePipeline *pipeline = data;

  g_mutex_lock (&pipeline->state_lock);
  if (pipeline->joined)
    serve_keeper_leaves (pipeline->instance, &pipeline->model, pipeline->again);
  gst_element_set_state (pipeline->pipeline, GST_STATE_NULL);
  g_mutex_unlock (&pipeline->state_lock);
  unref (pipeline);
  return NULL;
}

void
serve_pipeline_stop (ServePipeline *pipeline, gboolean again)
{
  pipeline->events = NULL;
  pipeline->again = again;
  g_clear_handle_id (&pipeline->watch, g_source_remove);
  g_atomic_int_set (&pipeline->stopped, TRUE);
  run (pipeline, end);
  unref (pipeline);
}

/* What a new attempt will not mend: the file, the plugins, the credentials, the network. */
static gboolean
is_lasting (const ServePipeline *pipeline, const GError *error)
{
  return pipeline->missing || error->domain == GST_CORE_ERROR
         || g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED)
         || g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS)
         || g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_TYPE_NOT_FOUND)
         || g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND)
         || g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
}

static void
tell_end (ServePipeline *pipeline, const char *reason, gboolean lasting)
{
  if (pipeline->ended || !pipeline->events)
    return;
  pipeline->ended = TRUE;
  pipeline->events->end (reason, lasting, pipeline->user_data);
}

static gboolean
on_explained (gpointer data)
{
  ServePipeline *pipeline = data;

  tell_end (pipeline, pipeline->problem->message, is_lasting (pipeline, pipeline->problem));
  return G_SOURCE_REMOVE;
}

/* Asks the name server and the port what is wrong, which takes a while. */
static gpointer
explain (gpointer data)
{
  ServePipeline *pipeline = data;

  if (pipeline->missing)
    {
      g_free (pipeline->problem->message);
      pipeline->problem->message
          = g_strdup_printf ("GStreamer lacks a plugin: %s", pipeline->missing);
    }
  else
    tool_media_explain (pipeline->location, &pipeline->problem);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_explained, pipeline, unref);
  return NULL;
}

static void
on_error (ServePipeline *pipeline, GstMessage *message)
{
  GstObject *source = GST_MESSAGE_SRC (message);
  g_autofree char *debug = NULL;

  if (pipeline->problem)
    return;
  gst_message_parse_error (message, &pipeline->problem, &debug);
  if (source == GST_OBJECT (pipeline->classify))
    tell_end (pipeline, pipeline->problem->message, TRUE);
  else
    run (pipeline, explain);
}

/* A file that comes over the network plays at its own speed, too. */
static void
on_first_frame (ServePipeline *pipeline)
{
  gint64 duration;

  if (!pipeline->remote
      || !gst_element_query_duration (pipeline->pipeline, GST_FORMAT_TIME, &duration)
      || duration <= 0)
    return;
  g_object_set (pipeline->sink, "sync", TRUE, NULL);
  gst_util_set_object_arg (G_OBJECT (pipeline->queue), "leaky", "no");
}

static gboolean
on_message (GstBus *bus G_GNUC_UNUSED, GstMessage *message, gpointer data)
{
  ServePipeline *pipeline = data;
  const GstStructure *structure = gst_message_get_structure (message);

  if (!pipeline->events)
    return G_SOURCE_CONTINUE;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    on_error (pipeline, message);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ASYNC_DONE)
    on_first_frame (pipeline);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    tell_end (pipeline, NULL, FALSE);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT && structure)
    {
      if (gst_structure_has_name (structure, "effvkclassify"))
        pipeline->events->result (structure, pipeline->user_data);
      else if (gst_structure_has_name (structure, "missing-plugin") && !pipeline->missing)
        pipeline->missing = g_strdup (gst_structure_get_string (structure, "name"));
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_autoplug_continue (GstElement *decoder G_GNUC_UNUSED, GstPad *pad G_GNUC_UNUSED, GstCaps *caps,
                      gpointer data G_GNUC_UNUSED)
{
  return tool_media_wants (caps);
}

static void
on_element_added (GstBin *pipeline G_GNUC_UNUSED, GstBin *bin G_GNUC_UNUSED, GstElement *element,
                  gpointer data G_GNUC_UNUSED)
{
  tool_media_tune (element);
}

static void
set_if_there (GstElement *element, const char *name, const char *value)
{
  if (value && g_object_class_find_property (G_OBJECT_GET_CLASS (element), name))
    gst_util_set_object_arg (G_OBJECT (element), name, value);
}

/* rtspsrc keeps 2 s otherwise, and what comes late all the same. */
static void
on_source_setup (GstElement *decoder G_GNUC_UNUSED, GstElement *source, ServePipeline *pipeline)
{
  g_autofree char *latency = g_strdup_printf ("%.0f", pipeline->latency * 1000);

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (source), "drop-on-latency"))
    {
      set_if_there (source, "drop-on-latency", "true");
      set_if_there (source, "latency", latency);
    }
  set_if_there (source, "user-id", pipeline->user);
  set_if_there (source, "user-pw", pipeline->password);
}

static void
on_pad_added (GstElement *decoder G_GNUC_UNUSED, GstPad *pad, ServePipeline *pipeline)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (pipeline->queue, "sink");
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);

  if (gst_caps_get_size (caps) > 0
      && g_str_has_prefix (gst_structure_get_name (gst_caps_get_structure (caps, 0)), "video/x-raw")
      && !gst_pad_is_linked (sink) && GST_PAD_LINK_SUCCESSFUL (gst_pad_link (pad, sink)))
    g_atomic_int_set (&pipeline->linked, TRUE);
}

static void
on_no_more_pads (GstElement *decoder, ServePipeline *pipeline)
{
  if (!g_atomic_int_get (&pipeline->linked))
    GST_ELEMENT_ERROR (decoder, STREAM, WRONG_TYPE, ("there is no video in it"), (NULL));
}

static GstPadProbeReturn
on_decoded (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info G_GNUC_UNUSED, gpointer data)
{
  ServePipeline *pipeline = data;

  g_mutex_lock (&pipeline->lock);
  pipeline->frames++;
  g_mutex_unlock (&pipeline->lock);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_enter (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info, gpointer data)
{
  ServePipeline *pipeline = data;
  guint i;

  g_mutex_lock (&pipeline->lock);
  i = pipeline->next_inside++ % IN_ELEMENT;
  pipeline->inside[i].pts = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
  pipeline->inside[i].came = g_get_monotonic_time ();
  g_mutex_unlock (&pipeline->lock);
  return GST_PAD_PROBE_OK;
}

static void
add_time (ServeLatency *times, double seconds)
{
  guint i = 0;

  while (i < SERVE_LATENCIES - 1 && seconds > serve_latency_bounds[i])
    i++;
  times->buckets[i]++;
  times->n++;
  times->sum += seconds;
}

static GstPadProbeReturn
on_leave (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info, gpointer data)
{
  ServePipeline *pipeline = data;
  GstClockTime pts = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));

  g_mutex_lock (&pipeline->lock);
  for (guint i = 0; i < IN_ELEMENT; i++)
    if (pipeline->inside[i].came && pipeline->inside[i].pts == pts)
      {
        gint64 us = g_get_monotonic_time () - pipeline->inside[i].came;

        add_time (&pipeline->times, (double) us / G_USEC_PER_SEC);
        pipeline->inside[i].came = 0;
        break;
      }
  g_mutex_unlock (&pipeline->lock);
  return GST_PAD_PROBE_OK;
}

static void
add_probe (ServePipeline *pipeline, GstElement *element, const char *name,
           GstPadProbeCallback probe)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, probe, pipeline, NULL);
}

static gboolean
take_credentials (ServePipeline *pipeline, const char *from, GError **error)
{
  g_autofree char *text = NULL;
  char *colon;

  if (!from)
    return TRUE;
  if (g_str_has_prefix (from, "env:"))
    text = g_strdup (g_getenv (from + 4));
  else if (!g_file_get_contents (from, &text, NULL, error))
    {
      g_prefix_error (error, "credentials: ");
      return FALSE;
    }
  colon = text ? strchr (g_strstrip (text), ':') : NULL;
  if (colon)
    {
      pipeline->user = g_strndup (text, (gsize) (colon - text));
      pipeline->password = g_strdup (colon + 1);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "credentials=%s: expected user:password in it, and found %s", from,
               text ? "no colon" : "no such variable");
  return FALSE;
}

void
serve_pipeline_update (ServePipeline *pipeline, const ServeStreamConfig *config)
{
  g_object_set (pipeline->classify, "inference-interval-time",
                (guint64) (GST_SECOND / config->rate * 0.9), "threshold", config->threshold,
                "unknown-threshold", config->unknown_threshold, "hold",
                (guint64) (config->hold * GST_SECOND), "regions", config->regions, NULL);
}

static GstElement *
make (ServePipeline *pipeline, const char *name, GError **error)
{
  GstElement *element = gst_element_factory_make (name, NULL);

  if (element)
    gst_bin_add (GST_BIN (pipeline->pipeline), element);
  else if (error && !*error)
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
                 "GStreamer has no element %s here: is GST_PLUGIN_PATH right, and is the plugin "
                 "installed?",
                 name);
  return element;
}

/* A live stream's frames that find no room are dropped, the oldest first: its delay stays bounded.
 */
static gboolean
build (ServePipeline *pipeline, const char *uri, GError **error)
{
  GstElement *decoder, *convert;

  pipeline->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  decoder = make (pipeline, "uridecodebin", error);
  pipeline->queue = make (pipeline, "queue", error);
  convert = make (pipeline, "videoconvert", error);
  pipeline->classify = make (pipeline, "effvkclassify", error);
  pipeline->sink = make (pipeline, "fakesink", error);
  if (!decoder || !pipeline->queue || !convert || !pipeline->classify || !pipeline->sink)
    return FALSE;
  gst_element_link_many (pipeline->queue, convert, pipeline->classify, pipeline->sink, NULL);
  g_object_set (decoder, "uri", uri, NULL);
  g_object_set (pipeline->queue, "max-size-buffers", 2, "max-size-bytes", 0, "max-size-time",
                (guint64) 0, NULL);
  if (pipeline->remote)
    gst_util_set_object_arg (G_OBJECT (pipeline->queue), "leaky", "downstream");
  g_object_set (pipeline->sink, "sync", !pipeline->remote, "qos", FALSE, NULL);
  g_signal_connect (decoder, "autoplug-continue", G_CALLBACK (on_autoplug_continue), NULL);
  g_signal_connect (pipeline->pipeline, "deep-element-added", G_CALLBACK (on_element_added), NULL);
  g_signal_connect (decoder, "source-setup", G_CALLBACK (on_source_setup), pipeline);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (on_pad_added), pipeline);
  g_signal_connect (decoder, "no-more-pads", G_CALLBACK (on_no_more_pads), pipeline);
  add_probe (pipeline, pipeline->queue, "sink", on_decoded);
  add_probe (pipeline, pipeline->classify, "sink", on_enter);
  add_probe (pipeline, pipeline->classify, "src", on_leave);
  return TRUE;
}

ServePipeline *
serve_pipeline_start (const ServeStreamConfig *config, const ServeModelConfig *model,
                      const char *instance, const ServePipelineEvents *events, gpointer user_data,
                      GError **error)
{
  ServePipeline *pipeline = g_new0 (ServePipeline, 1);
  g_autofree char *uri = tool_media_make_uri (config->uri, error);
  g_autoptr (GstBus) bus = NULL;

  g_atomic_int_inc (&n_pipelines);
  pipeline->references = 1;
  g_mutex_init (&pipeline->state_lock);
  g_mutex_init (&pipeline->lock);
  pipeline->location = g_strdup (config->uri);
  pipeline->remote = tool_media_is_remote (config->uri);
  pipeline->latency = config->latency;
  pipeline->instance = g_strdup (instance);
  serve_keys_copy (serve_model_keys, model, &pipeline->model);
  if (!uri || !take_credentials (pipeline, config->credentials, error)
      || !build (pipeline, uri, error))
    {
      unref (pipeline);
      return NULL;
    }
  serve_keeper_set_up (pipeline->classify, model, instance);
  serve_pipeline_update (pipeline, config);
  pipeline->events = events;
  pipeline->user_data = user_data;
  bus = gst_element_get_bus (pipeline->pipeline);
  pipeline->watch = gst_bus_add_watch (bus, on_message, pipeline);
  run (pipeline, play);
  return pipeline;
}

guint64
serve_pipeline_get_frames (ServePipeline *pipeline)
{
  guint64 frames;

  g_mutex_lock (&pipeline->lock);
  frames = pipeline->frames;
  g_mutex_unlock (&pipeline->lock);
  return frames;
}

GstSample *
serve_pipeline_get_sample (ServePipeline *pipeline)
{
  GstSample *sample = NULL;

  g_object_get (pipeline->sink, "last-sample", &sample, NULL);
  return sample;
}

GstStructure *
serve_pipeline_get_stats (ServePipeline *pipeline)
{
  GstStructure *stats = NULL;

  g_object_get (pipeline->classify, "stats", &stats, NULL);
  return stats;
}

void
serve_pipeline_add_latency (ServePipeline *pipeline, ServeLatency *latency)
{
  g_mutex_lock (&pipeline->lock);
  for (guint i = 0; i < SERVE_LATENCIES; i++)
    latency->buckets[i] += pipeline->times.buckets[i];
  latency->n += pipeline->times.n;
  latency->sum += pipeline->times.sum;
  g_mutex_unlock (&pipeline->lock);
}
