/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes that count, in the element: frames, objects and regions, before the best are chosen, also
 * where a label is steady, a frame is skipped or a track is asked once; and what is refused. The
 * lists are tested in tests/unit/test-class-filter.c. */
#include "fixtures.h"

#include <effvk/effvk.h>

#define WIDTH 64
#define HEIGHT 48

static GstHarness *
start (const char *properties, GstVideoInfo *info)
{
  GstHarness *harness = fixture_harness (properties);

  fixture_set_caps (harness, info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  return harness;
}

static const GstStructure *
whole (GstBuffer *buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "EffvkClassificationMeta");

  return meta ? gst_custom_meta_get_structure (meta) : NULL;
}

static int
get_index (const GstStructure *classes, guint rank)
{
  const GValue *indices = gst_structure_get_value (classes, "indices");

  return rank < gst_value_array_get_size (indices)
             ? g_value_get_int (gst_value_array_get_value (indices, rank))
             : -2;
}

/* The classes of the frame that @harness is given, best first, N_CLASSES at most. Those that are
 * not there are -2. */
static void
push (GstHarness *harness, const GstVideoInfo *info, guint seed, int *order)
{
  GstBuffer *out = fixture_push (harness, fixture_frame (info, seed));
  const GstStructure *classes = whole (out);

  for (guint i = 0; i < N_CLASSES; i++)
    order[i] = classes ? get_index (classes, i) : -2;
  gst_buffer_unref (out);
}

static int
push_for_label (GstHarness *harness, const GstVideoInfo *info, guint seed)
{
  int order[N_CLASSES];

  push (harness, info, seed, order);
  return order[0];
}

/* The order of all classes without a filter. */
static void
rank (int *order)
{
  GstVideoInfo info;
  GstHarness *harness = start ("top-k=10", &info);

  push (harness, &info, 1, order);
  gst_harness_teardown (harness);
}

static void
test_frames (void)
{
  int order[N_CLASSES], found[N_CLASSES];
  g_autofree char *properties = NULL;
  GstVideoInfo info;
  GstHarness *harness;

  rank (order);
  properties = g_strdup_printf ("top-k=2 deny=\"%d,%d\"", order[0], order[2]);
  harness = start (properties, &info);
  push (harness, &info, 1, found);
  g_assert_cmpint (found[0], ==, order[1]);
  g_assert_cmpint (found[1], ==, order[3]); /* two, although one of the network's two is denied */
  g_assert_cmpint (found[2], ==, -2);

  /* while it plays, and with smoothing */
  g_clear_pointer (&properties, g_free);
  properties = g_strdup_printf ("%d", order[7]);
  gst_harness_set (harness, "effvkclassify", "deny", NULL, "allow", properties, "smoothing", 0.5,
                   NULL);
  push (harness, &info, 1, found);
  g_assert_cmpint (found[0], ==, order[7]);
  g_assert_cmpint (found[1], ==, -2);

  /* where none counts it is unknown; and then all of them do again */
  g_clear_pointer (&properties, g_free);
  properties = g_strdup_printf ("%d=2", order[7]);
  gst_harness_set (harness, "effvkclassify", "class-thresholds", properties, NULL);
  push (harness, &info, 1, found);
  g_assert_cmpint (found[0], ==, -1);
  g_assert_cmpint (found[1], ==, -2);
  gst_harness_set (harness, "effvkclassify", "allow", "", "class-thresholds", NULL, NULL);
  push (harness, &info, 1, found);
  g_assert_cmpint (found[0], ==, order[0]);
  g_assert_cmpint (found[1], ==, order[1]);
  gst_harness_teardown (harness);
}

/* A detector's object, and a region that is its own rectangle. */
static void
test_objects_and_regions (void)
{
  const char *const base
      = "top-k=2 inference-region=roi-list regions=\"gate=0.25,0.5,0.5,0.5\" deny=\"%s\"";
  g_autofree char *denied = NULL;
  int label = -1;

  for (guint turn = 0; turn < 2; turn++)
    {
      g_autofree char *properties = g_strdup_printf (base, denied ? denied : "");
      GstVideoInfo info;
      GstHarness *harness = start (properties, &info);
      GstBuffer *buffer = fixture_frame (&info, 1), *out;

      fixture_add_object (buffer, TRUE, "car", 16, 24, 32, 24, 5);
      out = fixture_push (harness, buffer);
      g_assert_cmpuint (fixture_n_objects (out), ==, 2);
      for (guint i = 0; i < 2; i++)
        {
          int found = get_index (fixture_object (out, i), 0);

          if (turn == 0)
            g_assert_cmpint (i == 0 ? (label = found) : found, ==, label);
          else
            g_assert_cmpint (found, !=, label);
          g_assert_cmpint (get_index (fixture_object (out, i), 1), >=, 0);
        }
      gst_buffer_unref (out);
      denied = denied ? denied : g_strdup_printf ("%d", label);
      gst_harness_teardown (harness);
    }
}

/* An answer of before is not told where its class does not count any more. */
static void
test_remembered (void)
{
  g_autofree char *denied = NULL;
  GstVideoInfo info;
  GstHarness *harness = start ("top-k=1 inference-interval=100 skipped=last", &info);
  int order[N_CLASSES], label = -2;

  rank (order);
  g_assert_cmpint (push_for_label (harness, &info, 1), ==, order[0]);
  g_assert_cmpint (push_for_label (harness, &info, 1), ==, order[0]);
  denied = g_strdup_printf ("%d", order[0]);
  gst_harness_set (harness, "effvkclassify", "deny", denied, NULL);
  g_assert_cmpint (push_for_label (harness, &info, 1), ==, -2);
  gst_harness_teardown (harness);

  harness = start ("top-k=1 inference-region=roi-list reclassify-interval=0", &info);
  for (guint i = 0; i < 4; i++)
    {
      GstBuffer *buffer = fixture_frame (&info, 1), *out;

      fixture_add_object (buffer, TRUE, "car", 16, 24, 32, 24, 5);
      out = fixture_push (harness, buffer);
      if (i == 1) /* the track is forgotten with the next frame, and asked again after it */
        {
          g_autofree char *best = NULL;

          label = get_index (fixture_object (out, 0), 0);
          best = g_strdup_printf ("%d", label);
          gst_harness_set (harness, "effvkclassify", "deny", best, NULL);
        }
      if (i > 1 && fixture_n_objects (out) > 0)
        g_assert_cmpint (get_index (fixture_object (out, 0), 0), !=, label);
      if (i != 2)
        g_assert_cmpuint (fixture_n_objects (out), ==, 1);
      gst_buffer_unref (out);
    }
  gst_harness_teardown (harness);
}

/* The text of the warning or error on the bus. */
static char *
pop (GstBus *bus, GstMessageType type)
{
  GstMessage *message = gst_bus_pop_filtered (bus, type);
  GError *error = NULL;
  char *text;

  g_assert_nonnull (message);
  if (type == GST_MESSAGE_WARNING)
    gst_message_parse_warning (message, &error, NULL);
  else
    gst_message_parse_error (message, &error, NULL);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  return text;
}

static void
test_refused_at_start (void)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "effvkclassify name=e device=cpu class-thresholds=\"blakc=0.4\" ! fakesink", NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autofree char *text = NULL;

  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PAUSED), ==,
                   GST_STATE_CHANGE_FAILURE);
  text = pop (bus, GST_MESSAGE_ERROR);
  g_assert_cmpstr (text, ==,
                   "class thresholds: the model has no class \"blakc\"; did you mean \"black\"?");
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
test_refused_while_playing (void)
{
  g_autofree char *denied = NULL, *text = NULL;
  GstVideoInfo info;
  GstHarness *harness;
  g_autoptr (GstElement) element = NULL;
  g_autoptr (GstBus) bus = gst_bus_new ();
  int order[N_CLASSES];

  rank (order);
  denied = g_strdup_printf ("top-k=1 deny=%d", order[0]);
  harness = start (denied, &info);
  element = gst_harness_find_element (harness, "effvkclassify");
  gst_element_set_bus (element, bus);
  g_assert_cmpint (push_for_label (harness, &info, 1), ==, order[1]);
  g_object_set (element, "deny", "no such class", NULL);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (push_for_label (harness, &info, 1), ==, order[1]);
  text = pop (bus, GST_MESSAGE_WARNING);
  g_assert_true (g_str_has_prefix (text, "deny: the model has no class \"no such class\""));
  g_assert_true (g_str_has_suffix (text, "The old classes are kept"));
  g_assert_false (gst_bus_have_pending (bus)
                  && gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING)); /* it is told once */
  g_object_set (element, "deny", NULL, NULL);
  g_assert_cmpint (push_for_label (harness, &info, 1), ==, order[0]);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

/* The element starts anew with the classes that it had. */
static void
test_restart (void)
{
  g_autofree char *denied = NULL;
  GstVideoInfo info;
  GstHarness *harness;
  g_autoptr (GstElement) element = NULL;
  int order[N_CLASSES];

  rank (order);
  denied = g_strdup_printf ("top-k=1 deny=%d", order[0]);
  harness = start (denied, &info);
  g_assert_cmpint (push_for_label (harness, &info, 1), ==, order[1]);
  element = gst_harness_find_element (harness, "effvkclassify");
  gst_element_set_state (element, GST_STATE_NULL);
  gst_harness_play (harness);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  g_assert_cmpint (push_for_label (harness, &info, 1), ==, order[1]);
  gst_harness_teardown (harness);
}

/* Waits until the network of @path runs. */
static void
swap_to (GstElement *element, GstBus *bus, const char *path)
{
  gboolean swapped = FALSE;
  GstMessage *message;

  g_object_set (element, "model-file", path, NULL);
  do
    {
      message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_ELEMENT);
      g_assert_nonnull (message);
      gst_structure_get_boolean (gst_message_get_structure (message), "swapped", &swapped);
      gst_message_unref (message);
    }
  while (!swapped);
}

/* Another model takes over, and the classes are not all its own: its frames pass without any, and
 * that is said once. The first one has its classes back. */
static void
test_swapped (void)
{
  g_autofree char *path = fixture_path ("few-classes.safetensors"), *denied = NULL, *text = NULL;
  g_autoptr (EffvkModel) few = effvk_model_new_random ("phi=-4", 2, 5, NULL);
  g_autoptr (GstElement) element = NULL;
  g_autoptr (GstBus) bus = gst_bus_new ();
  GstVideoInfo info;
  GstHarness *harness;
  int order[N_CLASSES], last = 0, after;

  g_assert_true (effvk_model_save (few, path, NULL));
  rank (order);
  denied = g_strdup_printf ("top-k=1 post-messages=false deny=\"%d,9\"", order[0]);
  after = order[1] == 9 ? order[2] : order[1];
  harness = start (denied, &info);
  element = gst_harness_find_element (harness, "effvkclassify");
  gst_element_set_bus (element, bus);
  g_assert_cmpint (push_for_label (harness, &info, 1), ==, after);

  swap_to (element, bus, path);
  for (guint i = 0; i < 3; i++)
    last = push_for_label (harness, &info, 1);
  g_assert_cmpint (last, ==, -2);
  text = pop (bus, GST_MESSAGE_WARNING);
  g_assert_true (g_str_has_prefix (text, "deny: the model has no class \""));
  g_assert_true (g_str_has_suffix (text, "Frames pass without classes"));
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));

  swap_to (element, bus, fixture_model ());
  for (guint i = 0; i < 3; i++)
    last = push_for_label (harness, &info, 1);
  g_assert_cmpint (last, ==, after);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/filter/frames", test_frames);
  g_test_add_func ("/filter/objects-and-regions", test_objects_and_regions);
  g_test_add_func ("/filter/remembered", test_remembered);
  g_test_add_func ("/filter/refused-at-start", test_refused_at_start);
  g_test_add_func ("/filter/refused-while-playing", test_refused_while_playing);
  g_test_add_func ("/filter/restart", test_restart);
  g_test_add_func ("/filter/swapped", test_swapped);
  return fixtures_run ();
}
