/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several effvkclassify with one network. */
#include "fixtures-device.h"
#include "fixtures.h"

#define N_STREAMS 8
#define N_FRAMES 24
#define N_CONTENTS 4

static const int sizes[N_STREAMS][2] = { { 64, 48 }, { 64, 48 },  { 40, 56 }, { 96, 32 },
                                         { 64, 48 }, { 100, 90 }, { 33, 47 }, { 64, 48 } };

typedef struct
{
  GstHarness *harness;
  GstVideoInfo info;
  double expected[N_CONTENTS][N_CLASSES];
  guint n_frames;
} Stream;

static void
stream_init (Stream *stream, const char *properties, guint i)
{
  stream->harness = fixture_harness (properties);
  fixture_set_caps (stream->harness, &stream->info,
                    i % 2 ? GST_VIDEO_FORMAT_I420 : GST_VIDEO_FORMAT_RGB, sizes[i][0], sizes[i][1]);
}

static gpointer
run_stream (gpointer data)
{
  Stream *stream = data;
  double scores[N_CLASSES];

  for (guint i = 0; i < stream->n_frames; i++)
    {
      GstBuffer *buffer = fixture_frame (&stream->info, i % N_CONTENTS);

      GST_BUFFER_PTS (buffer) = i;
      g_assert_cmpint (gst_harness_push (stream->harness, buffer), ==, GST_FLOW_OK);
    }
  for (guint i = 0; i < stream->n_frames; i++)
    {
      GstBuffer *out = gst_harness_pull (stream->harness);

      g_assert_nonnull (out);
      g_assert_cmpuint (GST_BUFFER_PTS (out), ==, i);
      g_assert_cmpuint (fixture_scores (out, scores), ==, N_CLASSES);
      fixture_assert_scores_equal (scores, stream->expected[i % N_CONTENTS], 1e-5);
      gst_buffer_unref (out);
    }
  return NULL;
}

static gpointer
flush_and_stop (gpointer data)
{
  Stream *stream = data;

  for (guint i = 0; i < 20; i++)
    {
      GstSegment segment;

      for (guint n = 0; n < i % 4; n++)
        gst_harness_push (stream->harness, fixture_frame (&stream->info, n));
      gst_harness_push_event (stream->harness, gst_event_new_flush_start ());
      gst_harness_push_event (stream->harness, gst_event_new_flush_stop (TRUE));
      gst_segment_init (&segment, GST_FORMAT_TIME);
      gst_harness_push_event (stream->harness, gst_event_new_segment (&segment));
    }
  /* a wrong frame, and gone with frames in flight */
  gst_harness_push (stream->harness, gst_buffer_new_allocate (NULL, 10, NULL));
  gst_harness_push (stream->harness, fixture_frame (&stream->info, 0));
  gst_harness_teardown (stream->harness);
  return NULL;
}

/* The results are those of streams that have a network each, in the device's batches, while another
 * stream of the network flushes, fails and stops. */
static void
test_streams (void)
{
  Stream streams[N_STREAMS] = { 0 }, other = { 0 };
  GThread *threads[N_STREAMS], *other_thread;
  guint64 images, submissions;

  for (guint i = 0; i < N_STREAMS; i++)
    {
      stream_init (&streams[i], "top-k=10", i);
      for (guint c = 0; c < N_CONTENTS; c++)
        fixture_push_for_scores (streams[i].harness, fixture_frame (&streams[i].info, c),
                                 streams[i].expected[c]);
      gst_harness_teardown (streams[i].harness);
    }
  g_assert_cmpint (fixture_n_classifiers, ==, 0);
  stream_init (&other, "model-instance-id=a batch-size=4 top-k=10", 0);
  for (guint i = 0; i < N_STREAMS; i++)
    {
      stream_init (&streams[i], "model-instance-id=a batch-size=4 top-k=10", i);
      streams[i].n_frames = N_FRAMES;
    }
  g_assert_cmpint (fixture_n_classifiers, ==, 1);
  other_thread = g_thread_new ("other", flush_and_stop, &other);
  for (guint i = 0; i < N_STREAMS; i++)
    threads[i] = g_thread_new ("stream", run_stream, &streams[i]);
  for (guint i = 0; i < N_STREAMS; i++)
    g_thread_join (threads[i]);
  g_thread_join (other_thread);

  images = fixture_get_stat (streams[0].harness, "images");
  submissions = fixture_get_stat (streams[0].harness, "submissions");
  g_test_message ("%" G_GUINT64_FORMAT " images in %" G_GUINT64_FORMAT " submissions", images,
                  submissions);
  g_assert_cmpuint (images, >=, N_STREAMS * N_FRAMES);
  g_assert_cmpuint (images, >=, submissions * 2); /* of at most 4 */
  for (guint i = 0; i < N_STREAMS; i++)
    {
      g_assert_cmpint (fixture_n_classifiers, ==, 1);
      gst_harness_teardown (streams[i].harness);
    }
  g_assert_cmpint (fixture_n_classifiers, ==, 0);
}

/* Nobody comes: the frame goes alone, when it has waited long enough. */
static void
test_timeout (void)
{
  Stream lone = { 0 }, silent = { 0 };
  double scores[N_CLASSES];
  gint64 began;

  stream_init (&lone, "model-instance-id=t batch-size=4 batch-timeout=1000000000", 0);
  stream_init (&silent, "model-instance-id=t", 0);
  fixture_push_for_scores (lone.harness, fixture_frame (&lone.info, 0), scores);
  began = g_get_monotonic_time ();
  fixture_push_for_scores (lone.harness, fixture_frame (&lone.info, 1), scores);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, G_USEC_PER_SEC);
  gst_harness_teardown (silent.harness); /* alone, it does not wait */
  for (guint i = 0; i < 20; i++)
    fixture_push_for_scores (lone.harness, fixture_frame (&lone.info, 1), scores);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 20 * G_USEC_PER_SEC);
  gst_harness_teardown (lone.harness);
}

/* A stream with many frames in flight does not hold up one that has a frame now and then. */
static void
test_fair (void)
{
  Stream greedy = { 0 }, modest = { 0 };
  double scores[N_CLASSES];
  guint before, most = 0;

  stream_init (&greedy, "model-instance-id=f", 0);
  gst_harness_set (greedy.harness, "effvkclassify", "max-in-flight", 16, NULL);
  stream_init (&modest, "model-instance-id=f", 0);
  fixture_push_for_scores (greedy.harness, fixture_frame (&greedy.info, 0), scores);
  fixture_push_for_scores (modest.harness, fixture_frame (&modest.info, 0), scores);
  g_atomic_int_set (&fixture_collect_delay, 20000);
  for (guint i = 0; i < 16; i++)
    gst_harness_push (greedy.harness, fixture_frame (&greedy.info, i));
  for (guint i = 0; i < 3; i++)
    {
      before = gst_harness_buffers_received (greedy.harness);
      fixture_push_for_scores (modest.harness, fixture_frame (&modest.info, i), scores);
      most = MAX (most, gst_harness_buffers_received (greedy.harness) - before);
    }
  g_atomic_int_set (&fixture_collect_delay, 0);
  g_test_message ("at most %u frames of the other stream came before", most);
  g_assert_cmpuint (most, <=, 6); /* three are on the device already */
  gst_harness_teardown (greedy.harness);
  gst_harness_teardown (modest.harness);
}

/* An element named "second" does not start, for what the one named "first" has set, and says
 * both names. */
static void
assert_refused (const char *properties, const char *says)
{
  g_autofree char *launch
      = g_strdup_printf ("effvkclassify name=second model-instance-id=c %s", properties);
  g_autoptr (GstElement) element = gst_parse_launch (launch, NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (element, bus);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_test_message ("%s", error->message);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, says));
  g_assert_nonnull (strstr (error->message, "first"));
  g_assert_nonnull (strstr (error->message, "second"));
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
}

static void
test_contradiction (void)
{
  Stream first = { 0 };
  g_autoptr (GstElement) element = NULL;
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autofree char *labels = fixture_path ("labels.txt");
  g_autofree char *others = fixture_path ("other-labels.txt");
  g_autofree char *ours = g_strdup_printf (
      "name=first model-instance-id=c batch-size=2 precision=fp32 activation=softmax "
      "batch-timeout=20000000 model-overrides=\"{\\\"crop_pct\\\":0.9}\" labels-file=%s",
      labels);
  g_autofree char *other_labels = g_strdup_printf ("labels-file=%s", others);
  double scores[N_CLASSES];

  for (guint i = 0; i < 2; i++)
    g_assert_true (
        g_file_set_contents (i ? others : labels, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n", -1, NULL));
  stream_init (&first, ours, 0);
  assert_refused ("model-file=/other.safetensors", "/other.safetensors");
  assert_refused ("batch-size=3", "batch-size=3");
  assert_refused ("precision=fp16", "precision=fp16");
  assert_refused ("activation=sigmoid", "activation=sigmoid");
  assert_refused ("device=gpu", "device=gpu");
  assert_refused (other_labels, "labels-file");
  assert_refused ("model-overrides=\"{\\\"crop_pct\\\":1.0}\"", "model-overrides");
  assert_refused ("batch-timeout=5000000", "batch-timeout=5000000");
  g_assert_cmpint (fixture_n_classifiers, ==, 1);
  /* what is not said, or automatic, is as the first has it */
  element = gst_parse_launch ("effvkclassify model-instance-id=c", NULL);
  gst_element_set_bus (element, bus);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (fixture_n_classifiers, ==, 1);
  g_object_set (element, "top-k", 4, "batch-size", 0, NULL);
  gst_element_set_state (element, GST_STATE_NULL); /* when what may have been asked for is done */
  g_assert_false (gst_bus_have_pending (bus) && gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT));
  gst_element_set_bus (element, NULL);
  fixture_push_for_scores (first.harness, fixture_frame (&first.info, 1), scores);
  gst_harness_teardown (first.harness);
  g_assert_cmpint (fixture_n_classifiers, ==, 0);
}

/* Each of the elements sets something else, and they start in any order: before or after the
 * network was made, from READY or at once. */
static void
test_any_order (void)
{
  g_autofree char *sets_model
      = g_strdup_printf ("effvkclassify name=e model-instance-id=o top-k=10 model-file=%s",
                         fixture_model ());
  const char *const launches[]
      = { "effvkclassify name=e model-instance-id=o top-k=10",
          "effvkclassify name=e model-instance-id=o top-k=10 device=cpu", sets_model,
          "effvkclassify name=e model-instance-id=o top-k=10 batch-size=2 "
          "precision=fp32" };
  static const guint orders[][4]
      = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 }, { 1, 3, 0, 2 } };

  for (guint o = 0; o < 2 * G_N_ELEMENTS (orders); o++)
    {
      const guint *order = orders[o / 2];
      GstElement *elements[4];
      Stream streams[4] = { 0 };
      double scores[2][N_CLASSES];

      for (guint i = 0; i < 4; i++)
        {
          elements[i] = gst_object_ref_sink (gst_parse_launch (launches[order[i]], NULL));
          if (o % 2) /* as all in a pipeline are before the first goes on */
            gst_element_set_state (elements[i], GST_STATE_READY);
        }
      for (guint i = 0; i < 4; i++)
        {
          streams[i].harness = gst_harness_new_with_element (elements[i], "sink", "src");
          gst_harness_play (streams[i].harness);
          fixture_set_caps (streams[i].harness, &streams[i].info, GST_VIDEO_FORMAT_RGB, 64, 48);
        }
      g_assert_cmpint (fixture_n_classifiers, ==, 1);
      for (guint i = 0; i < 4; i++)
        {
          g_assert_cmpuint (fixture_push_for_scores (streams[i].harness,
                                                     fixture_frame (&streams[i].info, 7),
                                                     scores[i > 0]),
                            ==, N_CLASSES);
          fixture_assert_scores_equal (scores[i > 0], scores[0], 1e-5);
          g_assert_cmpuint (fixture_get_stat (streams[i].harness, "images"), >, 0);
        }
      for (guint i = 0; i < 4; i++)
        {
          gst_harness_teardown (streams[i].harness);
          gst_object_unref (elements[i]);
        }
      g_assert_cmpint (fixture_n_classifiers, ==, 0);
    }
}

/* An element that sets what nobody has set makes another network for all, while they play; the
 * others are told. */
static void
test_joins_later (void)
{
  GstHarness *first = gst_harness_new_parse ("effvkclassify model-instance-id=l top-k=10");
  g_autoptr (GstElement) element = gst_harness_find_element (first, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  Stream second = { 0 };
  double scores[2][N_CLASSES];
  gboolean swapped;
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  fixture_set_caps (first, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  gst_buffer_unref (fixture_push (first, fixture_frame (&info, 1)));
  stream_init (&second, "model-instance-id=l top-k=10", 0);
  g_assert_cmpint (fixture_n_classifiers, ==, 1);
  do
    {
      g_clear_pointer (&message, gst_message_unref);
      message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
      g_assert_nonnull (message);
    }
  while (!gst_message_has_name (message, "effvkclassify-model"));
  g_assert_true (
      gst_structure_get_boolean (gst_message_get_structure (message), "swapped", &swapped));
  g_assert_true (swapped);
  g_assert_cmpstr (gst_structure_get_string (gst_message_get_structure (message), "model-file"), ==,
                   fixture_model ());
  g_assert_cmpuint (fixture_push_for_scores (first, fixture_frame (&info, 3), scores[0]), ==,
                    N_CLASSES);
  fixture_push_for_scores (second.harness, fixture_frame (&second.info, 3), scores[1]);
  fixture_assert_scores_equal (scores[0], scores[1], 1e-5);
  gst_harness_teardown (second.harness);
  gst_element_set_bus (element, NULL);
  g_clear_object (&element);
  gst_harness_teardown (first);
  g_assert_cmpint (fixture_n_classifiers, ==, 0);
}

static guint
get_batch (GstHarness *harness)
{
  g_autoptr (GstStructure) stats = NULL;
  guint batch = 0;

  gst_harness_get (harness, "effvkclassify", "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint (stats, "batch-size", &batch));
  return batch;
}

/* One stream is never held back by the images of others that do not exist. */
static void
test_alone (void)
{
  Stream alone = { 0 }, first = { 0 }, second = { 0 }, objects = { 0 };

  stream_init (&alone, "batch-size=4", 0);
  g_assert_cmpuint (get_batch (alone.harness), ==, 1);
  stream_init (&first, "model-instance-id=b batch-size=4", 0);
  g_assert_cmpuint (get_batch (first.harness), ==, 1);
  stream_init (&second, "model-instance-id=b", 0);
  g_assert_cmpuint (get_batch (first.harness), ==, 4);
  g_assert_cmpuint (get_batch (second.harness), ==, 4);
  stream_init (&objects, "batch-size=4 inference-region=roi-list", 0);
  g_assert_cmpuint (get_batch (objects.harness), ==, 4);
  gst_harness_teardown (alone.harness);
  gst_harness_teardown (first.harness);
  gst_harness_teardown (second.harness);
  gst_harness_teardown (objects.harness);
}

/* Elements that start at once: one makes the network, and when it cannot, each says so. */
static gpointer
start_and_stop (gpointer launch)
{
  g_autoptr (GstElement) element = gst_parse_launch (launch, NULL);
  GstStateChangeReturn result = gst_element_set_state (element, GST_STATE_PAUSED);

  gst_element_set_state (element, GST_STATE_NULL);
  return GINT_TO_POINTER (result);
}

static void
test_start_together (void)
{
  g_autofree char *good
      = g_strdup_printf ("effvkclassify model-instance-id=s device=cpu model-file=%s",
                         fixture_model ());
  char *launches[] = { good, (char *) "effvkclassify model-instance-id=s model-file=/none" };

  for (guint l = 0; l < G_N_ELEMENTS (launches); l++)
    {
      GThread *threads[6];

      for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new ("start", start_and_stop, launches[l]);
      for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (threads[i])), ==,
                         l ? GST_STATE_CHANGE_FAILURE : GST_STATE_CHANGE_SUCCESS);
      g_assert_cmpint (g_atomic_int_get (&fixture_n_classifiers), ==, 0);
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sharing/streams", test_streams);
  g_test_add_func ("/sharing/timeout", test_timeout);
  g_test_add_func ("/sharing/fair", test_fair);
  g_test_add_func ("/sharing/contradiction", test_contradiction);
  g_test_add_func ("/sharing/any-order", test_any_order);
  g_test_add_func ("/sharing/joins-later", test_joins_later);
  g_test_add_func ("/sharing/alone", test_alone);
  g_test_add_func ("/sharing/start-together", test_start_together);
  return fixtures_run ();
}
