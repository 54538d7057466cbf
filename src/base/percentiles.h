/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What a @share of the @n values is below: the value with the rank share * n, from 0; 0 where there
 * is none. One for each of @shares, 0 to 1. Sorts @values. */
void effvk_percentiles (double *values, guint n, const double *shares, guint n_shares,
                        double *result);
