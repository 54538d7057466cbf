/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/depthwise.h"

#include "ops/pack.h"
#include "ops/shader.h"

#include "depthwise_storage_f16.spv.h"
#include "depthwise_storage_f32.spv.h"
#include "depthwise_texel_f16.spv.h"
#include "depthwise_texel_f32.spv.h"

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

const EffvkKernel effvk_depthwise_kernels[] = {
  { "texel", effvk_kernel_anywhere, effvk_kernel_on_cpu },
  { "storage", effvk_kernel_anywhere, NULL },
};
const guint effvk_depthwise_n_kernels = G_N_ELEMENTS (effvk_depthwise_kernels);

static const EffvkShader shaders[][2] = {
  EFFVK_SHADERS (depthwise_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_S),
  EFFVK_SHADERS (depthwise_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};

/* The tile of an invocation and the workgroup's size, by kernel: a CPU device keeps 14 pixels in
 * registers, a GPU wants more invocations. */
static const struct
{
  guint width, height, threads;
} tiles[] = { { 7, 2, 32 }, { 4, 1, 64 } };

gboolean
effvk_depthwise (const EffvkOpContext *context, const EffvkDepthwise *op, EffvkTensor *sums,
                 GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  guint C4 = effvk_c4 (in->c), tiles_x, n_tiles;
  int kernel = effvk_op_choose (context, "depthwise", effvk_depthwise_kernels,
                                effvk_depthwise_n_kernels, error);
  EffvkDispatch dispatch = { .op = "depthwise", .writes = 1u << Y, .n_spec = 7 };
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

  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_depthwise_kernels[kernel].name;
  dispatch.spec[0] = op->kernel;
  dispatch.spec[1] = op->stride;
  dispatch.spec[2] = tiles[kernel].width;
  dispatch.spec[3] = tiles[kernel].height;
  dispatch.spec[4] = op->activation;
  dispatch.spec[5] = op->squeeze;
  dispatch.spec[6] = tiles[kernel].threads;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_filters (context, op->weight, op->bias, in->c, op->kernel);
  dispatch.bind[Y] = op->output;
  dispatch.bind[SUMS] = op->output; /* bound, but not written unless asked for */
  if (op->squeeze)
    {
      EffvkTensorInfo info = { "squeeze sums", EFFVK_STORAGE_F32, in->n, 1, n_tiles, in->c };

      *sums = dispatch.bind[SUMS] = effvk_program_add_tensor (context->program, &info);
      dispatch.writes |= 1u << SUMS;
    }
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * in->n * out->h * out->w * in->c * op->kernel * op->kernel;
  dispatch.groups[0] = effvk_div_up (n_tiles * C4, tiles[kernel].threads);
  dispatch.groups[1] = 1;
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
