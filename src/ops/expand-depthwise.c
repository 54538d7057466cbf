/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/expand-depthwise.h"

#include "ops/matrix.h"
#include "ops/pack.h"
#include "ops/shader.h"

#include "expand_depthwise_matrix_storage_f16.spv.h"
#include "expand_depthwise_tile_storage_f16.spv.h"
#include "expand_depthwise_tile_storage_f32.spv.h"

/* As in the shader. */
#define THREADS 256
#define CHANNELS 16
#define STEP 16 /* texels of inputs that weights are padded to */
#define SQUEEZE_AHEAD 8

/* Above this a GPU has enough to do in each dispatch, and what this kernel computes twice costs
 * more than what it spares. */
#define MAX_BATCH 2

typedef struct
{
  gint32 H, W, OH, OW, K4, C4, pad_x, pad_y, tiles_x, tiles, expand_bias, S;
  float scale;
} Push;

enum
{
  X,
  EXPAND,
  FILTERS,
  Y,
  PARTS,
  GATES,
  WEIGHTS,
  DONE
};

enum
{
  MATRIX,
  TILE
};

static gboolean
can_tile (const EffvkDeviceCaps *caps)
{
  return caps->max_workgroup_invocations >= THREADS
         && caps->max_storage_buffers >= EFFVK_MAX_BINDINGS;
}

static gboolean
can_matrix (const EffvkDeviceCaps *caps)
{
  return can_tile (caps) && effvk_kernel_has_matrix (caps);
}

const EffvkKernel effvk_expand_depthwise_kernels[] = {
  [MATRIX] = { "matrix", can_matrix, NULL },
  [TILE] = { "tile", can_tile, NULL },
};
const guint effvk_expand_depthwise_n_kernels = G_N_ELEMENTS (effvk_expand_depthwise_kernels);

static const EffvkShaderSet shaders[] = {
  [MATRIX] = EFFVK_SHADERS_MATRIX (expand_depthwise_matrix_storage, sizeof (Push), EFFVK_S, EFFVK_S,
                                   EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
  [TILE] = EFFVK_SHADERS (expand_depthwise_tile_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S,
                          EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};

/* Few sizes, so that blocks share pipelines. */
static guint
shared_squeezed (guint squeezed)
{
  return MAX (squeezed, 48);
}

/* Bytes of shared memory for @pixels that are expanded and the squeeze-excite. */
static guint
shared_bytes (guint pixels, guint squeezed)
{
  return pixels * CHANNELS * 4 + THREADS * 16 + (shared_squeezed (squeezed) + SQUEEZE_AHEAD) * 4
         + 16;
}

#define SMALL_SIDE 7
#define LARGE_SIDE 14

static guint
find_in_side (guint side, guint kernel, guint stride)
{
  return (side - 1) * stride + kernel;
}

static gboolean
has_room (const EffvkDeviceCaps *caps, guint side, guint squeezed, guint kernel, guint stride)
{
  guint in_side = find_in_side (side, kernel, stride);

  return shared_bytes (in_side * in_side, squeezed) <= caps->max_shared_bytes;
}

/* Of the tile of outputs: small, so that there are workgroups enough, but for large images, whose
 * tiles compute less twice when they are larger. */
static guint
choose_side (const EffvkDeviceCaps *caps, const EffvkTensorInfo *out, guint squeezed, guint kernel,
             guint stride)
{
  return stride == 1 && out->h >= 56 && out->w >= 56
                 && has_room (caps, LARGE_SIDE, squeezed, kernel, stride)
             ? LARGE_SIDE
             : SMALL_SIDE;
}

/* How many texels of inputs the matrix kernel can have in shared memory at a time; 0: it does not
   fit. */
static guint
choose_step (const EffvkDeviceCaps *caps, guint side, guint squeezed)
{
  guint pixels = effvk_div_up (side * side, EFFVK_MATRIX_SIDE) * EFFVK_MATRIX_SIDE;

  for (guint step = STEP; step >= 4; step /= 2)
    {
      guint x_row = (2 * step + 4) * 4, w_row = (CHANNELS / 2 + 4) * 4;

      if (shared_bytes (pixels, squeezed) + pixels * x_row + step * 4 * w_row
          <= caps->max_shared_bytes)
        return step;
    }
  return 0;
}

gboolean
effvk_expand_depthwise_fits (const EffvkOpContext *context, guint squeezed, guint kernel,
                             guint stride)
{
  const EffvkDeviceCaps *caps = effvk_device_get_caps (effvk_program_get_device (context->program));

  return can_tile (caps) && has_room (caps, SMALL_SIDE, squeezed, kernel, stride);
}

gboolean
effvk_expand_depthwise_is_worthwhile (const EffvkOpContext *context, guint batch)
{
  EffvkPlan plan = effvk_plan_resolve (effvk_program_get_device (context->program), context->plan);

  return plan == EFFVK_PLAN_GPU_FUSED || (plan == EFFVK_PLAN_GPU && batch <= MAX_BATCH);
}

/* What the squeeze-excite of @channels needs: the parts that workgroups leave, and how many of them
 * have finished. */
static void
bind_squeeze (const EffvkOpContext *context, const EffvkSqueezeExcite *squeeze, guint batch,
              guint channels, guint tiles, EffvkDispatch *dispatch)
{
  EffvkTensorInfo info
      = { "squeeze parts",  EFFVK_STORAGE_F32, batch, 1, tiles * effvk_div_up (channels, CHANNELS),
          squeeze->squeezed };
  guint n_counters = effvk_c4 (batch) * 4;
  g_autofree float *zeros = g_new0 (float, n_counters);

  dispatch->bind[PARTS] = effvk_program_add_tensor (context->program, &info);
  dispatch->bind[GATES] = squeeze->output;
  dispatch->bind[WEIGHTS] = effvk_squeeze_excite_pack (context, squeeze, channels, info.c);
  dispatch->bind[DONE] = effvk_program_add_constant (context->program, "counter", EFFVK_STORAGE_F32,
                                                     zeros, n_counters);
  dispatch->writes |= 1u << PARTS | 1u << GATES | 1u << DONE;
}

gboolean
effvk_expand_depthwise (const EffvkOpContext *context, const EffvkExpandDepthwise *op,
                        GError **error)
{
  const EffvkDepthwise *depthwise = &op->depthwise;
  const EffvkSqueezeExcite *squeeze = op->squeeze_excite;
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, depthwise->output);
  guint C = out->c, S = squeeze ? squeeze->squeezed : 0, K4 = effvk_c4 (in->c), tiles_x, tiles;
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  guint side = choose_side (&caps, out, S, depthwise->kernel, depthwise->stride);
  guint step = choose_step (&caps, find_in_side (side, depthwise->kernel, depthwise->stride), S);
  EffvkShapeChoice by_shape
      = { .favourite = caps.matrix ? MATRIX : TILE, .unfit = step ? 0 : 1u << MATRIX };
  int kernel
      = effvk_op_choose_for_shape (context, "expand-depthwise", effvk_expand_depthwise_kernels,
                                   effvk_expand_depthwise_n_kernels, by_shape, error);
  EffvkDispatch dispatch
      = { .op = "expand-depthwise", .writes = 1u << Y, .n_spec = SPEC_EXPAND_DEPTHWISE_TILE_N };
  Push push = { .H = (gint32) in->h,
                .W = (gint32) in->w,
                .OH = (gint32) out->h,
                .OW = (gint32) out->w,
                .K4 = (gint32) K4,
                .C4 = (gint32) effvk_c4 (C),
                .pad_x = (gint32) depthwise->pad_x,
                .pad_y = (gint32) depthwise->pad_y,
                .S = (gint32) S,
                .scale = squeeze ? 1.0f / (float) squeeze->pixels : 0 };

  if (kernel < 0)
    return FALSE;
  tiles_x = effvk_div_up (out->w, side);
  tiles = tiles_x * effvk_div_up (out->h, side);
  push.tiles_x = (gint32) tiles_x;
  push.tiles = (gint32) tiles;

  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_expand_depthwise_kernels[kernel].name;
  dispatch.spec[SPEC_EXPAND_DEPTHWISE_KERNEL] = depthwise->kernel;
  dispatch.spec[SPEC_EXPAND_DEPTHWISE_STRIDE] = depthwise->stride;
  dispatch.spec[SPEC_EXPAND_DEPTHWISE_ACTIVATION] = depthwise->activation;
  dispatch.spec[SPEC_EXPAND_DEPTHWISE_SQUEEZE] = squeeze != NULL;
  dispatch.spec[SPEC_EXPAND_DEPTHWISE_MAX_S] = shared_squeezed (S);
  dispatch.spec[SPEC_EXPAND_DEPTHWISE_SIDE] = side;
  if (kernel == MATRIX)
    {
      dispatch.spec[SPEC_EXPAND_DEPTHWISE_SUBGROUP_SIZE] = caps.subgroup_size;
      dispatch.spec[SPEC_EXPAND_DEPTHWISE_STEP] = step;
      dispatch.n_spec = SPEC_EXPAND_DEPTHWISE_MATRIX_N;
      effvk_matrix_add_shape (&caps, &dispatch);
    }
  dispatch.bind[X] = op->input;
  dispatch.bind[EXPAND]
      = effvk_pack_tiles (context, "expand weights", op->expand_weight, op->expand_bias, C, in->c,
                          1, effvk_div_up (K4, STEP) * STEP * 4, CHANNELS, &push.expand_bias);
  dispatch.bind[FILTERS]
      = effvk_pack_filters (context, depthwise->weight, depthwise->bias, C, depthwise->kernel);
  dispatch.bind[Y] = depthwise->output;
  /* Bound, but neither read nor written without squeeze-excite. */
  dispatch.bind[PARTS] = dispatch.bind[GATES] = dispatch.bind[DONE] = depthwise->output;
  dispatch.bind[WEIGHTS] = op->input;
  if (squeeze)
    bind_squeeze (context, squeeze, in->n, C, tiles, &dispatch);
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * in->n * C
                   * ((double) in->h * in->w * in->c
                      + (double) out->h * out->w * depthwise->kernel * depthwise->kernel + 2.0 * S);
  dispatch.groups[0] = effvk_div_up (C, CHANNELS);
  dispatch.groups[1] = tiles;
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
