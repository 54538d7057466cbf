/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-damage.h"

#include "picture-damage.h"

#include <string.h>

/* The pipeline that is watched: what libav says is not of any. */
static GMutex watched_lock;
static ToolMediaDamage *watched;

/* @first: also before the first frame, where decoders complain of what they have not seen the
 * beginning of. */
static void
note (ToolMediaDamage *damage, const char *reason, gboolean first)
{
  g_mutex_lock (&damage->lock);
  if (first || damage->n_passed > 0)
    {
      if (damage->n_recent < TOOL_MEDIA_DAMAGE_RECENT
          && (!damage->n_recent || damage->recent[damage->n_recent - 1] != damage->n_passed))
        damage->recent[damage->n_recent++] = damage->n_passed;
      if (!damage->reason)
        {
          damage->from = damage->n_passed;
          damage->reason = g_strstrip (g_strdup (reason));
        }
    }
  g_mutex_unlock (&damage->lock);
}

/* libav conceals what it cannot decode, and tells only its log. */
static void
on_log (GstDebugCategory *category, GstDebugLevel level, const char *file G_GNUC_UNUSED,
        const char *function G_GNUC_UNUSED, int line G_GNUC_UNUSED, GObject *object G_GNUC_UNUSED,
        GstDebugMessage *message, gpointer user_data G_GNUC_UNUSED)
{
  if (level != GST_LEVEL_ERROR || strcmp (gst_debug_category_get_name (category), "libav") != 0)
    return;
  g_mutex_lock (&watched_lock);
  if (watched)
    note (watched, gst_debug_message_get (message), FALSE);
  g_mutex_unlock (&watched_lock);
}

/* Without a word on stderr, unless GST_DEBUG asks for it. */
static void
listen_to_log (void)
{
  static gsize once = 0;

  if (!g_once_init_enter (&once))
    return;
  if (!gst_debug_is_active ())
    {
      gst_debug_remove_log_function (gst_debug_log_default);
      gst_debug_set_default_threshold (GST_LEVEL_NONE);
      gst_debug_set_active (TRUE);
    }
  gst_debug_add_log_function (on_log, NULL, NULL);
  gst_debug_set_threshold_for_name ("libav", GST_LEVEL_ERROR);
  g_once_init_leave (&once, 1);
}

/* A decoder reports a frame that it has to drop. */
static gboolean
is_of_decoder (GstMessage *message)
{
  GstObject *source = GST_MESSAGE_SRC (message);
  GstElementFactory *factory
      = GST_IS_ELEMENT (source) ? gst_element_get_factory (GST_ELEMENT (source)) : NULL;

  return factory
         && gst_element_factory_list_is_type (factory, GST_ELEMENT_FACTORY_TYPE_DECODER
                                                           | GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO);
}

/* In the thread that decodes, so that it is known after which frame. */
static GstBusSyncReply
on_message (GstBus *bus G_GNUC_UNUSED, GstMessage *message, gpointer user_data)
{
  ToolMediaDamage *damage = user_data;
  g_autoptr (GError) problem = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
    {
      gst_message_parse_warning (message, &problem, NULL);
      if (problem->domain == GST_STREAM_ERROR)
        note (damage, problem->message, TRUE);
    }
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_QOS && is_of_decoder (message))
    note (damage, "a frame could not be decoded", FALSE);
  return GST_BUS_PASS;
}

static GstPadProbeReturn
on_frame (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info, gpointer user_data)
{
  ToolMediaDamage *damage = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_CORRUPTED))
    note (damage, "a frame could only be decoded in part", TRUE);
  else if (damage->local && GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT))
    note (damage, "data are missing or cannot be decoded", FALSE);
  g_mutex_lock (&damage->lock);
  damage->n_passed++;
  g_mutex_unlock (&damage->lock);
  return GST_PAD_PROBE_OK;
}

/* jpegdec shows what it can, and says nothing. */
static GstPadProbeReturn
on_jpeg (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info, gpointer user_data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  g_autofree char *reason = NULL;
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_PAD_PROBE_OK;
  reason = tool_picture_find_damage (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (reason)
    note (user_data, reason, TRUE);
  return GST_PAD_PROBE_OK;
}

/* Whether buffers on @pad are whole frames, of a demuxer or a camera, and not a file's bytes. */
static gboolean
has_frames (GstPad *pad)
{
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment = NULL;

  if (event)
    gst_event_parse_segment (event, &segment);
  return segment && segment->format == GST_FORMAT_TIME;
}

/* jpegparse drops what does not begin as a JPEG, and says nothing. */
static GstPadProbeReturn
on_unparsed_jpeg (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  guint8 begin[2] = { 0 };

  gst_buffer_extract (GST_PAD_PROBE_INFO_BUFFER (info), 0, begin, sizeof begin);
  if (has_frames (pad) && (begin[0] != 0xff || begin[1] != 0xd8))
    note (user_data, "a frame does not begin as a JPEG", TRUE);
  return GST_PAD_PROBE_OK;
}

void
tool_media_damage_add (ToolMediaDamage *damage, GstElement *element)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  const char *name = factory ? GST_OBJECT_NAME (factory) : "";
  gboolean parses = strcmp (name, "jpegparse") == 0;
  g_autoptr (GstPad) pad = NULL;

  if (!parses && strcmp (name, "jpegdec") != 0)
    return;
  pad = gst_element_get_static_pad (element, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, parses ? on_unparsed_jpeg : on_jpeg, damage,
                     NULL);
}

void
tool_media_damage_watch (ToolMediaDamage *damage, GstElement *pipeline, GstPad *end, gboolean local)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  damage->local = local;
  gst_bus_set_sync_handler (bus, on_message, damage, NULL);
  gst_pad_add_probe (end, GST_PAD_PROBE_TYPE_BUFFER, on_frame, damage, NULL);
  listen_to_log ();
  g_mutex_lock (&watched_lock);
  watched = damage;
  g_mutex_unlock (&watched_lock);
}

gboolean
tool_media_damage_take (ToolMediaDamage *damage, guint64 number)
{
  guint n = 0;

  g_mutex_lock (&damage->lock);
  while (n < damage->n_recent && damage->recent[n] <= number)
    n++;
  damage->n_recent -= n;
  memmove (damage->recent, damage->recent + n, damage->n_recent * sizeof *damage->recent);
  g_mutex_unlock (&damage->lock);
  return n > 0;
}

const char *
tool_media_damage_get (ToolMediaDamage *damage, guint64 number)
{
  const char *reason;

  g_mutex_lock (&damage->lock);
  reason = damage->reason && number >= damage->from ? damage->reason : NULL;
  g_mutex_unlock (&damage->lock);
  return reason;
}

void
tool_media_damage_clear (ToolMediaDamage *damage)
{
  g_mutex_lock (&watched_lock);
  if (watched == damage)
    watched = NULL;
  g_mutex_unlock (&watched_lock);
  g_clear_pointer (&damage->reason, g_free);
  g_mutex_clear (&damage->lock);
}
