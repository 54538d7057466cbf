/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/head.h"

#include "ops/lanes.h"
#include "ops/matrix.h"
#include "ops/pack.h"
#include "ops/shader.h"

#include "head_lanes_texel_f16.spv.h"
#include "head_lanes_texel_f32.spv.h"
#include "head_matrix_storage_f16.spv.h"
#include "head_tile_storage_f16.spv.h"
#include "head_tile_storage_f32.spv.h"

/* Of the tile kernel: channels of a workgroup, as in the shader, and slices of the inputs. */
#define TILE_CHANNELS 16
#define TILE_LANES 64
#define MAX_SLICES 4
#define TILE_PIXELS 64 /* at a time */
#define TILE_AHEAD 4   /* texels of inputs that are loaded at a time */

/* Of the matrix kernel: matrices side by side in channels, and the batch from which on it has work
   enough for a GPU. */
#define MATRICES 4
#define MATRIX_BATCH 8

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

enum
{
  LANES,
  MATRIX,
  TILE
};

const EffvkKernel effvk_head_kernels[] = {
  [LANES] = { "lanes", effvk_kernel_has_lanes, effvk_kernel_on_cpu },
  [MATRIX] = { "matrix", effvk_kernel_has_matrix, NULL },
  [TILE] = { "tile", effvk_kernel_anywhere, NULL },
};
const guint effvk_head_n_kernels = G_N_ELEMENTS (effvk_head_kernels);

static const EffvkShaderSet shaders[] = {
  [LANES] = EFFVK_SHADERS (head_lanes_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S),
  [MATRIX] = EFFVK_SHADERS_MATRIX (head_matrix_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S),
  [TILE] = EFFVK_SHADERS (head_tile_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S),
};

/* Whether the device reads as many texels as the lanes kernel would. */
static gboolean
fits_lanes (const EffvkOpContext *context, const EffvkHead *op)
{
  guint inputs = effvk_program_get_info (context->program, op->input)->c;
  guint outputs = effvk_program_get_info (context->program, op->output)->c;

  return effvk_op_fits_texels (context, effvk_op_count_texels (context, op->input))
         && effvk_op_fits_texels (context,
                                  effvk_lanes_count_weights (outputs, effvk_c4 (inputs) * 4));
}

static guint
choose_slices (const EffvkDeviceCaps *caps)
{
  return MIN (MAX_SLICES, caps->max_workgroup_invocations / TILE_LANES);
}

/* What the size says: the kernels go over all pixels and, for some of them at a time, over all
 * inputs. */
static EffvkShapeChoice
choose_by_shape (const EffvkOpContext *context, const EffvkHead *op)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  guint64 pixels = (guint64) in->h * in->w, K4 = effvk_c4 (in->c);
  EffvkShapeChoice choice = { .favourite = caps.cpu                               ? -1
                                           : caps.matrix && in->n >= MATRIX_BATCH ? MATRIX
                                                                                  : TILE };

  if (!fits_lanes (context, op)
      || effvk_op_is_cut_short (context, (pixels / EFFVK_LANES_PIXELS + 1) * (K4 + 1)))
    choice.unfit |= 1u << LANES;
  if (effvk_op_is_cut_short (context, (pixels / TILE_PIXELS + 1)
                                          * (K4 / (TILE_AHEAD * choose_slices (&caps)) + 16)))
    choice.unfit |= 1u << TILE;
  return choice;
}

gboolean
effvk_head (const EffvkOpContext *context, const EffvkHead *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  guint K4 = effvk_c4 (in->c), C4 = effvk_c4 (out->c);
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  int kernel = effvk_op_choose_for_shape (context, "head", effvk_head_kernels, effvk_head_n_kernels,
                                          choose_by_shape (context, op), error);
  guint lanes = effvk_lanes_count (caps.subgroup_size), channels, padded = K4;
  EffvkDispatch dispatch = { .op = "head", .writes = 1u << Y };
  Push push = { (gint32) (in->h * in->w), (gint32) K4, (gint32) C4, 0 };

  if (kernel < 0)
    return FALSE;
  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_head_kernels[kernel].name;
  dispatch.spec[SPEC_HEAD_ACTIVATION] = op->activation;
  switch (kernel)
    {
    case LANES:
      channels = lanes * 4;
      dispatch.spec[SPEC_HEAD_SPLIT] = dispatch.spec[SPEC_HEAD_LANES] = lanes;
      dispatch.spec[SPEC_HEAD_PIXELS] = EFFVK_LANES_PIXELS;
      dispatch.n_spec = SPEC_HEAD_LANES_N;
      break;
    case MATRIX:
      channels = MATRICES * EFFVK_MATRIX_SIDE;
      padded = effvk_div_up (K4, EFFVK_MATRIX_STEP) * EFFVK_MATRIX_STEP;
      dispatch.spec[SPEC_HEAD_MATRICES] = MATRICES;
      dispatch.spec[SPEC_HEAD_SUBGROUP_SIZE] = caps.subgroup_size;
      dispatch.spec[SPEC_HEAD_LOCAL_SIZE] = EFFVK_MATRIX_SUBGROUPS * caps.subgroup_size;
      dispatch.n_spec = SPEC_HEAD_MATRIX_N;
      effvk_matrix_add_shape (&caps, &dispatch);
      break;
    default:
      channels = TILE_CHANNELS;
      dispatch.spec[SPEC_HEAD_SLICES] = choose_slices (&caps);
      dispatch.n_spec = SPEC_HEAD_TILE_N;
      break;
    }
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = effvk_pack_tiles (context, "head weights", op->weight, op->bias, out->c, in->c,
                                       1, padded * 4, channels, &push.bias);
  dispatch.bind[Y] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * in->n * in->h * in->w * in->c * out->c;
  dispatch.groups[0] = effvk_div_up (out->c, channels);
  dispatch.groups[1] = 1;
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
