/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Eight live streams of 720p at 30 frames/s through one network: all frames come out, with the
 * answers that each stream gets alone, and at sinks that keep time no later than the latency
 * that is answered, as far as the device keeps up. */
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
  gint64 delays[N_FRAMES]; /* ns from a frame's time to its arrival at the sink */
  gboolean sync, ended;
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
  guint n;

  g_assert_cmpuint (stream->n_out, <, N_FRAMES);
  g_assert_true (stream->n_out == 0 || GST_BUFFER_PTS (buffer) > stream->last);
  stream->last = GST_BUFFER_PTS (buffer);
  n = fixture_scores (buffer, stream->scores[stream->n_out++]);
  g_assert_true (n == N_CLASSES || (stream->sync && n == 0)); /* skipped */
  return GST_PAD_PROBE_OK;
}

/* Runs before the other probe on the pad, which counts. */
static GstPadProbeReturn
keep_delay (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Stream *stream = user_data;

  stream->delays[stream->n_out]
      = GST_CLOCK_DIFF (GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)),
                        gst_element_get_current_running_time (stream->pipeline));
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
stream_start (Stream *stream, guint i, gboolean live, const char *sync)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc num-buffers=%d is-live=%s %s ! "
      "video/x-raw,format=I420,width=1280,height=720,framerate=30/1 ! "
      "effvkclassify name=classify device=cpu model-file=%s top-k=%d qos=%s skipped=none %s %s ! "
      "fakesink qos=true sync=%s",
      N_FRAMES, live ? "true" : "false", sources[i], fixture_model (), N_CLASSES,
      sync ? "true" : "false", sync ? sync : "deadline=0",
      live ? "model-instance-id=cameras batch-size=8" : "", sync ? "true" : "false");
  g_autoptr (GError) error = NULL;

  *stream = (Stream){ .pipeline = gst_parse_launch (launch, &error), .sync = sync != NULL };
  g_assert_no_error (error);
  add_probe (stream, "sink", count_in);
  add_probe (stream, "src", keep_delay);
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
  guint64 images, submissions, inferences = 0;
  gint64 began;

  for (guint i = 0; i < N_STREAMS; i++)
    {
      stream_start (&alone[i], i, FALSE, NULL);
      wait_for_end (&alone[i]);
      stream_stop (&alone[i]);
    }
  began = g_get_monotonic_time ();
  for (guint i = 0; i < N_STREAMS; i++)
    stream_start (&streams[i], i, TRUE, NULL);
  for (guint i = 0; i < N_STREAMS; i++)
    wait_for_end (&streams[i]);
  images = get_stat (&streams[0], "images");
  submissions = get_stat (&streams[0], "submissions");
  g_test_message ("%d live streams of 720p30, %d frames each: %.2f s; %" G_GUINT64_FORMAT
                  " images in %" G_GUINT64_FORMAT " submissions",
                  N_STREAMS, N_FRAMES, (double) (g_get_monotonic_time () - began) / 1e6, images,
                  submissions);
  for (guint i = 0; i < N_STREAMS; i++)
    inferences += get_stat (&streams[i], "inferences");
  g_assert_cmpuint (inferences, ==, N_STREAMS * N_FRAMES);
  g_assert_cmpuint (images, <=,
                    inferences); /* as long as the first was alone it had its own network */
  g_assert_cmpuint (images, >=, inferences - N_FRAMES);
  g_assert_cmpuint (images, >=, submissions * 2); /* of at most 8 */
  for (guint i = 0; i < N_STREAMS; i++)
    {
      g_assert_cmpuint (get_stat (&streams[i], "frames"), ==, N_FRAMES);
      for (guint n = 0; n < N_FRAMES; n++)
        fixture_assert_scores_equal (streams[i].scores[n], alone[i].scores[n], 1e-5);
      stream_stop (&streams[i]);
    }
}

/* What an application does with the messages of its pipelines. */
static guint
attend (Stream *streams)
{
  guint n_ended = 0;

  for (guint i = 0; i < N_STREAMS; i++)
    {
      g_autoptr (GstBus) bus = gst_element_get_bus (streams[i].pipeline);
      g_autoptr (GstMessage) message
          = gst_bus_pop_filtered (bus, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_LATENCY);

      if (message)
        g_assert_cmpint (GST_MESSAGE_TYPE (message), !=, GST_MESSAGE_ERROR);
      if (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_LATENCY)
        gst_bin_recalculate_latency (GST_BIN (streams[i].pipeline));
      streams[i].ended |= message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
      n_ended += streams[i].ended;
    }
  return n_ended;
}

static int
compare (const void *a, const void *b)
{
  return *(const gint64 *) a < *(const gint64 *) b ? -1 : *(const gint64 *) a > *(const gint64 *) b;
}

/* The latency of the stream's pipeline, as its sink has it. */
static GstClockTime
get_latency (Stream *stream)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime min, max;
  gboolean live;

  g_assert_true (gst_element_query (stream->pipeline, query));
  gst_query_parse_latency (query, &live, &min, &max);
  g_assert_true (live);
  g_assert_cmpuint (min, <=, max);
  return min;
}

/* Sinks that keep time, and say when frames come late, so that inferences are skipped. How many
 * frames came later than with the latency that the pipeline has is told, not asserted: it is the
 * machine's. */
static void
play_in_time (const char *properties)
{
  static Stream streams[N_STREAMS];
  const GstClockTime frame = GST_SECOND / 30;

  for (guint i = 0; i < N_STREAMS; i++)
    stream_start (&streams[i], i, TRUE, properties);
  g_test_message ("%s", properties);
  while (attend (streams) < N_STREAMS)
    g_usleep (1000);
  for (guint i = 0; i < N_STREAMS; i++)
    {
      gint64 *delays = streams[i].delays;
      GstClockTime latency = get_latency (&streams[i]);
      guint n_late = 0;

      g_assert_cmpint (streams[i].n_in, ==, N_FRAMES);
      g_assert_cmpuint (streams[i].n_out, ==, N_FRAMES);
      g_assert_cmpuint (latency, >=, frame); /* the element's */
      g_assert_cmpuint (latency, <=,
                        4 * frame + 20 * GST_MSECOND); /* the source's, and the sink's own */
      for (guint n = N_FRAMES / 2; n < N_FRAMES; n++)  /* when all of them run */
        n_late += delays[n] > (gint64) latency;
      qsort (delays + N_FRAMES / 2, N_FRAMES - N_FRAMES / 2, sizeof *delays, compare);
      g_test_message ("stream %u: latency %.1f ms; of %d frames %u came later; after %.1f ms "
                      "(median), %.1f ms (last); %" G_GUINT64_FORMAT " inferences of %d",
                      i, (double) latency / 1e6, N_FRAMES - N_FRAMES / 2, n_late,
                      (double) delays[N_FRAMES * 3 / 4] / 1e6, (double) delays[N_FRAMES - 1] / 1e6,
                      get_stat (&streams[i], "inferences"), N_FRAMES);
      stream_stop (&streams[i]);
    }
}

static void
test_sync (void)
{
  play_in_time ("");
  play_in_time ("inference-interval=5");
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/streams/eight", test_eight);
  g_test_add_func ("/streams/sync", test_sync);
  return fixtures_run ();
}
