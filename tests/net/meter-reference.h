/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an EffvkMeter has to find in a picture: naive sums in double precision. */
#pragma once

#include "base/image.h"

#include <effvk/effvk-meter.h>
#include <math.h>

/* A picture's luma, as the test draws it. */
typedef struct
{
  guint width, height;
  double *luma;
} Picture;

static inline double
at (const Picture *picture, guint x, guint y)
{
  return picture->luma[(gsize) y * picture->width + x];
}

static inline void
picture_clear (Picture *picture)
{
  g_free (picture->luma);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Picture, picture_clear)

static inline void
assert_is (const EffvkMeasures *measures, EffvkMeasure measure, double expected)
{
  double found = effvk_measures_get (measures, measure);

  if (isnan (expected) ? isnan (found) : fabs (found - expected) <= 1e-4 * (1 + fabs (expected)))
    return;
  g_error ("measure %d: expected %g, found %g", measure, expected, found);
}

static inline void
check_level (const EffvkMeasures *measures, const Picture *p, double black, double white)
{
  double sum = 0, squares = 0, n_black = 0, n_white = 0, n = (double) p->width * p->height;
  double spread;

  for (gsize i = 0; i < (gsize) n; i++)
    {
      sum += p->luma[i];
      squares += p->luma[i] * p->luma[i];
      n_black += p->luma[i] < black;
      n_white += p->luma[i] > white;
    }
  assert_is (measures, EFFVK_MEASURE_LUMA_MEAN, sum / n);
  /* A difference of sums of floats. */
  spread = effvk_measures_get (measures, EFFVK_MEASURE_LUMA_SPREAD);
  g_assert_cmpfloat_with_epsilon (spread * spread, squares / n - sum * sum / n / n,
                                  0.02 + 1e-5 * squares / n);
  assert_is (measures, EFFVK_MEASURE_BLACK, n_black / n);
  assert_is (measures, EFFVK_MEASURE_WHITE, n_white / n);
}

static inline void
check_change (const EffvkMeasures *measures, const Picture *p, const Picture *last)
{
  double sums[2] = { 0 }, counts[2] = { 0 }, largest = 0;

  for (guint y = 0; y < p->height; y += 16)
    for (guint x = 0; x < p->width; x += 16)
      {
        double block = 0;

        for (guint v = y; v < MIN (y + 16, p->height); v++)
          for (guint u = x; u < MIN (x + 16, p->width); u++)
            {
              double d = fabs (at (p, u, v) - at (last, u, v));

              block += d;
              sums[v % 2] += d;
              counts[v % 2]++;
            }
        largest = MAX (largest, block / 256);
      }
  assert_is (measures, EFFVK_MEASURE_CHANGE, (sums[0] + sums[1]) / (counts[0] + counts[1]) / 255);
  assert_is (measures, EFFVK_MEASURE_BLOCK_CHANGE, largest / 255);
  assert_is (measures, EFFVK_MEASURE_TOP_CHANGE, sums[0] / counts[0]);
  assert_is (measures, EFFVK_MEASURE_BOTTOM_CHANGE, counts[1] > 0 ? sums[1] / counts[1] : NAN);
}

static inline void
check_fields (const EffvkMeasures *measures, const Picture *p, const Picture *last)
{
  double lines = 0, n = 0, sums[2] = { 0 }, counts[2] = { 0 };

  for (guint y = 1; y + 1 < p->height; y++)
    for (guint x = 0; x < p->width; x++)
      {
        double two = at (p, x, y - 1) + at (p, x, y + 1);

        lines += fabs (two - 2 * at (p, x, y));
        n++;
        sums[y % 2] += fabs (two - 2 * at (last, x, y));
        counts[y % 2]++;
      }
  assert_is (measures, EFFVK_MEASURE_LINES, n > 0 ? lines / n : NAN);
  assert_is (measures, EFFVK_MEASURE_TOP_FIRST, counts[0] > 0 ? sums[0] / counts[0] : NAN);
  assert_is (measures, EFFVK_MEASURE_BOTTOM_FIRST, counts[1] > 0 ? sums[1] / counts[1] : NAN);
}

static inline void
check_edges (const EffvkMeasures *measures, const Picture *p)
{
  double widths = 0, n = 0;

  for (guint y = 0; y < p->height; y++)
    for (guint x = 0; x < p->width; x += 16)
      {
        double low = 255, high = 0, steepest = 1;

        for (guint u = x; u < MIN (x + 16, p->width); u++)
          {
            low = MIN (low, at (p, u, y));
            high = MAX (high, at (p, u, y));
            if (u > x)
              steepest = MAX (steepest, fabs (at (p, u, y) - at (p, u - 1, y)));
          }
        if (high - low < 40)
          continue;
        widths += (high - low) / steepest;
        n++;
      }
  assert_is (measures, EFFVK_MEASURE_EDGE_WIDTH, n > 0 ? widths / n : NAN);
}

/* Of rows (@down) or columns. */
static inline double
find_blockiness (const Picture *p, gboolean down)
{
  guint n = down ? p->height : p->width, across = down ? p->width : p->height;
  g_autofree double *steps = g_new0 (double, n + 1);
  double mean = 0, best = 0;

  for (guint i = 1; i < n; i++)
    for (guint j = 0; j < across; j++)
      steps[i] += fabs (down ? at (p, j, i) - at (p, j, i - 1) : at (p, i, j) - at (p, i - 1, j));
  for (guint i = 1; i < n; i++)
    mean += steps[i] / (n - 1);
  for (guint phase = 0; phase < 8 && mean > 0; phase++)
    {
      double sum = 0;
      guint lines = 0;

      for (guint i = phase; i < n; i += 8, lines++)
        if (i >= 2 && i + 1 < n)
          sum += steps[i] - (steps[i - 1] + steps[i + 1]) / 2;
      if (lines >= 8)
        best = MAX (best, sum / lines / mean);
    }
  return best;
}

/* How much row @y of 16 columns stands out between its neighbours, and how far the next rows of its
 * field differ. */
static inline gboolean
looks_combed (const Picture *p, guint x, guint y)
{
  double out = 0, apart = 0;

  for (guint u = x; u < MIN (x + 16, p->width); u++)
    {
      out += fabs (at (p, u, y) + at (p, u, y - 2) - 2 * at (p, u, y - 1));
      apart += fabs (at (p, u, y) - at (p, u, y - 2));
    }
  return out >= 12 * 16 && out > 2.5 * apart;
}

/* Strips of 64 rows are counted on their own. */
static inline void
check_combed (const EffvkMeasures *measures, const Picture *p)
{
  double combed = 0, blocks = (p->width + 15) / 16;

  for (guint x = 0; x < p->width; x += 16)
    for (guint y = 2, run = 0; y < p->height; y++)
      {
        run = y % 64 == 0 ? 0 : run;
        run = looks_combed (p, x, y) ? run + 1 : 0;
        combed += run >= 4;
      }
  assert_is (measures, EFFVK_MEASURE_COMBED, combed / p->height / blocks);
}

/* The step between pixels @x - 1 and @x of a row, or of a column. */
static inline double
step_at (const Picture *p, gboolean down, guint x, guint line)
{
  return down ? fabs (at (p, line, x) - at (p, line, x - 1))
              : fabs (at (p, x, line) - at (p, x - 1, line));
}

/* Whether the step at @x is a hard edge along 16 lines from @from on. */
static inline gboolean
is_hard (const Picture *p, gboolean down, guint x, guint from)
{
  guint n = down ? p->height : p->width, across = down ? p->width : p->height;
  double steps = 0, beside = 0;

  if (x == 0 || x + 1 >= n || (!down && from + 16 > across))
    return FALSE;
  for (guint i = from; i < MIN (from + 16, across); i++)
    {
      steps += step_at (p, down, x, i);
      beside += step_at (p, down, x + 1, i) + (x > 1 ? step_at (p, down, x - 1, i) : 0);
    }
  return steps >= 12 * 16 && steps > 2 * beside;
}

static inline void
check_block_edges (const EffvkMeasures *measures, const Picture *p)
{
  double n = 0, blocks = (p->width + 15) / 16 * (double) ((p->height + 15) / 16);

  for (guint down = 0; down < 2; down++)
    for (guint i = 0; i < (down ? p->width : p->height); i += 16)
      for (guint x = 0; x < (down ? p->height : p->width); x += 16)
        n += is_hard (p, down, x, i) - is_hard (p, down, x + 5, i);
  assert_is (measures, EFFVK_MEASURE_BLOCK_EDGES, MAX (n, 0) / blocks);
}

static inline void
check_all (const EffvkMeasures *measures, const EffvkImage *image, const Picture *p,
           const Picture *last)
{
  double low = image->layout.full_range ? 0 : 16, high = image->layout.full_range ? 255 : 235;

  check_level (measures, p, low + 0.1 * (high - low), high - 0.1 * (high - low));
  check_change (measures, p, last);
  check_fields (measures, p, last);
  check_edges (measures, p);
  check_combed (measures, p);
  check_block_edges (measures, p);
  assert_is (measures, EFFVK_MEASURE_BLOCKINESS,
             MAX (find_blockiness (p, TRUE), find_blockiness (p, FALSE)));
}
