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

/* What the classifier says of a crop alone. */
static EffvkResult *
classify_crop (EffvkClassifier *classifier, EffvkImage *image, const EffvkRectangle *crop)
{
  g_autoptr (GError) error = NULL;
  EffvkResult *result;

  g_assert_true (effvk_image_set_crop (image, crop->x, crop->y, crop->width, crop->height));
  result = effvk_classifier_classify (classifier, image, &error);
  g_assert_no_error (error);
  return result;
}

static void
collect_and_compare (EffvkClassifier *classifier, EffvkClassifier *alone, EffvkImage *image,
                     const EffvkRectangle *regions, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      gpointer user_data;
      g_autoptr (EffvkResult) got = effvk_classifier_collect (classifier, TRUE, &user_data, &error);
      g_autoptr (EffvkResult) expected = classify_crop (alone, image, &regions[i]);

      g_assert_no_error (error);
      g_assert_cmpuint (GPOINTER_TO_UINT (user_data), ==, i + 1);
      assert_same (got, expected);
    }
}

/* Parts of a frame in one submission are what they are alone, whatever was in the slot before. */
static void
test_regions (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const guint sizes[][2] = { { 97, 80 }, { 31, 120 }, { 200, 33 }, { 1, 1 }, { 97, 80 } };
  g_autoptr (EffvkClassifier) alone = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 4, 2);
  gpointer user_data[4];

  for (guint i = 0; i < 4; i++)
    user_data[i] = GUINT_TO_POINTER (i + 1);
  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      guint width = sizes[s][0], height = sizes[s][1], n = 4 - s % 2;
      g_autoptr (EffvkImage) image = new_image (50 + s, width, height);
      EffvkRectangle regions[4] = { { 0, 0, width, height }, { width - 1, height - 1, 1, 1 } };
      g_autoptr (GError) error = NULL;

      for (guint i = 2; i < 4; i++)
        {
          regions[i].x = (guint) g_test_rand_int_range (0, (gint32) width);
          regions[i].y = (guint) g_test_rand_int_range (0, (gint32) height);
          regions[i].width = (guint) g_test_rand_int_range (1, (gint32) (width - regions[i].x + 1));
          regions[i].height
              = (guint) g_test_rand_int_range (1, (gint32) (height - regions[i].y + 1));
        }
      effvk_classifier_submit_regions (classifier, image, regions, n, user_data, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (effvk_classifier_get_n_in_flight (classifier), ==, n);
      collect_and_compare (classifier, alone, image, regions, n);
    }
}

static guint64
get_submissions (EffvkClassifier *classifier)
{
  g_autoptr (GVariant) statistics = effvk_classifier_get_statistics (classifier);
  guint64 submissions;

  g_assert_true (g_variant_lookup (statistics, "submissions", "t", &submissions));
  return submissions;
}

/* Frames of all sizes and their parts share batches; a frame that the batch has no room for begins
 * another one. */
static void
test_mixed_batch (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const EffvkRectangle parts[] = { { 3, 4, 20, 10 }, { 0, 0, 48, 48 } };
  g_autoptr (EffvkClassifier) alone = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 4, 3);
  g_autoptr (EffvkImage) small = new_image (1, 48, 48);
  g_autoptr (EffvkImage) large = new_image (2, 300, 200);
  g_autoptr (EffvkImage) tall = new_image (3, 20, 90);
  const EffvkImage *list[] = { small, large, tall };
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;
  guint64 before = 0;

  results = effvk_classifier_classify_many (classifier, list, G_N_ELEMENTS (list), &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (list); i++)
    {
      g_autoptr (EffvkResult) expected = effvk_classifier_classify (alone, list[i], &error);

      g_assert_no_error (error);
      assert_same (g_ptr_array_index (results, i), expected);
    }
  g_assert_cmpuint (get_submissions (classifier), ==,
                    2); /* the second one had no room beside the first */

  effvk_classifier_submit (classifier, list[1], NULL, &error);
  g_assert_no_error (error);
  effvk_classifier_submit_regions (classifier, list[0], parts, 2, NULL, &error);
  g_assert_no_error (error);
  effvk_classifier_submit (classifier, list[2], NULL, &error); /* the fourth: one batch */
  g_assert_no_error (error);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (EffvkResult) got = effvk_classifier_collect (classifier, TRUE, NULL, &error);
      g_autoptr (EffvkResult) expected = NULL;

      g_assert_no_error (error);
      expected = i == 0 || i == 3 ? effvk_classifier_classify (alone, list[i ? 2 : 1], NULL)
                                  : classify_crop (alone, small, &parts[i - 1]);
      assert_same (got, expected);
    }
  g_assert_cmpuint (get_submissions (classifier), ==, 3);

  /* What a slot refused it has room for later: from then on such frames are one batch. */
  for (guint round = 0; round < 6; round++)
    {
      before = round == 3 ? get_submissions (classifier) : before;
      g_clear_pointer (&results, g_ptr_array_unref);
      results = effvk_classifier_classify_many (classifier, list, G_N_ELEMENTS (list), &error);
      g_assert_no_error (error);
      for (guint i = 0; i < G_N_ELEMENTS (list); i++)
        {
          g_autoptr (EffvkResult) expected = effvk_classifier_classify (alone, list[i], &error);

          g_assert_no_error (error);
          assert_same (g_ptr_array_index (results, i), expected);
        }
    }
  g_assert_cmpuint (get_submissions (classifier), ==, before + 3);
}

/* What cannot be classified is refused, with the numbers that are wrong. */
static void
test_bad_regions (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct
  {
    guint n;
    EffvkRectangle last;
    const char *message;
  } cases[] = {
    { 0, { 0, 0, 1, 1 }, "*0 regions*1 to 2*" },
    { 3, { 0, 0, 1, 1 }, "*3 regions*1 to 2*" },
    { 2, { 0, 0, 0, 5 }, "*Region 1, 0x5 at 0,0*40x30*" },
    { 2, { 40, 0, 1, 1 }, "*Region 1*40x30*" },
    { 1, { 39, 29, 2, 1 }, "*Region 0, 2x1 at 39,29*" },
    { 1, { 1, 0, G_MAXUINT, 1 }, "*Region 0*" },
  };
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 2, 1);
  g_autoptr (EffvkImage) image = new_image (1, 40, 30);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      EffvkRectangle regions[3] = { { 0, 0, 40, 30 }, { 0, 0, 40, 30 }, { 0, 0, 40, 30 } };
      g_autoptr (GError) error = NULL;

      regions[MAX (cases[i].n, 1) - 1] = cases[i].last;
      g_assert_false (
          effvk_classifier_submit_regions (classifier, image, regions, cases[i].n, NULL, &error));
      g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE);
      if (!g_pattern_match_simple (cases[i].message, error->message))
        g_error ("\"%s\" does not match \"%s\"", error->message, cases[i].message);
      g_assert_cmpuint (effvk_classifier_get_n_in_flight (classifier), ==, 0);
    }
}

/* A copy of an image of new_image() in memory of the device, @offset bytes into it, @padding bytes
 * after each row. */
static EffvkImage *
new_image_in_memory (Fixture *fixture, guint seed, guint width, guint height, gsize offset,
                     gsize padding, EffvkFrameMemory **memory)
{
  g_autoptr (EffvkImage) from = new_image (seed, width, height);
  g_autoptr (GError) error = NULL;
  EffvkImage *image = effvk_image_new (EFFVK_FORMAT_RGB, width, height);
  gsize row = (gsize) width * 3, stride = row + padding;
  guint8 *pixels;

  *memory = effvk_frame_memory_new (fixture->device, offset + stride * height, &error);
  g_assert_no_error (error);
  pixels = effvk_frame_memory_get_data (*memory) + offset;
  for (guint y = 0; y < height; y++)
    memcpy (pixels + y * stride, from->planes[0].data + y * row, row);
  g_assert_true (effvk_image_set_plane (image, 0, pixels, stride, stride * height));
  effvk_image_set_memory (image, *memory);
  return image;
}

/* Frames in memory that the device sees are read there where they can be; the answers are the
   same. */
static void
test_in_place (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct
  {
    guint width, height;
    gsize offset, padding;
    gboolean in_place;
  } cases[] = { { 64, 48, 0, 0, TRUE },    { 64, 48, 16, 48, TRUE }, { 64, 48, 4, 0, FALSE },
                { 64, 48, 0, 8, FALSE },   { 61, 47, 32, 9, TRUE },  { 208, 100, 0, 0, TRUE },
                { 200, 100, 0, 0, FALSE }, { 64, 48, 0, 0, TRUE } };
  g_autoptr (EffvkClassifier) alone = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 2);
  g_autoptr (GVariant) statistics = NULL;
  guint64 in_place = 0, bytes = 0, frames, copied;

  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      guint c = i % G_N_ELEMENTS (cases);
      g_autoptr (EffvkFrameMemory) memory = NULL;
      g_autoptr (EffvkImage) image
          = new_image_in_memory (fixture, i, cases[c].width, cases[c].height, cases[c].offset,
                                 cases[c].padding, &memory);
      g_autoptr (EffvkImage) plain = new_image (i, cases[c].width, cases[c].height);
      g_autoptr (EffvkResult) got = NULL;
      g_autoptr (EffvkResult) expected = NULL;
      g_autoptr (GError) error = NULL;

      effvk_classifier_submit (classifier, image, NULL, &error);
      g_assert_no_error (error);
      g_clear_pointer (&memory, effvk_frame_memory_unref); /* the submission keeps it */
      g_clear_pointer (&image, effvk_image_free);
      got = effvk_classifier_collect (classifier, TRUE, NULL, &error);
      g_assert_no_error (error);
      expected = effvk_classifier_classify (alone, plain, &error);
      g_assert_no_error (error);
      assert_same (got, expected);
      in_place += cases[c].in_place;
      if (!cases[c].in_place)
        bytes += (guint64) cases[c].width * cases[c].height * 3;
    }
  statistics = effvk_classifier_get_statistics (classifier);
  g_assert_true (g_variant_lookup (statistics, "frames-in-place", "t", &frames));
  g_assert_cmpuint (frames, ==, in_place);
  g_assert_true (g_variant_lookup (statistics, "frames-copied", "t", &frames));
  g_assert_cmpuint (frames, ==, 2 * G_N_ELEMENTS (cases) - in_place);
  g_assert_true (g_variant_lookup (statistics, "copied-bytes", "t", &copied));
  g_assert_cmpuint (copied, ==, bytes);
}

static guint64
get_statistic (EffvkClassifier *classifier, const char *name)
{
  g_autoptr (GVariant) statistics = effvk_classifier_get_statistics (classifier);
  guint64 value;

  g_assert_true (g_variant_lookup (statistics, name, "t", &value));
  return value;
}

/* The only frame of a batch is read in place, whether its parts fill the batch or not; several are
 * copied, also the first one, which might have been the only one. */
static void
test_in_place_batch (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const EffvkRectangle parts[] = { { 3, 4, 20, 10 }, { 0, 0, 48, 48 }, { 9, 1, 2, 30 } };
  const guint ns[] = { 3, 1, 2, 1 };
  g_autoptr (EffvkClassifier) alone = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 3, 2);
  g_autoptr (EffvkFrameMemory) memory = NULL;
  g_autoptr (EffvkFrameMemory) other_memory = NULL;
  g_autoptr (EffvkImage) image = new_image_in_memory (fixture, 1, 64, 48, 0, 0, &memory);
  g_autoptr (EffvkImage) other = new_image_in_memory (fixture, 2, 64, 48, 0, 0, &other_memory);
  g_autoptr (EffvkImage) plain = new_image (1, 64, 48);
  g_autoptr (EffvkImage) other_plain = new_image (2, 64, 48);
  gpointer user_data[] = { GUINT_TO_POINTER (1), GUINT_TO_POINTER (2), GUINT_TO_POINTER (3) };
  guint64 in_place = 0, copied = 0;

  for (guint i = 0; i < 2 * G_N_ELEMENTS (ns); i++)
    {
      guint n = ns[i % G_N_ELEMENTS (ns)];
      g_autoptr (EffvkResult) got = NULL;
      g_autoptr (EffvkResult) expected = NULL;
      g_autoptr (GError) error = NULL;

      effvk_classifier_submit_regions (classifier, image, parts, n, user_data, &error);
      g_assert_no_error (error);
      if (i % 3 == 1)
        {
          effvk_classifier_submit_regions (classifier, other, &parts[0], 1, NULL, &error);
          g_assert_no_error (error);
        }
      effvk_classifier_launch (classifier, &error);
      g_assert_no_error (error);
      collect_and_compare (classifier, alone, plain, parts, n);
      if (i % 3 == 1)
        {
          got = effvk_classifier_collect (classifier, TRUE, NULL, &error);
          g_assert_no_error (error);
          expected = classify_crop (alone, other_plain, &parts[0]);
          assert_same (got, expected);
          copied += n < 3 ? 2 : 0;
          in_place += n < 3 ? 0 : 2;
        }
      else
        in_place++;
      g_assert_cmpuint (get_statistic (classifier, "frames-in-place"), ==, in_place);
      g_assert_cmpuint (get_statistic (classifier, "frames-copied"), ==, copied);
    }
  g_assert_cmpuint (get_statistic (classifier, "copied-bytes"), ==, copied * 64 * 48 * 3);
  g_assert_cmpuint (copied, >, 0);
}

/* What is submitted again and again is copied once. */
static void
test_upload (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const EffvkRectangle parts[] = { { 3, 4, 20, 10 }, { 0, 0, 48, 48 } };
  g_autoptr (EffvkClassifier) alone = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 2, 2);
  g_autoptr (EffvkImage) plain = new_image (3, 61, 48); /* rows of no multiple of 16 bytes */
  g_autoptr (EffvkImage) uploaded = NULL;
  g_autoptr (EffvkImage) again = NULL;
  gpointer user_data[] = { GUINT_TO_POINTER (1), GUINT_TO_POINTER (2) };
  g_autoptr (GError) error = NULL;
  gsize copied;

  uploaded = effvk_image_upload (plain, fixture->device, &copied, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (copied, ==, 61 * 48 * 3);
  again = effvk_image_upload (uploaded, fixture->device, &copied, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (copied, ==, 0);
  for (guint i = 0; i < 4; i++)
    {
      effvk_classifier_submit_regions (classifier, i % 2 ? again : uploaded, parts, 2, user_data,
                                       &error);
      g_assert_no_error (error);
      collect_and_compare (classifier, alone, plain, parts, 2);
    }
  g_assert_cmpuint (get_statistic (classifier, "frames-in-place"), ==, 4);
  g_assert_cmpuint (get_statistic (classifier, "copied-bytes"), ==, 0);
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

/* How often a message said that softmax of one class is always 1. */
static GLogWriterOutput
count_messages (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer user_data)
{
  for (gsize i = 0; i < n; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0 && strstr (fields[i].value, "softmax"))
      ++*(guint *) user_data;
  return g_log_writer_default (level, fields, n, NULL);
}

static guint n_softmax_messages;

/* One output is a probability of its own. */
static void
test_one_class (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkImage) image = new_image (3, 64, 48);
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_random ("b0", 1, 7, &error);

  g_assert_no_error (error);
  g_assert_cmpint (effvk_model_get_output_activation (model), ==, EFFVK_OUTPUT_ACTIVATION_SIGMOID);
  g_log_set_writer_func (count_messages, &n_softmax_messages, NULL);
  for (EffvkOutputActivation a = 0; a <= EFFVK_OUTPUT_ACTIVATION_NONE; a++)
    {
      g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
      g_autoptr (EffvkClassifier) classifier = NULL;
      g_autoptr (EffvkResult) result = NULL;
      double expected;
      guint n;

      effvk_classifier_options_set_activation (options, a);
      effvk_classifier_options_set_logits (options, TRUE);
      classifier = effvk_classifier_new (fixture->device, model, options, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (n_softmax_messages, ==, a >= EFFVK_OUTPUT_ACTIVATION_SOFTMAX);
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

/* By both clocks: the device's, and this computer's where a device has none. */
/* Of drivers whose timestamps do not work. */
static VKAPI_ATTR VkResult VKAPI_CALL
not_ready (VkDevice device, VkQueryPool pool, uint32_t first, uint32_t n, size_t size, void *data,
           VkDeviceSize stride, VkQueryResultFlags flags)
{
  return VK_NOT_READY;
}

static VKAPI_ATTR VkResult VKAPI_CALL
standing_still (VkDevice device, VkQueryPool pool, uint32_t first, uint32_t n, size_t size,
                void *data, VkDeviceSize stride, VkQueryResultFlags flags)
{
  memset (data, 0, size);
  return VK_SUCCESS;
}

static void
test_profile (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 2, 2);
  g_autoptr (EffvkImage) image = new_image (1, 320, 200);
  gboolean timestamps = fixture->device->caps.timestamps;
  PFN_vkGetQueryPoolResults get_results = fixture->device->vk.vkGetQueryPoolResults;

  for (guint pass = 0; pass < 4; pass++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) profile = NULL, statistics = NULL, dispatches = NULL;
      const char *clock;
      double macs = 0;
      guint n;

      fixture->device->caps.timestamps = timestamps && pass != 1;
      if (pass >= 2)
        fixture->device->vk.vkGetQueryPoolResults = pass == 2 ? not_ready : standing_still;
      profile = effvk_classifier_profile (classifier, image, 2, &error);
      fixture->device->caps.timestamps = timestamps;
      fixture->device->vk.vkGetQueryPoolResults = get_results;
      g_assert_no_error (error);
      g_assert_true (g_variant_lookup (profile, "clock", "&s", &clock));
      g_assert_cmpstr (clock, ==, timestamps && pass == 0 ? "device" : "host");
      dispatches = g_variant_lookup_value (profile, "dispatches", G_VARIANT_TYPE ("aa{sv}"));
      statistics = effvk_classifier_get_statistics (classifier);
      g_variant_lookup (statistics, "dispatches", "u", &n);
      g_assert_cmpuint (g_variant_n_children (dispatches), ==, n);
      for (guint i = 0; i < n; i++)
        {
          g_autoptr (GVariant) dispatch = g_variant_get_child_value (dispatches, i);
          double ns, flops;
          guint64 bytes;

          g_assert_true (g_variant_lookup (dispatch, "time", "d", &ns));
          g_assert_true (g_variant_lookup (dispatch, "flops", "d", &flops));
          g_assert_true (g_variant_lookup (dispatch, "bytes", "t", &bytes));
          g_assert_cmpfloat (ns, >=, 0);
          g_assert_cmpuint (bytes, >, 0);
          macs += flops / 2;
        }
      /* the resize is not counted */
      g_assert_cmpfloat (macs, ==, 2.0 * (double) effvk_model_get_macs (fixture->model));
    }
}

static void
test_profile_busy (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 2);
  g_autoptr (EffvkImage) image = new_image (1, 320, 200);
  g_autoptr (GError) error = NULL;

  g_assert_true (effvk_classifier_submit (classifier, image, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (effvk_classifier_profile (classifier, image, 1, &error));
  g_assert_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY);
}

/* A compiler that tells: one executable, four kinds of statistics. */
static VKAPI_ATTR VkResult VKAPI_CALL
list_executables (VkDevice device, const VkPipelineInfoKHR *info, uint32_t *n,
                  VkPipelineExecutablePropertiesKHR *list)
{
  *n = 1;
  if (list)
    {
      g_strlcpy (list->name, "compute", sizeof list->name);
      list->subgroupSize = 16;
    }
  return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
list_statistics (VkDevice device, const VkPipelineExecutableInfoKHR *info, uint32_t *n,
                 VkPipelineExecutableStatisticKHR *list)
{
  *n = 2;
  if (list)
    {
      g_strlcpy (list[0].name, "VGPRs", sizeof list[0].name);
      list[0].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR;
      list[0].value.u64 = 64;
      g_strlcpy (list[1].name, "Latency", sizeof list[1].name);
      list[1].format = VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR;
      list[1].value.f64 = 0.5;
    }
  return VK_SUCCESS;
}

static void
test_executables (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (EffvkClassifier) classifier = new_classifier (fixture->device, fixture->model, 1, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) pipelines = NULL;
  g_autoptr (GVariant) all = effvk_classifier_get_statistics (classifier);
  EffvkDevice *device = fixture->device;
  const EffvkDevice before = *device;
  guint n_dispatches = 0, of_network;

  if (!device->tells_executables)
    {
      g_assert_null (effvk_classifier_get_executables (classifier, &error));
      g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "VK_KHR_pipeline_executable_properties"));
      g_clear_error (&error);
    }

  device->tells_executables = TRUE;
  device->vk.vkGetPipelineExecutablePropertiesKHR = list_executables;
  device->vk.vkGetPipelineExecutableStatisticsKHR = list_statistics;
  pipelines = effvk_classifier_get_executables (classifier, &error);
  device->tells_executables = before.tells_executables;
  device->vk = before.vk;
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (pipelines), >, 5);
  for (gsize i = 0; i < g_variant_n_children (pipelines); i++)
    {
      g_autoptr (GVariant) pipeline = g_variant_get_child_value (pipelines, i);
      g_autoptr (GVariant) executables
          = g_variant_lookup_value (pipeline, "executables", G_VARIANT_TYPE ("aa{sv}"));
      g_autoptr (GVariant) executable = g_variant_get_child_value (executables, 0);
      g_autoptr (GVariant) statistics
          = g_variant_lookup_value (executable, "statistics", G_VARIANT_TYPE_VARDICT);
      guint64 registers = 0;
      double latency = 0;
      guint n = 0;

      g_assert_true (g_variant_lookup (pipeline, "dispatches", "u", &n));
      n_dispatches += n;
      g_assert_true (g_variant_lookup (statistics, "VGPRs", "t", &registers));
      g_assert_true (g_variant_lookup (statistics, "Latency", "d", &latency));
      g_assert_cmpuint (registers, ==, 64);
      g_assert_cmpfloat (latency, ==, 0.5);
    }
  g_variant_lookup (all, "dispatches", "u", &of_network); /* no frame was seen: no preprocessing */
  g_assert_cmpuint (n_dispatches, ==, of_network);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/classifier/many", Fixture, NULL, set_up, test_many, tear_down);
  g_test_add ("/classifier/regions", Fixture, NULL, set_up, test_regions, tear_down);
  g_test_add ("/classifier/mixed-batch", Fixture, NULL, set_up, test_mixed_batch, tear_down);
  g_test_add ("/classifier/bad-regions", Fixture, NULL, set_up, test_bad_regions, tear_down);
  g_test_add ("/classifier/in-place", Fixture, NULL, set_up, test_in_place, tear_down);
  g_test_add ("/classifier/in-place-batch", Fixture, NULL, set_up, test_in_place_batch, tear_down);
  g_test_add ("/classifier/upload", Fixture, NULL, set_up, test_upload, tear_down);
  g_test_add ("/classifier/ring", Fixture, NULL, set_up, test_ring, tear_down);
  g_test_add ("/classifier/statistics", Fixture, NULL, set_up, test_statistics, tear_down);
  g_test_add ("/classifier/activation", Fixture, NULL, set_up, test_activation, tear_down);
  g_test_add ("/classifier/no-image", Fixture, NULL, set_up, test_no_image, tear_down);
  g_test_add ("/classifier/one-class", Fixture, NULL, set_up, test_one_class, tear_down);
  g_test_add ("/classifier/threads", Fixture, NULL, set_up, test_threads, tear_down);
  g_test_add ("/classifier/profile", Fixture, NULL, set_up, test_profile, tear_down);
  g_test_add ("/classifier/profile-busy", Fixture, NULL, set_up, test_profile_busy, tear_down);
  g_test_add ("/classifier/executables", Fixture, NULL, set_up, test_executables, tear_down);
  return g_test_run ();
}
