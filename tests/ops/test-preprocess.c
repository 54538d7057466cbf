/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preprocessing against a double-precision oracle that is written from the definitions: every
 * format, colorimetry, crop and filter, in every kernel and storage. */
#include "ops/preprocess.h"

#include <math.h>

typedef struct
{
  EffvkFormat format;
  guint width, height;
  guint padding; /* bytes of a row beyond its pixels */
  guint crop[4]; /* x, y, width, height; all 0: the whole frame */
  EffvkMatrix matrix;
  gboolean full_range;
  EffvkChromaSite site;
  EffvkOrientation orientation;
  guint pixel_width, pixel_height; /* 0: square */
  EffvkRecipe recipe;
  guint batch;
  EffvkFormat second; /* of every second item of the batch, if not unknown */
  gboolean luma;      /* a network of one input channel */
  gboolean one_pass;  /* it has to be */
} Case;

#define CENTER_BICUBIC(w, h, size)                                                                 \
  {                                                                                                \
    w, h, size, EFFVK_INTERPOLATION_BICUBIC, TRUE, EFFVK_CROP_CENTER, { 0.485f, 0.456f, 0.406f },  \
    {                                                                                              \
      0.229f, 0.224f, 0.225f                                                                       \
    }                                                                                              \
  }

static const Case default_case = { .format = EFFVK_FORMAT_RGB,
                                   .width = 61,
                                   .height = 47,
                                   .recipe = CENTER_BICUBIC (22, 19, 26),
                                   .site = EFFVK_CHROMA_SITE_LEFT,
                                   .batch = 1 };

static EffvkDevice *device;

static guint
get_channels (const Case *test)
{
  return test->luma ? 1 : 3;
}

/* --- the oracle --- */

static double
filter (EffvkInterpolation interpolation, double x)
{
  double a = fabs (x);

  if (interpolation == EFFVK_INTERPOLATION_BILINEAR)
    return MAX (0.0, 1.0 - a);
  if (a <= 1.0)
    return 1.5 * a * a * a - 2.5 * a * a + 1.0;
  return a < 2.0 ? -0.5 * a * a * a + 2.5 * a * a - 4.0 * a + 2.0 : 0.0;
}

/* The picture: x, y, width, height. */
static void
get_crop (const Case *test, guint crop[4])
{
  const guint whole[4] = { 0, 0, test->width, test->height };

  memcpy (crop, test->crop[2] ? test->crop : whole, sizeof whole);
}

static gboolean
is_turned (const Case *test)
{
  return test->orientation % 4 % 2;
}

/* The picture's size when it is upright, and what its sides are like to each other. */
static void
get_shown (const Case *test, guint shown[2], double sides[2])
{
  guint crop[4];

  get_crop (test, crop);
  shown[is_turned (test)] = crop[2];
  shown[!is_turned (test)] = crop[3];
  sides[is_turned (test)] = crop[2] * (double) MAX (test->pixel_width, 1);
  sides[!is_turned (test)] = crop[3] * (double) MAX (test->pixel_height, 1);
}

/* What all of the picture becomes along one axis. */
static double
get_resized (const Case *test, gboolean vertical, const double sides[2])
{
  const EffvkRecipe *recipe = &test->recipe;
  double shorter = MIN (recipe->width, recipe->height);
  double x = floor (recipe->width * (double) recipe->resize_size / shorter + 1e-9);
  double y = floor (recipe->height * (double) recipe->resize_size / shorter + 1e-9);
  double by_x = sides[vertical] * x / sides[0], by_y = sides[vertical] * y / sides[1];

  if (recipe->crop_mode == EFFVK_CROP_SQUASH)
    return vertical ? y : x;
  if (recipe->crop_mode == EFFVK_CROP_BORDER)
    return MAX (1.0, nearbyint (MIN (by_x, by_y)));
  return floor (MAX (by_x, by_y) + (recipe->width == recipe->height ? 0.0 : 0.5) + 1e-9);
}

/* The weight of every pixel of the picture, upright, for every output of one axis: [n][length]; all
 * 0 for outputs that lie beside the picture. */
static double *
make_weights (const Case *test, gboolean vertical)
{
  const EffvkRecipe *recipe = &test->recipe;
  guint shown[2], length, n = vertical ? recipe->height : recipe->width;
  double *weights, sides[2], resized, scale, offset, widen;

  get_shown (test, shown, sides);
  length = shown[vertical];
  weights = g_new0 (double, (gsize) n *length);
  resized = get_resized (test, vertical, sides);
  scale = length / resized;
  offset = resized >= n ? nearbyint ((resized - n) / 2.0) : -floor ((n - resized) / 2.0);
  widen = recipe->antialias && scale > 1.0 ? scale : 1.0;
  for (guint i = 0; i < n; i++)
    {
      double centre = (offset + i + 0.5) * scale, sum = 0.0;

      if (centre < 0.0 || centre > length)
        continue;
      for (guint j = 0; j < length; j++)
        sum += weights[i * length + j] = filter (recipe->interpolation, (j + 0.5 - centre) / widen);
      g_assert_cmpfloat (sum, >, 0.0);
      for (guint j = 0; j < length; j++)
        weights[i * length + j] /= sum;
    }
  return weights;
}

/* Samples of chroma are this many pixels apart, across and down; from the formats' definitions. */
static void
get_subsampling (EffvkFormat format, guint *across, guint *down)
{
  *across = *down = 1;
  switch (format)
    {
    case EFFVK_FORMAT_I420:
    case EFFVK_FORMAT_YV12:
    case EFFVK_FORMAT_NV12:
    case EFFVK_FORMAT_NV21:
    case EFFVK_FORMAT_P010_10LE:
    case EFFVK_FORMAT_P012_LE:
    case EFFVK_FORMAT_P016_LE:
    case EFFVK_FORMAT_I420_10LE:
    case EFFVK_FORMAT_I420_12LE:
      *across = *down = 2;
      break;
    case EFFVK_FORMAT_Y42B:
    case EFFVK_FORMAT_NV16:
    case EFFVK_FORMAT_NV61:
    case EFFVK_FORMAT_YUY2:
    case EFFVK_FORMAT_UYVY:
    case EFFVK_FORMAT_YVYU:
    case EFFVK_FORMAT_VYUY:
    case EFFVK_FORMAT_I422_10LE:
    case EFFVK_FORMAT_I422_12LE:
      *across = 2;
      break;
    default:
      break;
    }
}

/* Bits of a code, and of its word below it; from the formats' definitions. */
static void
get_depth (EffvkFormat format, guint *depth, guint *shift)
{
  *depth = 8;
  *shift = 0;
  switch (format)
    {
    case EFFVK_FORMAT_P010_10LE:
      *shift = 6;
      *depth = 10;
      break;
    case EFFVK_FORMAT_P012_LE:
      *shift = 4;
      *depth = 12;
      break;
    case EFFVK_FORMAT_I420_10LE:
    case EFFVK_FORMAT_I422_10LE:
    case EFFVK_FORMAT_Y444_10LE:
      *depth = 10;
      break;
    case EFFVK_FORMAT_I420_12LE:
    case EFFVK_FORMAT_I422_12LE:
    case EFFVK_FORMAT_Y444_12LE:
      *depth = 12;
      break;
    case EFFVK_FORMAT_GRAY16_LE:
    case EFFVK_FORMAT_P016_LE:
    case EFFVK_FORMAT_Y444_16LE:
      *depth = 16;
      break;
    default:
      break;
    }
}

/* Sample @x of a component in its row, as a code. */
static double
get_code (const guint8 *row, const EffvkComponent *component, guint x, EffvkFormat format)
{
  const guint8 *sample = row + x * component->step + component->offset;
  guint depth, shift;

  get_depth (format, &depth, &shift);
  return depth == 8 ? sample[0] : (sample[0] | sample[1] << 8) >> shift;
}

/* Where pixel @i of the frame lies among the samples of a plane with one every @step pixels: two samples, the second
 * one's weight; nothing beyond those of the picture. */
static double
place (guint i, guint step, guint first, guint length, gboolean cosited, guint samples[2])
{
  double at = cosited ? i / (double) step : (i + 0.5) / step - 0.5;
  double low = first / step, high = (first + length + step - 1) / step - 1;

  at = CLAMP (at, low, high);
  samples[0] = (guint) at;
  samples[1] = (guint) MIN (samples[0] + 1.0, high);
  return at - samples[0];
}

/* Component @c of every pixel of the picture, as codes: chroma is brought up bilinearly. */
static double *
get_component (const Case *test, const EffvkImage *image, guint c)
{
  const EffvkFormatInfo *info = effvk_format_get_info (test->format);
  const EffvkComponent *component = &info->components[c];
  const guint8 *data = image->planes[component->plane].data;
  gsize stride = image->planes[component->plane].stride;
  guint crop[4], across, down;
  double *result;

  get_crop (test, crop);
  get_subsampling (test->format, &across, &down);
  result = g_new (double, (gsize) crop[2] * crop[3]);
  for (guint y = 0; y < crop[3]; y++)
    for (guint x = 0; x < crop[2]; x++)
      {
        guint xs[2] = { crop[0] + x, crop[0] + x }, ys[2] = { crop[1] + y, crop[1] + y };
        double u = 0.0, v = 0.0, value = 0.0;

        if (c > 0)
          {
            u = place (crop[0] + x, across, crop[0], crop[2],
                       test->site != EFFVK_CHROMA_SITE_CENTER, xs);
            v = place (crop[1] + y, down, crop[1], crop[3],
                       test->site == EFFVK_CHROMA_SITE_TOP_LEFT, ys);
          }
        for (guint k = 0; k < 4; k++)
          value += (k & 1 ? u : 1.0 - u) * (k & 2 ? v : 1.0 - v)
                   * get_code (data + ys[k >> 1] * stride, component, xs[k & 1], test->format);
        result[y * crop[2] + x] = value;
      }
  return result;
}

/* Mirrors and turns the picture as its orientation says, a quarter after the other. */
static double *
make_upright (const Case *test, double *pixels)
{
  guint crop[4], width, height;

  get_crop (test, crop);
  width = crop[2];
  height = crop[3];
  if (test->orientation >= EFFVK_ORIENTATION_FLIP_ROTATE_0)
    for (guint y = 0; y < height; y++)
      for (guint x = 0; x < width / 2; x++)
        {
          double left = pixels[y * width + x];

          pixels[y * width + x] = pixels[y * width + width - 1 - x];
          pixels[y * width + width - 1 - x] = left;
        }
  for (int quarter = 0; quarter < (int) test->orientation % 4; quarter++)
    {
      double *turned = g_new (double, (gsize) width *height);
      guint old_width = width;

      for (guint y = 0; y < height; y++)
        for (guint x = 0; x < width; x++)
          turned[x * height + height - 1 - y] = pixels[y * width + x];
      g_free (pixels);
      pixels = turned;
      width = height;
      height = old_width;
    }
  return pixels;
}

/* One pass over [@size[1],@size[0]], along an axis which has @n pixels then; NaN beside the picture. Frees @pixels. */
static double *
filter_axis (double *pixels, guint size[2], const double *weights, guint n, gboolean vertical,
             gboolean rounds)
{
  guint length = size[vertical], others = size[!vertical];
  guint step = vertical ? others : 1, other_step = vertical ? 1 : length;
  guint to_step = vertical ? others : 1, to_other_step = vertical ? 1 : n;
  double *result = g_new (double, (gsize) n *others);

  for (guint i = 0; i < n; i++)
    for (guint other = 0; other < others; other++)
      {
        double sum = 0.0, total = 0.0;

        for (guint j = 0; j < length; j++)
          if (weights[i * length + j] != 0.0)
            {
              total += weights[i * length + j];
              sum += weights[i * length + j] * pixels[j * step + other * other_step];
            }
        if (rounds && !isnan (sum))
          sum = floor (CLAMP (sum, 0.0, 255.0) + 0.5);
        result[i * to_step + other * to_other_step] = total != 0.0 ? sum : NAN;
      }
  size[vertical] = n;
  g_free (pixels);
  return result;
}

/* Component @c of all outputs, [H,W], as codes; NaN beside the picture. Rounded after each pass where PIL would,
 * which begins with the horizontal one; so must who uses a filter that overshoots. With others the rows of the frame as it
 * lies come first, where the order hardly shows. */
static double *
resample (const Case *test, const EffvkImage *image, guint c)
{
  gboolean rounds = test->recipe.eight_bits && !effvk_format_get_info (test->format)->yuv
                    && test->format != EFFVK_FORMAT_GRAY16_LE;
  gboolean vertical
      = test->recipe.interpolation == EFFVK_INTERPOLATION_BILINEAR && !is_turned (test);
  double *pixels = make_upright (test, get_component (test, image, c)), sides[2];
  guint size[2];

  get_shown (test, size, sides);
  for (guint pass = 0; pass < 2; pass++, vertical = !vertical)
    {
      g_autofree double *weights = make_weights (test, vertical);

      pixels = filter_axis (pixels, size, weights,
                            vertical ? test->recipe.height : test->recipe.width, vertical, rounds);
    }
  return pixels;
}

/* Codes to R'G'B' in 0..1, from the definition of the standards. */
static void
to_rgb (const Case *test, double v[3])
{
  static const double kr_kb[][2]
      = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 }, { 0.212, 0.087 } };
  double kr = kr_kb[test->matrix][0], kb = kr_kb[test->matrix][1];
  guint depth, shift;
  double full, unit, y, cb, cr;

  get_depth (test->format, &depth, &shift);
  full
      = (1u << depth) - 1; /* and of limited range, codes are those of 8 bits, times a power of 2 */
  unit = 1u << (depth - 8);
  if (!effvk_format_get_info (test->format)->yuv)
    {
      for (guint c = 0; c < 3; c++)
        v[c] = test->full_range ? v[c] / full : (v[c] / unit - 16.0) / 219.0;
      return;
    }
  y = test->full_range ? v[0] / full : (v[0] / unit - 16.0) / 219.0;
  cb = (v[1] - 128.0 * unit) / (test->full_range ? full : 224.0 * unit);
  cr = (v[2] - 128.0 * unit) / (test->full_range ? full : 224.0 * unit);
  v[0] = y + 2.0 * (1.0 - kr) * cr;
  v[2] = y + 2.0 * (1.0 - kb) * cb;
  v[1] = (y - kr * v[0] - kb * v[2]) / (1.0 - kr - kb);
}

/* [H,W,3] or of luma [H,W], in 0..1, before the normalisation. */
static double *
oracle (const Case *test, const EffvkImage *image)
{
  gsize n = (gsize) test->recipe.width * test->recipe.height;
  double *rgb = g_new (double, n * 3), *components[3];

  for (guint c = 0; c < 3; c++)
    components[c] = resample (test, image, c);
  for (gsize i = 0; i < n; i++)
    {
      double *v = rgb + i * 3;

      for (guint c = 0; c < 3; c++)
        v[c] = components[c][i];
      to_rgb (test, v);
      for (guint c = 0; c < 3; c++)
        {
          v[c] = CLAMP (v[c], 0.0, 1.0);
          if (test->recipe.eight_bits)
            v[c] = floor (v[c] * 255.0 + 0.5) / 255.0;
        }
      if (isnan (components[0][i])) /* beside the picture: the mean colour, in 8 bits */
        {
          for (guint c = 0; c < 3; c++)
            rgb[test->luma ? i : i * 3 + c] = rint (255.0 * test->recipe.mean[c]) / 255.0;
          if (test->luma)
            rgb[i] = rint (255.0 * test->recipe.mean[0]) / 255.0;
          continue;
        }
      if (test->luma)
        rgb[i] = 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
      if (test->luma && test->recipe.eight_bits)
        rgb[i] = floor (rgb[i] * 255.0 + 0.5) / 255.0;
    }
  for (guint c = 0; c < 3; c++)
    g_free (components[c]);
  return rgb;
}

/* --- the device --- */

/* Leaves what a plane of samples of two bytes may hold: no bits above the code, none below. */
static void
fit_words (const Case *test, guint8 *data, gsize stride, gsize size)
{
  guint depth, shift;

  get_depth (test->format, &depth, &shift);
  for (gsize i = 0; depth > 8 && i < size; i++)
    if (i % stride % 2)
      data[i] >>= 16 - depth - shift;
    else
      data[i] &= (guint8) ~((1u << shift) - 1);
}

/* Pixels: chroma is kept near grey so that not every colour is out of gamut. */
static EffvkImage *
make_image (const Case *test)
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

static void
free_image (EffvkImage *image)
{
  for (guint p = 0; p < EFFVK_IMAGE_MAX_PLANES; p++)
    g_free ((guint8 *) image->planes[p].data);
  effvk_image_free (image);
}

/* Item @i of a batch. */
static Case
get_item (const Case *test, guint i)
{
  Case item = *test;

  if (i % 2 && test->second != EFFVK_FORMAT_UNKNOWN)
    item.format = test->second;
  return item;
}

/* Puts the images where the op will look for them. */
static void
fill (const Case *test, EffvkImage **images, EffvkPreprocessRoom *room, EffvkBuffer *frames,
      EffvkBuffer *items)
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
  effvk_buffer_init (frames, device, EFFVK_MEMORY_UPLOAD, size, "frames", &error);
  g_assert_no_error (error);
  effvk_buffer_init (items, device, EFFVK_MEMORY_UPLOAD,
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
static float *
run (const Case *test, EffvkImage **images, const char *kernel, EffvkStorage storage)
{
  const EffvkRecipe *recipe = &test->recipe;
  g_autoptr (EffvkProgram) program = effvk_program_new (device, EFFVK_PROGRAM_SEPARATE);
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
bound (const Case *test, EffvkStorage storage)
{
  /* Half-way values may round to either side, once or in both passes; limited range is spread then. */
  if (test->recipe.eight_bits)
    return (test->full_range ? 1.1 : 2.1) / 255.0;
  return storage == EFFVK_STORAGE_F16 ? 0.08 / 255.0 : 0.005 / 255.0;
}

/* Half-way values are rare; without rounding this is 0.25. */
#define ROUNDED_MEAN (0.1 / 255.0)

static void
check_with (const Case *test, EffvkImage **images, const double *expected, const char *kernel,
            EffvkStorage storage)
{
  gsize n = (gsize) test->batch * test->recipe.width * test->recipe.height * get_channels (test);
  g_autofree float *got = run (test, images, kernel, storage);
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

static void
check (const Case *test)
{
  gsize n = (gsize) test->recipe.width * test->recipe.height * get_channels (test);
  g_autofree double *expected = g_new (double, n * test->batch);
  g_autofree EffvkImage **images = g_new (EffvkImage *, test->batch);

  for (guint i = 0; i < test->batch; i++)
    {
      const Case item = get_item (test, i);
      g_autofree double *rgb = NULL;

      images[i] = make_image (&item);
      rgb = oracle (&item, images[i]);
      memcpy (expected + i * n, rgb, n * sizeof (double));
    }
  for (guint k = 0; k < effvk_preprocess_n_kernels; k++)
    if (effvk_preprocess_kernels[k].usable (effvk_device_get_caps (device)))
      for (guint storage = EFFVK_STORAGE_F32; storage <= EFFVK_STORAGE_F16; storage++)
        check_with (test, images, expected, effvk_preprocess_kernels[k].name,
                    (EffvkStorage) storage);
  for (guint i = 0; i < test->batch; i++)
    free_image (images[i]);
}

/* --- the tests --- */

static void
test_formats (void)
{
  static const guint paddings[] = { 0, 3, 5, 16 };

  for (int format = EFFVK_FORMAT_RGB; format <= EFFVK_FORMAT_Y444_16LE; format++)
    for (guint i = 0; i < G_N_ELEMENTS (paddings); i++)
      {
        Case test = default_case;

        test.format = (EffvkFormat) format;
        test.padding = paddings[i];
        test.full_range = i >= 2;
        if (i % 2) /* edge to edge */
          test.recipe.crop_mode = EFFVK_CROP_SQUASH;
        check (&test);
      }
}

/* Filters of two samples: one pass for every format, in all parts of a frame, which may end where its memory does. */
static void
test_one_pass (void)
{
  static const guint crops[][4] = { { 0 }, { 7, 5, 33, 29 }, { 60, 46, 1, 1 }, { 3, 2, 58, 45 } };

  for (int format = EFFVK_FORMAT_RGB; format <= EFFVK_FORMAT_Y444_16LE; format++)
    for (guint i = 0; i < 12; i++)
      {
        Case test = default_case;

        test.format = (EffvkFormat) format;
        test.padding = i % 3 * 7;
        test.full_range = i % 2;
        test.matrix = (EffvkMatrix) (i % 4);
        test.site = (EffvkChromaSite) (i % 3);
        test.orientation = (EffvkOrientation) (i % 8);
        memcpy (test.crop, crops[i / 3], sizeof test.crop);
        test.recipe.interpolation = EFFVK_INTERPOLATION_BILINEAR;
        test.recipe.antialias = FALSE;
        test.recipe.crop_mode = (EffvkCropMode) (i / 4);
        test.one_pass = TRUE;
        check (&test);
      }
}

/* Frames of several formats in a batch: each pass does its own. */
static void
test_mixed (void)
{
  static const EffvkFormat formats[] = { EFFVK_FORMAT_NV12, EFFVK_FORMAT_RGB, EFFVK_FORMAT_YUY2,
                                         EFFVK_FORMAT_I420_10LE, EFFVK_FORMAT_I420 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint bits = 0; bits < 4; bits++)
      {
        Case test = default_case;

        /* Chroma has fewer taps than luma, in a batch with frames whose rows are longer. */
        test.width = 307;
        test.height = 127;
        test.format = formats[f];
        test.second = formats[(f + 1) % G_N_ELEMENTS (formats)];
        test.batch = 3;
        test.recipe.interpolation = EFFVK_INTERPOLATION_BILINEAR;
        test.recipe.antialias = bits & 1;
        test.recipe.eight_bits = bits >> 1;
        test.one_pass = bits == 0;
        check (&test);
      }
}

/* Crops at odd and even places; what lies around is other noise, and must not be seen. */
static void
test_crops (void)
{
  static const guint crops[][4]
      = { { 0, 0, 61, 47 }, { 7, 5, 33, 29 }, { 8, 6, 32, 28 },  { 13, 0, 1, 47 },
          { 0, 46, 61, 1 }, { 60, 46, 1, 1 }, { 11, 21, 2, 25 }, { 3, 2, 57, 20 } };
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_RGB,  EFFVK_FORMAT_GRAY8, EFFVK_FORMAT_I420,      EFFVK_FORMAT_NV12,
          EFFVK_FORMAT_Y42B, EFFVK_FORMAT_NV24,  EFFVK_FORMAT_GBR,       EFFVK_FORMAT_XBGR,
          EFFVK_FORMAT_YUY2, EFFVK_FORMAT_VYUY,  EFFVK_FORMAT_P010_10LE, EFFVK_FORMAT_I420_10LE };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint i = 0; i < G_N_ELEMENTS (crops); i++)
      {
        Case test = default_case;

        test.format = formats[f];
        memcpy (test.crop, crops[i], sizeof test.crop);
        check (&test);
      }
}

static void
test_colorimetry (void)
{
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_NV12,      EFFVK_FORMAT_I420,      EFFVK_FORMAT_UYVY,
          EFFVK_FORMAT_P010_10LE, EFFVK_FORMAT_I420_12LE, EFFVK_FORMAT_P016_LE,
          EFFVK_FORMAT_Y444_10LE, EFFVK_FORMAT_GRAY8,     EFFVK_FORMAT_GRAY16_LE,
          EFFVK_FORMAT_RGB };

  for (int matrix = EFFVK_MATRIX_BT601; matrix <= EFFVK_MATRIX_SMPTE240M; matrix++)
    for (gboolean full_range = FALSE; full_range <= TRUE; full_range++)
      for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
        for (int site = EFFVK_CHROMA_SITE_CENTER; site <= EFFVK_CHROMA_SITE_TOP_LEFT; site++)
          {
            Case test = default_case;

            test.format = formats[f];
            test.matrix = (EffvkMatrix) matrix;
            test.full_range = full_range;
            test.site = (EffvkChromaSite) site;
            check (&test);
          }
}

/* All filters and crop modes, shrinking and growing, upright and wide. */
static void
test_recipes (void)
{
  static const guint sizes[][2] = { { 61, 47 }, { 40, 90 }, { 9, 7 }, { 26, 26 } };
  static const guint networks[][3] = { { 22, 19, 26 }, { 19, 21, 24 }, { 24, 24, 24 },
                                       { 7, 1, 9 },    { 1, 6, 8 },    { 33, 34, 41 } };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint k = 0; k < G_N_ELEMENTS (networks); k++)
      for (guint bits = 0; bits < 8; bits++)
        {
          Case test = default_case;

          test.format = (s + bits) % 2 ? EFFVK_FORMAT_NV12 : EFFVK_FORMAT_BGR;
          test.width = sizes[s][0];
          test.height = sizes[s][1];
          test.recipe.width = networks[k][0];
          test.recipe.height = networks[k][1];
          test.recipe.resize_size = networks[k][2];
          test.recipe.interpolation
              = bits & 1 ? EFFVK_INTERPOLATION_BICUBIC : EFFVK_INTERPOLATION_BILINEAR;
          test.recipe.antialias = bits >> 1 & 1;
          test.recipe.crop_mode = bits >> 2 ? EFFVK_CROP_CENTER : EFFVK_CROP_SQUASH;
          check (&test);
        }
}

/* Turned and mirrored frames, with parts of them, in every crop mode and with inputs that are not
 * square. */
static void
test_orientations (void)
{
  static const guint networks[][3]
      = { { 22, 19, 26 }, { 19, 22, 19 }, { 24, 24, 24 }, { 24, 24, 27 } };
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_RGB, EFFVK_FORMAT_NV12, EFFVK_FORMAT_YUY2, EFFVK_FORMAT_I420_10LE };

  for (int orientation = EFFVK_ORIENTATION_ROTATE_0;
       orientation <= EFFVK_ORIENTATION_FLIP_ROTATE_270; orientation++)
    for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
      for (guint k = 0; k < G_N_ELEMENTS (networks); k++)
        for (int mode = EFFVK_CROP_CENTER; mode <= EFFVK_CROP_BORDER; mode++)
          {
            Case test = default_case;

            test.format = formats[f];
            test.orientation = (EffvkOrientation) orientation;
            test.recipe.width = networks[k][0];
            test.recipe.height = networks[k][1];
            test.recipe.resize_size = networks[k][2];
            test.recipe.crop_mode = (EffvkCropMode) mode;
            if ((f + k) % 2)
              memcpy (test.crop, (guint[]){ 7, 5, 33, 28 }, sizeof test.crop);
            check (&test);
          }
}

/* Pixels that are not square, and a picture with a border. */
static void
test_proportions (void)
{
  static const guint pixels[][2]
      = { { 0, 0 }, { 16, 11 }, { 59, 54 }, { 1, 2 }, { 3, 1 }, { 4, 5 } };
  static const guint sizes[][2]
      = { { 61, 47 }, { 40, 90 }, { 9, 7 }, { 26, 26 }, { 1, 1 }, { 300, 2 } };
  static const guint networks[][3] = { { 22, 19, 26 }, { 24, 24, 24 }, { 33, 34, 41 } };

  for (guint p = 0; p < G_N_ELEMENTS (pixels); p++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      for (guint k = 0; k < G_N_ELEMENTS (networks); k++)
        for (int mode = EFFVK_CROP_CENTER; mode <= EFFVK_CROP_BORDER; mode++)
          {
            Case test = default_case;

            test.format = (p + s) % 2 ? EFFVK_FORMAT_NV12 : EFFVK_FORMAT_BGR;
            test.pixel_width = pixels[p][0];
            test.pixel_height = pixels[p][1];
            test.width = sizes[s][0];
            test.height = sizes[s][1];
            test.recipe.width = networks[k][0];
            test.recipe.height = networks[k][1];
            test.recipe.resize_size = networks[k][2];
            test.recipe.crop_mode = (EffvkCropMode) mode;
            test.orientation = (EffvkOrientation) ((p + s + k) % 8);
            test.recipe.antialias = k != 2;
            test.luma = k == 0 && mode == EFFVK_CROP_BORDER;
            check (&test);
          }
}

/* Rounding between the passes changes most pixels, so a test of it alone must have few that differ.
 */
static void
test_eight_bits (void)
{
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_RGB,       EFFVK_FORMAT_BGRX,     EFFVK_FORMAT_XBGR, EFFVK_FORMAT_GBR,
          EFFVK_FORMAT_BGR,       EFFVK_FORMAT_GRAY8,    EFFVK_FORMAT_NV12, EFFVK_FORMAT_YUY2,
          EFFVK_FORMAT_GRAY16_LE, EFFVK_FORMAT_P010_10LE };
  static const guint sizes[][2] = { { 61, 47 }, { 9, 70 }, { 200, 7 }, { 333, 222 } };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      for (guint bits = 0; bits < 8; bits++)
        {
          Case test = default_case;

          test.format = formats[f];
          test.width = sizes[s][0];
          test.height = sizes[s][1];
          test.padding = f * 7;
          test.recipe.eight_bits = TRUE;
          test.full_range = bits >> 1 & 1;
          test.recipe.interpolation
              = bits & 1 ? EFFVK_INTERPOLATION_BICUBIC : EFFVK_INTERPOLATION_BILINEAR;
          test.batch = 1 + (bits >> 2);
          test.orientation = (EffvkOrientation) ((f + s * 3 + bits) % 8);
          if (s == 3)
            memcpy (test.crop, (guint[]){ 17, 5, 233, 128 }, sizeof test.crop);
          check (&test);
        }
}

static void
test_extremes (void)
{
  static const guint sizes[][2]
      = { { 1, 1 }, { 2, 1 },    { 1, 2 },    { 2, 2 },     { 3, 3 },
          { 4, 5 }, { 1, 4096 }, { 4096, 1 }, { 16384, 2 }, { 3, 16384 } };

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    for (guint bits = 0; bits < 8; bits++)
      {
        Case test = default_case;

        test.format = bits & 1 ? EFFVK_FORMAT_I420 : EFFVK_FORMAT_RGBA;
        test.width = sizes[s][0];
        test.height = sizes[s][1];
        test.recipe.crop_mode = bits & 2 ? EFFVK_CROP_CENTER : EFFVK_CROP_SQUASH;
        test.recipe.antialias = bits >> 2 & 1;
        check (&test);
      }
}

static void
test_batch (void)
{
  static const EffvkFormat formats[] = { EFFVK_FORMAT_RGB, EFFVK_FORMAT_YV12, EFFVK_FORMAT_NV21 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint batch = 2; batch <= 5; batch += 3)
      {
        Case test = default_case;

        test.format = formats[f];
        test.batch = batch;
        check (&test);
      }
}

/* A network that takes luma. */
static void
test_luma (void)
{
  static const EffvkFormat formats[]
      = { EFFVK_FORMAT_RGB, EFFVK_FORMAT_BGRA, EFFVK_FORMAT_NV12, EFFVK_FORMAT_GRAY8 };

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint bits = 0; bits < 2; bits++)
      {
        Case test = default_case;

        test.format = formats[f];
        test.matrix = EFFVK_MATRIX_BT709;
        test.batch = 2;
        test.luma = TRUE;
        test.recipe.eight_bits = bits;
        check (&test);
      }
}

/* One case of the real size, by the usual recipe. */
static void
test_real_size (void)
{
  Case test = default_case;

  test.format = EFFVK_FORMAT_NV12;
  test.width = 639;
  test.height = 361;
  test.recipe = (EffvkRecipe) CENTER_BICUBIC (224, 224, 256);
  check (&test);
}

/* Chroma that is a linear ramp over the picture, sampled where its site says, must come out as that
 * ramp whatever the site: this does not depend on the oracle's idea of where a sample lies. */
static void
test_siting (void)
{
  /* Centres of the chroma samples, in pixels, across and down. */
  static const double centres[][2] = { { 1.0, 1.0 }, { 0.5, 1.0 }, { 0.5, 0.5 } };

  for (int site = EFFVK_CHROMA_SITE_CENTER; site <= EFFVK_CHROMA_SITE_TOP_LEFT; site++)
    for (guint vertical = 0; vertical < 2; vertical++)
      {
        Case test = default_case;
        EffvkImage *image;
        g_autofree float *got = NULL;

        test.format = EFFVK_FORMAT_I420;
        test.width = test.height = 128;
        test.full_range = TRUE;
        test.site = (EffvkChromaSite) site;
        test.recipe = (EffvkRecipe) CENTER_BICUBIC (48, 48, 48);
        image = make_image (&test);
        for (guint y = 0; y < 128; y++)
          memset ((guint8 *) image->planes[0].data + y * 128, 128, 128);
        for (guint y = 0; y < 64; y++)
          for (guint x = 0; x < 64; x++)
            {
              double at = 2.0 * (vertical ? y : x) + centres[site][vertical];

              ((guint8 *) image->planes[1].data)[y * 64 + x] = 128;
              /* Codes are whole, so cosited samples all lose the half of their place. */
              ((guint8 *) image->planes[2].data)[y * 64 + x] = (guint8) floor (at + 64.0);
            }
        got = run (&test, &image, effvk_preprocess_kernels[0].name, EFFVK_STORAGE_F32);
        for (guint y = 8; y < 40; y++)
          for (guint x = 8; x < 40; x++)
            {
              double at = ((vertical ? y : x) + 0.5) * 128.0 / 48.0;
              double lost = centres[site][vertical] == 0.5 ? 0.5 : 0.0;
              double cr = (at + 64.0 - lost - 128.0) / 255.0;
              double red = 128.0 / 255.0 + 1.402 * cr;

              /* A wrong site is off by half a code or more. */
              g_assert_cmpfloat (fabs (got[(y * 48 + x) * 3] - red), <, 0.1 / 255.0);
            }
        free_image (image);
      }
}

/* Only what the crop's taps read is filtered, of the rows and of the columns. */
static void
test_extent (void)
{
  static const struct
  {
    EffvkFormat format;
    EffvkRectangle crop;
    guint width, height,
        bytes; /* of the luma or RGB plane that the recipe's crop needs, taps included */
  } cases[] = { { EFFVK_FORMAT_NV12, { 501, 301, 100, 50 }, 60, 50, 1 },
                { EFFVK_FORMAT_NV12, { 0, 0, 1920, 64 }, 64, 64, 1 },
                { EFFVK_FORMAT_RGB, { 0, 0, 64, 1080 }, 64, 64, 3 } };
  EffvkRecipe recipe = CENTER_BICUBIC (24, 24, 24);

  for (guint bits = 0; bits < 2; bits++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_autoptr (EffvkImage) image = effvk_image_new (cases[i].format, 1920, 1080);
        g_autoptr (EffvkPreprocessPlan) plan = NULL;
        EffvkPreprocessRoom room = { 0 };
        const EffvkRectangle *crop = &cases[i].crop;
        guint slack = 48; /* pixels: the filter's width, and what a texel holds besides */
        guint columns = 0;

        recipe.eight_bits = bits;
        g_assert_true (effvk_image_set_crop (image, crop->x, crop->y, crop->width, crop->height));
        plan = effvk_preprocess_plan_new (&image->layout, &recipe);
        effvk_preprocess_room_grow (&room, plan);
        g_assert_cmpuint (room.narrow_rows, <=, cases[i].height + slack);
        for (guint shape = 0; shape < EFFVK_ROWS_N_SHAPES; shape++)
          {
            g_assert_cmpuint (room.columns[shape][0] * 16, <=,
                              (cases[i].width + slack) * cases[i].bytes);
            columns += room.columns[shape][0];
          }
        g_assert_cmpuint (columns + room.narrow_columns, >, 0);
        if (bits && cases[i].format == EFFVK_FORMAT_RGB)
          g_assert_cmpuint (room.narrow_rows, >, 0);
      }
}

/* A device without a kernel of that name is an error, not a crash. */
static void
test_unknown_kernel (void)
{
  g_autoptr (EffvkProgram) program = effvk_program_new (device, EFFVK_PROGRAM_DEFAULT);
  const EffvkPreprocessRoom room = { 0 };
  g_autoptr (GError) error = NULL;
  EffvkTensorInfo info = { "input", EFFVK_STORAGE_F32, 1, 19, 22, 3 };
  EffvkOpContext context = { program, EFFVK_STORAGE_F32, .kernel = "no such kernel" };
  EffvkPreprocess op = { .recipe = &default_case.recipe,
                         .room = &room,
                         .output = effvk_program_add_persistent (program, &info) };

  g_assert_false (effvk_preprocess (&context, &op, &error));
  g_assert_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  GError *error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  device = effvk_device_new (g_getenv ("EFFVK_TEST_DEVICE"), &error);
  g_assert_no_error (error);
  g_test_add_func ("/preprocess/formats", test_formats);
  g_test_add_func ("/preprocess/one-pass", test_one_pass);
  g_test_add_func ("/preprocess/mixed", test_mixed);
  g_test_add_func ("/preprocess/crops", test_crops);
  g_test_add_func ("/preprocess/colorimetry", test_colorimetry);
  g_test_add_func ("/preprocess/recipes", test_recipes);
  g_test_add_func ("/preprocess/orientations", test_orientations);
  g_test_add_func ("/preprocess/proportions", test_proportions);
  g_test_add_func ("/preprocess/luma", test_luma);
  g_test_add_func ("/preprocess/eight-bits", test_eight_bits);
  g_test_add_func ("/preprocess/extremes", test_extremes);
  g_test_add_func ("/preprocess/batch", test_batch);
  g_test_add_func ("/preprocess/real-size", test_real_size);
  g_test_add_func ("/preprocess/siting", test_siting);
  g_test_add_func ("/preprocess/extent", test_extent);
  g_test_add_func ("/preprocess/unknown-kernel", test_unknown_kernel);
  status = g_test_run ();
  g_assert_cmpuint (effvk_validation_get_n_messages (), ==, 0);
  g_object_unref (device);
  return status;
}
