/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/pointwise.h"

#include "ops/gemm-tile.h"
#include "ops/lanes.h"
#include "ops/matrix.h"
#include "ops/pack.h"
#include "ops/shader.h"

#include "pointwise_lanes_texel_f16.spv.h"
#include "pointwise_lanes_texel_f32.spv.h"
#include "pointwise_matrix_storage_f16.spv.h"
#include "pointwise_split_storage_f16.spv.h"
#include "pointwise_split_storage_f32.spv.h"
#include "pointwise_tile_storage_f16.spv.h"
#include "pointwise_tile_storage_f32.spv.h"

/* Pixels of a lane. 49 divides the images of a 224 network and shares a fetch of weights among
 * more of them than 28 does: 7 % faster, for a tenth of a second more to compile. */
#define PIXELS 49

/* Of the split kernel, as in the shader. */
#define SPLIT_CHANNELS 16
#define SPLIT_PIXELS 8
#define SPLIT_LANES 8
#define SPLIT_AHEAD 3
#define MAX_SLICES 32

/* Of the matrix kernel: matrices of a subgroup side by side in channels, and workgroups that keep a large GPU busy. */
#define MATRIX_MAX_N 6
#define MATRIX_ENOUGH 256

/* With fewer workgroups of the tile kernel than this a GPU is idle in part, and the split kernel is ahead. */
#define FEW_GROUPS 128

typedef struct
{
  gint32 M, K4, C4, bias, residual, N;
} Push;

enum
{
  X,
  W,
  Y,
  SCALE,
  RESIDUAL
};

enum
{
  LANES,
  MATRIX,
  TILE,
  SPLIT
};

const EffvkKernel effvk_pointwise_kernels[] = {
  [LANES] = { "lanes", effvk_kernel_has_lanes, effvk_kernel_on_cpu },
  [MATRIX] = { "matrix", effvk_kernel_has_matrix, NULL },
  [TILE] = { "tile", effvk_gemm_tile_usable, NULL },
  [SPLIT] = { "split", effvk_kernel_anywhere, NULL },
};
const guint effvk_pointwise_n_kernels = G_N_ELEMENTS (effvk_pointwise_kernels);

#define STORAGE_SHADERS(symbol)                                                                    \
  EFFVK_SHADERS (symbol, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S)

static const EffvkShader shaders[][2] = {
  [LANES] = EFFVK_SHADERS (pointwise_lanes_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_T,
                           EFFVK_T),
  [MATRIX] = EFFVK_SHADERS_MATRIX (pointwise_matrix_storage, sizeof (Push), EFFVK_S, EFFVK_S,
                                   EFFVK_S, EFFVK_S, EFFVK_S),
  [TILE] = STORAGE_SHADERS (pointwise_tile_storage),
  [SPLIT] = STORAGE_SHADERS (pointwise_split_storage),
};

/* Slices of the inputs, so that each has a few texels. */
static guint
choose_slices (guint K4, guint max_invocations)
{
  guint slices = 4;

  while (slices < MAX_SLICES && slices * SPLIT_AHEAD < K4
         && 2 * slices * SPLIT_LANES <= max_invocations)
    slices *= 2;
  return slices;
}

/* The tile of a workgroup of the matrix kernel: the largest of those that compute least in vain and leave enough
 * workgroups; else the smallest. */
static void
choose_matrices (guint64 pixels, guint C, guint *m, guint *n)
{
  guint in_all = effvk_div_up (C, EFFVK_MATRIX_SIDE), least = G_MAXUINT;

  for (guint i = 1; i <= MATRIX_MAX_N; i++)
    least = MIN (least, effvk_div_up (in_all, i) * i);
  for (*m = 2; *m > 0; --*m)
    for (*n = MATRIX_MAX_N; *n > 0; --*n)
      if (effvk_div_up (in_all, *n) * *n == least
          && (pixels + EFFVK_MATRIX_ROWS * *m - 1) / (EFFVK_MATRIX_ROWS * *m) * (least / *n)
                 >= MATRIX_ENOUGH)
        return;
  *m = 1;
  for (*n = MIN (2, in_all); effvk_div_up (in_all, *n) * *n != least;)
    ++*n;
}

gboolean
effvk_pointwise (const EffvkOpContext *context, const EffvkPointwise *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  guint M = in->h * in->w, K = in->c, C = out->c, batch = in->n, K4 = effvk_c4 (K), padded = K4;
  EffvkGemmTile tile = effvk_gemm_tile_choose ((guint64) batch * M, C);
  gboolean few = effvk_gemm_tile_groups (tile, (guint64) batch * M, C) < FEW_GROUPS;
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  int favourite = caps.cpu ? -1 : few ? SPLIT : caps.matrix ? MATRIX : TILE;
  int kernel = effvk_op_choose_for_shape (context, "pointwise", effvk_pointwise_kernels,
                                          effvk_pointwise_n_kernels, favourite, error);
  EffvkDispatch dispatch = { .op = "pointwise", .writes = 1u << Y, .n_spec = 5 };
  Push push
      = { (gint32) M,    (gint32) K4, (gint32) effvk_c4 (C), 0, op->residual != EFFVK_TENSOR_NONE,
          (gint32) batch };
  guint channels, pixels;

  if (kernel < 0)
    return FALSE;
  dispatch.spec[1] = op->activation;
  dispatch.spec[2] = op->scale != EFFVK_TENSOR_NONE;
  if (kernel == LANES)
    {
      EffvkLanes lanes = effvk_lanes_choose (M, C, PIXELS, TRUE);

      channels = 4 * lanes.split;
      pixels = effvk_lanes_group_pixels (lanes);
      dispatch.spec[0] = lanes.split;
      /* Projections share one pipeline, with a residual or without. */
      dispatch.spec[3] = op->residual || op->activation == EFFVK_ACTIVATION_NONE;
      dispatch.spec[4] = lanes.pixels;
    }
  else if (kernel == MATRIX)
    {
      guint slices = K4 >= 4 * EFFVK_MATRIX_STEP ? 2 : 1, step = EFFVK_MATRIX_STEP * slices, m, n;

      choose_matrices ((guint64) batch * M, C, &m, &n);
      channels = EFFVK_MATRIX_SIDE * n;
      pixels = EFFVK_MATRIX_ROWS * m;
      padded = effvk_div_up (K4, step) * step;
      dispatch.spec[0] = n;
      dispatch.spec[3] = m;
      dispatch.spec[4] = caps.subgroup_size;
      dispatch.spec[5] = slices;
      dispatch.spec[6] = EFFVK_MATRIX_SUBGROUPS * slices * caps.subgroup_size;
      dispatch.n_spec = 7;
    }
  else if (kernel == TILE)
    {
      channels = effvk_gemm_tile_channels (tile);
      pixels = effvk_gemm_tile_pixels (tile);
      padded = effvk_div_up (K4, EFFVK_GEMM_TILE_STEP) * EFFVK_GEMM_TILE_STEP;
      dispatch.spec[0] = tile.tx;
      dispatch.spec[3] = tile.ty;
      dispatch.spec[4] = tile.quads;
    }
  else
    {
      channels = SPLIT_CHANNELS;
      pixels = SPLIT_PIXELS;
      dispatch.spec[0] = choose_slices (K4, caps.max_workgroup_invocations);
      dispatch.n_spec = 3;
    }

  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_pointwise_kernels[kernel].name;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_tiles (context, "pointwise weights", op->weight, op->bias, C, K, 1,
                                       padded * 4, channels, &push.bias);
  dispatch.bind[Y] = op->output;
  dispatch.bind[SCALE] = op->scale ? op->scale : op->input; /* bound, but not read */
  dispatch.bind[RESIDUAL] = op->residual ? op->residual : op->input;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * batch * in->h * in->w * K * C;
  dispatch.groups[0] = effvk_div_up (C, channels);
  dispatch.groups[1] = effvk_div_up (M, pixels);
  dispatch.groups[2] = batch;
  if (kernel == TILE || kernel == MATRIX) /* take the pixels of all images in a row */
    effvk_gemm_tile_spread (((guint64) batch * M + pixels - 1) / pixels, dispatch.groups);
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
