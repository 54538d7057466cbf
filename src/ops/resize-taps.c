/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/resize-taps.h"

#include <math.h>

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

static EffvkAxis
make_axis (guint first, guint length, guint resized, guint n)
{
  double step = (double) length / resized;
  double crop = rint (((double) resized - n) / 2.0); /* half to even */

  return (EffvkAxis){ first + crop * step, step, first, first + length, n };
}

void
effvk_axes_init (EffvkAxis *x, EffvkAxis *y, const EffvkFrameLayout *layout,
                 const EffvkRecipe *recipe)
{
  guint width = layout->crop.width, height = layout->crop.height;
  guint resized_width = recipe->width, resized_height = recipe->height;

  if (recipe->crop_mode == EFFVK_CROP_CENTER)
    {
      guint64 size = recipe->resize_size;

      resized_width = width <= height ? (guint) size : (guint) (size * width / height);
      resized_height = width <= height ? (guint) (size * height / width) : (guint) size;
    }
  *x = make_axis (layout->crop.x, width, resized_width, recipe->width);
  *y = make_axis (layout->crop.y, height, resized_height, recipe->height);
}

EffvkAxis
effvk_axis_subsample (const EffvkAxis *axis, guint shift, gboolean cosited)
{
  double factor = 1u << shift;
  /* A cosited sample j lies at j * factor + 0.5, others at (j + 0.5) * factor. */
  double phase = cosited ? 0.5 - 0.5 / factor : 0.0;

  return (EffvkAxis){ axis->origin / factor + phase, axis->step / factor, axis->first >> shift,
                      (axis->end + (1u << shift) - 1) >> shift, axis->n };
}

static void
append_texel (GArray *table, float a, float b, float c, float d)
{
  const float texel[] = { a, b, c, d };

  g_array_append_vals (table, texel, 4);
}

guint
effvk_taps_append (GArray *table, const EffvkAxis *axis, EffvkInterpolation interpolation,
                   gboolean antialias, guint *low, guint *high)
{
  double widen = antialias ? MAX (axis->step, 1.0) : 1.0;
  double support = filter_support (interpolation) * widen;
  guint base = table->len / 4;

  *low = axis->end;
  *high = axis->first;
  for (guint i = 0; i < axis->n; i++)
    append_texel (table, 0, 0, 0, 0);

  for (guint i = 0; i < axis->n; i++)
    {
      double centre = axis->origin + (i + 0.5) * axis->step;
      double from = MAX (floor (centre - support + 0.5), axis->first);
      double to = MIN (floor (centre + support + 0.5), axis->end);
      guint first, count, at = table->len / 4;
      double sum = 0.0;

      /* At least the nearest sample, also where siting puts the centre beyond the last one. */
      from = MIN (from, axis->end - 1.0);
      to = MAX (to, from + 1.0);
      first = (guint) from;
      count = (guint) (to - from);
      for (guint t = 0; t < count; t++)
        sum += filter_weight (interpolation, (first + t + 0.5 - centre) / widen);
      for (guint t = 0; t < (count + 3) / 4 * 4; t++)
        {
          double weight = t >= count   ? 0.0
                          : sum != 0.0 ? filter_weight (interpolation,
                                                        (first + t + 0.5 - centre) / widen)
                                             / sum
                                       : 1.0 / count;
          float value = (float) weight;

          g_array_append_val (table, value);
        }
      g_array_index (table, float, (base + i) * 4) = (float) first;
      g_array_index (table, float, (base + i) * 4 + 1) = (float) count;
      g_array_index (table, float, (base + i) * 4 + 2) = (float) at;
      *low = MIN (*low, first);
      *high = MAX (*high, first + count);
    }
  return base;
}
