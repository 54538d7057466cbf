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
#include "pointwise_split_excite_storage_f16.spv.h"
#include "pointwise_split_excite_storage_f32.spv.h"
#include "pointwise_split_few_buffers_storage_f16.spv.h"
#include "pointwise_split_few_buffers_storage_f32.spv.h"
#include "pointwise_split_storage_f16.spv.h"
#include "pointwise_split_storage_f32.spv.h"
#include "pointwise_tile_excite_storage_f16.spv.h"
#include "pointwise_tile_excite_storage_f32.spv.h"
#include "pointwise_tile_few_buffers_storage_f16.spv.h"
#include "pointwise_tile_few_buffers_storage_f32.spv.h"
#include "pointwise_tile_storage_f16.spv.h"
#include "pointwise_tile_storage_f32.spv.h"

#define OP "pointwise"

/* Pixels of a lane. 49 divides the images of a 224 network. It shares a fetch of weights among more
 * pixels than 28 does. That is 7 % faster, and takes a tenth of a second more to compile. */
#define PIXELS 49

/* Of the split kernel, as in the shader. */
#define SPLIT_CHANNELS 16
#define SPLIT_PIXELS 8
#define SPLIT_LANES 8
#define SPLIT_AHEAD 3
#define MAX_SLICES 32

/* Workgroups of the matrix kernel that keep a large GPU busy. */
#define MATRIX_ENOUGH 256

/* With fewer workgroups of the tile kernel than this a GPU is idle in part, and the split kernel is
   ahead. */
#define FEW_GROUPS 128

/* The kernels that compute the gates spare a dispatch, about 4 µs, but each workgroup computes
 * them. EXCITE_WAITS is how often an invocation may wait for eight loads (0.35 µs). EXCITE_TEXELS
 * is how many texels may be read in all (2 MB of halves). The tile kernel takes no longer than the
 * split one for so few steps of inputs. Reckoned, not measured: see docs/performance.md. */
#define EXCITE_WAITS 5
#define EXCITE_AHEAD 8
#define EXCITE_TEXELS (1u << 18)
#define EXCITE_TILE_STEPS 3
/* Texels of gates and squeezed channels that they have room for, or twice, four times as many and
   so on. */
#define EXCITE_MIN_C4 32
#define EXCITE_MIN_S 16

typedef struct
{
  gint32 M, K4, C4, bias, residual, N;
  /* Of the kernels that compute the gates. */
  gint32 squeezed, sums;
  float mean;
} Push;

enum
{
  X,
  W,
  Y,
  SCALE,
  RESIDUAL,
  SQUEEZE_WEIGHTS,
  SUMS = SCALE
};

enum
{
  LANES,
  MATRIX,
  TILE,
  SPLIT,
  TILE_EXCITE,
  SPLIT_EXCITE,
  N_PLAIN = TILE_EXCITE
};

/* They bind six storage buffers. */
static gboolean
can_excite (const EffvkDeviceCaps *caps)
{
  return caps->max_storage_buffers >= 6;
}

const EffvkKernel effvk_pointwise_kernels[] = {
  [LANES] = { "lanes", effvk_kernel_has_lanes, effvk_kernel_on_cpu },
  [MATRIX] = { "matrix", effvk_kernel_has_matrix, NULL },
  [TILE] = { "tile", effvk_kernel_anywhere, NULL },
  [SPLIT] = { "split", effvk_kernel_anywhere, NULL },
  [TILE_EXCITE] = { "tile-excite", can_excite, NULL },
  [SPLIT_EXCITE] = { "split-excite", can_excite, NULL },
};
const guint effvk_pointwise_n_kernels = G_N_ELEMENTS (effvk_pointwise_kernels);

#define PUSH_SIZE offsetof (Push, squeezed)
#define STORAGE_SHADERS(symbol)                                                                    \
  EFFVK_SHADERS (symbol, PUSH_SIZE, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S)
#define EXCITE_SHADERS(symbol)                                                                     \
  EFFVK_SHADERS (symbol, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S)

static const EffvkShaderSet shaders[] = {
  [LANES]
  = EFFVK_SHADERS (pointwise_lanes_texel, PUSH_SIZE, EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_T, EFFVK_T),
  [MATRIX] = EFFVK_SHADERS_MATRIX (pointwise_matrix_storage, PUSH_SIZE, EFFVK_S, EFFVK_S, EFFVK_S,
                                   EFFVK_S, EFFVK_S),
  [TILE] = STORAGE_SHADERS (pointwise_tile_storage),
  [SPLIT] = STORAGE_SHADERS (pointwise_split_storage),
  [TILE_EXCITE] = EXCITE_SHADERS (pointwise_tile_excite_storage),
  [SPLIT_EXCITE] = EXCITE_SHADERS (pointwise_split_excite_storage),
};

/* The same kernels where a device has fewer storage buffers than these bind: the scale is read as
   texels. */
#define MANY_BUFFERS 5
#define FEW_BUFFERS_SHADERS(symbol)                                                                \
  EFFVK_SHADERS (symbol, PUSH_SIZE, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_T, EFFVK_S)

static const EffvkShaderSet few_buffers_shaders[] = {
  [TILE] = FEW_BUFFERS_SHADERS (pointwise_tile_few_buffers_storage),
  [SPLIT] = FEW_BUFFERS_SHADERS (pointwise_split_few_buffers_storage),
};

/* What the op computes, and what for. */
typedef struct
{
  guint M, K, K4, C, batch;
  EffvkDeviceCaps caps;
  EffvkGemmTile tile;
  guint slices;
} Shape;

/* What a workgroup computes, and what its inputs are padded to, in texels. */
typedef struct
{
  guint channels, pixels, padded;
} Tiling;

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

/* The tile of a workgroup of the matrix kernel: the largest of those that compute least in vain and
 * leave enough workgroups; else the smallest. */
static void
choose_matrices (guint64 pixels, guint C, guint max_bytes, guint *m, guint *n)
{
  guint in_all = effvk_div_up (C, EFFVK_MATRIX_SIDE), least = G_MAXUINT;

  for (guint i = 1; i <= EFFVK_MATRIX_MAX_N; i++)
    least = MIN (least, effvk_div_up (in_all, i) * i);
  for (*m = 2; *m > 0; --*m)
    for (*n = EFFVK_MATRIX_MAX_N; *n > 0; --*n)
      if (effvk_div_up (in_all, *n) * *n == least
          && effvk_matrix_shared_bytes (*m, *n, 1) <= max_bytes
          && (pixels + EFFVK_MATRIX_ROWS * *m - 1) / (EFFVK_MATRIX_ROWS * *m) * (least / *n)
                 >= MATRIX_ENOUGH)
        return;
  *m = 1;
  for (*n = MIN (2, in_all); effvk_div_up (in_all, *n) * *n != least;)
    ++*n;
}

/* Whether the gates are computed by each workgroup. */
static gboolean
excites (int kernel)
{
  return kernel >= N_PLAIN;
}

/* The same kernel with a scale that is read. */
static int
find_plain (int kernel)
{
  return kernel == TILE_EXCITE ? TILE : kernel == SPLIT_EXCITE ? SPLIT : kernel;
}

/* A few sizes, so that blocks share pipelines. */
static guint
round_up (guint n, guint least)
{
  while (least < n)
    least *= 2;
  return least;
}

static guint
count_threads (const Shape *shape, int kernel)
{
  return find_plain (kernel) == TILE ? EFFVK_GEMM_TILE_THREADS : shape->slices * SPLIT_LANES;
}

static gboolean
fits (const Shape *shape, int kernel, const EffvkSqueezeExcite *squeeze)
{
  guint threads = count_threads (shape, kernel);
  guint own = kernel == TILE_EXCITE ? effvk_gemm_tile_shared_bytes (shape->tile)
                                    : threads * (SPLIT_PIXELS / 2) * 16;

  return own
             + effvk_squeeze_excite_shared_bytes (round_up (shape->K4, EXCITE_MIN_C4),
                                                  round_up (squeeze->squeezed, EXCITE_MIN_S),
                                                  threads)
         <= shape->caps.max_shared_bytes;
}

/* Whether a kernel that computes the gates is ahead of two dispatches; see EXCITE_WAITS. @sums: of
   each channel. */
static gboolean
is_worthwhile (const Shape *shape, int kernel, const EffvkSqueezeExcite *squeeze, guint sums)
{
  guint64 texels = (guint64) shape->K4 * (sums + 2 * squeeze->squeezed);
  guint64 groups = kernel == TILE_EXCITE ? effvk_gemm_tile_groups (shape->tile, shape->M, shape->C)
                                         : (guint64) effvk_div_up (shape->C, SPLIT_CHANNELS)
                                               * effvk_div_up (shape->M, SPLIT_PIXELS);

  return fits (shape, kernel, squeeze)
         && texels <= (guint64) EXCITE_WAITS * EXCITE_AHEAD * count_threads (shape, kernel)
         && texels * groups * shape->batch <= EXCITE_TEXELS
         && (kernel != TILE_EXCITE || shape->K4 <= EXCITE_TILE_STEPS * EFFVK_GEMM_TILE_STEP);
}

/* The kernel that the shape asks for; -1: none. */
static int
choose_favourite (const EffvkOpContext *context, const EffvkPointwise *op, const Shape *shape)
{
  const EffvkSqueezeExcite *squeeze = op->squeeze_excite;
  guint64 pixels = (guint64) shape->batch * shape->M;
  guint sums;

  if (shape->caps.cpu)
    return -1;
  if (effvk_gemm_tile_groups (shape->tile, pixels, shape->C) >= FEW_GROUPS)
    return shape->caps.matrix ? MATRIX : TILE;
  if (!squeeze)
    return SPLIT;
  sums = effvk_program_get_info (context->program, squeeze->sums)->w;
  return is_worthwhile (shape, SPLIT_EXCITE, squeeze, sums)  ? SPLIT_EXCITE
         : is_worthwhile (shape, TILE_EXCITE, squeeze, sums) ? TILE_EXCITE
                                                             : SPLIT;
}

/* Whether the device reads as many texels as the lanes kernel would. */
static gboolean
fits_lanes (const EffvkOpContext *context, const EffvkPointwise *op, const Shape *shape)
{
  const guint64 texels[]
      = { effvk_lanes_count_weights (shape->C, shape->K4 * 4),
          effvk_op_count_texels (context, op->input), effvk_op_count_texels (context, op->residual),
          op->squeeze_excite ? (guint64) shape->batch * shape->K4
                             : effvk_op_count_texels (context, op->scale) };
  gboolean fits = TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (texels); i++)
    fits = fits && effvk_op_fits_texels (context, texels[i]);
  return fits;
}

static int
choose_kernel (const EffvkOpContext *context, const EffvkPointwise *op, const Shape *shape,
               GError **error)
{
  const EffvkSqueezeExcite *squeeze = op->squeeze_excite;
  g_autofree char *forced = effvk_op_get_forced (context, OP);
  EffvkShapeChoice by_shape = { .favourite = choose_favourite (context, op, shape) };
  EffvkOpContext own = *context;

  /* Whoever forces kernels that compute gates has layers without, or too large for them, as
     well. */
  for (int i = N_PLAIN; i < (int) G_N_ELEMENTS (effvk_pointwise_kernels); i++)
    {
      if (squeeze && fits (shape, i, squeeze))
        continue;
      by_shape.unfit |= 1u << i;
      if (g_strcmp0 (forced, effvk_pointwise_kernels[i].name) == 0)
        own.kernel = effvk_pointwise_kernels[find_plain (i)].name;
    }
  if (!fits_lanes (context, op, shape))
    by_shape.unfit |= 1u << LANES;
  return effvk_op_choose_for_shape (&own, OP, effvk_pointwise_kernels,
                                    squeeze ? effvk_pointwise_n_kernels : N_PLAIN, by_shape, error);
}

static Tiling
set_lanes (const Shape *shape, const EffvkPointwise *op, EffvkDispatch *dispatch)
{
  EffvkLanes lanes = effvk_lanes_choose (effvk_lanes_count (shape->caps.subgroup_size), shape->M,
                                         shape->C, PIXELS);

  dispatch->spec[SPEC_POINTWISE_SPLIT] = lanes.split;
  /* Projections share one pipeline, with a residual or without. */
  dispatch->spec[SPEC_POINTWISE_RESIDUAL] = op->residual || op->activation == EFFVK_ACTIVATION_NONE;
  dispatch->spec[SPEC_POINTWISE_PIXELS] = lanes.pixels;
  dispatch->spec[SPEC_POINTWISE_LANES] = lanes.lanes;
  dispatch->n_spec = SPEC_POINTWISE_LANES_N;
  return (Tiling){ 4 * lanes.split, effvk_lanes_group_pixels (lanes), shape->K4 };
}

static Tiling
set_matrix (const Shape *shape, EffvkDispatch *dispatch)
{
  const EffvkDeviceCaps *caps = &shape->caps;
  guint slices, step, m, n;

  choose_matrices ((guint64) shape->batch * shape->M, shape->C, caps->max_shared_bytes, &m, &n);
  slices = shape->K4 >= 4 * EFFVK_MATRIX_STEP && effvk_matrix_has_slices (caps, 2)
                   && effvk_matrix_shared_bytes (m, n, 2) <= caps->max_shared_bytes
               ? 2
               : 1;
  step = EFFVK_MATRIX_STEP * slices;
  dispatch->spec[SPEC_POINTWISE_MATRICES_ACROSS] = n;
  dispatch->spec[SPEC_POINTWISE_MATRICES_DOWN] = m;
  dispatch->spec[SPEC_POINTWISE_SUBGROUP_SIZE] = caps->subgroup_size;
  dispatch->spec[SPEC_POINTWISE_SLICES_OF_MATRIX] = slices;
  dispatch->spec[SPEC_POINTWISE_LOCAL_SIZE] = EFFVK_MATRIX_SUBGROUPS * slices * caps->subgroup_size;
  dispatch->n_spec = SPEC_POINTWISE_MATRIX_N;
  effvk_matrix_add_shape (caps, dispatch);
  return (Tiling){ EFFVK_MATRIX_SIDE * n, EFFVK_MATRIX_ROWS * m,
                   effvk_div_up (shape->K4, step) * step };
}

static Tiling
set_tile (const Shape *shape, EffvkDispatch *dispatch)
{
  dispatch->spec[SPEC_POINTWISE_TX] = shape->tile.tx;
  dispatch->spec[SPEC_POINTWISE_TY] = shape->tile.ty;
  dispatch->spec[SPEC_POINTWISE_QUADS] = shape->tile.quads;
  dispatch->n_spec = SPEC_POINTWISE_TILE_N;
  return (Tiling){ effvk_gemm_tile_channels (shape->tile), effvk_gemm_tile_pixels (shape->tile),
                   effvk_div_up (shape->K4, EFFVK_GEMM_TILE_STEP) * EFFVK_GEMM_TILE_STEP };
}

static Tiling
set_split (const Shape *shape, EffvkDispatch *dispatch)
{
  dispatch->spec[SPEC_POINTWISE_SLICES] = shape->slices;
  dispatch->n_spec = SPEC_POINTWISE_SPLIT_N;
  return (Tiling){ SPLIT_CHANNELS, SPLIT_PIXELS, shape->K4 };
}

static Tiling
set_kernel (int kernel, const Shape *shape, const EffvkPointwise *op, EffvkDispatch *dispatch)
{
  switch (find_plain (kernel))
    {
    case LANES:
      return set_lanes (shape, op, dispatch);
    case MATRIX:
      return set_matrix (shape, dispatch);
    case TILE:
      return set_tile (shape, dispatch);
    default:
      return set_split (shape, dispatch);
    }
}

/* What the kernels that compute the gates want beside. */
static void
set_excite (const EffvkOpContext *context, const Shape *shape, const EffvkSqueezeExcite *squeeze,
            EffvkDispatch *dispatch, Push *push)
{
  dispatch->spec[SPEC_POINTWISE_SQUEEZE_ACTIVATION] = squeeze->activation;
  dispatch->spec[SPEC_POINTWISE_MAX_C4] = round_up (shape->K4, EXCITE_MIN_C4);
  dispatch->spec[SPEC_POINTWISE_MAX_S] = round_up (squeeze->squeezed, EXCITE_MIN_S);
  dispatch->n_spec = SPEC_POINTWISE_EXCITE_N;
  dispatch->bind[SUMS] = squeeze->sums;
  dispatch->bind[SQUEEZE_WEIGHTS]
      = effvk_squeeze_excite_pack (context, squeeze, shape->K, squeeze->squeezed);
  dispatch->flops += 4.0 * shape->batch * shape->K * squeeze->squeezed;
  push->squeezed = (gint32) squeeze->squeezed;
  push->sums = (gint32) effvk_program_get_info (context->program, squeeze->sums)->w;
  push->mean = 1.0f / (float) squeeze->pixels;
}

/* The gates in a dispatch of their own. It is a part of what this op has chosen: the list of
 * choices has to be as long with any kernel. */
static gboolean
add_gates (const EffvkOpContext *context, const Shape *shape, const EffvkSqueezeExcite *squeeze,
           EffvkTensor *gates, GError **error)
{
  EffvkTensorInfo info = { "gates", EFFVK_STORAGE_F32, shape->batch, 1, 1, shape->K };
  EffvkOpContext own = *context;
  EffvkSqueezeExcite op = *squeeze;

  own.kernel = NULL;
  own.choices = own.made = NULL;
  op.output = *gates = effvk_program_add_tensor (context->program, &info);
  return effvk_squeeze_excite (&own, &op, error);
}

/* In the place of a scale, where the input may have more texels than the device reads. */
static EffvkTensor
add_ones (const EffvkOpContext *context)
{
  const float ones[] = { 1, 1, 1, 1 };

  return effvk_program_add_constant (context->program, "no scale", EFFVK_STORAGE_F32, ones, 4);
}

gboolean
effvk_pointwise_takes_squeeze_excite (const EffvkOpContext *context)
{
  g_autofree char *forced = effvk_op_get_forced (context, OP);
  gboolean takes = !effvk_op_get_caps (context).cpu;

  for (guint i = N_PLAIN; i < G_N_ELEMENTS (effvk_pointwise_kernels); i++)
    takes = takes || g_strcmp0 (forced, effvk_pointwise_kernels[i].name) == 0;
  return takes;
}

gboolean
effvk_pointwise (const EffvkOpContext *context, const EffvkPointwise *op, GError **error)
{
  const EffvkTensorInfo in = *effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo out = *effvk_program_get_info (context->program, op->output);
  Shape shape = { .M = in.h * in.w,
                  .K = in.c,
                  .K4 = effvk_c4 (in.c),
                  .C = out.c,
                  .batch = in.n,
                  .caps = effvk_op_get_caps (context) };
  EffvkTensor scale = op->scale;
  EffvkDispatch dispatch = { .op = OP, .writes = 1u << Y };
  Push push = { .M = (gint32) shape.M,
                .K4 = (gint32) shape.K4,
                .C4 = (gint32) effvk_c4 (shape.C),
                .residual = op->residual != EFFVK_TENSOR_NONE,
                .N = (gint32) shape.batch };
  Tiling tiling;
  int kernel;

  shape.tile = effvk_gemm_tile_choose (&shape.caps, (guint64) in.n * in.h * in.w, out.c);
  shape.slices = choose_slices (shape.K4, shape.caps.max_workgroup_invocations);
  kernel = choose_kernel (context, op, &shape, error);
  if (kernel < 0
      || (op->squeeze_excite && !excites (kernel)
          && !add_gates (context, &shape, op->squeeze_excite, &scale, error)))
    return FALSE;
  tiling = set_kernel (kernel, &shape, op, &dispatch);
  dispatch.spec[SPEC_POINTWISE_SCALE] = scale != EFFVK_TENSOR_NONE || excites (kernel);
  dispatch.shader = &shaders[kernel][context->storage];
  if ((kernel == TILE || kernel == SPLIT) && shape.caps.max_storage_buffers < MANY_BUFFERS)
    {
      dispatch.shader = &few_buffers_shaders[kernel][context->storage];
      scale = scale ? scale : add_ones (context);
    }
  dispatch.kernel = effvk_pointwise_kernels[kernel].name;
  dispatch.spec[SPEC_POINTWISE_ACTIVATION] = op->activation;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_tiles (context, "pointwise weights", op->weight, op->bias, shape.C,
                                       shape.K, 1, tiling.padded * 4, tiling.channels, &push.bias);
  dispatch.bind[Y] = op->output;
  dispatch.bind[SCALE] = scale ? scale : op->input; /* bound, but not read */
  dispatch.bind[RESIDUAL] = op->residual ? op->residual : op->input;
  dispatch.flops = 2.0 * shape.batch * shape.M * shape.K * shape.C;
  if (excites (kernel))
    set_excite (context, &shape, op->squeeze_excite, &dispatch, &push);
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.groups[0] = effvk_div_up (shape.C, tiling.channels);
  dispatch.groups[1] = effvk_div_up (shape.M, tiling.pixels);
  dispatch.groups[2] = shape.batch;
  if (kernel == TILE || kernel == MATRIX) /* take the pixels of all images in a row */
    effvk_gemm_tile_spread (((guint64) shape.batch * shape.M + tiling.pixels - 1) / tiling.pixels,
                            dispatch.groups);
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
