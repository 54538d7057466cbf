/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/preprocess.h"

/* A double-precision oracle of the preprocessing, written from the definitions. */

typedef struct
{
  EffvkFormat format;
  guint width, height;
  guint padding; /* bytes of a row beyond its pixels */
  guint crop[4]; /* x, y, width, height; all 0: the whole frame */
  EffvkMatrix matrix;
  gboolean full_range;
  EffvkChromaSite site;
  EffvkOrientation orientation;
  guint pixel_width, pixel_height; /* 0: square */
  EffvkRecipe recipe;
  guint batch;
  EffvkFormat second; /* of every second item of the batch, if not unknown */
  gboolean luma;      /* a network of one input channel */
  gboolean one_pass;  /* it has to be */
} PreprocessCase;

/* What the network's input shows of @image, before the normalisation, in 0..1: [H,W,3], or [H,W]
 * for a network of one channel. Free with g_free(). */
double *preprocess_oracle (const PreprocessCase *test, const EffvkImage *image);

/* How the samples of a format lie in their words: @depth bits, @shift bits above the lowest. */
void preprocess_oracle_get_depth (EffvkFormat format, guint *depth, guint *shift);
