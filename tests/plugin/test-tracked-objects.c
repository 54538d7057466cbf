/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inference-region=roi-list with a tracker: classes that are remembered, labels that are held. */
#include "objects.h"

#include <effvk/effvk.h>

/* A tracked object is classified in every third frame, and has its classes in all. */
static void
test_tracked (void)
{
  const ObjectsFound tracked = { "car", 10, 20, 64, 48, 5 }, other = { "car", 80, 20, 64, 48, -1 };

  for (guint f = 0; f < G_N_ELEMENTS (objects_forms); f++)
    {
      double expected[N_CLASSES], scores[N_CLASSES];
      GstVideoInfo info;
      GstHarness *harness;
      GstSegment segment;

      if (!objects_have_form (objects_forms[f]))
        continue;
      harness = objects_start ("reclassify-interval=3", &info);
      for (guint i = 0; i < 7; i++)
        {
          const ObjectsFound both[] = { tracked, other };
          GstBuffer *in = objects_frame (&info, i, objects_forms[f], both, 2), *out;

          if (i % 3 == 0)
            objects_expect (in, &tracked, expected);
          out = fixture_push (harness, in);
          g_assert_cmpuint (fixture_n_objects (out), ==, 2);
          objects_assert_placed (fixture_object (out, 0), &tracked);
          objects_scores (fixture_object (out, 0), scores);
          fixture_assert_scores_equal (scores, expected, 1e-5);
          gst_buffer_unref (out);
        }
      g_assert_cmpuint (fixture_get_stat (harness, "objects"), ==, 14);
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 3 + 7);

      gst_harness_set (harness, "effvkclassify", "reclassify-interval", 0, NULL);
      for (guint i = 0; i < 5; i++)
        gst_buffer_unref (
            fixture_push (harness, objects_frame (&info, i, objects_forms[f], &tracked, 1)));
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 10);

      g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_start ()));
      g_assert_true (gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE)));
      gst_segment_init (&segment, GST_FORMAT_TIME);
      g_assert_true (gst_harness_push_event (harness, gst_event_new_segment (&segment)));
      for (guint i = 0; i < 2; i++)
        gst_buffer_unref (
            fixture_push (harness, objects_frame (&info, i, objects_forms[f], &tracked, 1)));
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 11);
      gst_harness_teardown (harness);
    }
}

static guint64
get_age (GstBuffer *buffer, guint i)
{
  guint64 age;

  g_assert_true (gst_structure_get_uint64 (fixture_object (buffer, i), "age", &age));
  return age;
}

/* In frames that are skipped a tracked object keeps its classes, where that is asked for; others
 * have none, and nothing is submitted. */
static void
test_skipped (void)
{
  const ObjectsFound both[] = { { "car", 10, 20, 64, 48, 5 }, { "car", 80, 20, 64, 48, -1 } };
  double first[N_CLASSES], scores[N_CLASSES];

  for (guint last = 0; last < 2; last++)
    {
      g_autofree char *properties
          = g_strdup_printf ("inference-interval=3 skipped=%s", last ? "last" : "none");
      GstVideoInfo info;
      GstHarness *harness = objects_start (properties, &info);

      for (guint i = 0; i < 6; i++)
        {
          GstBuffer *out = fixture_push (harness, objects_frame (&info, i, TRUE, both, 2));

          g_assert_cmpuint (fixture_n_objects (out), ==, i % 3 == 0 ? 2 : last);
          if (fixture_n_objects (out) > 0)
            {
              objects_scores (fixture_object (out, 0), i % 3 == 0 ? first : scores);
              objects_assert_placed (fixture_object (out, 0), &both[0]);
              g_assert_cmpuint (get_age (out, 0), ==, i % 3 * 40 * GST_MSECOND);
            }
          if (last && i % 3 != 0)
            fixture_assert_scores_equal (scores, first, 1e-9);
          gst_buffer_unref (out);
        }
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, 4);
      gst_harness_teardown (harness);
    }
}

/* Each track has a label of its own that is held, and one message tells of the objects that
   changed. */
static void
test_steady (void)
{
  GstVideoInfo info;
  GstHarness *harness = objects_start ("hold=10000000000 messages-on-change=true", &info);
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  g_autoptr (GstBus) bus = gst_bus_new ();
  int first[2] = { -1, -1 };
  guint n_messages = 0;
  GstMessage *message;

  gst_element_set_bus (element, bus);
  for (guint i = 0; i < 12; i++)
    {
      /* they grow and shrink, so that the network sees something else in every frame */
      const ObjectsFound found[] = { { "car", 0, 0, 16 + 12 * (int) (i % 5), 16 + 3 * (int) i, 1 },
                                     { "car", 90, 0, 60 - 4 * (int) i, 100, 2 },
                                     { "car", 0, 0, 100, 8 + (int) i, -1 } };
      GstBuffer *out = fixture_push (harness, objects_frame (&info, i, TRUE, found, 3));

      for (guint k = 0; k < 2; k++)
        {
          double score;
          int index = fixture_best (fixture_object (out, k), &score);

          if (i == 0)
            first[k] = index;
          g_assert_cmpint (index, ==, first[k]);
        }
      gst_buffer_unref (out);
      while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT)))
        {
          const GValue *objects
              = gst_structure_get_value (gst_message_get_structure (message), "objects");
          const GstStructure *object;

          n_messages++;
          g_assert_nonnull (objects);
          /* the one that no tracker knows is new in every frame */
          g_assert_cmpuint (gst_value_array_get_size (objects), ==, i == 0 ? 3 : 1);
          object = gst_value_get_structure (gst_value_array_get_value (objects, 0));
          g_assert_true (gst_structure_has_field_typed (object, "label", G_TYPE_STRING));
          g_assert_true (gst_structure_has_field_typed (object, "score", G_TYPE_DOUBLE));
          g_assert_cmpstr (gst_structure_get_string (object, "type"), ==, "car");
          g_assert_cmpuint (gst_value_array_get_size (gst_structure_get_value (object, "classes")),
                            ==, N_CLASSES);
          gst_message_unref (message);
        }
    }
  g_assert_cmpuint (n_messages, ==, 12);
  gst_element_set_bus (element, NULL);
  gst_harness_teardown (harness);
}

static char *
new_model (void)
{
  char *path = fixture_path ("other.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-3", N_CLASSES, 5, &error);

  g_assert_no_error (error);
  g_assert_true (effvk_model_save (model, path, &error));
  return path;
}

/* A tracked object that would never be classified again is, when the model changes: no classes of
 * one model are ever given as another's. */
static void
test_swap (void)
{
  const ObjectsFound found = { "car", 10, 20, 64, 48, 5 };
  g_autofree char *path = new_model ();
  g_autofree char *before = NULL;
  double first[N_CLASSES], scores[N_CLASSES], difference = 0.0;
  GstVideoInfo info;
  GstHarness *harness = objects_start ("reclassify-interval=0", &info);
  gboolean swapped = FALSE;
  gint64 end = g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND;

  for (guint i = 0; !swapped; i++)
    {
      GstBuffer *out = fixture_push (harness, objects_frame (&info, 1, TRUE, &found, 1));
      GstCustomMeta *meta = gst_buffer_get_custom_meta (out, "EffvkClassificationMeta");
      const char *name;

      g_assert_nonnull (meta);
      name = gst_structure_get_string (gst_custom_meta_get_structure (meta), "model");
      if (i == 0)
        {
          before = g_strdup (name);
          objects_scores (fixture_object (out, 0), first);
          gst_harness_set (harness, "effvkclassify", "model-file", path, NULL);
        }
      swapped = !g_str_equal (name, before);
      objects_scores (fixture_object (out, 0), scores);
      if (!swapped)
        fixture_assert_scores_equal (scores, first, 1e-9);
      g_assert_cmpuint (fixture_get_stat (harness, "objects-classified"), ==, swapped ? 2 : 1);
      gst_buffer_unref (out);
      g_assert_cmpint (g_get_monotonic_time (), <, end);
    }
  for (guint i = 0; i < N_CLASSES; i++)
    difference += ABS (scores[i] - first[i]);
  g_assert_cmpfloat (difference, >, 0.01);
  gst_harness_teardown (harness);
}

typedef struct
{
  guint n;
  ObjectsFound found[6];
} Scene;

/* What came out of a frame. */
typedef struct
{
  guint n;
  char *places[6];
  double scores[6][N_CLASSES];
} Answer;

static void
describe (GstBuffer *buffer, Answer *answer)
{
  answer->n = fixture_n_objects (buffer);
  g_assert_cmpuint (answer->n, <=, G_N_ELEMENTS (answer->places));
  for (guint i = 0; i < answer->n; i++)
    {
      const GstStructure *object = fixture_object (buffer, i);
      g_autoptr (GstStructure) place = gst_structure_copy (object);

      objects_scores (object, answer->scores[i]);
      gst_structure_remove_fields (place, "labels", "indices", "scores", NULL);
      answer->places[i] = gst_structure_to_string (place);
    }
}

static void
clear_answers (Answer *answers, guint n)
{
  for (guint i = 0; i < n; i++)
    for (guint k = 0; k < answers[i].n; k++)
      g_free (answers[i].places[k]);
}

static void
draw_scenes (GRand *rand, Scene *scenes, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      scenes[i].n = (guint) g_rand_int_range (rand, 0, 7);
      for (guint k = 0; k < scenes[i].n; k++)
        scenes[i].found[k] = (ObjectsFound){ .type = g_rand_boolean (rand) ? "car" : "person",
                                             .x = g_rand_int_range (rand, 0, OBJECTS_WIDTH),
                                             .y = g_rand_int_range (rand, 0, OBJECTS_HEIGHT),
                                             .width = g_rand_int_range (rand, 1, OBJECTS_WIDTH),
                                             .height = g_rand_int_range (rand, 1, OBJECTS_HEIGHT),
                                             .track = g_rand_boolean (rand) ? (int) k + 1 : -1 };
    }
}

/* All frames in one after the other, as the pipeline takes them, and then all out: in order, as
 * many, with their times. */
static void
run_scenes (const char *properties, const Scene *scenes, guint n, Answer *answers)
{
  GstVideoInfo info;
  GstHarness *harness = objects_start (properties, &info);

  for (guint i = 0; i < n; i++)
    g_assert_cmpint (gst_harness_push (harness, objects_frame (&info, i, TRUE, scenes[i].found,
                                                               scenes[i].n)),
                     ==, GST_FLOW_OK);
  for (guint i = 0; i < n; i++)
    {
      GstBuffer *out = gst_harness_pull (harness);

      g_assert_nonnull (out);
      g_assert_cmpuint (GST_BUFFER_PTS (out), ==, i * 40 * GST_MSECOND);
      describe (out, &answers[i]);
      gst_buffer_unref (out);
    }
  gst_harness_teardown (harness);
}

/* However many frames are in flight, and however objects are batched, the answers are the serial
 * ones: those that are remembered, and steady ones, too. */
static void
test_drawn (void)
{
  enum
  {
    N = 30
  };
  const char *const ways[] = { "max-in-flight=1", "max-in-flight=4", "max-in-flight=3 batch-size=4",
                               "max-in-flight=16 batch-size=8" };
  const char *const settings[]
      = { "", "reclassify-interval=4 object-class=car",
          "reclassify-interval=2 smoothing=0.7 hysteresis=0.1 hold=80000000" };

  for (guint s = 0; s < G_N_ELEMENTS (settings); s++)
    {
      g_autoptr (GRand) rand = g_rand_new_with_seed (s);
      Answer serial[N], answers[N];
      Scene scenes[N];

      draw_scenes (rand, scenes, N);
      for (guint w = 0; w < G_N_ELEMENTS (ways); w++)
        {
          g_autofree char *properties = g_strdup_printf ("%s %s", ways[w], settings[s]);

          run_scenes (properties, scenes, N, w == 0 ? serial : answers);
          if (w == 0)
            continue;
          for (guint i = 0; i < N; i++)
            {
              g_test_message ("%s, frame %u", properties, i);
              g_assert_cmpuint (answers[i].n, ==, serial[i].n);
              for (guint k = 0; k < serial[i].n; k++)
                {
                  g_assert_cmpstr (answers[i].places[k], ==, serial[i].places[k]);
                  fixture_assert_scores_equal (answers[i].scores[k], serial[i].scores[k], 1e-5);
                }
            }
          clear_answers (answers, N);
        }
      clear_answers (serial, N);
    }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tracked-objects/tracked", test_tracked);
  g_test_add_func ("/tracked-objects/skipped", test_skipped);
  g_test_add_func ("/tracked-objects/steady", test_steady);
  g_test_add_func ("/tracked-objects/swap", test_swap);
  g_test_add_func ("/tracked-objects/drawn", test_drawn);
  return fixtures_run ();
}
