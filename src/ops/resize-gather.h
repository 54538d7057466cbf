/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"
#include "ops/resize-taps.h"

/* What resize-gather is built for: how samples lie. A window is what an output sees of a row of one
 * plane: @bytes from a pixel on, which is @phases samples. */
typedef struct
{
  guint windows;             /* as many as planes, in the order of their components */
  guint sample;              /* bytes of one */
  guint bytes[2], phases[2]; /* of the first window, of the others */
} EffvkGatherShape;

#define EFFVK_GATHER_N_SHAPES 10 /* the first one is none */

extern const EffvkGatherShape effvk_gather_shapes[EFFVK_GATHER_N_SHAPES];

/* As shaders/resize-item.glsl reads it. Offsets and strides are of words. */
typedef struct
{
  gint32 from[EFFVK_IMAGE_MAX_PLANES], shape, stride[EFFVK_IMAGE_MAX_PLANES], last_word;
  gint32 last_row, rows, columns, colour;
} EffvkGatherItem;

/* How the frame's components are filtered: Y', R or gray; the others. */
typedef struct
{
  const EffvkTaps *x[2], *y[2];
} EffvkGatherTaps;

/* Describes a frame to resize-gather, and appends what it reads to the tables of rows and of
 * columns. FALSE where outputs have too many samples for that to pay. @matrix: R, G, B from the
 * components and 1. */
gboolean effvk_gather_plan (EffvkGatherItem *item, GArray *row_table, GArray *column_table,
                            const EffvkFrameLayout *layout, const EffvkGatherTaps *taps,
                            double matrix[3][4]);
