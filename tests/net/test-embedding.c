/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Embeddings: what the classifier reads, and nothing where nobody asked for it. */
#include "model/model.h"
#include "device-fixture.h"

#include <math.h>

#define N 5

static EffvkClassifier *
new_embedding_classifier (Fixture *fixture, guint batch, gboolean logits, gboolean embeddings)
{
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (GError) error = NULL;
  EffvkClassifier *classifier;

  effvk_classifier_options_set_precision (options, EFFVK_PRECISION_FP32);
  effvk_classifier_options_set_batch_size (options, batch);
  effvk_classifier_options_set_logits (options, logits);
  effvk_classifier_options_set_embeddings (options, embeddings);
  classifier = effvk_classifier_new (fixture->device, fixture->model, options, &error);
  g_assert_no_error (error);
  return classifier;
}

static GPtrArray *
classify (Fixture *fixture, guint batch, gboolean logits, gboolean embeddings)
{
  g_autoptr (EffvkClassifier) classifier
      = new_embedding_classifier (fixture, batch, logits, embeddings);
  g_autoptr (GError) error = NULL;
  EffvkImage *images[N];
  GPtrArray *results;

  for (guint i = 0; i < N; i++)
    images[i] = new_image (i, 64, 48);
  results
      = effvk_classifier_classify_many (classifier, (const EffvkImage *const *) images, N, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N; i++)
    effvk_image_free (images[i]);
  return results;
}

/* The model's classifier, computed here, makes the logits of the embedding. */
static void
test_classified (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) results = classify (fixture, 2, TRUE, TRUE);
  g_auto (EffvkWeights) classifier = { 0 };

  effvk_model_get_weights (fixture->model, EFFVK_LAYER_CLASSIFIER, 0, &classifier);
  for (guint i = 0; i < N; i++)
    {
      guint n, n_logits;
      const float *logits = effvk_result_get_logits (results->pdata[i], &n_logits);
      const float *embedding = effvk_result_get_embedding (results->pdata[i], &n);

      g_assert_nonnull (embedding);
      g_assert_cmpuint (n, ==, effvk_model_get_embedding_size (fixture->model));
      g_assert_cmpuint (n, ==, classifier.in);
      g_assert_cmpuint (n_logits, ==, classifier.out);
      for (guint c = 0; c < n_logits; c++)
        {
          double sum = classifier.bias[c], size = fabs (sum);

          for (guint k = 0; k < n; k++)
            {
              double product = (double) embedding[k] * classifier.weight[(gsize) c * n + k];

              sum += product;
              size += fabs (product);
            }
          g_assert_cmpfloat_with_epsilon (logits[c], (float) sum, (float) (size * 1e-5));
        }
    }
}

/* The same whatever else is read back, and in batches, of which the last is not full. */
static void
test_same (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) alone = classify (fixture, 1, FALSE, TRUE);
  g_autoptr (GPtrArray) batched = classify (fixture, 3, TRUE, TRUE);

  for (guint i = 0; i < N; i++)
    {
      guint n, m, k;
      const float *a = effvk_result_get_embedding (alone->pdata[i], &n);
      const float *b = effvk_result_get_embedding (batched->pdata[i], &m);

      g_assert_cmpmem (a, n * sizeof *a, b, m * sizeof *b);
      g_assert_null (effvk_result_get_logits (alone->pdata[i], &k));
      g_assert_cmpuint (effvk_result_get_index (alone->pdata[i], 0), ==,
                        effvk_result_get_index (batched->pdata[i], 0));
      if (i > 0) /* else the above proves nothing */
        g_assert_cmpint (memcmp (a, effvk_result_get_embedding (alone->pdata[i - 1], &n),
                                 n * sizeof *a),
                         !=, 0);
    }
}

static void
test_not_asked_for (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) results = classify (fixture, 1, TRUE, FALSE);
  guint n = 99;

  g_assert_null (effvk_result_get_embedding (results->pdata[0], &n));
  g_assert_cmpuint (n, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/embedding/classified", Fixture, NULL, set_up, test_classified, tear_down);
  g_test_add ("/embedding/same", Fixture, NULL, set_up, test_same, tear_down);
  g_test_add ("/embedding/not-asked-for", Fixture, NULL, set_up, test_not_asked_for, tear_down);
  return g_test_run ();
}
