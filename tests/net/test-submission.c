/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes into a submission: frames and their parts, copied or read in place. */
#include "base/image.h"
#include "device-fixture.h"

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/submission/regions", Fixture, NULL, set_up, test_regions, tear_down);
  g_test_add ("/submission/mixed-batch", Fixture, NULL, set_up, test_mixed_batch, tear_down);
  g_test_add ("/submission/bad-regions", Fixture, NULL, set_up, test_bad_regions, tear_down);
  g_test_add ("/submission/in-place", Fixture, NULL, set_up, test_in_place, tear_down);
  g_test_add ("/submission/in-place-batch", Fixture, NULL, set_up, test_in_place_batch, tear_down);
  g_test_add ("/submission/upload", Fixture, NULL, set_up, test_upload, tear_down);
  return g_test_run ();
}
