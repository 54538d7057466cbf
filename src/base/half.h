/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <string.h>

/* IEEE 754 binary16 and bfloat16, without help from the compiler. */

static inline float
effvk_float_from_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static inline guint32
effvk_float_to_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static inline float
effvk_half_to_float (guint16 half)
{
  guint32 sign = (guint32) (half & 0x8000) << 16;
  guint32 magnitude = half & 0x7fff;

  if (magnitude >= 0x7c00) /* infinity, NaN */
    return effvk_float_from_bits (sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  /* The exponent's bias is mended by a multiplication, which also normalises subnormals. */
  return effvk_float_from_bits (
      sign | effvk_float_to_bits (effvk_float_from_bits (magnitude << 13) * 0x1p112f));
}

/* To the nearest, ties to even; too large a value becomes infinity. */
static inline guint16
effvk_float_to_half (float value)
{
  guint32 bits = effvk_float_to_bits (value);
  guint16 sign = (guint16) (bits >> 16 & 0x8000);

  bits &= 0x7fffffff;
  if (bits > 0x7f800000) /* NaN */
    return sign | 0x7e00;
  if (bits >= 0x477ff000) /* rounds to 65536 or more */
    return sign | 0x7c00;
  if (bits < 0x38800000) /* subnormal or zero: adding 0.5 leaves 2^-24 as the last bit */
    return (guint16) (sign
                      | (guint16) (effvk_float_to_bits (effvk_float_from_bits (bits) + 0.5f)
                                   - 0x3f000000));
  bits += 0xfff + (bits >> 13 & 1);
  return (guint16) (sign | (guint16) ((bits - 0x38000000) >> 13));
}

static inline float
effvk_bfloat_to_float (guint16 bfloat)
{
  return effvk_float_from_bits ((guint32) bfloat << 16);
}
