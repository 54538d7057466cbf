/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Named regions: where they are, that each is what a crop of it would be, with and without the
 * whole frame, and what is wrong with a list of them. */
#include "fixtures.h"

#include "classify/regions.h"
#include "common/classification-reader.h"

#include <string.h>

#define WIDTH 64
#define HEIGHT 48

static void
test_parse (void)
{
  static const struct
  {
    const char *text;
    guint n;
    guint place[4]; /* of the first, in a picture of WIDTH x HEIGHT */
  } good[] = { { NULL, 0 },
               { "", 0 },
               { " ; ", 0 },
               { "a=0,0,1,1", 1, { 0, 0, 64, 48 } },
               { " gate = 0.25, 0.5 ,0.5,0.5; door=1px,2px,3px,4px;", 2, { 16, 24, 32, 24 } },
               { "a=10px,0.5,20px,0.5", 1, { 10, 24, 20, 24 } },
               { "a=b=0,0,1px,1px", 1, { 0, 0, 1, 1 } },
               { "a=60px,40px,50px,50px", 1, { 60, 40, 4, 8 } }, /* what of it is inside */
               { "\346\235\261=0.999,0.999,0.0001,0.0001", 1, { 63, 47, 1, 1 } } };
  static const char *const bad[] = { "a",
                                     "a=",
                                     "=0,0,1,1",
                                     "a=0,0,1",
                                     "a=0,0,1,1,1",
                                     "a=x,0,1,1",
                                     "a=0,0,0,1",
                                     "a=nan,0,1,1",
                                     "a=inf,0,1,1",
                                     "a=-0.1,0,1,1",
                                     "a=0.5,0,0.6,1",
                                     "a=1,0,1,1",
                                     "a=0,0,1.5,1",
                                     "a=1pt,0,1,1",
                                     "a=0,0,1,1;a=0,0,1,1",
                                     "a=0,0,0px,1",
                                     "a=1e300px,0,1,1",
                                     "\xff=0,0,1,1" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GArray) regions = gst_effvk_regions_parse (good[i].text, &error);
      g_autoptr (GArray) objects = gst_effvk_objects_new ();
      const GstEffvkObject *object;

      g_assert_no_error (error);
      g_assert_cmpuint (regions->len, ==, good[i].n);
      g_assert_cmpuint (gst_effvk_regions_add (regions, objects, WIDTH, HEIGHT), ==, 0);
      if (good[i].n == 0)
        continue;
      object = &g_array_index (objects, GstEffvkObject, 0);
      g_assert_cmpuint (object->x, ==, good[i].place[0]);
      g_assert_cmpuint (object->y, ==, good[i].place[1]);
      g_assert_cmpuint (object->width, ==, good[i].place[2]);
      g_assert_cmpuint (object->height, ==, good[i].place[3]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", bad[i]);
      g_assert_null (gst_effvk_regions_parse (bad[i], &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
}

static GPtrArray *
classify (GstHarness *harness, const GstVideoInfo *info, guint number)
{
  GstBuffer *out = fixture_push (harness, fixture_frame (info, number));
  GPtrArray *seen = gst_effvk_classifications_read (out, WIDTH, HEIGHT);

  gst_buffer_unref (out);
  return seen;
}

static const GstEffvkClassification *
find (const GPtrArray *seen, const char *name)
{
  for (guint i = 0; i < seen->len; i++)
    {
      const GstEffvkClassification *one = g_ptr_array_index (seen, i);

      if (g_strcmp0 (one->type, name) == 0)
        return one;
    }
  return NULL;
}

static void
assert_same (const GstEffvkClassification *a, const GstEffvkClassification *b)
{
  g_assert_nonnull (a);
  g_assert_nonnull (b);
  g_assert_cmpuint (a->classes->len, ==, b->classes->len);
  for (guint i = 0; i < a->classes->len; i++)
    g_assert_cmpfloat_with_epsilon (g_array_index (a->classes, GstEffvkClass, i).score,
                                    g_array_index (b->classes, GstEffvkClass, i).score, 1e-5);
}

/* A region has the classes that an object in the same place has, and the frame those that it has
 * alone. */
static void
test_classes (void)
{
  GstHarness *alone = fixture_harness ("top-k=4"), *only, *both,
             *objects = fixture_harness ("top-k=4 inference-region=roi-list");
  g_autoptr (GPtrArray) frame = NULL, two = NULL, three = NULL, found = NULL;
  GstVideoInfo info;
  GstBuffer *buffer, *out;

  only = fixture_harness ("top-k=4 inference-region=regions "
                          "regions=\"gate=0.25,0.5,0.5,0.5;door=1px,2px,30px,40px\"");
  both = fixture_harness ("top-k=4 regions=\"gate=0.25,0.5,0.5,0.5;door=1px,2px,30px,40px\"");
  fixture_set_caps (alone, &info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  fixture_set_caps (only, &info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  fixture_set_caps (both, &info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  fixture_set_caps (objects, &info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  frame = classify (alone, &info, 1);
  two = classify (only, &info, 1);
  three = classify (both, &info, 1);
  buffer = fixture_frame (&info, 1);
  fixture_add_object (buffer, TRUE, "gate", 16, 24, 32, 24, -1);
  out = fixture_push (objects, buffer);
  found = gst_effvk_classifications_read (out, WIDTH, HEIGHT);
  gst_buffer_unref (out);
  g_assert_cmpuint (two->len, ==, 2);
  g_assert_cmpuint (three->len, ==, 3);
  assert_same (find (two, "gate"), find (found, "gate"));
  assert_same (find (three, "gate"), find (two, "gate"));
  assert_same (find (three, "door"), find (two, "door"));
  assert_same (gst_effvk_classifications_get_frame (three),
               gst_effvk_classifications_get_frame (frame));
  g_assert_null (gst_effvk_classifications_get_frame (two));
  g_assert_cmpint (find (two, "gate")->id, ==, -1);
  gst_harness_teardown (alone);
  gst_harness_teardown (only);
  gst_harness_teardown (both);
  gst_harness_teardown (objects);
}

/* Each region has a label of its own that is held, and the frame another. */
static void
test_steady (void)
{
  GstHarness *harness
      = fixture_harness ("top-k=1 hold=1000000000000 regions=\"a=0,0,0.5,1;b=0.5,0,0.5,1\"");
  g_autoptr (GPtrArray) first = NULL;
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  first = classify (harness, &info, 1);
  for (guint i = 2; i < 12; i++)
    {
      g_autoptr (GPtrArray) next = classify (harness, &info, i);

      for (guint n = 0; n < 3; n++)
        {
          const GstEffvkClassification *before = g_ptr_array_index (first, n),
                                       *now = g_ptr_array_index (next, n);

          g_assert_cmpint (gst_effvk_classification_get_label (before)->index, ==,
                           gst_effvk_classification_get_label (now)->index);
        }
    }
  gst_harness_teardown (harness);
}

/* Skipped frames carry what was seen last, of regions and of the frame, with its age. */
static void
test_skipped (void)
{
  GstHarness *harness
      = fixture_harness ("skipped=last inference-interval=3 regions=\"a=0,0,0.5,1\"");
  g_autoptr (GPtrArray) first = NULL, second = NULL;
  GstVideoInfo info;

  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  first = classify (harness, &info, 1);
  second = classify (harness, &info, 2);
  g_assert_cmpuint (second->len, ==, 2);
  assert_same (find (first, "a"), find (second, "a"));
  assert_same (gst_effvk_classifications_get_frame (first),
               gst_effvk_classifications_get_frame (second));
  g_assert_cmpuint (find (second, "a")->age, ==, 40 * GST_MSECOND);
  gst_harness_teardown (harness);
}

static char *
pop_text (GstBus *bus, GstMessageType type)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, type);
  g_autoptr (GError) error = NULL;

  if (!message)
    return NULL;
  if (type == GST_MESSAGE_WARNING)
    gst_message_parse_warning (message, &error, NULL);
  else
    gst_message_parse_error (message, &error, NULL);
  return g_strdup (error->message);
}

/* While it plays: other regions at the next frame; a list that is wrong, and one outside of the
 * picture, are one warning, and the video flows on. */
static void
test_changes (void)
{
  GstHarness *harness = fixture_harness ("inference-region=regions regions=\"a=0,0,0.5,1\"");
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autofree char *wrong = NULL, *outside = NULL, *again = NULL, *regions = NULL;
  g_autoptr (GPtrArray) seen = NULL, kept = NULL, none = NULL, still = NULL;
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_RGB, WIDTH, HEIGHT);
  g_object_set (element, "regions", "b=0,0,0.5,1;c=0.5,0.5,0.5,0.5", NULL);
  seen = classify (harness, &info, 1);
  g_assert_cmpuint (seen->len, ==, 2);
  g_assert_nonnull (find (seen, "c"));
  g_object_set (element, "regions", "b=", NULL);
  wrong = pop_text (bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (wrong);
  g_assert_nonnull (strstr (wrong, "\"b=\""));
  kept = classify (harness, &info, 2);
  g_assert_cmpuint (kept->len, ==, 2);
  g_object_get (element, "regions", &regions, NULL);
  g_assert_cmpstr (regions, ==, "b=0,0,0.5,1;c=0.5,0.5,0.5,0.5");
  g_object_set (element, "regions", "d=64px,0,10px,10px", NULL);
  none = classify (harness, &info, 3);
  still = classify (harness, &info, 4);
  g_assert_cmpuint (none->len + still->len, ==, 0);
  outside = pop_text (bus, GST_MESSAGE_WARNING);
  again = pop_text (bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (outside);
  g_assert_nonnull (strstr (outside, "outside"));
  g_assert_null (again);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

static void
test_refused (void)
{
  g_autoptr (GstElement) element
      = gst_object_ref_sink (gst_element_factory_make ("effvkclassify", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autofree char *text = NULL;

  g_object_set (element, "regions", "a=0,0,2,2", NULL);
  gst_element_set_bus (element, bus);
  g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  text = pop_text (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (text);
  g_assert_nonnull (strstr (text, "a=0,0,2,2"));
  gst_element_set_bus (element, NULL);
  gst_element_set_state (element, GST_STATE_NULL);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/regions/parse", test_parse);
  g_test_add_func ("/regions/classes", test_classes);
  g_test_add_func ("/regions/steady", test_steady);
  g_test_add_func ("/regions/skipped", test_skipped);
  g_test_add_func ("/regions/changes", test_changes);
  g_test_add_func ("/regions/refused", test_refused);
  return fixtures_run ();
}
