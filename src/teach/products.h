/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Products of matrices, as a classifier of many classes needs them. Sums are made in the same order
 * on every machine, so that the same pictures make the same model. */

/* answers[r][c] = rows[r] * weights[c], with @n_columns in each. @answers is [rows][classes]. */
void effvk_products_answers (const float *const *rows, guint n_rows, const float *weights,
                             guint n_classes, guint n_columns, float *answers);

/* sums[c] += the rows, each times its derivative by class c. @derivatives is [rows][classes],
 * @sums is [classes][columns]. */
void effvk_products_add_slopes (const float *const *rows, guint n_rows, const float *derivatives,
                                guint n_classes, guint n_columns, float *sums);
