/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/percentiles.h"
#include "tune/timing.h"

static void
test_percentiles (void)
{
  static const double shares[] = { 0.0, 0.5, 0.95, 1.0 };
  double values[100], found[G_N_ELEMENTS (shares)];

  for (guint i = 0; i < 100; i++)
    values[i] = (i * 37) % 100; /* 0 to 99, out of order */
  effvk_percentiles (values, 100, shares, G_N_ELEMENTS (shares), found);
  g_assert_cmpfloat (found[0], ==, 0);
  g_assert_cmpfloat (found[1], ==, 50);
  g_assert_cmpfloat (found[2], ==, 95);
  g_assert_cmpfloat (found[3], ==, 99);
  effvk_percentiles (values, 0, shares, G_N_ELEMENTS (shares), found);
  g_assert_cmpfloat (found[3], ==, 0);
}

static void
test_median (void)
{
  double odd[] = { 3, 1, 2 }, even[] = { 4, 1, 3, 2 }, one[] = { 7 };

  g_assert_cmpfloat (effvk_median (odd, 3), ==, 2);
  g_assert_cmpfloat (effvk_median (even, 4), ==, 2.5);
  g_assert_cmpfloat (effvk_median (one, 1), ==, 7);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/percentiles/shares", test_percentiles);
  g_test_add_func ("/percentiles/median", test_median);
  return g_test_run ();
}
