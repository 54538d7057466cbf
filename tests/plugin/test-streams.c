/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Eight live streams of 720p at 30 frames/s through one network: all frames come out, with the answers
 * that each stream gets alone. */
#include "fixtures.h"

#define N_STREAMS 8
#define N_FRAMES 60

static const char *const sources[N_STREAMS] = {
  "pattern=ball",
  "pattern=zone-plate kx2=20 ky2=20 kt=1",
  "pattern=ball motion=sweep",
  "pattern=zone-plate kxt=3 kyt=5 kx=40",
  "pattern=ball motion=hsweep",
  "pattern=pinwheel",
  "pattern=zone-plate ky2=30 kt=3",
  "pattern=ball flip=true",
};

typedef double Scores[N_CLASSES];

typedef struct
{
  GstElement *pipeline;
  gint n_in;
  guint n_out;
  GstClockTime last;
  Scores scores[N_FRAMES];
} Stream;

static GstPadProbeReturn
count_in (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  g_atomic_int_inc (&((Stream *) user_data)->n_in);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
keep_scores (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Stream *stream = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);

  g_assert_cmpuint (stream->n_out, <, N_FRAMES);
  g_assert_true (stream->n_out == 0 || GST_BUFFER_PTS (buffer) > stream->last);
  stream->last = GST_BUFFER_PTS (buffer);
  g_assert_cmpuint (fixture_scores (buffer, stream->scores[stream->n_out++]), ==, N_CLASSES);
  return GST_PAD_PROBE_OK;
}

static void
add_probe (Stream *stream, const char *name, GstPadProbeCallback callback)
{
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (stream->pipeline), "classify");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, callback, stream, NULL);
}

static void
stream_start (Stream *stream, guint i, gboolean live)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc num-buffers=%d is-live=%s %s ! "
      "video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! "
      "effvkclassify name=classify device=cpu model-file=%s top-k=%d qos=false %s ! "
      "fakesink sync=false",
      N_FRAMES, live ? "true" : "false", sources[i], fixture_model (), N_CLASSES,
      live ? "model-instance-id=cameras batch-size=8" : "");
  g_autoptr (GError) error = NULL;

  *stream = (Stream){ .pipeline = gst_parse_launch (launch, &error) };
  g_assert_no_error (error);
  add_probe (stream, "sink", count_in);
  add_probe (stream, "src", keep_scores);
  g_assert_cmpint (gst_element_set_state (stream->pipeline, GST_STATE_PLAYING), !=,
                   GST_STATE_CHANGE_FAILURE);
}

static void
wait_for_end (Stream *stream)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (stream->pipeline);
  g_autoptr (GstMessage) message
      = gst_bus_timed_pop_filtered (bus, 120 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_assert_cmpint (stream->n_in, ==, N_FRAMES);
  g_assert_cmpuint (stream->n_out, ==, N_FRAMES);
}

static void
stream_stop (Stream *stream)
{
  gst_element_set_state (stream->pipeline, GST_STATE_NULL);
  gst_object_unref (stream->pipeline);
}

static guint64
get_stat (Stream *stream, const char *name)
{
  g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (stream->pipeline), "classify");
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, name, &value));
  return value;
}

static void
test_eight (void)
{
  static Stream alone[N_STREAMS], streams[N_STREAMS];
  guint64 images, submissions;
  gint64 began;

  for (guint i = 0; i < N_STREAMS; i++)
    {
      stream_start (&alone[i], i, FALSE);
      wait_for_end (&alone[i]);
      stream_stop (&alone[i]);
    }
  began = g_get_monotonic_time ();
  for (guint i = 0; i < N_STREAMS; i++)
    stream_start (&streams[i], i, TRUE);
  for (guint i = 0; i < N_STREAMS; i++)
    wait_for_end (&streams[i]);
  images = get_stat (&streams[0], "images");
  submissions = get_stat (&streams[0], "submissions");
  g_test_message ("%d live streams of 720p30, %d frames each: %.2f s; %" G_GUINT64_FORMAT
                  " images in %" G_GUINT64_FORMAT " submissions",
                  N_STREAMS, N_FRAMES, (double) (g_get_monotonic_time () - began) / 1e6, images,
                  submissions);
  g_assert_cmpuint (images, ==, N_STREAMS * N_FRAMES);
  g_assert_cmpuint (images, >=, submissions * 2); /* of at most 8 */
  for (guint i = 0; i < N_STREAMS; i++)
    {
      g_assert_cmpuint (get_stat (&streams[i], "frames"), ==, N_FRAMES);
      for (guint n = 0; n < N_FRAMES; n++)
        fixture_assert_scores_equal (streams[i].scores[n], alone[i].scores[n], 1e-5);
      stream_stop (&streams[i]);
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/streams/eight", test_eight);
  return fixtures_run ();
}
