/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "preprocess-oracle.h"

#include <math.h>

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
get_crop (const PreprocessCase *test, guint crop[4])
{
  const guint whole[4] = { 0, 0, test->width, test->height };

  memcpy (crop, test->crop[2] ? test->crop : whole, sizeof whole);
}

static gboolean
is_turned (const PreprocessCase *test)
{
  return test->orientation % 4 % 2;
}

/* The picture's size when it is upright, and what its sides are like to each other. */
static void
get_shown (const PreprocessCase *test, guint shown[2], double sides[2])
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
get_resized (const PreprocessCase *test, gboolean vertical, const double sides[2])
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
make_weights (const PreprocessCase *test, gboolean vertical)
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
void
preprocess_oracle_get_depth (EffvkFormat format, guint *depth, guint *shift)
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

  preprocess_oracle_get_depth (format, &depth, &shift);
  return depth == 8 ? sample[0] : (sample[0] | sample[1] << 8) >> shift;
}

/* Where pixel @i of the frame lies among the samples of a plane with one every @step pixels: two
 * samples, the second one's weight; nothing beyond those of the picture. */
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
get_component (const PreprocessCase *test, const EffvkImage *image, guint c)
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
make_upright (const PreprocessCase *test, double *pixels)
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

/* One pass over [@size[1],@size[0]], along an axis which has @n pixels then; NaN beside the
   picture. Frees @pixels. */
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

/* Component @c of all outputs, [H,W], as codes; NaN beside the picture. Rounded after each pass
 * where PIL would, which begins with the horizontal one; so must who uses a filter that overshoots.
 * With others the rows of the frame as it lies come first, where the order hardly shows. */
static double *
resample (const PreprocessCase *test, const EffvkImage *image, guint c)
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
to_rgb (const PreprocessCase *test, double v[3])
{
  static const double kr_kb[][2]
      = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 }, { 0.212, 0.087 } };
  double kr = kr_kb[test->matrix][0], kb = kr_kb[test->matrix][1];
  guint depth, shift;
  double full, unit, y, cb, cr;

  preprocess_oracle_get_depth (test->format, &depth, &shift);
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

double *
preprocess_oracle (const PreprocessCase *test, const EffvkImage *image)
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
