/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/reduce.h"

#include <math.h>
#include <string.h>

#define NOTHING 1e-9 /* of a row's average square length: what is left of it is rounding */

static double
multiply (const double *a, const double *b, guint n)
{
  double sum[4] = { 0 };
  guint i = 0;

  for (; i + 4 <= n; i += 4)
    for (guint l = 0; l < 4; l++)
      sum[l] += a[i + l] * b[i + l];
  for (; i < n; i++)
    sum[0] += a[i] * b[i];
  return sum[0] + sum[1] + sum[2] + sum[3];
}

void
effvk_reduction_free (EffvkReduction *reduction)
{
  if (!reduction)
    return;
  g_free (reduction->pivots);
  g_free (reduction->lower);
  g_free (reduction);
}

static double *
centre (const float *rows, guint n_rows, guint n_features, const double *mean, double scale)
{
  double *centred = g_new (double, (gsize) n_rows *n_features);

  for (guint r = 0; r < n_rows; r++)
    for (guint f = 0; f < n_features; f++)
      {
        gsize at = (gsize) r * n_features + f;

        centred[at] = scale * (rows[at] - mean[f]);
      }
  return centred;
}

/* The row of which most is left, outside the space so far. */
static guint
find_pivot (const double *left, guint n)
{
  guint best = 0;

  for (guint r = 1; r < n; r++)
    if (left[r] > left[best])
      best = r;
  return best;
}

/* Cholesky's decomposition of the rows' products, with pivots: a dimension at a time, that of the
 * row of which most is left. */
EffvkReduction *
effvk_reduction_new (const float *rows, guint n_rows, guint n_features, const double *mean,
                     double scale)
{
  EffvkReduction *reduction = g_new0 (EffvkReduction, 1);
  g_autofree double *centred = centre (rows, n_rows, n_features, mean, scale);
  g_autofree double *left = g_new (double, n_rows);
  double total = 0;

  reduction->n_rows = n_rows;
  reduction->n_features = n_features;
  reduction->pivots = g_new (guint, n_rows);
  reduction->lower = g_new0 (double, (gsize) n_rows *n_rows);
  for (guint r = 0; r < n_rows; r++)
    {
      const double *row = centred + (gsize) r * n_features;

      left[r] = multiply (row, row, n_features);
      total += left[r];
    }
  while (reduction->rank < n_rows)
    {
      guint k = reduction->rank, pivot = find_pivot (left, n_rows);
      const double *of_pivot = reduction->lower + (gsize) pivot * n_rows;
      double length = sqrt (MAX (left[pivot], 0));

      if (left[pivot] <= NOTHING * total / n_rows)
        break;
      for (guint r = 0; r < n_rows; r++)
        {
          double *of_row = reduction->lower + (gsize) r * n_rows;

          if (left[r] < 0) /* a pivot before */
            continue;
          of_row[k] = (multiply (centred + (gsize) r * n_features,
                                 centred + (gsize) pivot * n_features, n_features)
                       - multiply (of_row, of_pivot, k))
                      / length;
          left[r] = MAX (left[r] - of_row[k] * of_row[k], 0);
        }
      left[pivot] = -1;
      reduction->pivots[reduction->rank++] = pivot;
    }
  return reduction;
}

void
effvk_reduction_expand (const EffvkReduction *reduction, const float *rows, const double *mean,
                        double scale, const double *reduced, double *weights)
{
  guint n = reduction->rank, n_features = reduction->n_features;
  g_autofree double *shares = g_new (double, n);

  memset (weights, 0, n_features * sizeof *weights);
  for (guint k = n; k-- > 0;)
    {
      const float *row = rows + (gsize) reduction->pivots[k] * n_features;
      double sum = reduced[k];

      for (guint later = k + 1; later < n; later++)
        sum -= reduction->lower[(gsize) reduction->pivots[later] * reduction->n_rows + k]
               * shares[later];
      shares[k] = sum / reduction->lower[(gsize) reduction->pivots[k] * reduction->n_rows + k];
      for (guint f = 0; f < n_features; f++)
        weights[f] += shares[k] * scale * (row[f] - mean[f]);
    }
}
