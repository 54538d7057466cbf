/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What shaders/matrix.glsl is made of. */
#pragma once

#define EFFVK_MATRIX_SIDE 16
#define EFFVK_MATRIX_ROWS 64     /* pixels of a workgroup, for each matrix of a subgroup */
#define EFFVK_MATRIX_SUBGROUPS 4 /* of a slice */
#define EFFVK_MATRIX_STEP                                                                          \
  8 /* texels of inputs that a slice takes at a time: weights are padded to them */
