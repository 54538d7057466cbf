/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measures.h"

#include "ops/measures.h"

#include <math.h>

#define FLAT 2.0        /* by which the pixels of a dead row may differ */
#define LIVELY 16.0     /* by which those of a row beside it do */
#define LONGEST_DEAD 16 /* rows */
#define SHORTEST_GRID 6.0
#define LONGEST_GRID 32.0
#define GRID_STEP 0.25
#define FEWEST_LINES 8 /* of a grid */

G_DEFINE_BOXED_TYPE (EffvkMeasures, effvk_measures, effvk_measures_copy, effvk_measures_free)

EffvkMeasures *
effvk_measures_copy (const EffvkMeasures *measures)
{
  g_return_val_if_fail (measures != NULL, NULL);
  return g_memdup2 (measures, sizeof *measures);
}

void
effvk_measures_free (EffvkMeasures *measures)
{
  g_return_if_fail (measures != NULL);
  g_free (measures);
}

double
effvk_measures_get (const EffvkMeasures *measures, EffvkMeasure measure)
{
  g_return_val_if_fail (measures != NULL, NAN);
  g_return_val_if_fail ((guint) measure < EFFVK_N_MEASURES, NAN);
  return measures->values[measure];
}

void
effvk_measures_get_size_of_frame (const EffvkMeasures *measures, guint *width, guint *height)
{
  g_return_if_fail (measures != NULL);
  g_return_if_fail (width != NULL && height != NULL);
  *width = measures->width;
  *height = measures->height;
}

/* Rows or columns: the least, the most, the sum of steps. */
typedef struct
{
  const float (*lines)[4];
  guint n;
} Profile;

static gboolean
is_flat (const Profile *profile, guint i)
{
  return profile->lines[i][1] - profile->lines[i][0] <= (float) FLAT;
}

static gboolean
is_lively (const Profile *profile, guint i)
{
  return profile->lines[i][1] - profile->lines[i][0] >= (float) LIVELY;
}

/* Lines of one value, few beside each other, between lines that have more. */
static guint
count_dead (const Profile *profile)
{
  guint n = 0, since = 0;

  for (guint i = 0; i < profile->n; i++)
    {
      guint run = i - since;

      if (is_flat (profile, i))
        continue;
      if (since > 0 && run > 0 && run <= LONGEST_DEAD && is_lively (profile, since - 1)
          && is_lively (profile, i))
        n += run;
      since = i + 1;
    }
  return n;
}

/* Black lines before and behind the picture. */
static void
find_borders (const Profile *profile, float black, double *before, double *behind)
{
  guint first = 0, end = profile->n;

  while (first < end && profile->lines[first][1] < black)
    first++;
  while (end > first && profile->lines[end - 1][1] < black)
    end--;
  *before = end > first ? first : 0;
  *behind = end > first ? profile->n - end : 0;
}

/* By how much steps are larger at each line than beside it; returns the mean step. */
static double
find_excess (const Profile *profile, double *excess)
{
  double sum = 0;

  for (guint i = 1; i < profile->n; i++)
    sum += (double) profile->lines[i][2];
  for (guint i = 0; i < profile->n; i++)
    excess[i]
        = i < 2 || i + 1 >= profile->n
              ? 0
              : (double) profile->lines[i][2]
                    - ((double) profile->lines[i - 1][2] + (double) profile->lines[i + 1][2]) / 2;
  return sum / MAX (profile->n - 1, 1);
}

/* The strongest of the grids of one distance. */
static double
measure_grid (const double *excess, guint n, double distance)
{
  double best = 0;

  for (double phase = 0; phase < distance; phase++)
    {
      double sum = 0, at = phase;
      guint lines = 0;

      for (; at + 0.5 < n; at += distance, lines++)
        sum += excess[(guint) (at + 0.5)];
      best = lines >= FEWEST_LINES ? MAX (best, sum / lines) : best;
    }
  return best;
}

static void
measure_grids (double *values, const Profile *rows, const Profile *columns)
{
  g_autofree double *excess = g_new (double, MAX (rows->n, columns->n));
  double mean = find_excess (rows, excess), across, best = 0;

  values[EFFVK_MEASURE_BLOCKINESS] = mean > 0 ? measure_grid (excess, rows->n, 8) / mean : 0;
  mean = find_excess (columns, excess);
  if (mean <= 0)
    return;
  across = measure_grid (excess, columns->n, 8) / mean;
  values[EFFVK_MEASURE_BLOCKINESS] = MAX (values[EFFVK_MEASURE_BLOCKINESS], across);
  for (double distance = SHORTEST_GRID; distance <= LONGEST_GRID; distance += GRID_STEP)
    {
      double strength = measure_grid (excess, columns->n, distance) / mean;

      if (strength <= best)
        continue;
      best = strength;
      values[EFFVK_MEASURE_GRID] = distance;
    }
  values[EFFVK_MEASURE_GRID_BLOCKINESS] = best;
}

/* The totals of all strips. */
static void
add_totals (const float (*totals)[4], guint strips, double sums[EFFVK_MEASURES_TOTALS][4])
{
  for (guint i = 0; i < strips * EFFVK_MEASURES_TOTALS; i++)
    for (guint c = 0; c < 4; c++)
      {
        guint t = i % EFFVK_MEASURES_TOTALS;
        double value = (double) totals[i][c];

        sums[t][c] = t == EFFVK_MEASURES_TOTALS - 1 && c < 2 ? MAX (sums[t][c], value)
                                                             : sums[t][c] + value;
      }
}

static void
compare (double *values, const EffvkFrameLayout *layout, double sums[EFFVK_MEASURES_TOTALS][4])
{
  double width = layout->width, height = layout->height;
  double even = (layout->height + 1) / 2 * width, odd = layout->height / 2 * width;
  /* Of rows between two others the first one is odd. */
  guint between = layout->height > 2 ? layout->height - 2 : 0;
  double even_between = between / 2 * width, odd_between = (between + 1) / 2 * width;

  values[EFFVK_MEASURE_CHANGE] = (sums[1][0] + sums[1][1]) / (width * height) / 255;
  values[EFFVK_MEASURE_BLOCK_CHANGE]
      = sums[3][1] / (EFFVK_MEASURES_CHUNK * EFFVK_MEASURES_BLOCK) / 255;
  values[EFFVK_MEASURE_TOP_CHANGE] = sums[1][0] / even;
  values[EFFVK_MEASURE_BOTTOM_CHANGE] = odd > 0 ? sums[1][1] / odd : NAN;
  values[EFFVK_MEASURE_TOP_FIRST] = even_between > 0 ? sums[1][2] / even_between : NAN;
  values[EFFVK_MEASURE_BOTTOM_FIRST] = odd_between > 0 ? sums[1][3] / odd_between : NAN;
}

/* Of 16 pixels, in a row or a column. */
static double
count_blocks (guint pixels)
{
  return effvk_div_up (pixels, EFFVK_MEASURES_BLOCK);
}

EffvkMeasures *
effvk_measures_new (const EffvkFrameLayout *layout, const float *sums, float black,
                    gboolean compares)
{
  EffvkMeasures *measures = g_new0 (EffvkMeasures, 1);
  double *values = measures->values, totals[EFFVK_MEASURES_TOTALS][4] = { 0 };
  const float (*texels)[4] = (const float (*)[4]) sums;
  const Profile rows = { texels, layout->height };
  const Profile columns = { texels + layout->height, layout->width };
  double n = (double) layout->width * layout->height, mean;

  measures->width = layout->width;
  measures->height = layout->height;
  add_totals (texels + layout->height + effvk_measures_get_columns (layout),
              effvk_measures_get_strips (layout), totals);
  mean = totals[0][0] / n;
  values[EFFVK_MEASURE_LUMA_MEAN] = mean + 128;
  values[EFFVK_MEASURE_LUMA_SPREAD] = sqrt (MAX (totals[0][1] / n - mean * mean, 0));
  values[EFFVK_MEASURE_BLACK] = totals[0][2] / n;
  values[EFFVK_MEASURE_WHITE] = totals[0][3] / n;
  values[EFFVK_MEASURE_LINES]
      = layout->height > 2 ? totals[2][0] / ((layout->height - 2.0) * layout->width) : NAN;
  values[EFFVK_MEASURE_EDGE_WIDTH] = totals[2][2] > 0 ? totals[2][1] / totals[2][2] : NAN;
  values[EFFVK_MEASURE_COMBED] = totals[2][3] / layout->height / count_blocks (layout->width);
  values[EFFVK_MEASURE_BLOCK_EDGES] = MAX (totals[3][2] - totals[3][3], 0)
                                      / count_blocks (layout->width)
                                      / count_blocks (layout->height);
  values[EFFVK_MEASURE_DEAD_ROWS] = count_dead (&rows);
  values[EFFVK_MEASURE_DEAD_COLUMNS] = count_dead (&columns);
  find_borders (&rows, black, &values[EFFVK_MEASURE_BORDER_TOP],
                &values[EFFVK_MEASURE_BORDER_BOTTOM]);
  find_borders (&columns, black, &values[EFFVK_MEASURE_BORDER_LEFT],
                &values[EFFVK_MEASURE_BORDER_RIGHT]);
  measure_grids (values, &rows, &columns);
  for (guint i = EFFVK_MEASURE_CHANGE; i <= EFFVK_MEASURE_BOTTOM_CHANGE && !compares; i++)
    if (i != EFFVK_MEASURE_LINES)
      values[i] = NAN;
  if (compares)
    compare (values, layout, totals);
  return measures;
}
