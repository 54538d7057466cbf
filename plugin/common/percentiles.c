/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/percentiles.h"

#include <stdlib.h>

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return x < y ? -1 : x > y;
}

void
gst_effvk_percentiles (double *values, guint n, const double *shares, guint n_shares,
                       double *result)
{
  qsort (values, n, sizeof *values, compare);
  for (guint i = 0; i < n_shares; i++)
    result[i] = n ? values[MIN (n - 1, (guint) (shares[i] * n))] : 0.0;
}
