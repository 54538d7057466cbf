/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/snapshot.h"

#include <gio/gio.h>
#include <gst/app/app.h>
#include <gst/video/video.h>

#define THREADS 2
#define MOST_WAITING 64
#define PATIENCE (10 * GST_SECOND)

typedef struct
{
  GstSample *sample;
  guint width;
  gboolean overlay;
  ServeSnapshotDone done;
  gpointer user_data;
  GBytes *jpeg;
  GError *error;
} Job;

static gboolean
on_done (gpointer data)
{
  Job *job = data;

  job->done (job->jpeg, job->error, job->user_data);
  gst_sample_unref (job->sample);
  g_clear_pointer (&job->jpeg, g_bytes_unref);
  g_clear_error (&job->error);
  g_free (job);
  return G_SOURCE_REMOVE;
}

/* The size of the JPEG: square pixels, even numbers, never larger than the picture. */
static char *
choose_caps (const Job *job)
{
  GstVideoInfo info;
  guint width, height;

  if (!gst_video_info_from_caps (&info, gst_sample_get_caps (job->sample)))
    return g_strdup ("video/x-raw");
  width = (guint) GST_VIDEO_INFO_WIDTH (&info);
  height = (guint) gst_util_uint64_scale_int ((guint64) GST_VIDEO_INFO_HEIGHT (&info),
                                              MAX (GST_VIDEO_INFO_PAR_D (&info), 1),
                                              MAX (GST_VIDEO_INFO_PAR_N (&info), 1));
  if (job->width && job->width < width)
    {
      height = MAX (1, height * job->width / width);
      width = job->width;
    }
  return g_strdup_printf ("video/x-raw,format=I420,width=%u,height=%u,pixel-aspect-ratio=1/1",
                          MAX (width & ~1u, 2), MAX (height & ~1u, 2));
}

static void
take_answer (Job *job, GstElement *pipeline, GstAppSink *sink)
{
  g_autoptr (GstSample) answer = gst_app_sink_try_pull_sample (sink, PATIENCE);
  GstBuffer *buffer = answer ? gst_sample_get_buffer (answer) : NULL;
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  GstMapInfo map;

  if (buffer && gst_buffer_map (buffer, &map, GST_MAP_READ))
    {
      job->jpeg = g_bytes_new (map.data, map.size);
      gst_buffer_unmap (buffer, &map);
    }
  else if (message)
    gst_message_parse_error (message, &job->error, NULL);
  else
    g_set_error_literal (&job->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                         "no picture could be made in time");
}

static void
work (gpointer data, gpointer user_data G_GNUC_UNUSED)
{
  Job *job = data;
  g_autofree char *caps = choose_caps (job);
  g_autofree char *text = g_strdup_printf (
      "appsrc name=in format=time ! %svideoconvert ! videoscale add-borders=false ! "
      "%s ! jpegenc quality=80 ! appsink name=out sync=false",
      job->overlay ? "effvkoverlay ! " : "", caps);
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, &job->error);
  g_autoptr (GstElement) in = NULL, out = NULL;

  if (pipeline && !job->error)
    {
      in = gst_bin_get_by_name (GST_BIN (pipeline), "in");
      out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      gst_app_src_push_sample (GST_APP_SRC (in), job->sample);
      gst_app_src_end_of_stream (GST_APP_SRC (in));
      take_answer (job, pipeline, GST_APP_SINK (out));
      gst_element_set_state (pipeline, GST_STATE_NULL);
    }
  g_idle_add (on_done, job);
}

gboolean
serve_snapshot_make (GstSample *sample, guint width, gboolean overlay, ServeSnapshotDone done,
                     gpointer user_data)
{
  static GThreadPool *pool;
  Job *job;

  if (!pool)
    pool = g_thread_pool_new (work, NULL, THREADS, FALSE, NULL);
  if (g_thread_pool_unprocessed (pool) >= MOST_WAITING)
    {
      gst_sample_unref (sample);
      return FALSE;
    }
  job = g_new0 (Job, 1);
  job->sample = sample;
  job->width = width;
  job->overlay = overlay;
  job->done = done;
  job->user_data = user_data;
  g_thread_pool_push (pool, job, NULL);
  return TRUE;
}
