/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One to eight pipelines, each with a thread that starts, stops, seeks, flushes and sets properties at
 * random. EFFVK_STRESS_SECONDS: how long (6); EFFVK_TEST_SEED repeats what is random here, but not
 * what the threads make of it. */
#include "fixtures.h"

#include <effvk/effvk.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_STREAMS 8
#define STUCK_SECONDS 120 /* of a machine that does much else, with a debugger's patience */

#define N_PASSED 64

typedef struct
{
  gint64 us; /* of the monotonic clock */
  gboolean out;
  const char *what, *doing;
  GstClockTime time;
} Passed;

typedef struct
{
  guint i;
  GRand *rand;
  GstElement *pipeline, *classify, *filter;
  gboolean shared;
  const char *const *models; /* two */

  gint n_in, n_out;

  GMutex lock;   /* of the three below */
  GQueue inside; /* times of frames that came and did not leave yet */
  Passed passed[N_PASSED];
  guint n_passed;

  gint64 until;
  const char *doing; /* for who reads of a deadlock */
  gint began;        /* s of the monotonic clock */
  guint n_steps;
} Stream;

static const char *
second_model (void)
{
  static char *path;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-3", N_CLASSES + 3, 5, NULL);

  g_assert_nonnull (model);
  path = fixture_path ("second.safetensors");
  g_assert_true (effvk_model_save (model, path, NULL));
  return path;
}

/* What passed at a pad, for who reads of a failure. */
static void
note (Stream *stream, GstPad *pad, GstPadProbeInfo *info)
{
  Passed *passed;

  g_mutex_lock (&stream->lock);
  passed = &stream->passed[stream->n_passed++ % N_PASSED];
  passed->us = g_get_monotonic_time ();
  passed->out = GST_PAD_IS_SRC (pad);
  passed->doing = g_atomic_pointer_get (&stream->doing);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    {
      passed->what = "frame";
      passed->time = GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info));
    }
  else
    {
      passed->what = GST_EVENT_TYPE_NAME (GST_PAD_PROBE_INFO_EVENT (info));
      passed->time = GST_CLOCK_TIME_NONE;
    }
  g_mutex_unlock (&stream->lock);
}

static void
print_passed (Stream *stream)
{
  g_mutex_lock (&stream->lock);
  for (guint i = stream->n_passed - MIN (stream->n_passed, N_PASSED); i < stream->n_passed; i++)
    {
      const Passed *passed = &stream->passed[i % N_PASSED];

      g_test_message ("%" G_GINT64_FORMAT " us: %s %s %" GST_TIME_FORMAT " (%s)", passed->us,
                      passed->out ? "out" : "in", passed->what, GST_TIME_ARGS (passed->time),
                      passed->doing ? passed->doing : "nothing");
    }
  g_mutex_unlock (&stream->lock);
}

/* Those that leave are those that came, in their order; not by their times, which a live source lets
 * wrap below 0 after a flush. */
static void
check_out (Stream *stream, GstClockTime time)
{
  gboolean found = FALSE;

  g_mutex_lock (&stream->lock);
  while (!found && !g_queue_is_empty (&stream->inside))
    {
      g_autofree GstClockTime *came = g_queue_pop_head (&stream->inside);

      found = *came == time;
    }
  g_mutex_unlock (&stream->lock);
  if (found)
    return;
  print_passed (stream);
  g_error ("stream %u: the frame at %" GST_TIME_FORMAT
           " left, which is not one that came since the "
           "one that left before it, nor since a flush",
           stream->i, GST_TIME_ARGS (time));
}

static GstPadProbeReturn
see_in (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Stream *stream = user_data;

  note (stream, pad, info);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    {
      g_mutex_lock (&stream->lock);
      g_queue_push_tail (&stream->inside,
                         g_memdup2 (&GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)),
                                    sizeof (GstClockTime)));
      g_mutex_unlock (&stream->lock);
      g_atomic_int_inc (&stream->n_in);
    }
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
see_out (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Stream *stream = user_data;

  note (stream, pad, info);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    {
      check_out (stream, GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
      g_atomic_int_inc (&stream->n_out);
    }
  else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP)
    {
      g_mutex_lock (&stream->lock);
      g_queue_clear_full (&stream->inside, g_free);
      g_mutex_unlock (&stream->lock);
    }
  return GST_PAD_PROBE_OK;
}

static void
stream_init (Stream *stream, guint i, guint32 seed, const char *const *models)
{
  g_autofree char *launch = NULL;
  g_autoptr (GError) error = NULL;
  GstPadProbeType seen = GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
                         | GST_PAD_PROBE_TYPE_EVENT_FLUSH;
  GstPad *pad;

  *stream = (Stream){ .i = i, .rand = g_rand_new_with_seed (seed + i), .models = models };
  g_mutex_init (&stream->lock);
  launch = g_strdup_printf (
      "videotestsrc name=source is-live=%s ! capsfilter name=filter "
      "caps=video/x-raw,format=I420,width=64,height=48,framerate=60/1 ! "
      "%s effvkclassify name=classify device=cpu post-messages=false model-file=%s ! %s fakesink "
      "qos=true sync=%s",
      g_rand_boolean (stream->rand) ? "true" : "false",
      g_rand_boolean (stream->rand) ? "queue !" : "", models[0],
      g_rand_boolean (stream->rand) ? "queue !" : "",
      g_rand_boolean (stream->rand) ? "true" : "false");
  g_test_message ("%s", launch);
  stream->pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  stream->classify = gst_bin_get_by_name (GST_BIN (stream->pipeline), "classify");
  stream->filter = gst_bin_get_by_name (GST_BIN (stream->pipeline), "filter");
  pad = gst_element_get_static_pad (stream->classify, "sink");
  gst_pad_add_probe (pad, seen, see_in, stream, NULL);
  gst_object_unref (pad);
  pad = gst_element_get_static_pad (stream->classify, "src");
  gst_pad_add_probe (pad, seen, see_out, stream, NULL);
  gst_object_unref (pad);
}

static void
stream_clear (Stream *stream)
{
  gst_element_set_state (stream->pipeline, GST_STATE_NULL);
  gst_object_unref (stream->classify);
  gst_object_unref (stream->filter);
  gst_object_unref (stream->pipeline);
  g_rand_free (stream->rand);
  g_mutex_clear (&stream->lock);
  g_queue_clear_full (&stream->inside, g_free);
}

static void
set_properties (Stream *stream)
{
  GRand *rand = stream->rand;

  g_object_set (stream->classify, "max-in-flight", g_rand_int_range (rand, 1, 6),
                "inference-interval", g_rand_int_range (rand, 1, 4), "inference-interval-time",
                (guint64) g_rand_int_range (rand, 0, 50) * GST_MSECOND, "qos",
                g_rand_boolean (rand), "deadline",
                (guint64) g_rand_int_range (rand, 0, 50) * GST_MSECOND, "skipped",
                g_rand_int_range (rand, 0, 2), "threshold", g_rand_double (rand) / 5, "smoothing",
                g_rand_double (rand) / 2, "meta-mode", g_rand_boolean (rand) ? 0 : 2, NULL);
}

static void
set_caps (Stream *stream)
{
  GstCaps *caps
      = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
                             g_rand_boolean (stream->rand) ? "I420" : "RGB", "width", G_TYPE_INT,
                             g_rand_int_range (stream->rand, 2, 100), "height", G_TYPE_INT,
                             g_rand_int_range (stream->rand, 2, 100), "framerate",
                             GST_TYPE_FRACTION, 60, 1, NULL);

  g_object_set (stream->filter, "caps", caps, NULL);
  gst_caps_unref (caps);
}

/* Refused where nothing flows. Without a flush it waits for the frame that downstream has, in PAUSED for
 * ever. */
static void
seek (Stream *stream, gboolean flush)
{
  GstState state = GST_STATE_NULL;

  if (!flush
      && (gst_element_get_state (stream->pipeline, &state, NULL, 0) != GST_STATE_CHANGE_SUCCESS
          || state != GST_STATE_PLAYING))
    return;
  gst_element_seek_simple (stream->pipeline, GST_FORMAT_TIME,
                           flush ? GST_SEEK_FLAG_FLUSH : GST_SEEK_FLAG_NONE,
                           g_rand_int_range (stream->rand, 0, 1000) * GST_MSECOND);
}

/* Alone, or with others on one network. */
static void
change_company (Stream *stream)
{
  gst_element_set_state (stream->pipeline, GST_STATE_NULL);
  stream->shared = g_rand_boolean (stream->rand);
  g_object_set (stream->classify, "model-instance-id", stream->shared ? "stress" : NULL,
                "model-file", stream->models[0], "batch-size", stream->shared ? 4 : 1, NULL);
}

static void
step (Stream *stream)
{
  static const char *const names[]
      = { "NULL",       "READY", "PAUSED",  "PLAYING", "PLAYING",       "PLAYING",
          "seek",       "seek",  "seek",    "company", "another model", "caps",
          "properties", "stats", "nothing", "nothing" };
  guint what = (guint) g_rand_int_range (stream->rand, 0, G_N_ELEMENTS (names));
  g_autoptr (GstStructure) stats = NULL;

  g_atomic_pointer_set (&stream->doing, names[what]);
  g_atomic_int_set (&stream->began, (int) (g_get_monotonic_time () / G_USEC_PER_SEC));
  switch (what)
    {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      g_assert_cmpint (gst_element_set_state (stream->pipeline,
                                              (GstState) MIN (what + 1, GST_STATE_PLAYING)),
                       !=, GST_STATE_CHANGE_FAILURE);
      break;
    case 6:
    case 7:
    case 8:
      seek (stream, what < 8);
      break;
    case 9:
      change_company (stream);
      break;
    case 10:
      if (!stream->shared)
        g_object_set (stream->classify, "model-file",
                      stream->models[g_rand_int_range (stream->rand, 0, 2)], NULL);
      break;
    case 11:
      set_caps (stream);
      break;
    case 12:
      set_properties (stream);
      break;
    case 13:
      g_object_get (stream->classify, "stats", &stats, NULL);
      break;
    default:
      break;
    }
  g_usleep ((gulong) g_rand_int_range (stream->rand, 0, 30000));
  stream->n_steps++;
}

static void
assert_no_error (Stream *stream)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (stream->pipeline);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree char *details = NULL;

  if (!message)
    return;
  gst_message_parse_error (message, &error, &details);
  g_error ("stream %u: %s: %s (%s)", stream->i, GST_OBJECT_NAME (GST_MESSAGE_SRC (message)),
           error->message, details);
}

static gpointer
run (gpointer data)
{
  Stream *stream = data;

  while (g_get_monotonic_time () < stream->until)
    {
      step (stream);
      assert_no_error (stream);
    }
  g_atomic_pointer_set (&stream->doing, NULL);
  return NULL;
}

/* After all that: as many frames out as in. */
static void
play_to_the_end (Stream *stream)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (stream->pipeline);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (stream->pipeline), "source");
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (stream->pipeline, GST_STATE_NULL);
  g_object_set (source, "num-buffers", 12, NULL);
  stream->n_in = stream->n_out = 0;
  gst_element_set_state (stream->pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, STUCK_SECONDS * GST_SECOND,
                                        GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (stream->pipeline, GST_STATE_NULL);
  g_assert_cmpint (stream->n_in, ==, 12);
  g_assert_cmpint (stream->n_out, ==, 12);
}

/* Ends the program when a stream does the same for too long: a test that hangs tells nothing. */
static gpointer
watch (gpointer data)
{
  Stream *streams = data;

  for (;;)
    {
      int now = (int) (g_get_monotonic_time () / G_USEC_PER_SEC);

      for (guint i = 0; i < MAX_STREAMS; i++)
        {
          const char *doing = g_atomic_pointer_get (&streams[i].doing);
          int began = g_atomic_int_get (&streams[i].began);

          if (doing && began && now - began > STUCK_SECONDS)
            {
              fprintf (stderr, "stream %u is stuck at: %s\n", i, doing);
              abort ();
            }
        }
      sleep (1);
    }
  return NULL;
}

static void
test_stress (void)
{
  static Stream streams[MAX_STREAMS];
  const char *given = g_getenv ("EFFVK_TEST_SEED"), *length = g_getenv ("EFFVK_STRESS_SECONDS");
  guint32 seed = given ? (guint32) g_ascii_strtoull (given, NULL, 10) : g_random_int ();
  gint64 seconds = length ? g_ascii_strtoll (length, NULL, 10) : 6;
  const char *models[] = { fixture_model (), second_model () };
  GThread *threads[MAX_STREAMS];
  guint n = 1 + seed % MAX_STREAMS, n_steps = 0;

  g_test_message ("EFFVK_TEST_SEED=%u: %u streams", seed, n);
  for (guint i = 0; i < n; i++)
    {
      stream_init (&streams[i], i, seed, models);
      streams[i].until = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
    }
  g_thread_unref (g_thread_new ("watch", watch, streams));
  for (guint i = 0; i < n; i++)
    threads[i] = g_thread_new ("stream", run, &streams[i]);
  for (guint i = 0; i < n; i++)
    {
      g_thread_join (threads[i]);
      n_steps += streams[i].n_steps;
    }
  for (guint i = 0; i < n; i++)
    {
      play_to_the_end (&streams[i]);
      stream_clear (&streams[i]);
    }
  g_test_message ("%u steps", n_steps);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stress", test_stress);
  return fixtures_run ();
}
