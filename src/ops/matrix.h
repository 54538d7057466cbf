/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What shaders/matrix.glsl is made of. */
#pragma once

#define EFFVK_MATRIX_SIDE 16
/* Pixels of a workgroup, for each matrix of a subgroup. */
#define EFFVK_MATRIX_ROWS 64
/* Of a slice. */
#define EFFVK_MATRIX_SUBGROUPS 4
/* Texels of inputs that a slice takes at a time: weights are padded to them. */
#define EFFVK_MATRIX_STEP 8

/* What its largest workgroup takes: two slices, of 128 pixels and 96 channels. */
#define EFFVK_MATRIX_MAX_SUBGROUPS (2 * EFFVK_MATRIX_SUBGROUPS)
#define EFFVK_MATRIX_SHARED_BYTES 39936
