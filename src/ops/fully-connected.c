/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/fully-connected.h"

#include "ops/lanes.h"
#include "ops/pack.h"
#include "ops/shader.h"

#include "fully_connected_lanes_texel_f16.spv.h"
#include "fully_connected_lanes_texel_f32.spv.h"
#include "fully_connected_split_storage_f16.spv.h"
#include "fully_connected_split_storage_f32.spv.h"

/* Of the split kernel: how many invocations share a class. */
#define MAX_SLICES 32

typedef struct
{
  gint32 K4, steps, C4, bias;
} Push;

enum
{
  X,
  W,
  Y
};

enum
{
  LANES,
  SPLIT
};

const EffvkKernel effvk_fully_connected_kernels[] = {
  [LANES] = { "lanes", effvk_kernel_has_lanes, effvk_kernel_on_cpu },
  [SPLIT] = { "split", effvk_kernel_anywhere, NULL },
};
const guint effvk_fully_connected_n_kernels = G_N_ELEMENTS (effvk_fully_connected_kernels);

static const EffvkShaderSet shaders[] = {
  [LANES] = EFFVK_SHADERS (fully_connected_lanes_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S),
  [SPLIT] = EFFVK_SHADERS (fully_connected_split_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S),
};

/* Whether the device reads as many texels as the lanes kernel would. */
static gboolean
fits_lanes (const EffvkOpContext *context, const EffvkFullyConnected *op)
{
  guint inputs = effvk_program_get_info (context->program, op->input)->c;
  guint outputs = effvk_program_get_info (context->program, op->output)->c;
  guint64 padded = (guint64) effvk_div_up (inputs, 4 * EFFVK_LANES_MAX) * 4 * EFFVK_LANES_MAX;

  return effvk_op_fits_texels (context, effvk_op_count_texels (context, op->input))
         && effvk_op_fits_texels (context, effvk_lanes_count_weights (outputs, padded));
}

gboolean
effvk_fully_connected (const EffvkOpContext *context, const EffvkFullyConnected *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  EffvkShapeChoice shape = { .favourite = -1, .unfit = fits_lanes (context, op) ? 0 : 1u << LANES };
  int kernel = effvk_op_choose_for_shape (context, "fully-connected", effvk_fully_connected_kernels,
                                          effvk_fully_connected_n_kernels, shape, error);
  /* Side by side, of four classes each. */
  guint wide = kernel == LANES ? effvk_lanes_count (caps.subgroup_size) : 8;
  guint steps = effvk_div_up (in->c, 4 * wide), C4 = effvk_c4 (out->c);
  EffvkDispatch dispatch = { .op = "fully-connected", .writes = 1u << Y };
  Push push = { (gint32) effvk_c4 (in->c), (gint32) steps, (gint32) C4, 0 };

  if (kernel < 0)
    return FALSE;
  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_fully_connected_kernels[kernel].name;
  if (kernel == LANES)
    dispatch.spec[SPEC_FULLY_CONNECTED_LANES] = wide;
  else
    dispatch.spec[SPEC_FULLY_CONNECTED_SLICES]
        = MIN (MAX_SLICES, caps.max_workgroup_invocations / wide);
  dispatch.n_spec = SPEC_FULLY_CONNECTED_N;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_tiles (context, "fully connected weights", op->weight, op->bias,
                                       out->c, in->c, 1, steps * 4 * wide, 4 * wide, &push.bias);
  dispatch.bind[Y] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * in->n * in->c * out->c;
  dispatch.groups[0] = effvk_div_up (C4, wide);
  dispatch.groups[1] = 1;
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
