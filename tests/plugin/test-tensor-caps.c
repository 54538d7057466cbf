/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The logits in the caps, which tensor decoders read from GStreamer 1.28 on: what downstream and
 * upstream see of them, and what the decoders make of the frames. */
#include "fixtures.h"

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

#define GROUP "classification-generic-out"
#define DECODER "classifiertensordecoder"
#define BIN "tensordecodebin"

/* What tells of @group in caps; NULL: nothing does. */
static const GValue *
find_group (const GstCaps *caps, const char *group)
{
  const GValue *tensors
      = caps ? gst_structure_get_value (gst_caps_get_structure (caps, 0), "tensors") : NULL;
  const GstStructure *groups = tensors ? gst_value_get_structure (tensors) : NULL;

  return groups ? gst_structure_get_value (groups, group) : NULL;
}

static void
push_frame (GstHarness *harness, const GstVideoInfo *info, guint seed)
{
  gst_buffer_unref (fixture_push (harness, fixture_frame (info, seed)));
}

#ifdef HAVE_GST_ANALYTICS
#define HAS_TENSORS GST_CHECK_VERSION (1, 26, 0)
#else
#define HAS_TENSORS 0
#endif
#define HAS_CAPS (HAS_TENSORS && GST_CHECK_VERSION (1, 28, 0))

/* Checks what the element's caps tell downstream: logits of @rows rows; -1: nothing. */
static void
assert_told (GstHarness *harness, int rows)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (harness->sinkpad);
  const GValue *group = find_group (caps, GROUP);
#if HAS_CAPS
  const GstStructure *tensor;
  const GValue *dims;
#endif

  g_assert_nonnull (caps);
  if (rows < 0 || !HAS_CAPS)
    {
      g_assert_null (group);
      return;
    }
  g_assert_nonnull (group);
#if HAS_CAPS
  g_assert_cmpuint (gst_value_unique_list_get_size (group), ==, 1);
  tensor
      = gst_caps_get_structure (gst_value_get_caps (gst_value_unique_list_get_value (group, 0)), 0);
  g_assert_cmpstr (gst_structure_get_name (tensor), ==, "tensor/strided");
  g_assert_cmpstr (gst_structure_get_string (tensor, "tensor-id"), ==, GROUP);
  g_assert_cmpstr (gst_structure_get_string (tensor, "type"), ==, "float32");
  g_assert_cmpstr (gst_structure_get_string (tensor, "dims-order"), ==, "row-major");
  dims = gst_structure_get_value (tensor, "dims");
  g_assert_cmpuint (gst_value_array_get_size (dims), ==, 2);
  g_assert_cmpint (g_value_get_int (gst_value_array_get_value (dims, 0)), ==, rows);
  g_assert_cmpint (g_value_get_int (gst_value_array_get_value (dims, 1)), ==, N_CLASSES);
#endif
}

/* With the property, and from the frame on before which it was set; other fields stay. */
static void
test_told (void)
{
  GstHarness *harness;
  GstVideoInfo info;

  if (!HAS_TENSORS)
    {
      g_test_skip ("this GStreamer has no GstTensorMeta");
      return;
    }
  harness = fixture_harness ("name=element");
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  push_frame (harness, &info, 1);
  assert_told (harness, -1);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
      g_autoptr (GstCaps) caps = NULL;
      GstVideoInfo told;

      g_object_set (element, "attach-logits", i % 2 == 0, NULL);
      push_frame (harness, &info, 2 + i);
      assert_told (harness, i % 2 == 0 ? 1 : -1);
      caps = gst_pad_get_current_caps (harness->sinkpad);
      g_assert_true (gst_video_info_from_caps (&told, caps));
      g_assert_true (gst_video_info_is_equal (&told, &info));
    }
  gst_harness_teardown (harness);
}

/* How many objects there are is not known before. */
static void
test_objects (void)
{
  GstHarness *harness;
  GstVideoInfo info;

  if (!HAS_TENSORS)
    {
      g_test_skip ("this GStreamer has no GstTensorMeta");
      return;
    }
  harness = fixture_harness ("attach-logits=true inference-region=roi-list");
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  push_frame (harness, &info, 1);
  assert_told (harness, HAS_CAPS ? 0 : -1);
  gst_harness_teardown (harness);
}

#if HAS_CAPS
/* Of another element upstream. */
static void
add_other (GstCaps *caps)
{
  g_autoptr (GstStructure) groups
      = gst_structure_new ("tensorgroups", "other", G_TYPE_STRING, "something", NULL);

  gst_caps_set_simple (caps, "tensors", GST_TYPE_STRUCTURE, groups, NULL);
}
#endif

/* Others' tensors stay; downstream can ask for both, and upstream is asked for theirs only. */
static void
test_others (void)
{
#if HAS_CAPS
  GstHarness *harness = fixture_harness ("attach-logits=true");
  g_autoptr (GstCaps) asked = gst_caps_new_empty_simple ("video/x-raw");
  g_autoptr (GstCaps) got = NULL, told = NULL;
  GstVideoInfo info;
  GstCaps *caps;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_RGB, 64, 48);
  caps = gst_video_info_to_caps (&info);
  add_other (caps);
  gst_harness_set_src_caps (harness, caps);
  push_frame (harness, &info, 1);
  assert_told (harness, 1);
  told = gst_pad_get_current_caps (harness->sinkpad);
  g_assert_nonnull (find_group (told, "other"));
  gst_harness_set_sink_caps (harness, gst_caps_ref (told));
  got = gst_pad_peer_query_caps (harness->srcpad, NULL);
  g_assert_false (gst_caps_is_empty (got));
  g_assert_null (find_group (got, GROUP));
  g_assert_nonnull (find_group (got, "other"));
  g_assert_true (gst_pad_peer_query_accept_caps (harness->srcpad, got));
  gst_clear_caps (&got);
  got = gst_pad_peer_query_caps (harness->sinkpad, told);
  g_assert_nonnull (find_group (got, GROUP));
  gst_harness_teardown (harness);
#else
  g_test_skip ("this GStreamer has no tensors in caps");
#endif
}

#ifdef HAVE_GST_ANALYTICS
/* The label of the buffer's only class: that of the decoder. */
static const char *
get_label (GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;
  const char *label = NULL;
  GstAnalyticsClsMtd cls;

  g_assert_nonnull (meta);
  while (gst_analytics_relation_meta_iterate (meta, &state, gst_analytics_cls_mtd_get_mtd_type (),
                                              (GstAnalyticsMtd *) &cls))
    {
      g_assert_null (label);
      label = g_quark_to_string (gst_analytics_cls_mtd_get_quark (&cls, 0));
    }
  g_assert_nonnull (label);
  return label;
}
#endif

static gboolean
is_here (const char *name)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);
  g_autofree char *reason = g_strdup_printf ("this GStreamer has no %s", name);

  if (!factory)
    g_test_skip (reason);
  return factory != NULL;
}

/* The decoder's label, a class's number, is the element's. */
static void
test_decoder (gconstpointer name)
{
#ifdef HAVE_GST_ANALYTICS
  g_autofree char *properties = NULL;
  GstHarness *harness;
  GstVideoInfo info;
#endif

  if (!is_here (name))
    return;
#ifdef HAVE_GST_ANALYTICS
  properties = g_strdup_printf ("meta-mode=custom attach-logits=true ! %s", (const char *) name);
  harness = fixture_harness (properties);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint seed = 1; seed < 4; seed++)
    {
      GstBuffer *out = fixture_push (harness, fixture_frame (&info, seed));
      g_autofree char *expected = NULL;
      double scores[N_CLASSES];
      guint best = 0;

      g_assert_cmpuint (fixture_scores (out, scores), >, 0);
      for (guint i = 1; i < N_CLASSES; i++)
        best = scores[i] > scores[best] ? i : best;
      expected = g_strdup_printf ("%u", best);
      g_assert_cmpstr (get_label (out), ==, expected);
      gst_buffer_unref (out);
    }
  gst_harness_teardown (harness);
#endif
}

/* A source that settles the caps by what is asked downstream. */
static void
test_pipeline (gconstpointer name)
{
  g_autofree char *launch = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;

  if (!is_here (name))
    return;
  launch = g_strdup_printf ("videotestsrc num-buffers=3 ! effvkclassify device=cpu model-file=%s "
                            "attach-logits=true ! %s ! fakesink",
                            fixture_model (), (const char *) name);
  pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  g_assert_no_error (error);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* tensordecodebin leaks caps, with effvkclassify or without: that is not looked at in a process
 * of its own. */
static void
test_bin (void)
{
  if (g_test_subprocess ())
    {
      test_decoder (BIN);
      test_pipeline (BIN);
    }
  else if (is_here (BIN))
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (g_test_subprocess ())
    g_unsetenv ("GST_TRACERS");
  gst_init (&argc, &argv);
  g_test_add_func ("/tensor-caps/told", test_told);
  g_test_add_func ("/tensor-caps/objects", test_objects);
  g_test_add_func ("/tensor-caps/others", test_others);
  g_test_add_data_func ("/tensor-caps/decoder", DECODER, test_decoder);
  g_test_add_data_func ("/tensor-caps/pipeline", DECODER, test_pipeline);
  g_test_add_func ("/tensor-caps/bin", test_bin);
  return fixtures_run ();
}
