/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What kernels choose by: features and limits, never names or versions. */
typedef struct
{
  gboolean cpu;                         /* a software device: few wide cores, dear barriers */
  guint32 subgroup_size;                /* lanes */
  gboolean subgroup_shuffle;            /* in compute shaders */
  gboolean matrix;                      /* see vk/matrix.h */
  guint32 matrix_m, matrix_n, matrix_k; /* of the products; each divides 16 */
  guint32 max_shared_bytes;
  guint32 max_workgroup_invocations; /* also along the first axis */
  guint32 max_storage_buffers;       /* that a shader binds */
  guint32 max_texel_elements;        /* of one buffer view */
  guint64 max_storage_range;         /* bytes of one storage buffer binding */
  gboolean timestamps;
  guint64 timestamp_mask;  /* the bits of a timestamp that count; it wraps around there */
  double timestamp_period; /* ns per tick */
} EffvkDeviceCaps;
