/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Heat maps: their mean is the logit, they are the same in batches, turned as the image is, and
 * nothing where nobody asked for them. That each cell is right the self-test checks
 * (src/selftest/case-heatmap.c). */
#include "device-fixture.h"
#include "model/model.h"

#include <effvk/effvk-smoother.h>
#include <math.h>

#define N 5

static GPtrArray *
classify (Fixture *fixture, guint batch, gboolean heatmaps, EffvkOrientation orientation)
{
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autoptr (GError) error = NULL;
  EffvkImage *images[N];
  GPtrArray *results;

  effvk_classifier_options_set_precision (options, EFFVK_PRECISION_FP32);
  effvk_classifier_options_set_batch_size (options, batch);
  effvk_classifier_options_set_logits (options, TRUE);
  effvk_classifier_options_set_heatmaps (options, heatmaps);
  classifier = effvk_classifier_new (fixture->device, fixture->model, options, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N; i++)
    {
      images[i] = new_image (i, 80, 48);
      effvk_image_set_orientation (images[i], orientation);
    }
  results
      = effvk_classifier_classify_many (classifier, (const EffvkImage *const *) images, N, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N; i++)
    effvk_image_free (images[i]);
  return results;
}

/* The mean of the cells is the best class's logit less its bias. */
static void
test_mean (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) results = classify (fixture, 2, TRUE, EFFVK_ORIENTATION_ROTATE_0);
  g_auto (EffvkWeights) weights = { 0 };

  effvk_model_get_weights (fixture->model, EFFVK_LAYER_CLASSIFIER, 0, &weights);
  for (guint i = 0; i < N; i++)
    {
      guint width, height, n, class = effvk_result_get_index (results->pdata[i], 0);
      const float *cells = effvk_result_get_heatmap (results->pdata[i], &width, &height);
      const float *logits = effvk_result_get_logits (results->pdata[i], &n);
      double sum = 0.0, least = INFINITY, most = -INFINITY;

      g_assert_nonnull (cells);
      g_assert_cmpuint (width, ==, 7);
      g_assert_cmpuint (height, ==, 7);
      for (guint c = 0; c < width * height; c++)
        {
          sum += cells[c];
          least = MIN (least, cells[c]);
          most = MAX (most, cells[c]);
        }
      g_assert_cmpfloat_with_epsilon (sum / (width * height),
                                      (double) logits[class] - weights.bias[class],
                                      1e-4 * (1 + fabs (most) + fabs (least)));
      g_assert_cmpfloat (most - least, >, 1e-6); /* else the above proves little */
    }
}

static void
test_same_in_batches (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) alone = classify (fixture, 1, TRUE, EFFVK_ORIENTATION_ROTATE_0);
  g_autoptr (GPtrArray) batched = classify (fixture, 3, TRUE, EFFVK_ORIENTATION_ROTATE_0);

  for (guint i = 0; i < N; i++)
    {
      guint width, height;
      const float *a = effvk_result_get_heatmap (alone->pdata[i], &width, &height);
      const float *b = effvk_result_get_heatmap (batched->pdata[i], &width, &height);

      g_assert_cmpmem (a, width * height * sizeof *a, b, width * height * sizeof *b);
    }
}

/* The recipe takes the middle of the picture, as wide as it is high. */
static void
test_area (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) results = classify (fixture, 1, TRUE, EFFVK_ORIENTATION_ROTATE_0);
  double x, y, width, height;

  effvk_result_get_heatmap_area (results->pdata[0], &x, &y, &width, &height);
  g_assert_cmpfloat_with_epsilon (width * 80, height * 48, 1.0);
  g_assert_cmpfloat_with_epsilon (x + width / 2, 0.5, 0.01);
  g_assert_cmpfloat_with_epsilon (y + height / 2, 0.5, 0.01);
  g_assert_cmpfloat (height, >, 0.8);
  g_assert_cmpfloat (height, <, 1.001);
}

/* Of a picture that is shown on its head, the network sees the same as of one that was stored so.
 * */
static void
test_turned (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) results = classify (fixture, 1, TRUE, EFFVK_ORIENTATION_ROTATE_180);
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autoptr (EffvkResult) other = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (0);
  g_autoptr (GBytes) bytes = NULL;
  guint8 *pixels = g_malloc (80 * 48 * 3);
  EffvkImage *image;
  const float *a, *b;
  guint width, height;

  for (guint i = 0; i < 80 * 48; i++) /* as new_image (), from the last pixel to the first */
    for (guint c = 0; c < 3; c++)
      pixels[(80 * 48 - 1 - i) * 3 + c] = (guint8) g_rand_int_range (rand, 0, 256);
  bytes = g_bytes_new_take (pixels, 80 * 48 * 3);
  image = effvk_image_new_from_bytes (EFFVK_FORMAT_RGB, 80, 48, bytes);
  effvk_classifier_options_set_precision (options, EFFVK_PRECISION_FP32);
  effvk_classifier_options_set_heatmaps (options, TRUE);
  classifier = effvk_classifier_new (fixture->device, fixture->model, options, NULL);
  other = effvk_classifier_classify (classifier, image, NULL);
  g_assert_nonnull (other);
  a = effvk_result_get_heatmap (results->pdata[0], &width, &height);
  b = effvk_result_get_heatmap (other, &width, &height);
  for (guint i = 0; i < width * height; i++)
    g_assert_cmpfloat_with_epsilon (a[i], b[width * height - 1 - i], 1e-3);
  effvk_image_free (image);
}

/* A smoother's answer keeps it; a result without one has none. */
static void
test_kept (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) with = classify (fixture, 1, TRUE, EFFVK_ORIENTATION_ROTATE_0);
  g_autoptr (GPtrArray) without = classify (fixture, 1, FALSE, EFFVK_ORIENTATION_ROTATE_0);
  g_autoptr (EffvkSmoother) smoother
      = effvk_smoother_new (fixture->model, EFFVK_OUTPUT_ACTIVATION_AUTO);
  g_autoptr (EffvkResult) steady = effvk_smoother_add (smoother, with->pdata[0], 0, NULL);
  guint width = 9, height = 9;
  const float *cells = effvk_result_get_heatmap (with->pdata[0], &width, &height);

  g_assert_cmpmem (cells, 49 * sizeof *cells, effvk_result_get_heatmap (steady, &width, &height),
                   49 * sizeof *cells);
  g_assert_null (effvk_result_get_heatmap (without->pdata[0], &width, &height));
  g_assert_cmpuint (width + height, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/heatmap/mean", Fixture, NULL, set_up, test_mean, tear_down);
  g_test_add ("/heatmap/same-in-batches", Fixture, NULL, set_up, test_same_in_batches, tear_down);
  g_test_add ("/heatmap/area", Fixture, NULL, set_up, test_area, tear_down);
  g_test_add ("/heatmap/turned", Fixture, NULL, set_up, test_turned, tear_down);
  g_test_add ("/heatmap/kept", Fixture, NULL, set_up, test_kept, tear_down);
  return g_test_run ();
}
