/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/products.h"

#include <glib.h>

/* Products of matrices of any size are those of naive sums. */
static void
test_sizes (void)
{
  static const guint sizes[][3]
      = { { 1, 1, 1 }, { 4, 2, 8 }, { 5, 3, 17 }, { 3, 9, 40 }, { 16, 7, 33 }, { 64, 10, 96 } };
  g_autoptr (GRand) rand = g_rand_new_with_seed (29);

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      guint n_rows = sizes[s][0], n_classes = sizes[s][1], n = sizes[s][2];
      g_autofree float *rows = g_new (float, n_rows *n);
      g_autofree float *weights = g_new (float, n_classes *n);
      g_autofree float *answers = g_new (float, n_rows *n_classes);
      g_autofree float *sums = g_new (float, n_classes *n);
      const float *each[64];

      for (guint i = 0; i < n_rows * n; i++)
        rows[i] = (float) g_rand_double_range (rand, -1, 1);
      for (guint i = 0; i < n_classes * n; i++)
        weights[i] = sums[i] = (float) g_rand_double_range (rand, -1, 1);
      for (guint r = 0; r < n_rows; r++)
        each[r] = rows + r * n;
      effvk_products_answers (each, n_rows, weights, n_classes, n, answers);
      effvk_products_add_slopes (each, n_rows, answers, n_classes, n, sums);
      for (guint c = 0; c < n_classes; c++)
        {
          for (guint r = 0; r < n_rows; r++)
            {
              double sum = 0;

              for (guint f = 0; f < n; f++)
                sum += (double) rows[r * n + f] * weights[c * n + f];
              g_assert_cmpfloat_with_epsilon (answers[r * n_classes + c], sum, 1e-4);
            }
          for (guint f = 0; f < n; f++)
            {
              double sum = weights[c * n + f];

              for (guint r = 0; r < n_rows; r++)
                sum += (double) answers[r * n_classes + c] * rows[r * n + f];
              g_assert_cmpfloat_with_epsilon (sums[c * n + f], sum, 1e-3);
            }
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/products/sizes", test_sizes);
  return g_test_run ();
}
