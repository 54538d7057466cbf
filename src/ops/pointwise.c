/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/pointwise.h"

#include "ops/lanes.h"
#include "ops/pack.h"
#include "ops/shader.h"

#include "pointwise_lanes_texel_f16.spv.h"
#include "pointwise_lanes_texel_f32.spv.h"
#include "pointwise_tile_storage_f16.spv.h"
#include "pointwise_tile_storage_f32.spv.h"

/* Pixels of a lane. 49 divides the images of a 224 network and shares a fetch of weights among
 * more of them than 28 does: 7 % faster, for a tenth of a second more to compile. */
#define PIXELS 49

typedef struct
{
  gint32 M, K4, C4, bias, residual;
} Push;

enum
{
  X,
  W,
  Y,
  SCALE,
  RESIDUAL
};

const EffvkKernel effvk_pointwise_kernels[] = {
  { "lanes", effvk_kernel_has_lanes, effvk_kernel_on_cpu },
  { "tile", effvk_kernel_anywhere, NULL },
};
const guint effvk_pointwise_n_kernels = G_N_ELEMENTS (effvk_pointwise_kernels);

static const EffvkShader shaders[][2] = {
  EFFVK_SHADERS (pointwise_lanes_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_T, EFFVK_T),
  EFFVK_SHADERS (pointwise_tile_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S,
                 EFFVK_S),
};

gboolean
effvk_pointwise (const EffvkOpContext *context, const EffvkPointwise *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  guint M = in->h * in->w, K = in->c, C = out->c, batch = in->n;
  int kernel = effvk_op_choose (context, "pointwise", effvk_pointwise_kernels,
                                effvk_pointwise_n_kernels, error);
  gboolean lanes = kernel == 0;
  EffvkLanes tile = { 8, 4 }; /* of the other kernel: 32 channels, 32 pixels */
  guint pixels = 32;
  EffvkDispatch dispatch = { .op = "pointwise", .writes = 1u << Y, .n_spec = 5 };
  Push push = { (gint32) M, (gint32) effvk_c4 (K), (gint32) effvk_c4 (C), 0,
                op->residual != EFFVK_TENSOR_NONE };

  if (kernel < 0)
    return FALSE;
  if (lanes)
    {
      tile = effvk_lanes_choose (M, C, PIXELS, TRUE);
      pixels = effvk_lanes_group_pixels (tile);
    }

  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_pointwise_kernels[kernel].name;
  dispatch.spec[0] = tile.split;
  dispatch.spec[1] = op->activation;
  dispatch.spec[2] = op->scale != EFFVK_TENSOR_NONE;
  /* For the lanes kernel alone. Projections share one pipeline, with a residual or without. */
  dispatch.spec[3] = op->residual || op->activation == EFFVK_ACTIVATION_NONE;
  dispatch.spec[4] = tile.pixels;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_tiles (context, "pointwise weights", op->weight, op->bias, C, K, 1,
                                       effvk_c4 (K) * 4, tile.split * 4, &push.bias);
  dispatch.bind[Y] = op->output;
  dispatch.bind[SCALE] = op->scale ? op->scale : op->input; /* bound, but not read */
  dispatch.bind[RESIDUAL] = op->residual ? op->residual : op->input;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * batch * M * K * C;
  dispatch.groups[0] = effvk_div_up (effvk_c4 (C), tile.split);
  dispatch.groups[1] = effvk_div_up (M, pixels);
  dispatch.groups[2] = batch;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
