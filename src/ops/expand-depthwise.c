/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/expand-depthwise.h"

#include "ops/pack.h"
#include "ops/shader.h"

#include "expand_depthwise_tile_storage_f16.spv.h"
#include "expand_depthwise_tile_storage_f32.spv.h"

/* As in the shader. */
#define THREADS 128
#define CHANNELS 16
#define SIDE 7

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
  SUMS,
  GATES,
  WEIGHTS,
  DONE
};

const EffvkKernel effvk_expand_depthwise_kernels[] = {
  { "tile", effvk_kernel_anywhere, NULL },
};
const guint effvk_expand_depthwise_n_kernels = G_N_ELEMENTS (effvk_expand_depthwise_kernels);

static const EffvkShader shaders[][2] = {
  EFFVK_SHADERS (expand_depthwise_tile_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S,
                 EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};

/* Few sizes, so that blocks share pipelines. */
static guint
shared_texels (guint channels, guint squeezed)
{
  return squeezed ? MAX (effvk_c4 (channels), 288) : 1;
}

static guint
shared_squeezed (guint squeezed)
{
  return MAX (squeezed, 48);
}

gboolean
effvk_expand_depthwise_fits (const EffvkOpContext *context, guint channels, guint squeezed,
                             guint kernel, guint stride)
{
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  guint side = (SIDE - 1) * stride + kernel;
  guint shared = side * side * CHANNELS * 4 + THREADS * 16 + shared_texels (channels, squeezed) * 16
                 + shared_squeezed (squeezed) * 4 + 16;

  return !caps.cpu && shared <= caps.max_shared_bytes && THREADS <= caps.max_workgroup_invocations;
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
  int kernel = effvk_op_choose (context, "expand-depthwise", effvk_expand_depthwise_kernels,
                                effvk_expand_depthwise_n_kernels, error);
  EffvkDispatch dispatch = { .op = "expand-depthwise", .writes = 1u << Y, .n_spec = 6 };
  Push push = { .H = (gint32) in->h,
                .W = (gint32) in->w,
                .OH = (gint32) out->h,
                .OW = (gint32) out->w,
                .K4 = (gint32) K4,
                .C4 = (gint32) effvk_c4 (C),
                .pad_x = (gint32) depthwise->pad_x,
                .pad_y = (gint32) depthwise->pad_y,
                .S = (gint32) S };

  if (kernel < 0)
    return FALSE;
  tiles_x = effvk_div_up (out->w, SIDE);
  tiles = tiles_x * effvk_div_up (out->h, SIDE);
  push.tiles_x = (gint32) tiles_x;
  push.tiles = (gint32) tiles;

  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_expand_depthwise_kernels[kernel].name;
  dispatch.spec[0] = depthwise->kernel;
  dispatch.spec[1] = depthwise->stride;
  dispatch.spec[2] = depthwise->activation;
  dispatch.spec[3] = squeeze != NULL;
  dispatch.spec[4] = shared_texels (C, S);
  dispatch.spec[5] = shared_squeezed (S);
  dispatch.bind[X] = op->input;
  dispatch.bind[EXPAND]
      = effvk_pack_tiles (context, "expand weights", op->expand_weight, op->expand_bias, C, in->c,
                          1, K4 * 4, CHANNELS, &push.expand_bias);
  dispatch.bind[FILTERS]
      = effvk_pack_filters (context, depthwise->weight, depthwise->bias, C, depthwise->kernel);
  dispatch.bind[Y] = depthwise->output;
  /* Bound, but neither read nor written without squeeze-excite. */
  dispatch.bind[SUMS] = dispatch.bind[GATES] = dispatch.bind[DONE] = depthwise->output;
  dispatch.bind[WEIGHTS] = op->input;
  if (squeeze)
    {
      EffvkTensorInfo info = { "squeeze sums", EFFVK_STORAGE_F32, in->n, 1, tiles, C };
      g_autofree float *zeros = g_new0 (float, effvk_c4 (in->n) * 4);

      push.scale = 1.0f / (float) squeeze->pixels;
      dispatch.bind[SUMS] = effvk_program_add_tensor (context->program, &info);
      dispatch.bind[GATES] = squeeze->output;
      dispatch.bind[WEIGHTS] = effvk_squeeze_excite_pack (context, squeeze, C, S);
      dispatch.bind[DONE]
          = effvk_program_add_constant (context->program, "counter", EFFVK_STORAGE_F32, zeros,
                                        effvk_c4 (in->n) * 4);
      dispatch.writes |= 1u << SUMS | 1u << GATES | 1u << DONE;
    }
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
