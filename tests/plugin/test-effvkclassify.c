/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* effvkclassify with good input: metadata, messages, properties, events, states. */
#include "fixtures-device.h"
#include "fixtures.h"

#include <effvk/effvk.h>

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

static void
test_metadata (void)
{
  GstHarness *harness = fixture_harness ("top-k=10");
  double scores[N_CLASSES], sum = 0.0, last = 1.0;
  GstCustomMeta *meta;
  const GValue *labels, *values;
  GstBuffer *out;
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  out = fixture_push (harness, fixture_frame (&info, 1));
  meta = gst_buffer_get_custom_meta (out, "EffvkClassificationMeta");
  g_assert_nonnull (meta);
  g_assert_true (
      g_str_has_prefix (gst_structure_get_string (gst_custom_meta_get_structure (meta), "model"),
                        "efficientnet"));
  labels = gst_structure_get_value (gst_custom_meta_get_structure (meta), "labels");
  values = gst_structure_get_value (gst_custom_meta_get_structure (meta), "scores");
  g_assert_cmpuint (gst_value_array_get_size (labels), ==, N_CLASSES);
  for (guint i = 0; i < N_CLASSES; i++)
    {
      double score = g_value_get_double (gst_value_array_get_value (values, i));

      g_assert_nonnull (g_value_get_string (gst_value_array_get_value (labels, i)));
      g_assert_cmpfloat (score, <=, last);
      last = score;
      sum += score;
    }
  g_assert_cmpfloat_with_epsilon (sum, 1.0, 1e-5);
  g_assert_cmpuint (fixture_scores (out, scores), ==, N_CLASSES);
#ifdef HAVE_GST_ANALYTICS
  {
    GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (out);
    GstAnalyticsMtd mtd;
    gpointer state = NULL;
    guint found = 0;

    g_assert_nonnull (relations);
    while (gst_analytics_relation_meta_iterate (relations, &state,
                                                gst_analytics_cls_mtd_get_mtd_type (), &mtd))
      {
        found++;
        g_assert_cmpuint (gst_analytics_cls_mtd_get_length (&mtd), ==, 1);
        g_assert_cmpstr (g_quark_to_string (gst_analytics_cls_mtd_get_quark (&mtd, 0)), ==,
                         g_value_get_string (gst_value_array_get_value (labels, 0)));
        g_assert_cmpfloat_with_epsilon (gst_analytics_cls_mtd_get_level (&mtd, 0),
                                        g_value_get_double (gst_value_array_get_value (values, 0)),
                                        1e-6);
      }
    g_assert_cmpuint (found, ==, 1);
  }
#endif
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

static void
test_roi (void)
{
  GstHarness *harness = fixture_harness ("meta-mode=roi top-k=3");
  GstVideoRegionOfInterestMeta *roi;
  GstStructure *parameter;
  GstBuffer *out;
  GstVideoInfo info;
  double confidence;
  int id;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_NV12, 64, 48);
  out = fixture_push (harness, fixture_frame (&info, 1));
  roi = gst_buffer_get_video_region_of_interest_meta_id (out, 0);
  g_assert_nonnull (roi);
  g_assert_cmpuint (roi->w, ==, 64);
  g_assert_cmpuint (roi->h, ==, 48);
  g_assert_cmpuint (g_list_length (roi->params), ==, 3);
  parameter = gst_video_region_of_interest_meta_get_param (roi, "classification");
  g_assert_nonnull (gst_structure_get_string (parameter, "label"));
  g_assert_true (gst_structure_get_int (parameter, "label_id", &id));
  g_assert_true (gst_structure_get_double (parameter, "confidence", &confidence));
  g_assert_null (gst_buffer_get_custom_meta (out, "EffvkClassificationMeta"));
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

static void
test_messages (void)
{
  GstHarness *harness = fixture_harness ("top-k=4");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstMessage) message = NULL;
  const GstStructure *structure;
  GstBuffer *out;
  GstVideoInfo info;
  guint64 timestamp;
  double score;
  int index;

  gst_element_set_bus (element, bus);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  out = fixture_push (harness, fixture_frame (&info, 3));
  gst_buffer_unref (out);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  structure = gst_message_get_structure (message);
  g_assert_true (gst_structure_has_name (structure, "effvkclassify"));
  g_assert_true (gst_structure_get_uint64 (structure, "timestamp", &timestamp));
  g_assert_cmpuint (timestamp, ==, 3 * 40 * GST_MSECOND);
  g_assert_true (gst_structure_get_uint64 (structure, "running-time", &timestamp));
  g_assert_cmpuint (timestamp, ==, 3 * 40 * GST_MSECOND);
  g_assert_cmpstr (gst_structure_get_string (structure, "model"), ==, "efficientnet_phi=-4");
  g_assert_nonnull (gst_structure_get_string (structure, "label"));
  g_assert_true (gst_structure_get_int (structure, "index", &index));
  g_assert_true (gst_structure_get_double (structure, "score", &score));
  g_assert_cmpfloat (score, >, 0.0);
  g_assert_cmpuint (gst_value_array_get_size (gst_structure_get_value (structure, "classes")), ==,
                    4);

  g_object_set (element, "post-messages", FALSE, NULL);
  gst_buffer_unref (fixture_push (harness, fixture_frame (&info, 4)));
  g_clear_pointer (&message, gst_message_unref);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  g_assert_null (message);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

static void
test_shared_buffer (void)
{
  GstHarness *harness = fixture_harness (NULL);
  double scores[N_CLASSES];
  GstVideoInfo info;
  GstBuffer *in, *out;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  in = fixture_frame (&info, 2);
  GST_MINI_OBJECT_FLAG_SET (gst_buffer_peek_memory (in, 0), GST_MEMORY_FLAG_READONLY);
  out = fixture_push (harness,
                      gst_buffer_ref (in)); /* as behind a tee: somebody else holds it too */
  g_assert_true (in != out);
  g_assert_cmpuint (fixture_scores (out, scores), ==, 5);
  g_assert_cmpuint (fixture_scores (in, scores), ==, 0);
  g_assert_true (gst_buffer_peek_memory (in, 0) == gst_buffer_peek_memory (out, 0)); /* no copy */
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
}

static void
test_properties_while_playing (void)
{
  GstHarness *harness = fixture_harness ("top-k=8");
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  double scores[N_CLASSES], best = 0.0;
  guint n = 0, n_classified = 0;
  GstVideoInfo info;
  GstBuffer *buffer;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 1), scores), ==, 8);
  for (guint i = 0; i < N_CLASSES; i++)
    best = MAX (best, scores[i]);
  gst_harness_set (harness, "effvkclassify", "top-k", 2, NULL);
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 1), scores), ==, 2);
  /* more than the network reports: another takes its place */
  gst_harness_set (harness, "effvkclassify", "top-k", 10, NULL);
  for (guint i = 0; i < 2000 && n != 10; i++)
    n = fixture_push_for_scores (harness, fixture_frame (&info, 1), scores);
  g_assert_cmpuint (n, ==, 10);
  gst_harness_set (harness, "effvkclassify", "threshold", best, NULL);
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 1), scores), ==, 1);
  gst_harness_set (harness, "effvkclassify", "threshold", 1.0, NULL);
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 1), scores), ==, 0);

  gst_harness_set (harness, "effvkclassify", "threshold", 0.0, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "inference-region", "roi-list");
  buffer = fixture_frame (&info, 1);
  fixture_add_object (buffer, TRUE, "car", 4, 4, 30, 30, -1);
  buffer = fixture_push (harness, buffer);
  g_assert_cmpuint (fixture_n_objects (buffer), ==, 1);
  gst_buffer_unref (buffer);
  gst_util_set_object_arg (G_OBJECT (element), "inference-region", "full-frame");
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 1), scores), ==, 10);

  gst_harness_set (harness, "effvkclassify", "inference-interval", 3, NULL);
  for (guint i = 0; i < 9; i++)
    n_classified += fixture_push_for_scores (harness, fixture_frame (&info, 1), scores) > 0;
  g_assert_cmpuint (n_classified, ==, 3);
  gst_harness_teardown (harness);
}

static void
test_events (void)
{
  GstHarness *harness = fixture_harness (NULL);
  double before[N_CLASSES], after[N_CLASSES];
  GstSegment segment;
  GstVideoInfo info;
  GstEvent *event;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  fixture_push_for_scores (harness, fixture_frame (&info, 1), before);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
  g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
  fixture_push_for_scores (harness, fixture_frame (&info, 1), after);
  fixture_assert_scores_equal (before, after, 1e-9);
  g_assert_true (gst_harness_push_event (harness, gst_event_new_gap (0, GST_SECOND)));
  g_assert_true (gst_harness_push_event (harness, gst_event_new_eos ()));
  while ((event = gst_harness_pull_event (harness))) /* it may still be behind a frame */
    {
      gboolean end = GST_EVENT_TYPE (event) == GST_EVENT_EOS;

      gst_event_unref (event);
      if (end)
        break;
    }
  g_assert_nonnull (event);
  gst_harness_teardown (harness);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (dir && g_dir_read_name (dir))
    n++;
  return n;
}

static void
test_states (void)
{
  g_autofree char *launch
      = g_strdup_printf ("videotestsrc num-buffers=2 ! video/x-raw,width=64,height=48 ! "
                         "effvkclassify device=cpu model-file=%s name=classify ! fakesink",
                         fixture_model ());
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstBus) bus = NULL;
  guint descriptors = 0;

  g_assert_no_error (error);
  g_assert_cmpint (fixture_n_classifiers, ==, 0);
  bus = gst_element_get_bus (pipeline);
  for (guint i = 0; i < 7; i++)
    {
      g_autoptr (GstMessage) message = NULL;

      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      if (i % 2) /* cut it off at any moment */
        g_usleep (i * 3000);
      else
        {
          message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
                                                GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
          g_assert_nonnull (message);
          g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
          g_assert_cmpint (g_atomic_int_get (&fixture_n_classifiers), ==, 1);
        }
      gst_element_set_state (pipeline, GST_STATE_NULL);
      g_assert_cmpint (g_atomic_int_get (&fixture_n_classifiers), ==, 0);
      if (i == 2) /* what is opened once is open */
        descriptors = count_descriptors ();
    }
  g_assert_cmpuint (count_descriptors (), ==, descriptors);
}

static void
test_two (void)
{
  GstHarness *a = fixture_harness ("top-k=10"), *b = fixture_harness ("top-k=10 precision=fp16");
  double x[N_CLASSES], y[N_CLASSES];
  GstVideoInfo info;

  fixture_set_caps (a, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  fixture_set_caps (b, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 3; i++)
    {
      fixture_push_for_scores (a, fixture_frame (&info, i), x);
      fixture_push_for_scores (b, fixture_frame (&info, i), y);
      fixture_assert_scores_equal (x, y, 0.02);
    }
  gst_harness_teardown (a);
  gst_harness_teardown (b);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/effvkclassify/metadata", test_metadata);
  g_test_add_func ("/effvkclassify/roi", test_roi);
  g_test_add_func ("/effvkclassify/messages", test_messages);
  g_test_add_func ("/effvkclassify/shared-buffer", test_shared_buffer);
  g_test_add_func ("/effvkclassify/properties-while-playing", test_properties_while_playing);
  g_test_add_func ("/effvkclassify/events", test_events);
  g_test_add_func ("/effvkclassify/states", test_states);
  g_test_add_func ("/effvkclassify/two", test_two);
  return fixtures_run ();
}
