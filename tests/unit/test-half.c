/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Half floats against the definition of IEEE 754 binary16, in double arithmetic: exact, as every
 * half and every midpoint of two halves is a double. */

#include "base/half.h"

#include <math.h>

/* The value of a finite half, from the standard's formula. */
static double
half_value (guint16 half)
{
  guint exponent = half >> 10 & 31, fraction = half & 1023;
  double magnitude
      = exponent ? ldexp (1024.0 + fraction, (int) exponent - 25) : ldexp ((double) fraction, -24);

  return half >> 15 ? -magnitude : magnitude;
}

/* The nearest half to a finite value, ties to the even fraction, by bisection over the positive
 * halves. */
static guint16
nearest_half (double value)
{
  guint16 sign = signbit (value) ? 0x8000 : 0, low = 0, high = 0x7c00;
  double magnitude = fabs (value), above, below;

  while (high - low > 1)
    {
      guint16 middle = (guint16) ((low + high) / 2);

      if (half_value (middle) <= magnitude)
        low = middle;
      else
        high = middle;
    }
  below = magnitude - half_value (low);
  /* Infinity counts as the next number after the largest: 65536. */
  above = half_value (high) - magnitude;
  if (above < below || (above == below && (high & 1) == 0))
    return sign | high;
  return sign | low;
}

static void
test_round_trip (void)
{
  for (guint i = 0; i <= 0xffff; i++)
    {
      guint16 half = (guint16) i;
      float value = effvk_half_to_float (half);

      if ((half & 0x7fff) > 0x7c00)
        {
          g_assert_true (isnan (value));
          g_assert_true (isnan (effvk_half_to_float (effvk_float_to_half (value))));
          continue;
        }
      if ((half & 0x7fff) == 0x7c00)
        g_assert_true (isinf (value) && (value < 0) == (half >> 15));
      else
        g_assert_cmpfloat (value, ==, half_value (half));
      g_assert_cmpint (signbit (value) != 0, ==, half >> 15);
      g_assert_cmphex (effvk_float_to_half (value), ==, half);
    }
}

static void
check (float value)
{
  guint16 half = effvk_float_to_half (value), expected = nearest_half (value);

  if (half != expected)
    g_error ("%.9g (0x%08x) became 0x%04x, expected 0x%04x", (double) value,
             effvk_float_to_bits (value), half, expected);
}

/* Every midpoint of two halves, and the floats on both sides of it. */
static void
test_midpoints (void)
{
  for (guint i = 0; i < 0x7c00; i++)
    {
      double next = i + 1 == 0x7c00 ? 65536.0 : half_value ((guint16) (i + 1));
      float middle = (float) ((half_value ((guint16) i) + next) / 2.0);

      for (int sign = -1; sign <= 1; sign += 2)
        {
          check ((float) sign * middle);
          check ((float) sign * nextafterf (middle, 0.0f));
          check ((float) sign * nextafterf (middle, INFINITY));
        }
    }
}

static void
test_random (void)
{
  for (guint i = 0; i < 300000; i++)
    {
      /* Any bits, then exponents where halves are normal, subnormal or overflow: 2^-26 to 2^17. */
      guint32 bits = (guint32) g_test_rand_int ();
      float value = effvk_float_from_bits (bits);

      if (isfinite (value))
        check (value);
      bits = (bits & 0x807fffff) | (guint32) g_test_rand_int_range (101, 145) << 23;
      check (effvk_float_from_bits (bits));
    }
}

static void
test_special (void)
{
  g_assert_cmphex (effvk_float_to_half (INFINITY), ==, 0x7c00);
  g_assert_cmphex (effvk_float_to_half (-INFINITY), ==, 0xfc00);
  g_assert_cmphex (effvk_float_to_half (0.0f), ==, 0);
  g_assert_cmphex (effvk_float_to_half (-0.0f), ==, 0x8000);
  g_assert_cmphex (effvk_float_to_half (65504.0f), ==, 0x7bff);
  g_assert_cmphex (effvk_float_to_half (65519.99f), ==, 0x7bff);
  g_assert_cmphex (effvk_float_to_half (65520.0f), ==, 0x7c00);
  g_assert_cmphex (effvk_float_to_half (G_MAXFLOAT), ==, 0x7c00);
  g_assert_cmphex (effvk_float_to_half (G_MINFLOAT), ==, 0);
  g_assert_cmphex (effvk_float_to_half (1.0f), ==, 0x3c00);
  for (guint32 bits = 1; bits < 0x800000; bits <<= 1) /* NaN, however small its payload */
    g_assert_true (isnan (
        effvk_half_to_float (effvk_float_to_half (effvk_float_from_bits (0x7f800000 | bits)))));
}

static void
test_bfloat (void)
{
  g_assert_cmpfloat (effvk_bfloat_to_float (0x3f80), ==, 1.0f);
  g_assert_cmpfloat (effvk_bfloat_to_float (0xc049), ==, -3.140625f);
  g_assert_cmpfloat (effvk_bfloat_to_float (0x0001), ==, 0x1p-133f);
  g_assert_true (isinf (effvk_bfloat_to_float (0x7f80)));
  g_assert_true (isnan (effvk_bfloat_to_float (0x7fc0)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/half/round-trip", test_round_trip);
  g_test_add_func ("/half/midpoints", test_midpoints);
  g_test_add_func ("/half/random", test_random);
  g_test_add_func ("/half/special", test_special);
  g_test_add_func ("/half/bfloat", test_bfloat);
  return g_test_run ();
}
