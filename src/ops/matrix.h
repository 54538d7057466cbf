/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What shaders/matrix.glsl is made of. */
#pragma once

#include "ops/op.h"

#define EFFVK_MATRIX_SIDE 16
/* Pixels of a workgroup, for each matrix of a subgroup. */
#define EFFVK_MATRIX_ROWS 64
/* Of 16 channels, side by side in a workgroup. */
#define EFFVK_MATRIX_MAX_N 6
/* Of a slice. */
#define EFFVK_MATRIX_SUBGROUPS 4
/* Texels of inputs that a slice takes at a time: weights are padded to them. */
#define EFFVK_MATRIX_STEP 8

/* Bytes of shared memory that a workgroup takes of @m times 64 pixels, @n times 16 channels and
 * @slices of the inputs. */
static inline guint
effvk_matrix_shared_bytes (guint m, guint n, guint slices)
{
  guint step = EFFVK_MATRIX_STEP * slices;
  guint x = EFFVK_MATRIX_ROWS * m * (2 * step + 4), w = 4 * step * (EFFVK_MATRIX_SIDE / 2 * n + 4);

  return 4 * (x + w) + EFFVK_MATRIX_SUBGROUPS * slices * EFFVK_MATRIX_SIDE * EFFVK_MATRIX_SIDE * 4;
}

/* Whether the device has workgroups of so many slices. */
static inline gboolean
effvk_matrix_has_slices (const EffvkDeviceCaps *caps, guint slices)
{
  return caps->max_workgroup_invocations >= EFFVK_MATRIX_SUBGROUPS * slices * caps->subgroup_size;
}

/* Adds the shape of the device's products to a dispatch's constants. */
static inline void
effvk_matrix_add_shape (const EffvkDeviceCaps *caps, EffvkDispatch *dispatch)
{
  dispatch->spec[dispatch->n_spec++] = caps->matrix_m;
  dispatch->spec[dispatch->n_spec++] = caps->matrix_n;
  dispatch->spec[dispatch->n_spec++] = caps->matrix_k;
}
