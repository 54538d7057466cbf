/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of Vulkan that fail, in pipelines: one error or warning, or all answers; never another
 * answer, a crash, or something left behind. Above the layer of tests/layer/fault.h. */

#include "fixtures.h"

#include "fault-matrix.h"

#include <effvk/effvk.h>

#define FRAMES "video/x-raw,format=RGBA,width=64,height=48,framerate=30/1"

typedef struct
{
  GstElement *pipeline;
  FaultOutcome *outcome;
  GHashTable *errors;  /* name of an element → how many */
  const char *swap_to; /* a model's file, from the first answer on; NULL: none */
  gboolean by_model;   /* all frames are the same */
  guint since_swap;    /* answers */
  gboolean swapped;    /* or refused */
} Run;

static void
take_answer (Run *run, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  const char *model = gst_structure_get_string (structure, "model");
  g_autofree char *asked = NULL;
  guint64 time = 0;
  double score = 0;
  int index = -1;

  gst_structure_get (structure, "timestamp", G_TYPE_UINT64, &time, "index", G_TYPE_INT, &index,
                     "score", G_TYPE_DOUBLE, &score, NULL);
  asked = run->by_model
              ? g_strdup (model)
              : g_strdup_printf ("%s %" G_GUINT64_FORMAT, GST_MESSAGE_SRC_NAME (message), time);
  fault_outcome_answer (run->outcome, asked, g_strdup_printf ("%d %.6f", index, score));
  if (run->swap_to)
    {
      g_autoptr (GstElement) element = gst_bin_get_by_name (GST_BIN (run->pipeline), "a");

      g_object_set (element, "model-file", run->swap_to, NULL);
      run->swap_to = NULL;
    }
  if (run->swapped && ++run->since_swap == 3)
    gst_element_send_event (run->pipeline, gst_event_new_eos ());
}

static void
take_swap (Run *run, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  gboolean swapped = FALSE;

  run->swapped = TRUE;
  gst_structure_get_boolean (structure, "swapped", &swapped);
  if (!swapped)
    fault_outcome_warning (run->outcome, gst_structure_get_string (structure, "reason"));
}

/* The source's own error, which follows from the element's, is GStreamer's. */
static void
take_problem (Run *run, GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  guint n;

  if (!g_str_has_prefix (G_OBJECT_TYPE_NAME (GST_MESSAGE_SRC (message)), "GstEffvk"))
    return;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
    {
      gst_message_parse_warning (message, &error, NULL);
      fault_outcome_warning (run->outcome, error->message);
      return;
    }
  gst_message_parse_error (message, &error, NULL);
  name = g_strdup (GST_MESSAGE_SRC_NAME (message));
  n = GPOINTER_TO_UINT (g_hash_table_lookup (run->errors, name)) + 1;
  if (n > 1 || run->outcome->n_errors == 0) /* one for each element */
    fault_outcome_error (run->outcome, error->message);
  g_hash_table_insert (run->errors, g_steal_pointer (&name), GUINT_TO_POINTER (n));
}

/* Returns whether the pipeline goes on. */
static gboolean
take (Run *run, GstMessage *message)
{
  switch (GST_MESSAGE_TYPE (message))
    {
    case GST_MESSAGE_ELEMENT:
      if (gst_message_has_name (message, "effvkclassify"))
        take_answer (run, message);
      else if (gst_message_has_name (message, "effvkclassify-model"))
        take_swap (run, message);
      return TRUE;
    case GST_MESSAGE_WARNING:
      take_problem (run, message);
      return TRUE;
    case GST_MESSAGE_ERROR:
      take_problem (run, message);
      return FALSE;
    default:
      return GST_MESSAGE_TYPE (message) != GST_MESSAGE_EOS;
    }
}

static void
run_pipeline (FaultOutcome *outcome, const char *launch, const char *swap_to)
{
  g_autoptr (GHashTable) errors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (launch, &error);
  g_autoptr (GstBus) bus = NULL;
  Run run = { .pipeline = pipeline,
              .outcome = outcome,
              .errors = errors,
              .swap_to = swap_to,
              .by_model = swap_to != NULL };
  gboolean goes_on;
  GstMessage *message;

  g_assert_no_error (error);
  g_object_set (pipeline, "auto-flush-bus", FALSE, NULL);
  bus = gst_element_get_bus (pipeline);
  goes_on = gst_element_set_state (pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
  while (goes_on)
    {
      message = gst_bus_timed_pop (bus, GST_CLOCK_TIME_NONE);
      goes_on = take (&run, message);
      gst_message_unref (message);
    }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  while ((message = gst_bus_pop (bus)))
    {
      take (&run, message);
      gst_message_unref (message);
    }
}

/* A model of its own, for each name. */
static const char *
get_model (const char *variant)
{
  g_autofree char *name = g_strdup_printf ("%s.safetensors", variant);
  char *path = fixture_path (name);
  g_autoptr (GError) error = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_autoptr (EffvkModel) model = effvk_model_new_random (variant, N_CLASSES, 3, &error);

      g_assert_no_error (error);
      effvk_model_save (model, path, &error);
      g_assert_no_error (error);
    }
  return path; /* until the process ends */
}

static void
pipeline (FaultOutcome *outcome, gpointer data)
{
  run_pipeline (outcome, data, NULL);
}

static void
swap (FaultOutcome *outcome, gpointer data)
{
  run_pipeline (outcome, data, get_model ("phi=-7"));
}

static void
run_matrix (FaultScenario run, const char *launch)
{
  const FaultTest test = { .run = run, .user_data = (gpointer) launch };

  fault_matrix_run (&test, g_strcmp0 (g_getenv ("EFFVK_FAULTS"), "all") != 0);
}

static void
test_pipeline (void)
{
  g_autofree char *launch = g_strdup_printf ("videotestsrc num-buffers=5 pattern=ball ! " FRAMES
                                             " ! effvkclassify name=a device=cpu model-file=%s ! "
                                             "fakesink",
                                             get_model ("phi=-8"));

  run_matrix (pipeline, launch);
}

static void
test_swap (void)
{
  g_autofree char *launch
      = g_strdup_printf ("videotestsrc pattern=checkers-8 ! " FRAMES
                         " ! effvkclassify name=a device=cpu model-file=%s ! fakesink",
                         get_model ("phi=-8"));

  run_matrix (swap, launch);
}

static void
test_shared (void)
{
  const char *model = get_model ("phi=-8");
  g_autofree char *launch
      = g_strdup_printf ("videotestsrc num-buffers=4 pattern=ball ! " FRAMES
                         " ! effvkclassify name=a device=cpu "
                         "model-file=%s model-instance-id=x batch-size=2 ! fakesink "
                         "videotestsrc num-buffers=4 pattern=ball flip=true ! " FRAMES
                         " ! effvkclassify name=b "
                         "device=cpu model-file=%s model-instance-id=x batch-size=2 ! fakesink",
                         model, model);

  run_matrix (pipeline, launch);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/failed-calls/pipeline", test_pipeline);
  g_test_add_func ("/failed-calls/swap", test_swap);
  g_test_add_func ("/failed-calls/shared", test_shared);
  return fixtures_run ();
}
