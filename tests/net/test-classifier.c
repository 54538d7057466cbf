/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ring: order, batching, changes of the frame's layout, and what its errors say. */
#include "base/image.h"
#include "device-fixture.h"

#include <math.h>

#define N 7

/* Images of two sizes, which share batches. */
static void
make_images (EffvkImage **images)
{
  for (guint i = 0; i < N; i++)
    images[i] = new_image (i, i == 3 ? 61 : 64, 48);
}

static void
test_many (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) one = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkClassifier) three = new_classifier (fixture->device, fixture->model, 1, 3);
  g_autoptr (EffvkClassifier) batched = new_classifier (fixture->device, fixture->model, 2, 2);
  g_autoptr (GPtrArray) in_flight = NULL;
  g_autoptr (GPtrArray) batches = NULL;
  g_autoptr (GError) error = NULL;
  EffvkImage *images[N];

  make_images (images);
  in_flight = effvk_classifier_classify_many (three, (const EffvkImage *const *) images, N, &error);
  g_assert_no_error (error);
  batches = effvk_classifier_classify_many (batched, (const EffvkImage *const *) images, N, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (in_flight->len, ==, N);
  g_assert_cmpuint (batches->len, ==, N);
  for (guint i = 0; i < N; i++)
    {
      g_autoptr (EffvkResult) alone = effvk_classifier_classify (one, images[i], &error);

      g_assert_no_error (error);
      g_assert_cmpuint (effvk_result_get_n_classes (alone), ==, 3);
      g_assert_cmpfloat (effvk_result_get_score (alone, 0), >=, effvk_result_get_score (alone, 1));
      assert_same (alone, g_ptr_array_index (in_flight, i));
      assert_same (alone, g_ptr_array_index (batches, i));
      if (i > 0) /* different images must have different answers, else the above proves nothing */
        {
          guint n;
          const float *x = effvk_result_get_logits (alone, &n);
          const float *y = effvk_result_get_logits (g_ptr_array_index (in_flight, i - 1), &n);

          g_assert_cmpint (memcmp (x, y, n * sizeof *x), !=, 0);
        }
    }
  for (guint i = 0; i < N; i++)
    effvk_image_free (images[i]);
}

static void
test_ring (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 2);
  g_autoptr (EffvkImage) image = new_image (1, 32, 32);
  g_autoptr (EffvkImage) empty = effvk_image_new (EFFVK_FORMAT_I420, 32, 32);
  g_autoptr (EffvkResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gpointer user_data = GUINT_TO_POINTER (99);

  g_assert_null (effvk_classifier_collect (classifier, TRUE, &user_data, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_EMPTY);
  g_assert_null (user_data);
  g_clear_error (&error);

  g_assert_false (effvk_classifier_submit (classifier, empty, NULL, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE);
  g_clear_error (&error);

  for (guint i = 1; i <= 2; i++)
    {
      g_assert_true (effvk_classifier_submit (classifier, image, GUINT_TO_POINTER (i), &error));
      g_assert_no_error (error);
    }
  g_assert_cmpuint (effvk_classifier_get_n_in_flight (classifier), ==, 2);
  g_assert_false (effvk_classifier_submit (classifier, image, NULL, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_null (effvk_classifier_classify (classifier, image, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY);
  g_clear_error (&error);

  for (guint i = 1; i <= 2; i++)
    {
      g_autoptr (EffvkResult) in_order
          = effvk_classifier_collect (classifier, TRUE, &user_data, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (GPOINTER_TO_UINT (user_data), ==, i);
      g_assert_cmpuint (effvk_result_get_total_time (in_order), >, 0);
    }

  /* without waiting: pending at first, then there */
  g_assert_true (effvk_classifier_submit (classifier, image, NULL, &error));
  while (!(result = effvk_classifier_collect (classifier, FALSE, NULL, &error)))
    {
      g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_PENDING);
      g_clear_error (&error);
      g_usleep (1000);
    }

  g_assert_true (effvk_classifier_submit (classifier, image, NULL, &error));
  effvk_classifier_flush (classifier);
  g_assert_cmpuint (effvk_classifier_get_n_in_flight (classifier), ==, 0);
}

static void
test_statistics (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkImage) image = new_image (1, 320, 240);
  g_autoptr (EffvkResult) result = NULL;
  g_autoptr (GVariant) statistics = NULL;
  g_autoptr (GError) error = NULL;
  guint64 images, copied, memory, arena;
  guint dispatches;
  const char *precision;

  result = effvk_classifier_classify (classifier, image, &error);
  g_assert_no_error (error);
  statistics = effvk_classifier_get_statistics (classifier);
  g_assert_true (g_variant_lookup (statistics, "images", "t", &images));
  g_assert_true (g_variant_lookup (statistics, "copied-bytes", "t", &copied));
  g_assert_true (g_variant_lookup (statistics, "memory-bytes", "t", &memory));
  g_assert_true (g_variant_lookup (statistics, "arena-bytes", "t", &arena));
  g_assert_true (g_variant_lookup (statistics, "dispatches", "u", &dispatches));
  g_assert_true (g_variant_lookup (statistics, "precision", "&s", &precision));
  g_assert_cmpuint (images, ==, 1);
  g_assert_cmpuint (copied, ==, 320 * 240 * 3);
  g_assert_cmpuint (memory, >, arena);
  g_assert_cmpuint (dispatches, <=, 70);
  g_assert_true (g_str_has_prefix (precision, "fp"));
}

static void
test_activation (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkImage) image = new_image (3, 64, 48);

  for (EffvkOutputActivation a = 0; a <= EFFVK_OUTPUT_ACTIVATION_NONE; a++)
    {
      g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
      g_autoptr (EffvkClassifier) classifier = NULL;
      g_autoptr (EffvkResult) result = NULL;
      g_autoptr (GError) error = NULL;
      const float *logits;
      double sum = 0.0;
      guint n;

      effvk_classifier_options_set_activation (options, a);
      effvk_classifier_options_set_logits (options, TRUE);
      effvk_classifier_options_set_top_k (options, 10);
      classifier = effvk_classifier_new (fixture->device, fixture->model, options, &error);
      g_assert_no_error (error);
      result = effvk_classifier_classify (classifier, image, &error);
      g_assert_no_error (error);
      logits = effvk_result_get_logits (result, &n);
      g_assert_cmpuint (effvk_result_get_n_classes (result), ==, n);
      for (guint i = 0; i < n; i++)
        sum += exp (logits[i]);
      for (guint i = 0; i < n; i++)
        {
          double x = logits[effvk_result_get_index (result, i)], expected = exp (x) / sum;

          if (a == EFFVK_OUTPUT_ACTIVATION_SIGMOID)
            expected = 1.0 / (1.0 + exp (-x));
          if (a == EFFVK_OUTPUT_ACTIVATION_NONE)
            expected = x;
          g_assert_cmpfloat_with_epsilon (effvk_result_get_score (result, i), expected, 1e-5);
        }
    }
}

/* No image, which is what a constructor that fails leaves, is refused and not read. */
static void
test_no_image (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 2, 1);
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_RGB, 0, 1);
  const EffvkImage *const images[] = { image };
  const EffvkRectangle region = { 0, 0, 1, 1 };

  g_assert_null (image);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean done
          = i == 0   ? effvk_classifier_submit (classifier, image, NULL, &error)
            : i == 1 ? effvk_classifier_submit_regions (classifier, image, &region, 1, NULL, &error)
            : i == 2 ? effvk_classifier_classify (classifier, image, &error) != NULL
            : i == 3 ? effvk_classifier_classify_many (classifier, images, 1, &error) != NULL
                     : effvk_classifier_profile (classifier, image, 1, &error) != NULL;

      g_assert_false (done);
      g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE);
      g_assert_nonnull (strstr (error->message, "no image"));
      g_assert_cmpuint (effvk_classifier_get_n_in_flight (classifier), ==, 0);
    }
}

/* One output is a probability of its own. */
static void
test_one_class (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkImage) image = new_image (3, 64, 48);
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("b0", 1, 7, &error);

  g_assert_no_error (error);
  g_assert_cmpint (effvk_model_get_output_activation (model), ==, EFFVK_OUTPUT_ACTIVATION_SIGMOID);
  for (EffvkOutputActivation a = 0; a <= EFFVK_OUTPUT_ACTIVATION_NONE; a++)
    {
      g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
      g_autoptr (EffvkClassifier) classifier = NULL;
      g_autoptr (EffvkResult) result = NULL;
      double expected;
      guint n;

      effvk_classifier_options_set_activation (options, a);
      effvk_classifier_options_set_logits (options, TRUE);
      if (a == EFFVK_OUTPUT_ACTIVATION_SOFTMAX)
        g_test_expect_message ("effvk", G_LOG_LEVEL_MESSAGE, "*softmax*score of 1*");
      classifier = effvk_classifier_new (fixture->device, model, options, &error);
      g_test_assert_expected_messages ();
      g_assert_no_error (error);
      result = effvk_classifier_classify (classifier, image, &error);
      g_assert_no_error (error);
      expected = *effvk_result_get_logits (result, &n);
      if (a == EFFVK_OUTPUT_ACTIVATION_SOFTMAX)
        expected = 1.0;
      else if (a != EFFVK_OUTPUT_ACTIVATION_NONE)
        expected = 1.0 / (1.0 + exp (-expected));
      g_assert_cmpuint (effvk_result_get_n_classes (result), ==, 1);
      g_assert_cmpfloat_with_epsilon (effvk_result_get_score (result, 0), expected, 1e-5);
    }
}

/* One thread submits, another collects. */
static gpointer
submit_all (gpointer data)
{
  EffvkClassifier *classifier = data;
  g_autoptr (EffvkImage) image = new_image (5, 40, 30);

  for (guint i = 1; i <= 30;)
    {
      g_autoptr (GError) error = NULL;

      if (effvk_classifier_submit (classifier, image, GUINT_TO_POINTER (i), &error))
        i++;
      else
        {
          g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY);
          g_usleep (500);
        }
    }
  return NULL;
}

static void
test_threads (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 2, 3);
  GThread *thread = g_thread_new ("submit", submit_all, classifier);

  for (guint i = 1; i <= 30;)
    {
      g_autoptr (GError) error = NULL;
      gpointer user_data;
      g_autoptr (EffvkResult) result
          = effvk_classifier_collect (classifier, TRUE, &user_data, &error);

      if (result)
        g_assert_cmpuint (GPOINTER_TO_UINT (user_data), ==, i++);
      else
        {
          g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_EMPTY);
          g_usleep (500);
        }
    }
  g_thread_join (thread);
}

/* What is not 0 is TRUE, as any gboolean may be. */
static void
test_flags (void)
{
  static void (*const set[]) (EffvkClassifierOptions *, gboolean)
      = { effvk_classifier_options_set_logits, effvk_classifier_options_set_embeddings,
          effvk_classifier_options_set_heatmaps };
  static const char *const names[] = { "logits", "embeddings", "heatmaps" };
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();

  for (guint i = 0; i < G_N_ELEMENTS (set); i++)
    for (int value = 0; value < 3; value++)
      {
        gboolean found = -1;

        set[i](options, value);
        g_object_get (options, names[i], &found, NULL);
        g_assert_cmpint (found, ==, value > 0);
      }
}

/* Makes a classifier with a precision that the self-test chooses. */
static gpointer
make_automatic (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GError) error = NULL;
  EffvkClassifier *classifier
      = effvk_classifier_new (fixture->device, fixture->model, NULL, &error);

  g_assert_no_error (error);
  return classifier;
}

/* A device on which another thread runs the self-test holds up no other device. */
static void
test_precision_of_devices (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  Fixture other = { .model = fixture->model };
  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autoptr (EffvkClassifier) waited = NULL;
  GThread *thread;

  other.device = effvk_device_new_beside (fixture->device, fixture->device->queue_family, &error);
  g_assert_no_error (error);
  fixture->device->caps.cpu = other.device->caps.cpu = FALSE; /* on one nothing is chosen */

  g_mutex_lock (&other.device->precision_lock);
  thread = g_thread_new ("make-automatic", make_automatic, &other);
  g_usleep (G_USEC_PER_SEC / 5); /* let it reach the lock, or the test proves less */
  classifier = make_automatic (fixture);
  g_assert_cmpint (effvk_classifier_get_precision (classifier), !=, EFFVK_PRECISION_AUTO);
  g_assert_cmpint (other.device->auto_precision, ==, EFFVK_PRECISION_AUTO);
  g_mutex_unlock (&other.device->precision_lock);

  waited = g_thread_join (thread);
  g_assert_cmpint (effvk_classifier_get_precision (waited), ==,
                   effvk_classifier_get_precision (classifier));
  g_clear_object (&waited);
  g_object_unref (other.device);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/classifier/many", Fixture, NULL, set_up, test_many, tear_down);
  g_test_add ("/classifier/ring", Fixture, NULL, set_up, test_ring, tear_down);
  g_test_add ("/classifier/statistics", Fixture, NULL, set_up, test_statistics, tear_down);
  g_test_add ("/classifier/activation", Fixture, NULL, set_up, test_activation, tear_down);
  g_test_add ("/classifier/no-image", Fixture, NULL, set_up, test_no_image, tear_down);
  g_test_add ("/classifier/one-class", Fixture, NULL, set_up, test_one_class, tear_down);
  g_test_add ("/classifier/threads", Fixture, NULL, set_up, test_threads, tear_down);
  g_test_add_func ("/classifier/flags", test_flags);
  g_test_add ("/classifier/precision-of-devices", Fixture, NULL, set_up, test_precision_of_devices,
              tear_down);
  return g_test_run ();
}
