/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steady labels in the element: what smoothing, hysteresis, hold and unknown make of a stream whose
 * frames alternate between two labels. The arithmetic is tested in tests/unit/test-smoother.c. */
#include "fixtures.h"

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>
#endif

#define MS GST_MSECOND

/* Frames of one colour, which the network names differently: found by looking. */
static guint8 colors[2][3];

static GstBuffer *
new_frame (const GstVideoInfo *info, const guint8 *color, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = color[i % 3]; /* 64 pixels a row: no padding */
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = 40 * MS;
  return buffer;
}

/* The label, index and score of the first class of the custom meta. FALSE: there is none. */
static gboolean
first_class (GstBuffer *buffer, char **label, int *index, double *score)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");
  GstStructure *structure = meta ? gst_custom_meta_get_structure (meta) : NULL;

  if (!structure)
    return FALSE;
  *label = g_value_dup_string (
      gst_value_array_get_value (gst_structure_get_value (structure, "labels"), 0));
  *index = g_value_get_int (
      gst_value_array_get_value (gst_structure_get_value (structure, "indices"), 0));
  *score = g_value_get_double (
      gst_value_array_get_value (gst_structure_get_value (structure, "scores"), 0));
  return TRUE;
}

/* Pushes a frame and returns the first class's index. */
static int
push (GstHarness *harness, const GstVideoInfo *info, const guint8 *color, GstClockTime pts)
{
  GstBuffer *out = fixture_push (harness, new_frame (info, color, pts));
  g_autofree char *label = NULL;
  double score;
  int index;

  g_assert_true (first_class (out, &label, &index, &score));
  gst_buffer_unref (out);
  return index;
}

static void
find_colors (void)
{
  GstHarness *harness = fixture_harness ("top-k=1");
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  guint8 color[3] = { 0 };
  GstVideoInfo info;
  int first = -1;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, 64, 48);
  for (guint i = 0; i < 200; i++)
    {
      int index = push (harness, &info, color, i * 40 * MS);

      if (first < 0)
        first = index;
      memcpy (colors[index != first], color, 3);
      if (index != first)
        {
          gst_harness_teardown (harness);
          return;
        }
      for (guint c = 0; c < 3; c++)
        color[c] = (guint8) g_rand_int_range (rand, 0, 256);
    }
  g_error ("the model with random weights answers the same to 200 colours");
}

static GstHarness *
start (const char *properties, GstVideoInfo *info)
{
  GstHarness *harness = fixture_harness (properties);

  fixture_set_caps (harness, info, GST_VIDEO_FORMAT_RGB, 64, 48);
  return harness;
}

/* How often the label changes in 12 frames of both colours in turn. */
static guint
count_changes (const char *properties)
{
  GstVideoInfo info;
  GstHarness *harness = start (properties, &info);
  int last = push (harness, &info, colors[0], 0);
  guint changes = 0;

  for (guint i = 1; i < 12; i++)
    {
      int index = push (harness, &info, colors[i % 2], i * 40 * MS);

      changes += index != last;
      last = index;
    }
  gst_harness_teardown (harness);
  return changes;
}

static void
test_flapping (void)
{
  g_assert_cmpuint (count_changes (""), ==, 11);
  g_assert_cmpuint (count_changes ("hold=50000000"), ==, 0);
  g_assert_cmpuint (count_changes ("hysteresis=1.0"), ==, 0);
  g_assert_cmpuint (count_changes ("smoothing=0.99"), ==, 0);
  g_assert_cmpuint (count_changes ("smoothing-time=10000000000"), ==, 0);
  g_assert_cmpuint (count_changes ("hold=40000000 smoothing-time=1"), ==, 0);
  g_assert_cmpuint (count_changes ("smoothing-time=1"), ==, 11); /* the past is long gone */
}

/* A label that comes to stay is taken over when the hold is over; a flush forgets. */
static void
test_hold (void)
{
  GstVideoInfo info;
  GstHarness *harness = start ("hold=100000000", &info);
  int a = push (harness, &info, colors[0], 0), b = -1;

  for (guint i = 1; i < 6; i++)
    {
      b = push (harness, &info, colors[1], i * 40 * MS);
      if (i < 4) /* found since 40 ms; 40 ms + 100 ms lies between the frames 3 and 4 */
        g_assert_cmpint (b, ==, a);
      else
        g_assert_cmpint (b, !=, a);
    }
  g_assert_cmpint (push (harness, &info, colors[0], 240 * MS), ==, b);
  fixture_flush (harness);
  g_assert_cmpint (push (harness, &info, colors[0], 280 * MS), ==, a);
  gst_harness_teardown (harness);
}

static void
test_unknown (void)
{
  GstVideoInfo info;
  GstHarness *harness = start ("unknown-threshold=0.999999 threshold=0.9999 top-k=3", &info);
  GstBuffer *out = fixture_push (harness, new_frame (&info, colors[0], 0));
  g_autofree char *label = NULL;
  double score, best = 0.0;
  int index;

  g_assert_true (first_class (out, &label, &index, &score));
  g_assert_cmpstr (label, ==, "unknown");
  g_assert_cmpint (index, ==, -1);
#ifdef HAVE_GST_ANALYTICS
  {
    GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (out);
    GstAnalyticsClsMtd mtd;
    gpointer state = NULL;

    g_assert_true (gst_analytics_relation_meta_iterate (relations, &state,
                                                        gst_analytics_cls_mtd_get_mtd_type (),
                                                        (GstAnalyticsMtd *) &mtd));
    g_assert_cmpstr (g_quark_to_string (gst_analytics_cls_mtd_get_quark (&mtd, 0)), ==, "unknown");
  }
#endif
  gst_buffer_unref (out);
  g_clear_pointer (&label, g_free);

  /* 1 less the best score, as the next frame tells, for which it is switched off while playing */
  gst_harness_set (harness, "effvkclassify", "unknown-threshold", 0.0, "threshold", 0.0, NULL);
  out = fixture_push (harness, new_frame (&info, colors[0], 40 * MS));
  g_assert_true (first_class (out, &label, &index, &best));
  g_assert_cmpint (index, >=, 0);
  g_assert_cmpfloat_with_epsilon (best + score, 1.0, 1e-5);
  gst_buffer_unref (out);

  gst_harness_set (harness, "effvkclassify", "unknown-margin", 1.0, NULL);
  g_assert_cmpint (push (harness, &info, colors[0], 80 * MS), ==, -1);
  gst_harness_teardown (harness);
}

static guint
count_messages (GstBus *bus)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT)))
    {
      const GstStructure *structure = gst_message_get_structure (message);

      g_assert_true (gst_structure_has_name (structure, "effvkclassify"));
      g_assert_true (gst_structure_has_field_typed (structure, "label", G_TYPE_STRING));
      n++;
      gst_message_unref (message);
    }
  return n;
}

static void
test_messages_on_change (void)
{
  const guint which[] = { 0, 0, 1, 1, 1, 0 }, messages[] = { 1, 0, 1, 0, 0, 1 };
  GstVideoInfo info;
  GstHarness *harness = start ("messages-on-change=true", &info);
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstStructure) stats = NULL;
  guint64 posted;

  gst_element_set_bus (element, bus);
  for (guint i = 0; i < G_N_ELEMENTS (which); i++)
    {
      push (harness, &info, colors[which[i]], i * 40 * MS);
      g_assert_cmpuint (count_messages (bus), ==, messages[i]);
    }
  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "messages", &posted));
  g_assert_cmpuint (posted, ==, 3);
  g_object_set (element, "messages-on-change", FALSE, NULL);
  push (harness, &info, colors[0], 240 * MS);
  push (harness, &info, colors[0], 280 * MS);
  g_assert_cmpuint (count_messages (bus), ==, 2);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

static void
test_properties (void)
{
  const char *const names[] = { "smoothing",      "hysteresis",     "unknown-threshold",
                                "unknown-margin", "smoothing-time", "hold" };
  g_autoptr (GstElement) element
      = gst_object_ref_sink (gst_element_factory_make ("effvkclassify", NULL));

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      gboolean is_time = i >= 4;
      double number = 0.0;
      guint64 time = 0;

      if (is_time)
        g_object_set (element, names[i], (guint64) (5 + i), NULL);
      else
        g_object_set (element, names[i], 0.125 * (i + 1), NULL);
      g_object_get (element, names[i], is_time ? (gpointer) &time : (gpointer) &number, NULL);
      if (is_time)
        g_assert_cmpuint (time, ==, 5 + i);
      else
        g_assert_cmpfloat (number, ==, 0.125 * (i + 1));
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  find_colors ();
  g_test_add_func ("/steady/flapping", test_flapping);
  g_test_add_func ("/steady/hold", test_hold);
  g_test_add_func ("/steady/unknown", test_unknown);
  g_test_add_func ("/steady/messages-on-change", test_messages_on_change);
  g_test_add_func ("/steady/properties", test_properties);
  return fixtures_run ();
}
