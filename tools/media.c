/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media.h"

#include "media-damage.h"
#include "media-decoder.h"
#include "media-frame.h"
#include "stop.h"

#include <gio/gio.h>
#include <gst/app/app.h>
#include <string.h>

#define AHEAD 4 /* frames that are decoded before they are asked for */
#define POLL (100 * GST_MSECOND)

typedef struct
{
  ToolSource source;

  GstElement *pipeline, *convert;
  GstAppSink *sink;
  gint still;    /* atomic: what was opened is an image */
  gint linked;   /* atomic: a video or an image was found */
  gint other;    /* atomic: a stream that is neither was found */
  gint no_more;  /* atomic: every stream was seen */
  gint answered; /* atomic: something came from where the data are */

  gint64 timeout; /* us without a frame, 0 for ever */
  GError *cause;  /* what stopped the pipeline */
  char *debug;
  char *missing; /* a plugin */

  ToolMediaDamage damage;
  ToolMediaFrame frame;
  guint64 n_frames;

  ToolMediaIdle idle; /* or NULL */
  gpointer idle_data;
} MediaSource;

/* Where a frame stands in the file, which is what players show; its timestamp where that is
 * unknown. */
static gint64
get_position (GstSample *sample)
{
  GstClockTime pts = GST_BUFFER_PTS (gst_sample_get_buffer (sample));
  const GstSegment *segment = gst_sample_get_segment (sample);
  GstClockTime position = GST_CLOCK_TIME_NONE;

  if (!GST_CLOCK_TIME_IS_VALID (pts))
    return -1;
  if (segment && segment->format == GST_FORMAT_TIME)
    position = gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts);
  return (gint64) (GST_CLOCK_TIME_IS_VALID (position) ? position : pts);
}

static void
set_no_picture (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       "there is neither a video nor an image in it");
}

/* Empties the bus, which a long stream would fill; keeps what tells of a failure. */
static void
drain_bus (MediaSource *media)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (media->pipeline);
  GstMessage *message;

  while ((message = gst_bus_pop (bus)))
    {
      const GstStructure *structure = gst_message_get_structure (message);

      if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR && !media->cause)
        gst_message_parse_error (message, &media->cause, &media->debug);
      else if (structure && gst_structure_has_name (structure, "http-headers"))
        g_atomic_int_set (&media->answered, TRUE);
      else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT && !media->cause && !media->missing
               && structure && gst_structure_has_name (structure, "missing-plugin"))
        media->missing = g_strdup (gst_structure_get_string (structure, "name"));
      gst_message_unref (message);
    }
}

/* Takes the error that stopped the pipeline. A plugin that is missing is named. */
static gboolean
take_error (MediaSource *media, GError **error)
{
  const GError *cause = media->cause;
  const char *reason;

  if (!cause)
    return FALSE;
  if (media->missing)
    g_set_error (error, cause->domain, cause->code, "GStreamer lacks a plugin: %s", media->missing);
  else if (g_atomic_int_get (&media->other) && !g_atomic_int_get (&media->linked))
    set_no_picture (error); /* the error is only that nobody takes the other streams */
  else if (g_error_matches (cause, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED) && media->debug
           && (reason = strstr (media->debug, "streaming stopped")))
    g_set_error_literal (error, cause->domain, cause->code, reason); /* says a little more */
  else
    g_propagate_error (error, g_error_copy (cause));
  return TRUE;
}

/* The next sample, or NULL at the end or with @error set. */
static GstSample *
pull_sample (MediaSource *media, GError **error)
{
  gint64 started = g_get_monotonic_time ();

  for (;;)
    {
      GstSample *sample = gst_app_sink_try_pull_sample (media->sink, POLL);

      drain_bus (media);
      if (g_cancellable_set_error_if_cancelled (tool_stop_cancellable (), error))
        {
          g_clear_pointer (&sample, gst_sample_unref);
          return NULL;
        }
      if (sample)
        return sample;
      if (media->idle)
        media->idle (media->idle_data);
      if (take_error (media, error))
        return NULL;
      if (gst_app_sink_is_eos (media->sink))
        {
          if (media->n_frames == 0)
            g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                                 "no frame could be decoded");
          return NULL;
        }
      if (g_atomic_int_get (&media->no_more) && !g_atomic_int_get (&media->linked))
        {
          set_no_picture (error);
          return NULL;
        }
      if (media->timeout && g_get_monotonic_time () - started >= media->timeout)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no frame came for %g s",
                       (double) media->timeout / G_USEC_PER_SEC);
          return NULL;
        }
    }
}

/* How the stream's tags say that its pictures must be turned; else those of the whole file. */
static EffvkOrientation
get_orientation (MediaSource *media)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (GST_ELEMENT (media->sink), "sink");
  g_autoptr (GEnumClass) orientations = g_type_class_ref (EFFVK_TYPE_ORIENTATION);
  EffvkOrientation orientation = EFFVK_ORIENTATION_ROTATE_0;
  gboolean by_stream = FALSE;
  GstEvent *event;

  for (guint i = 0; (event = gst_pad_get_sticky_event (pad, GST_EVENT_TAG, i)); i++)
    {
      g_autofree char *name = NULL;
      const GEnumValue *value;
      gboolean of_stream;
      GstTagList *tags;

      gst_event_parse_tag (event, &tags);
      of_stream = gst_tag_list_get_scope (tags) == GST_TAG_SCOPE_STREAM;
      gst_tag_list_get_string (tags, GST_TAG_IMAGE_ORIENTATION, &name);
      gst_event_unref (event);
      value = name ? g_enum_get_value_by_nick (orientations, name) : NULL;
      if (value && (of_stream || !by_stream))
        orientation = (EffvkOrientation) value->value;
      by_stream = by_stream || (value && of_stream);
    }
  return orientation;
}

static gboolean
media_next (ToolSource *source, ToolFrame *frame, GError **error)
{
  MediaSource *media = (MediaSource *) source;
  gboolean still = g_atomic_int_get (&media->still);
  GstSample *sample;

  /* Of an animation the first frame: some decoders play it in a loop for ever. */
  if (media->n_frames > 0 && still)
    return FALSE;
  sample = pull_sample (media, error);
  if (!sample)
    return FALSE;
  still = g_atomic_int_get (&media->still); /* known by now */
  if (!tool_media_frame_set (&media->frame, sample, still, media->n_frames, error))
    return FALSE;
  effvk_image_set_orientation (media->frame.image, get_orientation (media));
  frame->image = media->frame.image;
  frame->number = media->n_frames++;
  frame->pts = still ? -1 : get_position (sample);
  frame->damage = tool_media_damage_get (&media->damage, frame->number);
  frame->newly_damaged = tool_media_damage_take (&media->damage, frame->number);
  frame->sample = sample;
  return TRUE;
}

static gint64
media_get_duration (ToolSource *source)
{
  MediaSource *media = (MediaSource *) source;
  gint64 duration;

  if (!gst_element_query_duration (media->pipeline, GST_FORMAT_TIME, &duration))
    return -1;
  return duration;
}

static void
media_free (ToolSource *source)
{
  MediaSource *media = (MediaSource *) source;

  tool_media_frame_clear (&media->frame);
  if (media->pipeline)
    gst_element_set_state (media->pipeline, GST_STATE_NULL);
  gst_clear_object (&media->pipeline);
  tool_media_damage_clear (&media->damage);
  g_clear_error (&media->cause);
  g_free (media->debug);
  g_free (media->missing);
  g_free (media);
}

/* Whether a pad that is to be decoded is that of the whole file, rather than of a stream in it. */
static gboolean
is_whole_file (GstPad *pad)
{
  g_autoptr (GstPad) inner = gst_object_ref (pad);
  g_autoptr (GstObject) parent = NULL;
  GstElementFactory *factory;

  while (GST_IS_GHOST_PAD (inner))
    {
      GstPad *target = gst_ghost_pad_get_target (GST_GHOST_PAD (inner));

      if (!target)
        return FALSE;
      gst_object_unref (inner);
      inner = target;
    }
  parent = gst_pad_get_parent (inner);
  factory = GST_IS_ELEMENT (parent) ? gst_element_get_factory (GST_ELEMENT (parent)) : NULL;
  return factory && strcmp (GST_OBJECT_NAME (factory), "typefind") == 0;
}

/* Asked for the file as a whole, then for every stream in it: shall it be decoded? */
static gboolean
on_autoplug_continue (GstElement *decoder G_GNUC_UNUSED, GstPad *pad, GstCaps *caps,
                      MediaSource *media)
{
  const char *type = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  /* A video may have images for frames. */
  if (g_str_has_prefix (type, "image/") && is_whole_file (pad))
    g_atomic_int_set (&media->still, TRUE);
  return tool_media_wants (caps);
}

static void
on_element_added (GstBin *pipeline G_GNUC_UNUSED, GstBin *bin G_GNUC_UNUSED, GstElement *element,
                  MediaSource *media)
{
  tool_media_damage_add (&media->damage, element);
  tool_media_tune (element);
}

/* Before the converter hears of the decoder's format. */
static GstPadProbeReturn
on_caps (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info, gpointer user_data)
{
  MediaSource *media = user_data;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  g_autoptr (GstCaps) chosen = NULL;
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  chosen = tool_media_frame_choose_caps (caps);
  gst_app_sink_set_caps (media->sink, chosen);
  return GST_PAD_PROBE_OK;
}

static void
on_pad_added (GstElement *decoder G_GNUC_UNUSED, GstPad *pad, MediaSource *media)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autoptr (GstPad) sink = NULL;
  const char *type;

  if (!caps)
    caps = gst_pad_query_caps (pad, NULL);
  type = gst_caps_get_size (caps) > 0 ? gst_structure_get_name (gst_caps_get_structure (caps, 0))
                                      : "";
  if (g_atomic_int_get (&media->linked))
    return;
  if (strcmp (type, "video/x-raw") == 0)
    sink = gst_element_get_static_pad (media->convert, "sink");
  if (!sink)
    g_atomic_int_set (&media->other, TRUE);
  else if (GST_PAD_LINK_SUCCESSFUL (gst_pad_link (pad, sink)))
    g_atomic_int_set (&media->linked, TRUE);
}

static void
on_no_more_pads (GstElement *decoder G_GNUC_UNUSED, MediaSource *media)
{
  g_atomic_int_set (&media->no_more, TRUE);
}

static GstPadProbeReturn
on_data (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info G_GNUC_UNUSED, gpointer user_data)
{
  g_atomic_int_set (&((MediaSource *) user_data)->answered, TRUE);
  return GST_PAD_PROBE_REMOVE;
}

static void
on_source_pad (GstElement *source G_GNUC_UNUSED, GstPad *pad, MediaSource *media)
{
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_data,
                     media, NULL);
}

static void
on_sdp (GstElement *source G_GNUC_UNUSED, gpointer sdp G_GNUC_UNUSED, MediaSource *media)
{
  g_atomic_int_set (&media->answered, TRUE);
}

/* Tells a server that hangs from one whose stream is not there yet. */
static void
on_source_setup (GstElement *decoder G_GNUC_UNUSED, GstElement *source, MediaSource *media)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");

  if (pad)
    on_source_pad (source, pad, media);
  else
    g_signal_connect (source, "pad-added", G_CALLBACK (on_source_pad), media);
  if (g_signal_lookup ("on-sdp", G_OBJECT_TYPE (source)))
    g_signal_connect (source, "on-sdp", G_CALLBACK (on_sdp), media);
}

static gboolean
make_pipeline (MediaSource *media, const char *uri, GError **error)
{
  GstElement *decoder = gst_element_factory_make ("uridecodebin", NULL);
  GstElement *convert = gst_element_factory_make ("videoconvert", NULL);
  GstElement *sink = gst_element_factory_make ("appsink", NULL);
  g_autoptr (GstCaps) any = NULL;
  g_autoptr (GstPad) pad = NULL;

  media->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  if (!decoder || !convert || !sink)
    {
      g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
                   "GStreamer lacks its element %s (gst-plugins-base)",
                   !decoder   ? "uridecodebin"
                   : !convert ? "videoconvert"
                              : "appsink");
      gst_clear_object (&decoder);
      gst_clear_object (&convert);
      gst_clear_object (&sink);
      return FALSE;
    }
  gst_bin_add_many (GST_BIN (media->pipeline), decoder, convert, sink, NULL);
  gst_element_link (convert, sink);
  media->convert = convert;
  pad = gst_element_get_static_pad (convert, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_caps, media, NULL);
  media->sink = GST_APP_SINK (sink);
  {
    g_autoptr (GstPad) end = gst_element_get_static_pad (sink, "sink");

    tool_media_damage_watch (&media->damage, media->pipeline, end, g_str_has_prefix (uri, "file:"));
  }
  any = tool_media_frame_caps ();
  g_object_set (decoder, "uri", uri, NULL);
  g_object_set (sink, "caps", any, "sync", FALSE, "max-buffers", AHEAD, "drop", FALSE, NULL);
  g_signal_connect (decoder, "autoplug-continue", G_CALLBACK (on_autoplug_continue), media);
  g_signal_connect (media->pipeline, "deep-element-added", G_CALLBACK (on_element_added), media);
  g_signal_connect (decoder, "source-setup", G_CALLBACK (on_source_setup), media);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (on_pad_added), media);
  g_signal_connect (decoder, "no-more-pads", G_CALLBACK (on_no_more_pads), media);
  return TRUE;
}

ToolSource *
tool_media_open (const char *location, double timeout, GError **error)
{
  MediaSource *media;
  g_autofree char *uri = NULL;

  if (!gst_init_check (NULL, NULL, error))
    return NULL;
  uri = tool_media_make_uri (location, error);
  if (!uri)
    return NULL;

  media = g_new0 (MediaSource, 1);
  g_mutex_init (&media->damage.lock);
  media->source = (ToolSource){ media_next, media_get_duration, media_free };
  media->timeout = (gint64) (timeout * G_USEC_PER_SEC);
  if (!make_pipeline (media, uri, error))
    {
      media_free (&media->source);
      return NULL;
    }
  /* A failure is on the bus, where the first frame is looked for. */
  gst_element_set_state (media->pipeline, GST_STATE_PLAYING);
  return &media->source;
}

void
tool_media_set_idle (ToolSource *source, ToolMediaIdle idle, gpointer user_data)
{
  MediaSource *media = (MediaSource *) source;

  media->idle = idle;
  media->idle_data = user_data;
}

gboolean
tool_media_has_answered (ToolSource *source)
{
  return g_atomic_int_get (&((MediaSource *) source)->answered);
}

gboolean
tool_media_is_finite (ToolSource *source)
{
  MediaSource *media = (MediaSource *) source;
  gint64 bytes;

  return media_get_duration (source) > 0
         || (gst_element_query_duration (media->pipeline, GST_FORMAT_BYTES, &bytes) && bytes > 0);
}
