/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which frames effvkclassify classifies, what the others carry, and what it says of both. */
#include "fixtures.h"

/* Pushes a frame of 25 a second and tells whether it comes out with classes. */
static gboolean
is_classified (GstHarness *harness, const GstVideoInfo *info, guint i)
{
  double scores[N_CLASSES];

  return fixture_push_for_scores (harness, fixture_frame (info, i), scores) > 0;
}

static void
test_interval (void)
{
  GstHarness *harness = fixture_harness ("inference-interval=3 top-k=10");
  const gboolean classified[] = { TRUE, FALSE, FALSE, TRUE, FALSE };
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < G_N_ELEMENTS (classified); i++)
    g_assert_cmpint (is_classified (harness, &info, i), ==, classified[i]);
  fixture_flush (harness);
  g_assert_true (is_classified (harness, &info, 0));
  g_assert_false (is_classified (harness, &info, 1));
  gst_harness_set (harness, "effvkclassify", "inference-interval", 1, NULL);
  g_assert_true (is_classified (harness, &info, 2));
  g_assert_true (is_classified (harness, &info, 3));
  g_assert_cmpuint (fixture_get_stat (harness, "frames"), ==, 9);
  g_assert_cmpuint (fixture_get_stat (harness, "inferences"), ==, 5);
  g_assert_cmpuint (fixture_get_stat (harness, "skipped"), ==, 4);
  g_assert_cmpuint (fixture_get_stat (harness, "skipped-interval"), ==, 4);
  gst_harness_teardown (harness);
}

/* Frames at 0, 40, 80, … ms, one each 100 ms: those at 0, 120, 200, 320, 400 … on the average. */
static void
test_interval_time (void)
{
  GstHarness *harness = fixture_harness ("inference-interval-time=100000000");
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (is_classified (harness, &info, i), ==, i % 5 == 0 || i % 5 == 3);
  /* a hole in the stream is not caught up with */
  g_assert_true (is_classified (harness, &info, 100));
  g_assert_false (is_classified (harness, &info, 101));
  g_assert_false (is_classified (harness, &info, 102));
  g_assert_true (is_classified (harness, &info, 103));
  gst_harness_teardown (harness);
}

static void
test_qos (void)
{
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstMessage) second = NULL;
  guint64 running_time, processed, dropped;
  gint64 jitter;
  gboolean live;
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  g_assert_true (is_classified (harness, &info, 0));
  /* 30 ms late at 0: what is before 60 cannot be made */
  g_assert_true (
      gst_harness_push_upstream_event (harness, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.5,
                                                                   30 * GST_MSECOND, 0)));
  g_assert_false (is_classified (harness, &info, 1));
  g_assert_true (is_classified (harness, &info, 2));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_QOS);
  g_assert_nonnull (message);
  gst_message_parse_qos (message, &live, &running_time, NULL, NULL, NULL);
  gst_message_parse_qos_values (message, &jitter, NULL, NULL);
  gst_message_parse_qos_stats (message, NULL, &processed, &dropped);
  g_assert_cmpuint (running_time, ==, 40 * GST_MSECOND);
  g_assert_cmpint (jitter, ==, 30 * GST_MSECOND);
  g_assert_false (live);
  g_assert_cmpuint (processed, ==, 1);
  g_assert_cmpuint (dropped, ==, 1);
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_QOS));
  g_assert_cmpuint (fixture_get_stat (harness, "skipped-qos"), ==, 1);

  gst_harness_query_latency (harness); /* of whose answer it learns that the harness is live */
  g_assert_true (
      gst_harness_push_upstream_event (harness,
                                       gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.5,
                                                          30 * GST_MSECOND, 80 * GST_MSECOND)));
  g_assert_false (is_classified (harness, &info, 3));
  second = gst_bus_pop_filtered (bus, GST_MESSAGE_QOS);
  g_assert_nonnull (second);
  gst_message_parse_qos (second, &live, NULL, NULL, NULL, NULL);
  g_assert_true (live);

  gst_harness_set (harness, "effvkclassify", "qos", FALSE, NULL);
  g_assert_true (
      gst_harness_push_upstream_event (harness, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.5,
                                                                   GST_SECOND, 120 * GST_MSECOND)));
  g_assert_true (is_classified (harness, &info, 4));
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

/* The harness' clock stands still until it is set. */
static void
test_deadline (void)
{
  GstHarness *harness = fixture_harness ("deadline=50000000");
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  g_assert_true (is_classified (harness, &info, 0));
  g_assert_true (gst_harness_set_time (harness, 90 * GST_MSECOND));
  g_assert_true (is_classified (harness, &info, 1));
  g_assert_true (gst_harness_set_time (harness, 131 * GST_MSECOND));
  g_assert_false (is_classified (harness, &info, 2));
  g_assert_true (is_classified (harness, &info, 3));
  g_assert_cmpuint (fixture_get_stat (harness, "skipped-deadline"), ==, 1);
  gst_harness_set (harness, "effvkclassify", "deadline", G_GUINT64_CONSTANT (0), NULL);
  g_assert_true (is_classified (harness, &info, 0));
  gst_harness_teardown (harness);
}

static guint64
get_age (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");
  guint64 age;

  g_assert_nonnull (meta);
  g_assert_true (gst_structure_get_uint64 (gst_custom_meta_get_structure (meta), "age", &age));
  return age;
}

static void
test_last (void)
{
  GstHarness *harness = fixture_harness ("inference-interval=4 skipped=last top-k=10");
  double first[N_CLASSES], scores[N_CLASSES];
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 6; i++)
    {
      GstBuffer *out = fixture_push (harness, fixture_frame (&info, i));

      g_assert_cmpuint (fixture_scores (out, scores), ==, N_CLASSES);
      g_assert_cmpuint (get_age (out), ==, i % 4 * 40 * GST_MSECOND);
      if (i % 4)
        fixture_assert_scores_equal (scores, first, 1e-9);
      else
        memcpy (first, scores, sizeof first);
      gst_buffer_unref (out);
    }
  gst_harness_teardown (harness);
}

/* A camera that starts again: its time stamps fall back without a segment. Answers keep coming,
 * with the right age. More of it in test-times.c. */
static void
test_falls_back (void)
{
  GstHarness *harness = fixture_harness ("inference-interval-time=120000000 skipped=last");
  guint n_before = 0, n_after = 0;
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 90; i++)
    {
      GstBuffer *out = fixture_push (harness, fixture_frame (&info, i < 30 ? 9000 + i : i - 30));
      guint64 age = get_age (out);

      g_assert_cmpuint (age, ==, i % 3 * 40 * GST_MSECOND);
      n_before += i < 30 && age == 0;
      n_after += i >= 30 && age == 0;
      gst_buffer_unref (out);
    }
  g_assert_cmpuint (n_before, ==, 10);
  g_assert_cmpuint (n_after, ==, 20);
  g_assert_cmpuint (fixture_get_stat (harness, "inferences"), ==, 30);
  gst_harness_teardown (harness);
}

static void
test_stats (void)
{
  static const char *const stages[]
      = { "room", "submit", "answer", "order", "report", "push", "gpu", "total" };
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstStructure) stats = NULL;
  const char *const *kernels;
  GstVideoInfo info;
  guint64 submit;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGBA, 64, 48);
  for (guint i = 0; i < 3; i++)
    g_assert_true (is_classified (harness, &info, i));
  gst_harness_get (harness, "effvkclassify", "stats", &stats, NULL);
  g_assert_cmpuint (fixture_get_stat (harness, "skipped"), ==, 0);
  g_assert_cmpuint (fixture_get_stat (harness, "messages"), ==, 3);
  g_assert_cmpuint (fixture_get_stat (harness, "frames"), ==, 3);
  g_assert_cmpuint (fixture_get_stat (harness, "inferences"), ==, 3);
  g_assert_cmpuint (fixture_get_stat (harness, "copied-bytes"), ==, 3 * 64 * 48 * 4);
  g_assert_nonnull (gst_structure_get_string (stats, "device"));
  g_assert_cmpstr (gst_structure_get_string (stats, "precision"), ==, "fp32");
  g_assert_true (g_str_has_prefix (gst_structure_get_string (stats, "model"), "efficientnet"));
  g_assert_cmpint (gst_structure_get_field_type (stats, "kernels"), ==, G_TYPE_STRV);
  kernels = g_value_get_boxed (gst_structure_get_value (stats, "kernels"));
  g_assert_nonnull (kernels[0]);
  for (guint i = 0; i < G_N_ELEMENTS (stages); i++)
    {
      g_autofree char *p50 = g_strconcat (stages[i], "-time-p50", NULL);
      g_autofree char *p95 = g_strconcat (stages[i], "-time-p95", NULL);
      g_autofree char *p99 = g_strconcat (stages[i], "-time-p99", NULL);

      g_assert_cmpuint (fixture_get_stat (harness, p50), <=, fixture_get_stat (harness, p95));
      g_assert_cmpuint (fixture_get_stat (harness, p95), <=, fixture_get_stat (harness, p99));
    }
  submit = fixture_get_stat (harness, "submit-time-p99");
  g_assert_cmpuint (submit, >, 0);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pace/interval", test_interval);
  g_test_add_func ("/pace/interval-time", test_interval_time);
  g_test_add_func ("/pace/qos", test_qos);
  g_test_add_func ("/pace/deadline", test_deadline);
  g_test_add_func ("/pace/last", test_last);
  g_test_add_func ("/pace/falls-back", test_falls_back);
  g_test_add_func ("/pace/stats", test_stats);
  return fixtures_run ();
}
