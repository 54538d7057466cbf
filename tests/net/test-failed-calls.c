/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of Vulkan that fail, in a program that classifies images: one error, or the right answer;
 * never another one, a crash, or something left behind. Above the layer of tests/layer/fault.h. */

#include "fault-matrix.h"

#include <effvk/effvk.h>
#include <glib/gstdio.h>

#define N_IMAGES 3
#define WIDTH 40
#define HEIGHT 30

static EffvkImage *
new_image (guint seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint8 *pixels = g_malloc (WIDTH * HEIGHT * 4);
  g_autoptr (GBytes) bytes = NULL;

  for (guint i = 0; i < WIDTH * HEIGHT * 4; i++)
    pixels[i] = (guint8) g_rand_int_range (rand, 0, 256);
  bytes = g_bytes_new_take (pixels, WIDTH * HEIGHT * 4);
  return effvk_image_new_from_bytes (EFFVK_FORMAT_RGBA, WIDTH, HEIGHT, bytes);
}

static char *
describe (EffvkResult *result)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint n;
  const float *logits = effvk_result_get_logits (result, &n);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, " %a", (double) logits[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* As a program that asks now and then. */
static EffvkResult *
poll (EffvkClassifier *classifier, GError **error)
{
  while (TRUE)
    {
      g_autoptr (GError) problem = NULL;
      EffvkResult *result = effvk_classifier_collect (classifier, FALSE, NULL, &problem);

      if (result)
        return result;
      if (!g_error_matches (problem, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_PENDING))
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return NULL;
        }
      g_usleep (1000);
    }
}

static gboolean
classify_all (EffvkClassifier *classifier, FaultOutcome *outcome, GError **error)
{
  for (guint i = 0; i < N_IMAGES; i++)
    {
      g_autoptr (EffvkImage) image = new_image (i);
      g_autoptr (EffvkResult) result = NULL;
      g_autofree char *name = g_strdup_printf ("image %u", i);

      if (i < N_IMAGES - 1)
        result = effvk_classifier_classify (classifier, image, error);
      else if (effvk_classifier_submit (classifier, image, NULL, error))
        result = poll (classifier, error);
      if (!result)
        return FALSE;
      fault_outcome_answer (outcome, name, describe (result));
    }
  return TRUE;
}

static void
classify (FaultOutcome *outcome, gpointer model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkDevice) device = effvk_device_new ("cpu", &error);
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (EffvkClassifier) classifier = NULL;

  effvk_classifier_options_set_logits (options, TRUE);
  if (device)
    classifier = effvk_classifier_new (device, model, options, &error);
  if (!classifier || !classify_all (classifier, outcome, &error))
    {
      g_assert_nonnull (error);
      fault_outcome_error (outcome, error->message);
    }
}

static gboolean
is_slow (void)
{
  return g_strcmp0 (g_getenv ("EFFVK_FAULTS"), "all") == 0;
}

static void
run_matrix (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("phi=-8", 10, 7, &error);
  const FaultTest test = { .run = classify, .user_data = model };

  g_assert_no_error (error);
  fault_matrix_run (&test, !is_slow ());
}

static void
test_library (void)
{
  run_matrix ();
}

static void
test_incoherent (void)
{
  g_setenv ("EFFVK_FAULT_INCOHERENT", "1", TRUE);
  run_matrix ();
  g_unsetenv ("EFFVK_FAULT_INCOHERENT");
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = g_dir_make_tmp ("effvk-test-XXXXXX", NULL);
  int status;

  g_setenv ("EFFVK_CACHE_DIR", folder, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/failed-calls/library", test_library);
  g_test_add_func ("/failed-calls/incoherent", test_incoherent);
  status = g_test_run ();
  {
    g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name (dir)))
      {
        g_autofree char *path = g_build_filename (folder, name, NULL);

        g_remove (path);
      }
    g_rmdir (folder);
  }
  return status;
}
