/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify in a pipeline that flows: order, draining, flushes, latency.
 * EFFVK_TEST_SEED repeats a random run. */
#include "fixtures.h"

#include <dlfcn.h>
#include <effvk/effvk.h>

/* The element finds this function before the library's: a device that takes its time. */
static gint collect_delay; /* us, of each image */

EffvkResult *
effvk_classifier_collect (EffvkClassifier *classifier, gboolean wait, gpointer *user_data,
                          GError **error)
{
  EffvkResult *(*collect) (EffvkClassifier *, gboolean, gpointer *, GError **)
      = (EffvkResult * (*) (EffvkClassifier *, gboolean, gpointer *, GError **) )
          dlsym (RTLD_NEXT, "effvk_classifier_collect");

  g_usleep ((gulong) g_atomic_int_get (&collect_delay));
  return collect (classifier, wait, user_data, error);
}

static guint32
get_seed (void)
{
  const char *given = g_getenv ("EFFVK_TEST_SEED");
  guint32 seed = given ? (guint32) g_ascii_strtoull (given, NULL, 10) : g_random_int ();

  g_test_message ("EFFVK_TEST_SEED=%u", seed);
  return seed;
}

/* What went in and what came out, as numbers in order: frames by their timestamps, and events. */
typedef struct
{
  GMutex lock;
  GArray *in, *out; /* guint64 */
} Record;

#define EVENT_NUMBER (G_GUINT64_CONSTANT (1) << 63)
#define EOS_NUMBER (EVENT_NUMBER - 1)

static guint64
number_of_event (GstEvent *event)
{
  const GstStructure *structure = gst_event_get_structure (event);
  guint64 number = 0;

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return EOS_NUMBER;
  if (structure && gst_structure_has_name (structure, "numbered"))
    gst_structure_get_uint64 (structure, "number", &number);
  return number;
}

static GstPadProbeReturn
record_out (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Record *record = user_data;
  guint64 number = info->type & GST_PAD_PROBE_TYPE_BUFFER
                       ? GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info))
                       : number_of_event (GST_PAD_PROBE_INFO_EVENT (info));

  g_mutex_lock (&record->lock);
  if (number)
    g_array_append_val (record->out, number);
  g_mutex_unlock (&record->lock);
  return GST_PAD_PROBE_OK;
}

static void
record_init (Record *record, GstHarness *harness)
{
  g_mutex_init (&record->lock);
  record->in = g_array_new (FALSE, FALSE, sizeof (guint64));
  record->out = g_array_new (FALSE, FALSE, sizeof (guint64));
  gst_pad_add_probe (harness->sinkpad,
                     GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, record_out,
                     record, NULL);
}

static void
record_clear (Record *record)
{
  g_array_unref (record->in);
  g_array_unref (record->out);
  g_mutex_clear (&record->lock);
}

/* Nothing more is put in, and all that was comes out. */
static void
record_wait (Record *record)
{
  gint64 until = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  g_mutex_lock (&record->lock);
  while (record->out->len < record->in->len)
    {
      g_mutex_unlock (&record->lock);
      g_assert_cmpint (g_get_monotonic_time (), <, until);
      g_usleep (500);
      g_mutex_lock (&record->lock);
    }
  g_mutex_unlock (&record->lock);
}

/* What came out is what went in, or after a flush its beginning. */
static void
record_compare (Record *record, gboolean flushed)
{
  g_mutex_lock (&record->lock);
  if (!flushed)
    g_assert_cmpuint (record->out->len, ==, record->in->len);
  g_assert_cmpuint (record->out->len, <=, record->in->len);
  for (guint i = 0; i < record->out->len; i++)
    g_assert_cmpuint (g_array_index (record->out, guint64, i), ==,
                      g_array_index (record->in, guint64, i));
  g_array_set_size (record->in, 0);
  g_array_set_size (record->out, 0);
  g_mutex_unlock (&record->lock);
}

static void
flush_stop (GstHarness *harness)
{
  GstSegment segment;

  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
}

static void
flush (GstHarness *harness)
{
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
  flush_stop (harness);
}

static const int sizes[][2] = { { 64, 48 }, { 40, 56 } };
#define N_CONTENTS 3

/* A stream of frames whose classes are known. */
typedef struct
{
  GstHarness *harness;
  GRand *rand;
  Record record;
  double expected[G_N_ELEMENTS (sizes)][N_CONTENTS][N_CLASSES];
  GstVideoInfo info;
  guint size; /* now */
  guint64 number;
  guint max_objects; /* of a frame, from upstream */
} Stream;

static void
stream_set_size (Stream *stream, guint size)
{
  stream->size = size;
  fixture_set_caps (stream->harness, &stream->info, GST_VIDEO_FORMAT_I420, sizes[size][0],
                    sizes[size][1]);
}

static void
stream_push_frame (Stream *stream)
{
  guint content = (guint) g_rand_int_range (stream->rand, 0, N_CONTENTS);
  GstBuffer *buffer = fixture_frame (&stream->info, content);

  GST_BUFFER_PTS (buffer) = ++stream->number;
  GST_BUFFER_DTS (buffer) = stream->number + 7;
  GST_BUFFER_OFFSET (buffer) = content;
  GST_BUFFER_OFFSET_END (buffer) = stream->size;
  for (int i = g_rand_int_range (stream->rand, 0, (int) stream->max_objects + 1); i > 0; i--)
    fixture_add_object (buffer, TRUE, "car", 5 * i, 4, 20, 30, i);
  g_array_append_val (stream->record.in, stream->number);
  g_assert_cmpint (gst_harness_push (stream->harness, buffer), ==, GST_FLOW_OK);
}

static void
stream_push_event (Stream *stream)
{
  guint64 number = EVENT_NUMBER + ++stream->number;

  g_array_append_val (stream->record.in, number);
  g_assert_true (gst_harness_push_event (
      stream->harness, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
                                             gst_structure_new ("numbered", "number", G_TYPE_UINT64,
                                                                number, NULL))));
}

/* Every frame that came out has its times and, where they are @known, its own classes or none. Returns
 * how many have some. */
static guint
stream_check_frames (Stream *stream, gboolean known)
{
  double scores[N_CLASSES];
  guint classified = 0;
  GstBuffer *buffer;

  while ((buffer = gst_harness_try_pull (stream->harness)))
    {
      g_assert_cmpuint (GST_BUFFER_DTS (buffer), ==, GST_BUFFER_PTS (buffer) + 7);
      g_assert_cmpuint (GST_BUFFER_DURATION (buffer), ==, 40 * GST_MSECOND);
      classified += gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta") != NULL;
      if (known && fixture_scores (buffer, scores))
        fixture_assert_scores_equal (
            scores, stream->expected[GST_BUFFER_OFFSET_END (buffer)][GST_BUFFER_OFFSET (buffer)],
            1e-6);
      gst_buffer_unref (buffer);
    }
  return classified;
}

static void
stream_step (Stream *stream)
{
  int what = g_rand_int_range (stream->rand, 0, 40);

  if (what == 0) /* with whatever is in flight */
    {
      flush (stream->harness);
      record_compare (&stream->record, TRUE);
    }
  else if (what == 1)
    stream_set_size (stream, !stream->size);
  else if (what < 5)
    stream_push_event (stream);
  else if (what == 5)
    g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_gap (1, 1)));
  else if (what == 6)
    gst_harness_set (stream->harness, "effvkclassify", "inference-interval",
                     (guint) g_rand_int_range (stream->rand, 1, 5), "deadline",
                     (guint64) g_rand_int_range (stream->rand, 0, 2), NULL);
  else if (what == 9)
    gst_harness_push_upstream_event (stream->harness,
                                     gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.0,
                                                        g_rand_int_range (stream->rand, -5, 5),
                                                        MAX (stream->number, 5)));
  else if (what == 7)
    gst_harness_set (stream->harness, "effvkclassify", "max-in-flight",
                     (guint) g_rand_int_range (stream->rand, 1, 5), NULL);
  else if (what == 8)
    g_atomic_int_set (&collect_delay, g_rand_int_range (stream->rand, 0, 5000));
  else
    stream_push_frame (stream);
}

/* N frames in, N out, in order and between the same events, whatever is done meanwhile. Takes the
 * harness. */
static void
run_randomly (Stream *stream, guint n_steps, gboolean known)
{
  guint64 end = EOS_NUMBER;
  guint classified = 0;

  record_init (&stream->record, stream->harness);
  for (guint step = 0; step < n_steps; step++)
    {
      stream_step (stream);
      if (step % 20 == 19)
        {
          record_wait (&stream->record);
          record_compare (&stream->record, FALSE);
        }
      classified += stream_check_frames (stream, known);
    }
  stream_push_frame (stream);
  g_array_append_val (stream->record.in, end);
  g_assert_true (gst_harness_push_event (stream->harness, gst_event_new_eos ()));
  record_wait (&stream->record);
  record_compare (&stream->record, FALSE);
  classified += stream_check_frames (stream, known);
  g_test_message ("%u of %" G_GUINT64_FORMAT " frames and events came out with classes", classified,
                  stream->number);
  g_assert_cmpuint (classified, >, 0);
  g_atomic_int_set (&collect_delay, 0);
  gst_harness_teardown (stream->harness);
  record_clear (&stream->record);
  g_rand_free (stream->rand);
}

static void
test_random (void)
{
  Stream stream
      = { .harness = fixture_harness ("top-k=10"), .rand = g_rand_new_with_seed (get_seed ()) };

  for (guint size = 0; size < G_N_ELEMENTS (sizes); size++)
    {
      stream_set_size (&stream, size);
      for (guint i = 0; i < N_CONTENTS; i++)
        g_assert_cmpuint (fixture_push_for_scores (stream.harness, fixture_frame (&stream.info, i),
                                                   stream.expected[size][i]),
                          ==, N_CLASSES);
    }
  run_randomly (&stream, 500, TRUE);
}

/* Another stream of the network, that flushes now and then. */
typedef struct
{
  GstHarness *harness;
  gint stop;
} Neighbor;

static gpointer
be_a_neighbor (gpointer data)
{
  Neighbor *neighbor = data;
  GstVideoInfo info;

  fixture_set_caps (neighbor->harness, &info, GST_VIDEO_FORMAT_RGB, 33, 47);
  for (guint i = 0; !g_atomic_int_get (&neighbor->stop); i++)
    {
      GstBuffer *out;

      gst_harness_push (neighbor->harness, fixture_frame (&info, i));
      out = gst_harness_try_pull (neighbor->harness);
      gst_clear_buffer (&out);
      if (i % 16 == 15)
        flush (neighbor->harness);
    }
  return NULL;
}

/* The same under every mode. */
static void
test_modes (void)
{
  static const struct
  {
    const char *properties;
    guint max_objects;
  } modes[] = {
    { "inference-interval-time=3", 0 }, /* ns, as the frames' times */
    { "skipped=last", 0 },
    { "skipped=last inference-interval-time=5 messages-on-change=true", 0 },
    { "qos=false max-in-flight=16 meta-mode=custom", 0 },
    { "smoothing=0.5 hysteresis=0.2 hold=5 unknown-threshold=0.1 unknown-margin=0.01", 0 },
    { "inference-region=roi-list", 3 },
    { "inference-region=roi-list skipped=last reclassify-interval=3 object-max-size=30", 9 },
    { "model-instance-id=modes batch-size=4", 0 },
    { "model-instance-id=modes batch-size=3 inference-region=roi-list skipped=last", 7 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      Stream stream
          = { .rand = g_rand_new_with_seed (get_seed ()), .max_objects = modes[i].max_objects };
      Neighbor neighbor = { 0 };
      GThread *thread = NULL;

      g_test_message ("%s", modes[i].properties);
      stream.harness = fixture_harness (modes[i].properties);
      stream_set_size (&stream, 0);
      if (strstr (modes[i].properties, "model-instance-id"))
        {
          neighbor.harness = fixture_harness ("model-instance-id=modes");
          thread = g_thread_new ("neighbor", be_a_neighbor, &neighbor);
        }
      run_randomly (&stream, 150, FALSE);
      if (!thread)
        continue;
      g_atomic_int_set (&neighbor.stop, TRUE);
      g_thread_join (thread);
      gst_harness_teardown (neighbor.harness);
    }
}

static gpointer
push_one_more (gpointer data)
{
  GstHarness *harness = data;
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 64, 48);
  return GINT_TO_POINTER (gst_harness_push (harness, fixture_frame (&info, 9)));
}

/* A harness whose ring is full with frames that take @delay us each, and a thread that waits with a
 * further one. */
static GstHarness *
full_harness (int delay, GThread **pusher)
{
  GstHarness *harness = fixture_harness ("top-k=10 max-in-flight=3");
  double scores[N_CLASSES];
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  fixture_push_for_scores (harness, fixture_frame (&info, 1), scores);
  g_atomic_int_set (&collect_delay, delay);
  for (guint i = 2; i < 5; i++)
    g_assert_cmpint (gst_harness_push (harness, fixture_frame (&info, i)), ==, GST_FLOW_OK);
  *pusher = g_thread_new ("pusher", push_one_more, harness);
  g_usleep (50000); /* it waits now, or comes too late for what is tested */
  return harness;
}

static void
test_flush_full (void)
{
  GThread *pusher;
  GstHarness *harness = full_harness (G_USEC_PER_SEC, &pusher);
  gint64 began = g_get_monotonic_time (), unblocked, stopped; /* us */
  double scores[N_CLASSES];
  GstVideoInfo info;
  GstBuffer *out;

  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (pusher)), ==, GST_FLOW_FLUSHING);
  unblocked = g_get_monotonic_time ();
  flush_stop (harness);
  stopped = g_get_monotonic_time ();
  g_test_message (
      "with 3 frames of a second each in flight: unblocked after %.2f ms, flushed after "
      "%.2f ms more",
      (double) (unblocked - began) / 1e3, (double) (stopped - unblocked) / 1e3);
  g_assert_cmpint (unblocked - began, <, 100000);
  g_assert_cmpint (stopped - unblocked, <, 100000);

  g_atomic_int_set (&collect_delay, 0);
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 64, 48);
  out = fixture_push (harness, fixture_frame (&info, 20)); /* no old frame comes */
  g_assert_cmpuint (fixture_scores (out, scores), ==, N_CLASSES);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* Only the device is waited for. */
static void
test_stop_full (void)
{
  GThread *pusher;
  GstHarness *harness = full_harness (300000, &pusher);

  g_assert_cmpint (gst_element_set_state (harness->element, GST_STATE_NULL), ==,
                   GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (pusher)), ==, GST_FLOW_FLUSHING);
  g_atomic_int_set (&collect_delay, 0);
  gst_harness_teardown (harness);
}

static guint
count_latency_messages (GstBus *bus)
{
  GstMessage *message;
  guint n = 0;

  for (; (message = gst_bus_pop_filtered (bus, GST_MESSAGE_LATENCY)); n++)
    gst_message_unref (message);
  return n;
}

/* What the element answers with 5 ms and at most 90 ms of latency before it. */
static void
assert_latency (GstHarness *harness, GstClockTime min, GstClockTime max)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime min_answer, max_answer;
  gboolean live;

  g_assert_true (gst_pad_peer_query (harness->sinkpad, query));
  gst_query_parse_latency (query, &live, &min_answer, &max_answer);
  g_assert_true (live);
  g_assert_cmpuint (min_answer, ==, min * GST_MSECOND);
  g_assert_cmpuint (max_answer, ==, max * GST_MSECOND);
}

static GstPadProbeReturn
answer_latency (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);

  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return GST_PAD_PROBE_OK;
  gst_query_set_latency (query, TRUE, 5 * GST_MSECOND, 90 * GST_MSECOND);
  return GST_PAD_PROBE_HANDLED;
}

static void
test_latency (void)
{
  GstHarness *harness = fixture_harness ("max-in-flight=3");
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  double scores[N_CLASSES];
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  gst_pad_add_probe (harness->srcpad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM | GST_PAD_PROBE_TYPE_PUSH,
                     answer_latency, NULL, NULL);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  assert_latency (harness, 5 + 40, 90 + 3 * 40);
  for (guint i = 0; i < 3; i++)
    fixture_push_for_scores (harness, fixture_frame (&info, i), scores);
  count_latency_messages (bus);

  g_atomic_int_set (&collect_delay, 300000); /* more than the ring holds */
  fixture_push_for_scores (harness, fixture_frame (&info, 4), scores);
  g_assert_cmpuint (count_latency_messages (bus), ==, 1);
  assert_latency (harness, 5 + 3 * 40, 90 + 3 * 40);
  fixture_push_for_scores (harness, fixture_frame (&info, 5), scores);
  g_assert_cmpuint (count_latency_messages (bus), ==, 0);

  g_object_set (element, "max-in-flight", 2, NULL);
  g_assert_cmpuint (count_latency_messages (bus), ==, 1);
  assert_latency (harness, 5 + 2 * 40, 90 + 2 * 40);
  g_object_set (element, "max-in-flight", 2, "top-k", 3, NULL);
  g_assert_cmpuint (count_latency_messages (bus), ==, 0);
  g_object_set (element, "max-in-flight", 5, NULL);
  g_assert_cmpuint (count_latency_messages (bus), ==, 1);
  assert_latency (harness, 5 + 2 * 40, 90 + 5 * 40);
  fixture_push_for_scores (harness, fixture_frame (&info, 6), scores); /* 300 ms */
  g_assert_cmpuint (count_latency_messages (bus), ==, 1);
  assert_latency (harness, 5 + 5 * 40, 90 + 5 * 40);
  g_atomic_int_set (&collect_delay, 0);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

/* One frame and no more: it comes out in PAUSED, and a lone one before EOS is not lost. */
static void
test_preroll (void)
{
  g_autofree char *launch = g_strdup_printf (
      "videotestsrc num-buffers=1 ! video/x-raw,width=64,height=48 ! "
      "effvkclassify device=cpu model-file=%s name=classify ! fakesink sync=true",
      fixture_model ());
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstElement) classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstStructure) stats = NULL;
  guint64 inferences;

  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, 60 * GST_SECOND), ==,
                   GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  g_object_get (classify, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "inferences", &inferences));
  g_assert_cmpuint (inferences, ==, 1);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* What downstream refuses is told upstream, with the next frame. */
static void
test_refused (void)
{
  GstHarness *harness = fixture_harness (NULL);
  GstFlowReturn flow = GST_FLOW_OK;
  GstVideoInfo info;
  guint pushed;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  g_assert_true (gst_pad_set_active (harness->sinkpad, FALSE));
  for (pushed = 0; flow == GST_FLOW_OK && pushed < 20; pushed++)
    flow = gst_harness_push (harness, fixture_frame (&info, pushed));
  g_assert_cmpint (flow, ==, GST_FLOW_FLUSHING);
  g_assert_cmpuint (pushed, <=, 6);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/live/random", test_random);
  g_test_add_func ("/live/modes", test_modes);
  g_test_add_func ("/live/flush-full", test_flush_full);
  g_test_add_func ("/live/stop-full", test_stop_full);
  g_test_add_func ("/live/latency", test_latency);
  g_test_add_func ("/live/preroll", test_preroll);
  g_test_add_func ("/live/refused", test_refused);
  return fixtures_run ();
}
