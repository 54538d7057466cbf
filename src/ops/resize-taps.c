/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/resize-taps.h"

#include <math.h>

#define TEXEL 16 /* bytes of a frame */

/* The half-width of a filter, in samples. */
static double
filter_support (EffvkInterpolation interpolation)
{
  return interpolation == EFFVK_INTERPOLATION_BICUBIC ? 2.0 : 1.0;
}

/* Triangle, or Keys' cubic with a = -0.5. */
static double
filter_weight (EffvkInterpolation interpolation, double x)
{
  const double a = -0.5;

  x = fabs (x);
  if (interpolation == EFFVK_INTERPOLATION_BILINEAR)
    return x < 1.0 ? 1.0 - x : 0.0;
  if (x < 1.0)
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
}

EffvkTurn
effvk_turn_from_orientation (EffvkOrientation orientation)
{
  guint quarters = orientation % 4;
  gboolean flipped = orientation >= EFFVK_ORIENTATION_FLIP_ROTATE_0;

  return (EffvkTurn){ quarters % 2, (quarters >= 2) != flipped, quarters == 1 || quarters == 2 };
}

/* @resized: the outputs that all of the picture would make, of which @n are taken. */
static EffvkAxis
make_axis (guint first, guint length, guint64 resized, guint n, gboolean mirrored)
{
  double step = (double) length / (double) resized;
  /* What is cut off before the first output, half to even; or, negative, the border there. */
  gint64 cut
      = resized >= n ? (gint64) rint ((double) (resized - n) / 2.0) : -(gint64) ((n - resized) / 2);
  EffvkAxis axis = { .step = step, .first = first, .end = first + length, .n = n };

  if (mirrored)
    cut = (gint64) resized - n - cut;
  axis.origin = first + (double) cut * step;
  axis.inside = (guint) MAX (-cut, 0);
  axis.inside_end = (guint) MIN ((gint64) resized - cut, n);
  return axis;
}

/* @length of one side where @other is the picture's other and @resized what becomes of that. */
static guint64
in_proportion (guint64 length, guint64 other, guint64 resized, const EffvkRecipe *recipe)
{
  if (recipe->crop_mode == EFFVK_CROP_BORDER) /* half to even, as timm */
    return (guint64) MAX (rint ((double) (resized * length) / (double) other), 1.0);
  /* torchvision, which does this for square inputs only, rounds the longer side down; timm, for the
   * others, to the nearest. */
  return (resized * length + (recipe->width == recipe->height ? 0 : other / 2)) / other;
}

void
effvk_axes_init (EffvkAxis *x, EffvkAxis *y, const EffvkFrameLayout *layout,
                 const EffvkRecipe *recipe)
{
  EffvkTurn turn = effvk_turn_from_orientation (layout->orientation);
  guint64 shorter = MIN (recipe->width, recipe->height);
  /* What the input is cropped from, and the input, along the frame's axes. */
  guint64 across = (guint64) recipe->resize_size * recipe->width / shorter;
  guint64 down = (guint64) recipe->resize_size * recipe->height / shorter;
  guint columns = turn.turned ? recipe->height : recipe->width;
  guint rows = turn.turned ? recipe->width : recipe->height;
  /* The picture's proportions. */
  guint64 width = (guint64) layout->crop.width * layout->par_n;
  guint64 height = (guint64) layout->crop.height * layout->par_d;

  if (turn.turned)
    {
      guint64 swapped = across;

      across = down;
      down = swapped;
    }
  /* Large enough on both sides, or small enough. */
  if (recipe->crop_mode != EFFVK_CROP_SQUASH)
    {
      gboolean wide = width * down > height * across;

      if (wide == (recipe->crop_mode == EFFVK_CROP_CENTER))
        across = in_proportion (width, height, down, recipe);
      else
        down = in_proportion (height, width, across, recipe);
    }
  *x = make_axis (layout->crop.x, layout->crop.width, across, columns, turn.mirrored_x);
  *y = make_axis (layout->crop.y, layout->crop.height, down, rows, turn.mirrored_y);
}

void
effvk_taps_init (EffvkTaps *taps, const EffvkAxis *axis, EffvkInterpolation interpolation,
                 gboolean antialias)
{
  double widen = antialias ? MAX (axis->step, 1.0) : 1.0;
  double support = filter_support (interpolation) * widen;
  guint count = MIN ((guint) ceil (2.0 * support) + 1, axis->end - axis->first);

  *taps = (EffvkTaps){ .n = axis->n, .count = count, .low = axis->end, .high = axis->first };
  taps->first = g_new (guint, axis->n);
  taps->weights = g_new0 (float, (gsize) axis->n *count);
  for (guint i = 0; i < axis->n; i++)
    {
      double centre = axis->origin + (i + 0.5) * axis->step;
      double from = MAX (floor (centre - support + 0.5), axis->first);
      double to = MIN (floor (centre + support + 0.5), axis->end);
      float *weights = taps->weights + (gsize) i * count;
      double sum = 0.0;
      guint first, n;

      /* At least the nearest sample, also where siting puts the centre beyond the last one. */
      from = MIN (from, axis->end - 1.0);
      to = MAX (to, from + 1.0);
      first = (guint) from;
      n = (guint) (to - from);
      for (guint t = 0; t < n; t++)
        sum += filter_weight (interpolation, (first + t + 0.5 - centre) / widen);
      for (guint t = 0; t < n; t++)
        {
          double weight = filter_weight (interpolation, (first + t + 0.5 - centre) / widen);

          weights[t] = (float) (sum != 0.0 ? weight / sum : 1.0 / n);
        }
      taps->first[i] = first;
      taps->low = MIN (taps->low, first);
      taps->high = MAX (taps->high, first + n);
    }
}

/* The two samples of a subsampled plane around a luma sample: the left one, and, returned, the
 * right one's weight. Beyond the outer samples there is nothing but them. */
static double
find_left (const EffvkAxis *plane, double factor, double centre, guint sample, guint *left)
{
  double at = CLAMP ((sample + 0.5 - centre) / factor, plane->first, plane->end - 1.0);

  *left = MIN ((guint) at, MAX (plane->end, plane->first + 2) - 2);
  return at - *left;
}

void
effvk_taps_init_subsampled (EffvkTaps *taps, const EffvkTaps *full, const EffvkAxis *axis,
                            guint shift, gboolean cosited)
{
  double factor = 1u << shift, centre = cosited ? 0.5 : factor / 2.0;
  EffvkAxis plane
      = { .first = axis->first >> shift, .end = (axis->end + (1u << shift) - 1) >> shift };
  guint count = MIN ((full->count >> shift) + 3, plane.end - plane.first);

  *taps = (EffvkTaps){ .n = full->n, .count = count, .low = plane.end, .high = plane.first };
  taps->first = g_new (guint, full->n);
  taps->weights = g_new0 (float, (gsize) full->n *count);
  for (guint i = 0; i < full->n; i++)
    {
      const float *from = full->weights + (gsize) i * full->count;
      float *to = taps->weights + (gsize) i * count;
      guint n = MIN (full->count, full->high - full->first[i]), first, left;

      find_left (&plane, factor, centre, full->first[i], &first);
      for (guint t = 0; t < n; t++)
        {
          double right = find_left (&plane, factor, centre, full->first[i] + t, &left);

          to[left - first] += (float) (from[t] * (1.0 - right));
          if (right > 0.0)
            to[left - first + 1] += (float) (from[t] * right);
          taps->high = MAX (taps->high, left + (right > 0.0 ? 2 : 1));
        }
      taps->first[i] = first;
      taps->low = MIN (taps->low, first);
    }
}

void
effvk_taps_init_bytes (EffvkTaps *taps, const EffvkTaps *samples, guint step,
                       const float weights[2])
{
  *taps = (EffvkTaps){ .n = samples->n,
                       .count = (samples->count - 1) * step + 2,
                       .low = samples->low * step,
                       .high = (samples->high - 1) * step + 2 };
  taps->first = g_new (guint, taps->n);
  taps->weights = g_new0 (float, (gsize) taps->n * taps->count);
  for (guint i = 0; i < taps->n; i++)
    {
      const float *from = samples->weights + (gsize) i * samples->count;
      float *to = taps->weights + (gsize) i * taps->count;

      taps->first[i] = samples->first[i] * step;
      for (guint t = 0; t < samples->count * 2; t++)
        to[t / 2 * step + t % 2] = from[t / 2] * weights[t % 2];
    }
}

void
effvk_taps_make_same (EffvkTaps *taps)
{
  taps->count = 1;
  taps->low = 0;
  taps->high = taps->n;
  for (guint i = 0; i < taps->n; i++)
    {
      taps->first[i] = i;
      taps->weights[i] = 1.0f;
    }
}

void
effvk_taps_clear (EffvkTaps *taps)
{
  g_clear_pointer (&taps->first, g_free);
  g_clear_pointer (&taps->weights, g_free);
}

/* Makes room for @texels zeros at the end of @table. Returns the first one's index. */
static guint
grow (GArray *table, gsize texels)
{
  guint at = table->len / 4;

  g_array_set_size (table, (guint) (table->len + texels * 4));
  memset (&g_array_index (table, float, at * 4), 0, texels * 4 * sizeof (float));
  return at;
}

EffvkTapTable
effvk_taps_append_paired (GArray *table, const EffvkTaps *taps)
{
  guint pairs = (taps->n + 3) / 4 * 2, texels;
  EffvkTapTable result = { 0 };

  /* Centres ascend, so the first output of a pair has the first sample. */
  for (guint i = 0; i < taps->n; i++)
    result.count = MAX (result.count, taps->first[i] - taps->first[i / 2 * 2] + taps->count);
  result.count = (MIN (result.count, taps->high - taps->low) + 3) / 4 * 4;
  texels = 1 + result.count / 2;
  result.at = grow (table, (gsize) pairs * texels);

  for (guint i = 0; i < taps->n; i++)
    {
      guint first = taps->first[i / 2 * 2];
      float *pair = &g_array_index (table, float, 4 * (result.at + i / 2 * texels));

      pair[0] = (float) first;
      /* What lies beyond the last sample has the weight 0. */
      for (guint t = 0; t < taps->count && taps->first[i] + t < taps->high; t++)
        pair[4 + (taps->first[i] - first + t) * 2 + i % 2]
            = taps->weights[(gsize) i * taps->count + t] / 255.0f;
    }
  return result;
}

EffvkTapTable
effvk_taps_append_bytes (GArray *table, const EffvkTaps *taps, guint step)
{
  EffvkTapTable result = { 0 };
  guint texels;

  for (guint i = 0; i < taps->n; i++)
    {
      guint end = MIN (taps->first[i] + taps->count, taps->high);

      result.count
          = MAX (result.count, (end * step - 1) / TEXEL - taps->first[i] * step / TEXEL + 1);
    }
  result.count = (result.count + 2) / 3 * 3;
  texels = 1 + result.count * TEXEL / 4;
  result.at = grow (table, (gsize) taps->n * texels);
  for (guint i = 0; i < taps->n; i++)
    {
      float *column = &g_array_index (table, float, 4 * (result.at + i * texels));
      guint texel = taps->first[i] * step / TEXEL;

      column[0] = (float) texel;
      for (guint t = 0; t < taps->count && taps->first[i] + t < taps->high; t++)
        for (guint byte = 0; byte < step; byte++)
          column[4 + (taps->first[i] + t) * step + byte - texel * TEXEL]
              = taps->weights[(gsize) i * taps->count + t];
    }
  return result;
}

EffvkTapTable
effvk_taps_append_single (GArray *table, const EffvkTaps *taps)
{
  EffvkTapTable result = { .count = (taps->count + 3) / 4 * 4 };

  result.at = grow (table, (gsize) taps->n * (1 + result.count / 4));
  for (guint i = 0; i < taps->n; i++)
    {
      float *texels = &g_array_index (table, float, 4 * (result.at + i));

      texels[0] = (float) taps->first[i];
      for (guint t = 0; t < taps->count; t++)
        texels[4 * (gsize) taps->n * (1 + t / 4) + t % 4]
            = taps->weights[(gsize) i * taps->count + t];
    }
  return result;
}
