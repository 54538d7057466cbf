/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/squeeze-excite.h"

#include "ops/lanes.h"
#include "ops/shader.h"

#include "squeeze_excite_lanes_texel_f16.spv.h"
#include "squeeze_excite_lanes_texel_f32.spv.h"
#include "squeeze_excite_storage_f16.spv.h"
#include "squeeze_excite_storage_f32.spv.h"

typedef struct
{
  gint32 C4, S, tiles;
  float scale;
} Push;

enum
{
  SUMS,
  W,
  GATES
};

enum
{
  LANES,
  STORAGE
};

const EffvkKernel effvk_squeeze_excite_kernels[] = {
  [LANES] = { "lanes", effvk_kernel_has_lanes, effvk_kernel_on_cpu },
  [STORAGE] = { "storage", effvk_kernel_anywhere, NULL },
};
const guint effvk_squeeze_excite_n_kernels = G_N_ELEMENTS (effvk_squeeze_excite_kernels);

static const EffvkShaderSet shaders[] = {
  [LANES] = EFFVK_SHADERS (squeeze_excite_lanes_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S),
  [STORAGE] = EFFVK_SHADERS (squeeze_excite_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S),
};

#define PARTS 2 /* of the lanes kernel: workgroups that excite */
/* Of the other, in its one workgroup. */
#define THREADS 512
#define MIN_THREADS 64
#define AHEAD 8

EffvkTensor
effvk_squeeze_excite_pack (const EffvkOpContext *context, const EffvkSqueezeExcite *op, guint C,
                           guint S)
{
  guint C4 = effvk_c4 (C), S4 = effvk_c4 (S);
  gsize squeeze_bias = (gsize) C4 * S * 4, excite = squeeze_bias + S4 * 4;
  gsize excite_bias = excite + (gsize) S * C4 * 4, n = excite_bias + C4 * 4;
  g_autofree float *packed = g_new0 (float, n);

  for (guint s = 0; s < op->squeezed; s++)
    for (guint c = 0; c < C; c++)
      {
        packed[((gsize) (c / 4) * S + s) * 4 + c % 4] = op->squeeze_weight[(gsize) s * C + c];
        packed[excite + (gsize) s * C4 * 4 + c] = op->excite_weight[(gsize) c * op->squeezed + s];
      }
  memcpy (packed + squeeze_bias, op->squeeze_bias, op->squeezed * sizeof (float));
  memcpy (packed + excite_bias, op->excite_bias, C * sizeof (float));
  return effvk_program_add_constant (context->program, "squeeze-excite weights", context->storage,
                                     packed, n);
}

guint
effvk_squeeze_excite_shared_bytes (guint max_C4, guint max_S, guint threads)
{
  return (max_C4 + threads) * 16 + (max_S + AHEAD) * 4;
}

/* The constants of the kernel that keeps all in shared memory: the means of as many channels at a
 * time as there is room for. */
static gboolean
specialize_storage (EffvkDispatch *dispatch, const EffvkDeviceCaps *caps, guint C, guint S,
                    GError **error)
{
  /* One pipeline serves all blocks of all but the widest members. */
  guint max_C4 = MAX (effvk_c4 (C), 640), max_S = MAX (S, 160);
  guint threads = MIN (THREADS, caps->max_workgroup_invocations), least;

  while (effvk_squeeze_excite_shared_bytes (max_C4, max_S, threads) > caps->max_shared_bytes
         && threads > MIN_THREADS)
    threads /= 2;
  least = effvk_squeeze_excite_shared_bytes (threads, max_S, threads); /* as the shader wants it */
  if (least > caps->max_shared_bytes)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "squeeze-excite with %u squeezed channels needs %u bytes of shared memory, "
                   "the device has %u",
                   S, least, caps->max_shared_bytes);
      return FALSE;
    }
  dispatch->spec[SPEC_SQUEEZE_EXCITE_MAX_C4]
      = MIN (max_C4, threads + (caps->max_shared_bytes - least) / 16);
  dispatch->spec[SPEC_SQUEEZE_EXCITE_MAX_S] = max_S;
  dispatch->spec[SPEC_SQUEEZE_EXCITE_THREADS] = threads;
  dispatch->n_spec = SPEC_SQUEEZE_EXCITE_STORAGE_N;
  return TRUE;
}

/* Of the lanes kernel: how many squeezed channels a lane has. In few sizes, as each is a
   pipeline. */
static guint
choose_blocks (guint squeezed, guint lanes)
{
  guint blocks = 16 / lanes;

  while (blocks * lanes < squeezed)
    blocks *= 3;
  return blocks;
}

/* Whether the device reads as many texels as the lanes kernel would, of weights for @S squeezed
   channels. */
static gboolean
fits_lanes (const EffvkOpContext *context, const EffvkSqueezeExcite *op, guint S)
{
  guint C4 = effvk_c4 (effvk_program_get_info (context->program, op->sums)->c);

  return effvk_op_fits_texels (context, effvk_op_count_texels (context, op->sums))
         && effvk_op_fits_texels (context, 2 * (guint64) S * C4 + effvk_c4 (S) + C4);
}

/* The kernels that would read too many texels, or make too many turns over the partial sums of each
 * channel. @padded: the squeezed channels of the lanes kernel. */
static guint
find_unfit (const EffvkOpContext *context, const EffvkSqueezeExcite *op, guint padded)
{
  const EffvkDeviceCaps *caps = effvk_device_get_caps (effvk_program_get_device (context->program));
  const EffvkTensorInfo *sums = effvk_program_get_info (context->program, op->sums);
  guint C4 = effvk_c4 (sums->c), S = op->squeezed, n_sums = sums->w;
  guint64 texels = (guint64) C4 * ((guint64) n_sums + 2 * S);
  guint64 at_once = AHEAD * MIN (THREADS, caps->max_workgroup_invocations);
  guint unfit = 0;

  if (!fits_lanes (context, op, padded)
      || effvk_op_is_cut_short (context, (C4 / effvk_lanes_count (caps->subgroup_size) + 1)
                                             * ((guint64) n_sums + 2)))
    unfit |= 1u << LANES;
  if (effvk_op_is_cut_short (context, 2 * texels / at_once + C4 + S))
    unfit |= 1u << STORAGE;
  return unfit;
}

gboolean
effvk_squeeze_excite (const EffvkOpContext *context, const EffvkSqueezeExcite *op, GError **error)
{
  const EffvkTensorInfo *sums = effvk_program_get_info (context->program, op->sums);
  const EffvkDeviceCaps *caps = effvk_device_get_caps (effvk_program_get_device (context->program));
  guint C4 = effvk_c4 (sums->c), lanes = effvk_lanes_count (caps->subgroup_size);
  guint blocks = choose_blocks (op->squeezed, lanes), S = blocks * lanes;
  EffvkShapeChoice shape = { .favourite = -1, .unfit = find_unfit (context, op, S) };
  int kernel = effvk_op_choose_for_shape (context, "squeeze-excite", effvk_squeeze_excite_kernels,
                                          effvk_squeeze_excite_n_kernels, shape, error);
  EffvkDispatch dispatch = { .op = "squeeze-excite", .writes = 1u << GATES };
  Push push = { (gint32) C4, 0, (gint32) sums->w, 1.0f / (float) op->pixels };

  if (kernel < 0)
    return FALSE;
  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_squeeze_excite_kernels[kernel].name;
  dispatch.spec[SPEC_SQUEEZE_EXCITE_ACTIVATION] = op->activation;
  if (kernel == LANES)
    {
      dispatch.spec[SPEC_SQUEEZE_EXCITE_BLOCKS] = blocks;
      dispatch.spec[SPEC_SQUEEZE_EXCITE_LANES] = lanes;
      dispatch.n_spec = SPEC_SQUEEZE_EXCITE_LANES_N;
    }
  else if (!specialize_storage (&dispatch, caps, sums->c, S = op->squeezed, error))
    return FALSE;
  push.S = (gint32) S;
  dispatch.bind[SUMS] = op->sums;
  dispatch.bind[W] = effvk_squeeze_excite_pack (context, op, sums->c, S);
  dispatch.bind[GATES] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 4.0 * sums->n * sums->c * op->squeezed;
  dispatch.groups[0] = kernel == LANES ? MIN (PARTS, effvk_div_up (C4, lanes)) : 1;
  dispatch.groups[1] = 1;
  dispatch.groups[2] = sums->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
