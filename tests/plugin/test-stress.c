/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pipelines, each with a thread that does sequences of random steps: starts, stops, seeks, flushes,
 * ends the stream, sets properties. EFFVK_STRESS_STREAMS: how many (1 to 8, at random);
 * EFFVK_STRESS_SECONDS: how long (6), and EFFVK_STRESS_SEQUENCES: how many sequences at least (0),
 * of all together. EFFVK_TEST_SEED repeats what is random here, but not what the threads make of
 * it. */
#include "fixtures.h"

#include <effvk/effvk.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_STREAMS 8
#define STUCK_SECONDS 120 /* of a machine that does much else, with a debugger's patience */

#define N_PASSED 64
#define SEQUENCE 8 /* steps */

/* What streams may be classified with: a file, and another one with its classes' names. */
typedef struct
{
  const char *path;
  char *labels;
} Model;

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
  GstElement *pipeline, *classify;
  GstPad *source;
  gboolean shared;
  const Model *models; /* two */

  gint n_in, n_out;

  GMutex lock;   /* of the four below */
  GstCaps *caps; /* the source's frames */
  GQueue inside; /* times of frames that came and did not leave yet */
  Passed passed[N_PASSED];
  guint n_passed;

  gint64 until;
  const char *doing; /* for who reads of a deadlock */
  gint began;        /* s of the monotonic clock */
} Stream;

static gint n_sequences, min_sequences; /* of all streams */

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

static char *
write_labels (const char *name, guint n)
{
  char *path = fixture_path (name);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s %u\n", name, i);
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));
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

/* Those that leave are those that came, in their order; not by their times, which a live source
 * lets wrap below 0 after a flush. */
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

/* What a detector and a tracker would: up to three objects, some of which have left the picture.
   Takes the buffer. */
static GstBuffer *
add_objects (GstBuffer *buffer, guint number)
{
  buffer = gst_buffer_make_writable (buffer);
  for (int i = 0; i < (int) number % 4; i++)
    fixture_add_object (buffer, TRUE, i ? "car" : "cat", i * 20, 10, 30, 20 + (int) number % 30,
                        i - 1);
  return buffer;
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
      info->data = add_objects (info->data, (guint) g_atomic_int_add (&stream->n_in, 1));
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
take_caps (Stream *stream, GstCaps *caps)
{
  g_mutex_lock (&stream->lock);
  gst_caps_take (&stream->caps, caps);
  g_mutex_unlock (&stream->lock);
}

/* Leaves of what downstream takes the stream's caps. A capsfilter would as well, and makes an error
 * of a segment that comes when downstream has just been stopped, as every GstBaseTransform does,
 * which the source then posts. */
static GstPadProbeReturn
restrict_caps (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Stream *stream = user_data;
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  GstCaps *taken;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return GST_PAD_PROBE_OK;
  gst_query_parse_caps_result (query, &taken);
  g_mutex_lock (&stream->lock);
  taken = gst_caps_intersect (stream->caps, taken);
  g_mutex_unlock (&stream->lock);
  gst_query_set_caps_result (query, taken);
  gst_caps_unref (taken);
  return GST_PAD_PROBE_OK;
}

static void
stream_init (Stream *stream, guint i, guint32 seed, const Model *models)
{
  g_autoptr (GstElement) source = NULL;
  g_autofree char *launch = NULL;
  g_autoptr (GError) error = NULL;
  GstPadProbeType seen = GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
                         | GST_PAD_PROBE_TYPE_EVENT_FLUSH;
  GstPad *pad;

  *stream = (Stream){ .i = i, .rand = g_rand_new_with_seed (seed + i), .models = models };
  g_mutex_init (&stream->lock);
  take_caps (stream,
             gst_caps_from_string ("video/x-raw,format=I420,width=64,height=48,framerate=60/1"));
  launch = g_strdup_printf ("videotestsrc name=source is-live=%s ! %s effvkclassify name=classify "
                            "device=cpu post-messages=false model-file=%s ! %s fakesink "
                            "qos=true sync=%s",
                            g_rand_boolean (stream->rand) ? "true" : "false",
                            g_rand_boolean (stream->rand) ? "queue !" : "", models[0].path,
                            g_rand_boolean (stream->rand) ? "queue !" : "",
                            g_rand_boolean (stream->rand) ? "true" : "false");
  g_test_message ("%s", launch);
  stream->pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  stream->classify = gst_bin_get_by_name (GST_BIN (stream->pipeline), "classify");
  source = gst_bin_get_by_name (GST_BIN (stream->pipeline), "source");
  stream->source = gst_element_get_static_pad (source, "src");
  gst_pad_add_probe (stream->source, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PULL,
                     restrict_caps, stream, NULL);
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
  gst_object_unref (stream->source);
  gst_object_unref (stream->pipeline);
  g_rand_free (stream->rand);
  g_mutex_clear (&stream->lock);
  gst_caps_unref (stream->caps);
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
                g_rand_int_range (rand, 0, 2), "threshold", g_rand_double (rand) / 5, "meta-mode",
                g_rand_boolean (rand) ? 0 : 2, "post-messages", g_rand_boolean (rand),
                "messages-on-change", g_rand_boolean (rand), NULL);
  g_object_set (stream->classify, "smoothing", g_rand_double (rand) / 2, "smoothing-time",
                (guint64) g_rand_int_range (rand, 0, 2) * GST_SECOND, "hold",
                (guint64) g_rand_int_range (rand, 0, 100) * GST_MSECOND, "unknown-threshold",
                g_rand_double (rand) / 4, "inference-region", g_rand_int_range (rand, 0, 2),
                "object-class", g_rand_boolean (rand) ? "car" : NULL, "reclassify-interval",
                g_rand_int_range (rand, 0, 4), "top-k",
                g_rand_int_range (rand, 1, 6), /* what a shared network has at least */
                NULL);
}

/* With its own names or others. One that is shared keeps what it was made with. */
static void
change_model (Stream *stream)
{
  const Model *model = &stream->models[g_rand_int_range (stream->rand, 0, 2)];

  if (!stream->shared)
    g_object_set (stream->classify, "model-file", model->path, "labels-file",
                  g_rand_boolean (stream->rand) ? model->labels : NULL, "top-k",
                  g_rand_int_range (stream->rand, 1, 14), NULL);
}

static void
set_caps (Stream *stream)
{
  take_caps (stream,
             gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
                                  g_rand_boolean (stream->rand) ? "I420" : "RGB", "width",
                                  G_TYPE_INT, g_rand_int_range (stream->rand, 2, 100), "height",
                                  G_TYPE_INT, g_rand_int_range (stream->rand, 2, 100), "framerate",
                                  GST_TYPE_FRACTION, 60, 1, NULL));
  gst_pad_mark_reconfigure (stream->source);
}

/* What has to go through the source without a flush waits for the frame that downstream has, in
   PAUSED for ever. */
static gboolean
flows (Stream *stream)
{
  GstState state = GST_STATE_NULL;

  return gst_element_get_state (stream->pipeline, &state, NULL, 0) == GST_STATE_CHANGE_SUCCESS
         && state == GST_STATE_PLAYING;
}

/* Refused where nothing flows. */
static void
seek (Stream *stream, gboolean flush)
{
  if (!flush && !flows (stream))
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
                "model-file", stream->models[0].path, "labels-file", NULL, "top-k", 5, "batch-size",
                stream->shared ? 4 : 1, NULL);
}

static void
step (Stream *stream)
{
  static const char *const names[]
      = { "NULL",       "READY", "PAUSED", "PLAYING", "PLAYING",       "PLAYING",
          "seek",       "seek",  "seek",   "company", "another model", "caps",
          "properties", "stats", "EOS",    "nothing", "nothing" };
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
      change_model (stream);
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
    case 14: /* what follows comes after a seek or a start */
      if (flows (stream))
        gst_element_send_event (stream->pipeline, gst_event_new_eos ());
      break;
    default:
      break;
    }
  g_usleep ((gulong) g_rand_int_range (stream->rand, 0, 30000));
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

  while (g_get_monotonic_time () < stream->until || g_atomic_int_get (&n_sequences) < min_sequences)
    {
      for (guint i = 0; i < SEQUENCE; i++)
        {
          step (stream);
          assert_no_error (stream);
        }
      g_atomic_int_inc (&n_sequences);
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

static guint
get_number (const char *variable, guint otherwise)
{
  const char *given = g_getenv (variable);

  return given ? (guint) g_ascii_strtoull (given, NULL, 10) : otherwise;
}

static void
test_stress (void)
{
  static Stream streams[MAX_STREAMS];
  guint32 seed = get_number ("EFFVK_TEST_SEED", g_random_int ());
  guint n = CLAMP (get_number ("EFFVK_STRESS_STREAMS", 1 + seed % MAX_STREAMS), 1, MAX_STREAMS);
  guint seconds = get_number ("EFFVK_STRESS_SECONDS", 6);
  const Model models[] = { { fixture_model (), write_labels ("first", N_CLASSES) },
                           { second_model (), write_labels ("second", N_CLASSES + 3) } };
  GThread *threads[MAX_STREAMS];

  min_sequences = (gint) get_number ("EFFVK_STRESS_SEQUENCES", 0);
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
    g_thread_join (threads[i]);
  for (guint i = 0; i < n; i++)
    {
      play_to_the_end (&streams[i]);
      stream_clear (&streams[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    g_free (models[i].labels);
  g_test_message ("%d sequences of %d steps", n_sequences, SEQUENCE);
  g_assert_cmpint (n_sequences, >=, MAX (min_sequences, 1));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stress", test_stress);
  return fixtures_run ();
}
