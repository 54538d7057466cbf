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
  EFFVK_CROP_CENTER, /* in proportion, so that resize_size is covered; then a centred crop */
  EFFVK_CROP_SQUASH, /* straight to resize_size, aspect ratio ignored; then a centred crop */
  /* Letterbox: in proportion, so that all of the picture fits into resize_size; then a centred
   * crop. The rest around the picture has the mean colour, in 8 bits. */
  EFFVK_CROP_BORDER,
} EffvkCropMode;

typedef struct
{
  guint width, height; /* of the network's input */
  guint resize_size; /* what the crop of the shorter side is taken from; the longer in proportion */
  EffvkInterpolation interpolation;
  gboolean antialias;
  EffvkCropMode crop_mode;
  float mean[3], std[3]; /* of R, G, B in 0..1: input = (x - mean) / std; of luma, the first */
  /* Whether each pass of the resize rounds to 8 bits, as PIL does, so that a network trained behind
   * it saw rounded pixels. Pipelines without antialias (TensorFlow) resize in float. */
  gboolean eight_bits;
} EffvkRecipe;
