/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv.h"

#include "ops/lanes.h"
#include "ops/pack.h"
#include "ops/shader.h"

#include "conv_lanes_texel_f16.spv.h"
#include "conv_lanes_texel_f32.spv.h"
#include "conv_tile_storage_f16.spv.h"
#include "conv_tile_storage_f32.spv.h"

typedef struct
{
  gint32 H, W, OH, OW, K4, C4, kernel, stride, pad_x, pad_y, bias, residual;
} Push;

enum
{
  X,
  W,
  Y,
  RESIDUAL
};

enum
{
  LANES,
  TILE
};

const EffvkKernel effvk_conv_kernels[] = {
  [LANES] = { "lanes", effvk_kernel_has_lanes, effvk_kernel_on_cpu },
  [TILE] = { "tile", effvk_kernel_anywhere, NULL },
};
const guint effvk_conv_n_kernels = G_N_ELEMENTS (effvk_conv_kernels);

static const EffvkShaderSet shaders[] = {
  [LANES] = EFFVK_SHADERS (conv_lanes_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_T),
  [TILE] = EFFVK_SHADERS (conv_tile_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};

/* Whether the device reads as many texels as the lanes kernel would. */
static gboolean
fits_lanes (const EffvkOpContext *context, const EffvkConv *op)
{
  guint inputs = effvk_program_get_info (context->program, op->input)->c;
  guint outputs = effvk_program_get_info (context->program, op->output)->c;
  guint64 taps = (guint64) op->kernel * op->kernel * effvk_c4 (inputs) * 4;

  return effvk_op_fits_texels (context, effvk_op_count_texels (context, op->input))
         && effvk_op_fits_texels (context, effvk_op_count_texels (context, op->residual))
         && effvk_op_fits_texels (context, effvk_lanes_count_weights (outputs, taps));
}

gboolean
effvk_conv (const EffvkOpContext *context, const EffvkConv *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  guint M = out->h * out->w, K4 = effvk_c4 (in->c), C4 = effvk_c4 (out->c);
  EffvkShapeChoice shape = { .favourite = -1, .unfit = fits_lanes (context, op) ? 0 : 1u << LANES };
  int kernel = effvk_op_choose_for_shape (context, "conv", effvk_conv_kernels, effvk_conv_n_kernels,
                                          shape, error);
  EffvkLanes tile = { .split = 8 }; /* of the other kernel: 32 channels, 32 pixels */
  guint pixels = 32;
  EffvkDispatch dispatch = { .op = "conv", .writes = 1u << Y, .n_spec = SPEC_CONV_TILE_N };
  Push push = { .H = (gint32) in->h,
                .W = (gint32) in->w,
                .OH = (gint32) out->h,
                .OW = (gint32) out->w,
                .K4 = (gint32) K4,
                .C4 = (gint32) C4,
                .kernel = (gint32) op->kernel,
                .stride = (gint32) op->stride,
                .pad_x = (gint32) op->pad_x,
                .pad_y = (gint32) op->pad_y,
                .residual = op->residual != EFFVK_TENSOR_NONE };

  if (kernel < 0)
    return FALSE;
  if (kernel == LANES)
    {
      tile = effvk_lanes_choose (effvk_lanes_count (effvk_op_get_caps (context).subgroup_size), M,
                                 out->c, EFFVK_LANES_PIXELS);
      dispatch.n_spec = SPEC_CONV_LANES_N;
      pixels = effvk_lanes_group_pixels (tile);
    }

  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_conv_kernels[kernel].name;
  dispatch.spec[SPEC_CONV_SPLIT] = tile.split;
  dispatch.spec[SPEC_CONV_ACTIVATION] = op->activation;
  /* For the lanes kernel alone. */
  dispatch.spec[SPEC_CONV_RESIDUAL] = op->residual || op->activation == EFFVK_ACTIVATION_NONE;
  dispatch.spec[SPEC_CONV_PIXELS] = tile.pixels;
  dispatch.spec[SPEC_CONV_CHANNELS] = MIN (in->c, 4); /* the network's input has 3 */
  dispatch.spec[SPEC_CONV_LANES] = tile.lanes;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_tiles (context, "conv weights", op->weight, op->bias, out->c, in->c,
                                       op->kernel * op->kernel, K4 * 4, tile.split * 4, &push.bias);
  dispatch.bind[Y] = op->output;
  dispatch.bind[RESIDUAL] = op->residual ? op->residual : op->input; /* bound, but not read */
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * in->n * M * in->c * out->c * op->kernel * op->kernel;
  dispatch.groups[0] = effvk_div_up (C4, tile.split);
  dispatch.groups[1] = effvk_div_up (M, pixels);
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
