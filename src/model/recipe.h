/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* How the training prepared its pictures; inference must do the same. */

typedef enum
{
  EFFVK_INTERPOLATION_BILINEAR,
  EFFVK_INTERPOLATION_BICUBIC, /* a = -0.5, as PIL and torch's antialiased bicubic */
} EffvkInterpolation;

typedef enum
{
  EFFVK_CROP_CENTER, /* the shorter side to resize_size, then a centred crop of the input size */
  EFFVK_CROP_SQUASH, /* straight to the input size, aspect ratio ignored */
} EffvkCropMode;

typedef struct
{
  guint width, height; /* of the network's input */
  guint resize_size;   /* the shorter side before the crop (EFFVK_CROP_CENTER) */
  EffvkInterpolation interpolation;
  gboolean antialias;
  EffvkCropMode crop_mode;
  float mean[3], std[3]; /* of R, G, B in 0..1: input = (x - mean) / std */
  /* Whether each pass of the resize rounds to 8 bits, as PIL does, so that a network trained behind
   * it saw rounded pixels. Pipelines without antialias (TensorFlow) resize in float. */
  gboolean eight_bits;
} EffvkRecipe;
