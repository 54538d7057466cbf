/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify in a pipeline that flows: flushes, stops, latency. Order is tested in
   test-order.c. */
#include "fixtures-device.h"
#include "fixtures.h"

static gint64 unblocked; /* us of the monotonic clock, when the thread below is joined */

static gpointer
push_one_more (gpointer data)
{
  GstHarness *harness = data;
  GstFlowReturn flow;
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 64, 48);
  flow = gst_harness_push (harness, fixture_frame (&info, 9));
  unblocked = g_get_monotonic_time ();
  return GINT_TO_POINTER (flow);
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
  g_atomic_int_set (&fixture_collect_delay, delay);
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
  gint64 began = g_get_monotonic_time (), stopped; /* us */
  double scores[N_CLASSES];
  GstVideoInfo info;
  GstBuffer *out;

  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (pusher)), ==, GST_FLOW_FLUSHING);
  fixture_flush_stop (harness);
  stopped = g_get_monotonic_time ();
  g_test_message (
      "with 3 frames of a second each in flight: unblocked after %.2f ms, flushed after "
      "%.2f ms more",
      (double) (unblocked - began) / 1e3, (double) (stopped - unblocked) / 1e3);
  g_assert_cmpint (unblocked - began, <, 100000);
  g_assert_cmpint (stopped - unblocked, <, 100000);

  g_atomic_int_set (&fixture_collect_delay, 0);
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 64, 48);
  out = fixture_push (harness, fixture_frame (&info, 20)); /* no old frame comes */
  g_assert_cmpuint (fixture_scores (out, scores), ==, N_CLASSES);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

/* Only the device is waited for, and not by upstream. */
static void
test_stop_full (void)
{
  GThread *pusher;
  GstHarness *harness = full_harness (300000, &pusher);
  gint64 began = g_get_monotonic_time ();

  g_assert_cmpint (gst_element_set_state (harness->element, GST_STATE_NULL), ==,
                   GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (pusher)), ==, GST_FLOW_FLUSHING);
  g_test_message ("unblocked after %.2f ms, stopped after %.2f ms",
                  (double) (unblocked - began) / 1e3,
                  (double) (g_get_monotonic_time () - began) / 1e3);
  g_assert_cmpint (unblocked - began, <, 100000);
  g_atomic_int_set (&fixture_collect_delay, 0);
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

  g_atomic_int_set (&fixture_collect_delay, 300000); /* more than the ring holds */
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
  g_atomic_int_set (&fixture_collect_delay, 0);
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
  g_test_add_func ("/live/flush-full", test_flush_full);
  g_test_add_func ("/live/stop-full", test_stop_full);
  g_test_add_func ("/live/latency", test_latency);
  g_test_add_func ("/live/preroll", test_preroll);
  g_test_add_func ("/live/refused", test_refused);
  return fixtures_run ();
}
