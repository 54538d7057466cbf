/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/head.h"

#include "ops/lanes.h"
#include "ops/pack.h"
#include "ops/shader.h"

#include "head_lanes_texel_f16.spv.h"
#include "head_lanes_texel_f32.spv.h"
#include "head_tile_storage_f16.spv.h"
#include "head_tile_storage_f32.spv.h"

#define SPLIT 8 /* both kernels cover 32 channels */

typedef struct
{
  gint32 M, K4, C4, bias;
} Push;

enum
{
  X,
  W,
  Y
};

const EffvkKernel effvk_head_kernels[] = {
  { "lanes", effvk_kernel_has_lanes, effvk_kernel_on_cpu },
  { "tile", effvk_kernel_anywhere, NULL },
};
const guint effvk_head_n_kernels = G_N_ELEMENTS (effvk_head_kernels);

static const EffvkShader shaders[][2] = {
  EFFVK_SHADERS (head_lanes_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S),
  EFFVK_SHADERS (head_tile_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S),
};

gboolean
effvk_head (const EffvkOpContext *context, const EffvkHead *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  guint K4 = effvk_c4 (in->c), C4 = effvk_c4 (out->c);
  int kernel = effvk_op_choose (context, "head", effvk_head_kernels, effvk_head_n_kernels, error);
  EffvkDispatch dispatch = { .op = "head", .writes = 1u << Y, .n_spec = 3 };
  Push push = { (gint32) (in->h * in->w), (gint32) K4, (gint32) C4, 0 };

  if (kernel < 0)
    return FALSE;
  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_head_kernels[kernel].name;
  dispatch.spec[0] = SPLIT;
  dispatch.spec[1] = op->activation;
  dispatch.spec[2] = EFFVK_LANES_PIXELS;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_tiles (context, "head weights", op->weight, op->bias, out->c, in->c,
                                       1, K4 * 4, SPLIT * 4, &push.bias);
  dispatch.bind[Y] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * in->n * in->h * in->w * in->c * out->c;
  dispatch.groups[0] = effvk_div_up (C4, SPLIT);
  dispatch.groups[1] = 1;
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
