/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/depthwise.h"

#include "ops/pack.h"
#include "ops/shader.h"

#include "depthwise_texel_f16.spv.h"
#include "depthwise_texel_f32.spv.h"
#include "depthwise_tile_storage_f16.spv.h"
#include "depthwise_tile_storage_f32.spv.h"

typedef struct
{
  gint32 H, W, OH, OW, C4, pad_x, pad_y, tiles_x, tiles;
} Push;

enum
{
  X,
  W,
  Y,
  SUMS
};

enum
{
  TEXEL,
  TILE,
  TALL
};

const EffvkKernel effvk_depthwise_kernels[] = {
  [TEXEL] = { "texel", effvk_kernel_anywhere, effvk_kernel_on_cpu },
  [TILE] = { "tile", effvk_kernel_anywhere, NULL },
  [TALL] = { "tall", effvk_kernel_anywhere, NULL },
};
const guint effvk_depthwise_n_kernels = G_N_ELEMENTS (effvk_depthwise_kernels);

#define GPU_SHADERS                                                                                \
  EFFVK_SHADERS (depthwise_tile_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S)

static const EffvkShaderSet shaders[] = {
  [TEXEL] = EFFVK_SHADERS (depthwise_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_S),
  [TILE] = GPU_SHADERS,
  [TALL] = GPU_SHADERS,
};

/* The tile of an invocation, by kernel: a CPU device keeps 14 pixels in registers, a GPU wants more
 * invocations. */
static const struct
{
  guint width, height;
} tiles[] = { [TEXEL] = { 7, 2 }, [TILE] = { 4, 1 }, [TALL] = { 4, 2 } };

#define TEXEL_THREADS 32
/* Of a workgroup on a GPU: the tiles whose sums are added up, and how many texels of channels there
   may be. */
#define GROUP_TILES 8
#define MAX_GROUP_CHANNELS 12

/* As many texels of channels as divide them all, so that no invocation is idle. */
static guint
choose_group_channels (guint C4)
{
  for (guint n = MAX_GROUP_CHANNELS; n >= 6; n--)
    if (C4 % n == 0)
      return n;
  return MIN (C4, 8);
}

gboolean
effvk_depthwise (const EffvkOpContext *context, const EffvkDepthwise *op, EffvkTensor *sums,
                 GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  guint C4 = effvk_c4 (in->c), tiles_x, n_tiles, n_sums;
  guint64 weights = (guint64) (op->kernel * op->kernel + 1) * C4;
  gboolean fits = effvk_op_fits_texels (context, effvk_op_count_texels (context, op->input))
                  && effvk_op_fits_texels (context, weights);
  EffvkShapeChoice shape = { .favourite = -1, .unfit = fits ? 0 : 1u << TEXEL };
  int kernel = effvk_op_choose_for_shape (context, "depthwise", effvk_depthwise_kernels,
                                          effvk_depthwise_n_kernels, shape, error);
  EffvkDispatch dispatch = { .op = "depthwise", .writes = 1u << Y };
  Push push = { .H = (gint32) in->h,
                .W = (gint32) in->w,
                .OH = (gint32) out->h,
                .OW = (gint32) out->w,
                .C4 = (gint32) C4,
                .pad_x = (gint32) op->pad_x,
                .pad_y = (gint32) op->pad_y };

  *sums = EFFVK_TENSOR_NONE;
  if (kernel < 0)
    return FALSE;
  tiles_x = effvk_div_up (out->w, tiles[kernel].width);
  n_tiles = tiles_x * effvk_div_up (out->h, tiles[kernel].height);
  push.tiles_x = (gint32) tiles_x;
  push.tiles = (gint32) n_tiles;
  n_sums = kernel == TEXEL ? n_tiles : effvk_div_up (n_tiles, GROUP_TILES);

  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_depthwise_kernels[kernel].name;
  dispatch.spec[SPEC_DEPTHWISE_KERNEL] = op->kernel;
  dispatch.spec[SPEC_DEPTHWISE_STRIDE] = op->stride;
  dispatch.spec[SPEC_DEPTHWISE_TILE_WIDTH] = tiles[kernel].width;
  dispatch.spec[SPEC_DEPTHWISE_TILE_HEIGHT] = tiles[kernel].height;
  dispatch.spec[SPEC_DEPTHWISE_ACTIVATION] = op->activation;
  dispatch.spec[SPEC_DEPTHWISE_SUMS] = op->squeeze;
  if (kernel == TEXEL)
    {
      dispatch.spec[SPEC_DEPTHWISE_THREADS] = TEXEL_THREADS;
      dispatch.n_spec = SPEC_DEPTHWISE_TEXEL_N;
      dispatch.groups[0] = effvk_div_up (n_tiles * C4, TEXEL_THREADS);
      dispatch.groups[1] = 1;
    }
  else
    {
      dispatch.spec[SPEC_DEPTHWISE_GROUP_CHANNELS] = choose_group_channels (C4);
      dispatch.spec[SPEC_DEPTHWISE_GROUP_TILES] = GROUP_TILES;
      dispatch.n_spec = SPEC_DEPTHWISE_TILE_N;
      dispatch.groups[0] = effvk_div_up (C4, dispatch.spec[SPEC_DEPTHWISE_GROUP_CHANNELS]);
      dispatch.groups[1] = n_sums;
    }
  dispatch.groups[2] = in->n;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_filters (context, op->weight, op->bias, in->c, op->kernel);
  dispatch.bind[Y] = op->output;
  dispatch.bind[SUMS] = op->output; /* bound, but not written unless asked for */
  if (op->squeeze)
    {
      EffvkTensorInfo info = { "squeeze sums", EFFVK_STORAGE_F32, in->n, 1, n_sums, in->c };

      *sums = dispatch.bind[SUMS] = effvk_program_add_tensor (context->program, &info);
      dispatch.writes |= 1u << SUMS;
    }
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * in->n * out->h * out->w * in->c * op->kernel * op->kernel;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
