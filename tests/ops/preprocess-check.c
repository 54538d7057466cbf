/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preprocess-check.h"

#include <math.h>

EffvkDevice *preprocess_device;

static guint
get_channels (const PreprocessCase *test)
{
  return test->luma ? 1 : 3;
}

/* Leaves what a plane of samples of two bytes may hold: no bits above the code, none below. */
static void
fit_words (const PreprocessCase *test, guint8 *data, gsize stride, gsize size)
{
  guint depth, shift;

  preprocess_oracle_get_depth (test->format, &depth, &shift);
  for (gsize i = 0; depth > 8 && i < size; i++)
    if (i % stride % 2)
      data[i] >>= 16 - depth - shift;
    else
      data[i] &= (guint8) ~((1u << shift) - 1);
}

/* Pixels: chroma is kept near grey so that not every colour is out of gamut. */
EffvkImage *
preprocess_make_image (const PreprocessCase *test)
{
  EffvkImage *image = effvk_image_new (test->format, test->width, test->height);

  for (guint p = 0; p < effvk_format_get_n_planes (test->format); p++)
    {
      gsize row = effvk_frame_plane_row_bytes (&image->layout, p), stride = row + test->padding;
      gsize size = stride * effvk_frame_plane_rows (&image->layout, p);
      guint8 *data = g_malloc (size);

      for (gsize i = 0; i < size; i++)
        data[i] = (guint8) (p ? g_test_rand_int_range (70, 190) : g_test_rand_int_range (0, 256));
      fit_words (test, data, stride, size);
      g_assert_true (effvk_image_set_plane (image, p, data, stride, size));
    }
  effvk_image_set_colorimetry (image, test->matrix, test->full_range, test->site);
  g_assert_true (effvk_image_set_orientation (image, test->orientation));
  if (test->pixel_width)
    g_assert_true (
        effvk_image_set_pixel_aspect_ratio (image, test->pixel_width, test->pixel_height));
  if (test->crop[2])
    g_assert_true (
        effvk_image_set_crop (image, test->crop[0], test->crop[1], test->crop[2], test->crop[3]));
  return image;
}

void
preprocess_free_image (EffvkImage *image)
{
  for (guint p = 0; p < EFFVK_IMAGE_MAX_PLANES; p++)
    g_free ((guint8 *) image->planes[p].data);
  effvk_image_free (image);
}

/* Item @i of a batch. */
static PreprocessCase
get_item (const PreprocessCase *test, guint i)
{
  PreprocessCase item = *test;

  if (i % 2 && test->second != EFFVK_FORMAT_UNKNOWN)
    item.format = test->second;
  return item;
}

/* Puts the images where the op will look for them. */
static void
fill (const PreprocessCase *test, EffvkImage **images, EffvkPreprocessRoom *room,
      EffvkBuffer *frames, EffvkBuffer *items)
{
  g_autoptr (GPtrArray) plans
      = g_ptr_array_new_with_free_func ((GDestroyNotify) effvk_preprocess_plan_free);
  gsize size = 0;
  GError *error = NULL;

  for (guint i = 0; i < test->batch; i++)
    {
      g_ptr_array_add (plans, effvk_preprocess_plan_new (&images[i]->layout, &test->recipe));
      effvk_preprocess_room_grow (room, g_ptr_array_index (plans, i));
      size += images[i]->layout.size;
    }
  effvk_buffer_init (frames, preprocess_device, EFFVK_MEMORY_UPLOAD, size, "frames", &error);
  g_assert_no_error (error);
  effvk_buffer_init (items, preprocess_device, EFFVK_MEMORY_UPLOAD,
                     effvk_preprocess_items (room, test->batch).size, "items", &error);
  g_assert_no_error (error);
  memset (frames->map, 0xa5, frames->size);
  for (guint i = test->batch; i-- > 0;)
    {
      size -= images[i]->layout.size;
      effvk_image_copy_to (images[i], frames->map + size);
      effvk_preprocess_plan_write (g_ptr_array_index (plans, i), room, test->batch, i, size,
                                   items->map);
    }
  g_assert_true (effvk_buffer_flush (frames, NULL));
  g_assert_true (effvk_buffer_flush (items, NULL));
}

/* Numbers of taps that resize-rows has a dispatch of its own for. */
static guint
count_shapes (const EffvkPreprocessRoom *room)
{
  guint n = 0;

  for (guint shape = 0; shape < EFFVK_ROWS_N_SHAPES; shape++)
    n += room->columns[shape][0] || room->columns[shape][1] || room->columns[shape][2];
  return n;
}

/* [N,H,W,3] in 0..1: what the device made, with the normalisation undone. */
float *
preprocess_run (const PreprocessCase *test, EffvkImage **images, const char *kernel,
                EffvkStorage storage)
{
  const EffvkRecipe *recipe = &test->recipe;
  g_autoptr (EffvkProgram) program = effvk_program_new (preprocess_device, EFFVK_PROGRAM_SEPARATE);
  EffvkTensorInfo info
      = { "input", storage, test->batch, recipe->height, recipe->width, get_channels (test) };
  EffvkOpContext context = { program, storage, .kernel = kernel };
  EffvkPreprocessRoom room = { 0 };
  EffvkBuffer frames, items;
  EffvkPreprocess op = { .recipe = recipe, .room = &room, .items = &items, .batch = test->batch };
  gsize n = (gsize) test->batch * recipe->height * recipe->width * get_channels (test);
  float *result = g_new (float, n);
  GError *error = NULL;

  fill (test, images, &room, &frames, &items);
  op.frames = effvk_preprocess_add_frames (program, &frames);
  op.output = effvk_program_add_persistent (program, &info);

  effvk_preprocess (&context, &op, &error);
  g_assert_no_error (error);
  if (test->one_pass) /* of each shape that there is */
    g_assert_cmpuint (effvk_program_get_n_dispatches (program), ==, test->second ? 2 : 1);
  if (!room.gathers)
    g_assert_cmpuint (effvk_program_get_n_dispatches (program), ==,
                      room.narrow_rows                   ? 3
                      : g_strcmp0 (kernel, "texel") == 0 ? 1 + count_shapes (&room)
                                                         : 2);
  for (guint i = 0; i < effvk_program_get_n_dispatches (program); i++)
    g_assert_cmpstr (effvk_program_get_dispatch (program, i)->kernel, ==, kernel);
  effvk_program_compile (program, &error);
  g_assert_no_error (error);
  effvk_program_run (program, &error);
  g_assert_no_error (error);
  effvk_program_read (program, op.output, result, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < n; i++)
    {
      gsize c = i % get_channels (test);
      result[i] = result[i] * recipe->std[c] + recipe->mean[c];
    }

  g_clear_pointer (&program, effvk_program_free);
  effvk_buffer_clear (&frames);
  effvk_buffer_clear (&items);
  return result;
}

/* The project's bound is 2/255 at most and 0.5/255 in the mean. What is asked for here is what the
 * arithmetic allows: rounding in fp32, or to a half's 11 bits of values up to 3. */
static double
bound (const PreprocessCase *test, EffvkStorage storage)
{
  /* Half-way values may round to either side, once or in both passes; limited range is spread
     then. */
  if (test->recipe.eight_bits)
    return (test->full_range ? 1.1 : 2.1) / 255.0;
  return storage == EFFVK_STORAGE_F16 ? 0.08 / 255.0 : 0.005 / 255.0;
}

/* Half-way values are rare; without rounding this is 0.25. */
#define ROUNDED_MEAN (0.1 / 255.0)

static void
check_with (const PreprocessCase *test, EffvkImage **images, const double *expected,
            const char *kernel, EffvkStorage storage)
{
  gsize n = (gsize) test->batch * test->recipe.width * test->recipe.height * get_channels (test);
  g_autofree float *got = preprocess_run (test, images, kernel, storage);
  double worst = 0.0, sum = 0.0;

  for (gsize i = 0; i < n; i++)
    {
      g_assert_true (isfinite (got[i]));
      worst = MAX (worst, fabs (got[i] - expected[i]));
      sum += fabs (got[i] - expected[i]);
    }
  if (worst > bound (test, storage) || (test->recipe.eight_bits && sum / (double) n > ROUNDED_MEAN))
    g_test_message ("%s %ux%u, crop %ux%u+%u+%u, to %ux%u of %u, %s, %s, antialias %d, matrix %d, "
                    "full range %d, site %d, orientation %d, pixels %u:%u, kernel %s, storage %d: "
                    "off by %g/255",
                    effvk_format_to_string (test->format), test->width, test->height, test->crop[2],
                    test->crop[3], test->crop[0], test->crop[1], test->recipe.width,
                    test->recipe.height, test->recipe.resize_size,
                    test->recipe.interpolation == EFFVK_INTERPOLATION_BICUBIC ? "bicubic"
                                                                              : "bilinear",
                    ((const char *[]){ "center", "squash", "border" })[test->recipe.crop_mode],
                    test->recipe.antialias, test->matrix, test->full_range, test->site,
                    test->orientation, test->pixel_width, test->pixel_height, kernel, storage,
                    worst * 255.0);
  g_assert_cmpfloat (worst, <=, bound (test, storage));
  if (test->recipe.eight_bits)
    g_assert_cmpfloat (sum / (double) n, <=, ROUNDED_MEAN);
}

void
preprocess_check (const PreprocessCase *test)
{
  gsize n = (gsize) test->recipe.width * test->recipe.height * get_channels (test);
  g_autofree double *expected = g_new (double, n * test->batch);
  g_autofree EffvkImage **images = g_new (EffvkImage *, test->batch);

  for (guint i = 0; i < test->batch; i++)
    {
      const PreprocessCase item = get_item (test, i);
      g_autofree double *rgb = NULL;

      images[i] = preprocess_make_image (&item);
      rgb = preprocess_oracle (&item, images[i]);
      memcpy (expected + i * n, rgb, n * sizeof (double));
    }
  for (guint k = 0; k < effvk_preprocess_n_kernels; k++)
    if (effvk_preprocess_kernels[k].usable (effvk_device_get_caps (preprocess_device)))
      for (guint storage = EFFVK_STORAGE_F32; storage <= EFFVK_STORAGE_F16; storage++)
        check_with (test, images, expected, effvk_preprocess_kernels[k].name,
                    (EffvkStorage) storage);
  for (guint i = 0; i < test->batch; i++)
    preprocess_free_image (images[i]);
}
