/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every property of effvkclassify that can be written, those to come as well: any value at any time
 * from any thread. EFFVK_TEST_SEED repeats what is random here. */
#include "fixtures.h"

#include <effvk/effvk.h>

#define N_FRAMES 100 /* at a time */
#define N_SET 3000

typedef struct
{
  GstElement *element;
  GRand *rand;
  gint stop, n_set;
} Hammer;

static char *labels_file;

/* Of strings some that are valid, and some that are refused. */
static const char *
choose_string (GRand *rand, const char *name)
{
  const struct
  {
    const char *name, *values[4];
  } known[] = {
    { "model-file", { fixture_model (), NULL, "/no/such.onnx", fixture_model () } },
    { "model-overrides", { NULL, "{\"crop_pct\": 1.0}", "{", NULL } },
    { "labels-file", { NULL, labels_file, "/no/such.txt", NULL } },
    { "device", { "cpu", "auto", "no-such-device", "cpu" } },
    { "object-class", { NULL, "car", "car, dog", "" } },
    { "regions", { NULL, "gate=0.1,0.2,0.3,0.4", "a=0,0,1,1;b=0.5,0.5,0.5,0.5", NULL } },
  };
  const char *const others[] = { NULL, "", "a", "another one" };
  guint which = (guint) g_rand_int_range (rand, 0, G_N_ELEMENTS (others));

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (known[i].name, name))
      return known[i].values[which];
  return others[which];
}

/* From the lower end of the range, or, now and then, its upper end. */
static guint64
choose_number (GRand *rand, guint64 min, guint64 max, guint64 step)
{
  guint64 number = min + (guint64) g_rand_int_range (rand, 0, 6) * step;

  return g_rand_int_range (rand, 0, 64) ? MIN (number, max) : max;
}

static void
choose_value (GRand *rand, GParamSpec *spec, GValue *value)
{
  g_value_init (value, spec->value_type);
  if (G_IS_PARAM_SPEC_BOOLEAN (spec))
    g_value_set_boolean (value, g_rand_boolean (rand));
  else if (G_IS_PARAM_SPEC_UINT (spec))
    g_value_set_uint (value, (guint) choose_number (rand, G_PARAM_SPEC_UINT (spec)->minimum,
                                                    G_PARAM_SPEC_UINT (spec)->maximum, 1));
  else if (G_IS_PARAM_SPEC_UINT64 (spec)) /* times */
    g_value_set_uint64 (value,
                        choose_number (rand, G_PARAM_SPEC_UINT64 (spec)->minimum,
                                       G_PARAM_SPEC_UINT64 (spec)->maximum, 10 * GST_MSECOND));
  else if (G_IS_PARAM_SPEC_DOUBLE (spec))
    {
      GParamSpecDouble *range = G_PARAM_SPEC_DOUBLE (spec);
      double extremes[] = { range->minimum, range->maximum };

      g_value_set_double (value, g_rand_int_range (rand, 0, 64)
                                     ? g_rand_double_range (rand, range->minimum,
                                                            MIN (range->maximum, 1.0))
                                     : extremes[g_rand_boolean (rand)]);
    }
  else if (G_IS_PARAM_SPEC_ENUM (spec))
    {
      GEnumClass *values = G_PARAM_SPEC_ENUM (spec)->enum_class;

      g_value_set_enum (
          value, values->values[g_rand_int_range (rand, 0, (gint32) values->n_values)].value);
    }
  else if (G_IS_PARAM_SPEC_STRING (spec))
    g_value_set_string (value, choose_string (rand, spec->name));
  else
    g_error ("%s: the test knows no values of the type %s", spec->name,
             g_type_name (spec->value_type));
}

/* The element's own properties that can be written. */
static GPtrArray *
list_properties (GstElement *element)
{
  g_autofree GParamSpec **specs = NULL;
  GPtrArray *own = g_ptr_array_new ();
  guint n;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++)
    if (specs[i]->owner_type == G_OBJECT_TYPE (element) && specs[i]->flags & G_PARAM_WRITABLE)
      g_ptr_array_add (own, specs[i]);
  return own;
}

static GParamSpec *
choose_spec (GRand *rand, GPtrArray *specs)
{
  return g_ptr_array_index (specs, g_rand_int_range (rand, 0, (gint32) specs->len));
}

static void
set_some (Hammer *hammer, GPtrArray *specs)
{
  g_object_freeze_notify (G_OBJECT (hammer->element)); /* one g_object_set() */
  for (int i = g_rand_int_range (hammer->rand, 1, 4); i > 0; i--)
    {
      GParamSpec *spec = choose_spec (hammer->rand, specs);
      g_auto (GValue) value = G_VALUE_INIT;

      choose_value (hammer->rand, spec, &value);
      g_object_set_property (G_OBJECT (hammer->element), spec->name, &value);
      g_atomic_int_inc (&hammer->n_set);
    }
  g_object_thaw_notify (G_OBJECT (hammer->element));
}

static gpointer
hammer (gpointer data)
{
  Hammer *hammer = data;
  g_autoptr (GPtrArray) specs = list_properties (hammer->element);

  while (!g_atomic_int_get (&hammer->stop))
    {
      GParamSpec *spec = choose_spec (hammer->rand, specs);
      g_autoptr (GstStructure) stats = NULL;
      g_auto (GValue) value = G_VALUE_INIT;

      set_some (hammer, specs);
      g_value_init (&value, spec->value_type);
      g_object_get_property (G_OBJECT (hammer->element), spec->name, &value);
      g_object_get (hammer->element, "stats", &stats, NULL);
      g_assert_nonnull (stats);
      g_usleep (200);
    }
  return NULL;
}

static void
set_defaults (GstElement *element)
{
  g_autoptr (GPtrArray) specs = list_properties (element);

  for (guint i = 0; i < specs->len; i++)
    {
      GParamSpec *spec = g_ptr_array_index (specs, i);
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, spec->value_type);
      g_param_value_set_default (spec, &value);
      g_object_set_property (G_OBJECT (element), spec->name, &value);
    }
  g_object_set (element, "device", "cpu", "model-file", fixture_model (), "top-k", N_CLASSES, NULL);
}

static void
push_and_pull (GstHarness *harness, const GstVideoInfo *info)
{
  for (guint i = 0; i < N_FRAMES; i++)
    {
      GstBuffer *frame = fixture_frame (info, i);

      for (int k = 0; k < (int) i % 4; k++)
        fixture_add_object (frame, TRUE, k % 2 ? "car" : "cat", 10 * k, 4, 8 + (int) i % 40, 30, k);
      g_assert_cmpint (gst_harness_push (harness, frame), ==, GST_FLOW_OK);
    }
  for (guint i = 0; i < N_FRAMES; i++)
    {
      GstBuffer *out = gst_harness_pull (harness);

      g_assert_nonnull (out);
      g_assert_cmpuint (GST_BUFFER_PTS (out), ==, i * 40 * GST_MSECOND);
      gst_buffer_unref (out);
    }
}

static void
test_hammer (void)
{
  const char *given = g_getenv ("EFFVK_TEST_SEED");
  guint32 seed = given ? (guint32) g_ascii_strtoull (given, NULL, 10) : g_random_int ();
  GstHarness *harness = fixture_harness (NULL);
  g_autoptr (GstElement) element = gst_harness_find_element (harness, "effvkclassify");
  Hammer hammers[2] = { { 0 } };
  GThread *threads[G_N_ELEMENTS (hammers)];
  double scores[N_CLASSES];
  guint64 inferences;
  GstVideoInfo info;

  g_test_message ("EFFVK_TEST_SEED=%u", seed);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      hammers[i] = (Hammer){ .element = element, .rand = g_rand_new_with_seed (seed + i) };
      threads[i] = g_thread_new ("hammer", hammer, &hammers[i]);
    }
  do
    push_and_pull (harness, &info);
  while (g_atomic_int_get (&hammers[0].n_set) < N_SET);
  inferences = fixture_get_stat (harness, "inferences");
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      g_atomic_int_set (&hammers[i].stop, TRUE);
      g_thread_join (threads[i]);
      g_rand_free (hammers[i].rand);
    }
  g_test_message ("%d and %d properties were set in %" G_GUINT64_FORMAT " inferences",
                  hammers[0].n_set, hammers[1].n_set, inferences);
  g_assert_cmpuint (inferences, >, 0);
  /* and none of it stays */
  g_assert_cmpint (gst_element_set_state (harness->element, GST_STATE_NULL), ==,
                   GST_STATE_CHANGE_SUCCESS);
  set_defaults (element);
  gst_harness_play (harness);
  fixture_set_caps (harness, &info, GST_VIDEO_FORMAT_I420, 64, 48);
  g_assert_cmpuint (fixture_push_for_scores (harness, fixture_frame (&info, 1), scores), ==,
                    N_CLASSES);
  gst_harness_teardown (harness);
}

/* What is set is what is read, at both ends of each range. */
static void
test_round_trip (void)
{
  g_autoptr (GstElement) element
      = gst_object_ref_sink (gst_element_factory_make ("effvkclassify", NULL));
  g_autoptr (GPtrArray) specs = list_properties (element);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);

  g_assert_cmpuint (specs->len, >=, 30);
  for (guint i = 0; i < specs->len; i++)
    for (guint n = 0; n < 50; n++)
      {
        GParamSpec *spec = g_ptr_array_index (specs, i);
        g_auto (GValue) value = G_VALUE_INIT;
        g_auto (GValue) read = G_VALUE_INIT;

        choose_value (rand, spec, &value);
        g_object_set_property (G_OBJECT (element), spec->name, &value);
        g_value_init (&read, spec->value_type);
        g_object_get_property (G_OBJECT (element), spec->name, &read);
        if (g_param_values_cmp (spec, &value, &read) != 0)
          g_error ("%s: what is read is not what was set", spec->name);
      }
}

/* Softmax of one number is always 1: whoever asks for it is told. */
static void
test_one_class (void)
{
  g_autofree char *path = fixture_path ("one-class.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-2", 1, 1, &error);

  g_assert_no_error (error);
  g_assert_true (effvk_model_save (model, path, &error));
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *launch = g_strdup_printf (
          "videotestsrc num-buffers=1 ! effvkclassify device=cpu model-file=%s activation=%s ! "
          "fakesink",
          path, i ? "softmax" : "auto");
      g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
      g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
      g_autoptr (GstMessage) warning = NULL;
      g_autoptr (GError) said = NULL;

      g_assert_no_error (error);
      gst_element_set_state (pipeline, GST_STATE_PLAYING);
      warning
          = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
                                        GST_MESSAGE_WARNING | GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
      g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (warning), ==, i ? "warning" : "eos");
      if (i)
        {
          gst_message_parse_warning (warning, &said, NULL);
          g_assert_nonnull (strstr (said->message, "activation=sigmoid"));
        }
      gst_element_set_state (pipeline, GST_STATE_NULL);
    }
}

int
main (int argc, char **argv)
{
  int status;
  g_autoptr (GString) labels = g_string_new (NULL);

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  labels_file = fixture_path ("names.txt");
  for (guint i = 0; i < N_CLASSES; i++)
    g_string_append_printf (labels, "name %u\n", i);
  g_assert_true (g_file_set_contents (labels_file, labels->str, -1, NULL));
  g_test_add_func ("/properties/round-trip", test_round_trip);
  g_test_add_func ("/properties/one-class", test_one_class);
  g_test_add_func ("/properties/hammer", test_hammer);
  status = fixtures_run ();
  g_free (labels_file);
  return status;
}
