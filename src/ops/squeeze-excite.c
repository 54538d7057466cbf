/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/squeeze-excite.h"

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

static const EffvkShader shaders[][2] = {
  EFFVK_SHADERS (squeeze_excite_lanes_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S),
  EFFVK_SHADERS (squeeze_excite_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S),
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

/* The constants of the kernel that keeps all in shared memory. */
static gboolean
specialize_storage (EffvkDispatch *dispatch, const EffvkDeviceCaps *caps, guint C, guint S,
                    GError **error)
{
  /* One pipeline serves all blocks of all but the widest members. */
  guint max_C4 = MAX (effvk_c4 (C), 640), max_S = MAX (S, 160);
  guint threads = MIN (THREADS, caps->max_workgroup_invocations), bytes;

  while ((bytes = effvk_squeeze_excite_shared_bytes (max_C4, max_S, threads))
             > caps->max_shared_bytes
         && threads > MIN_THREADS)
    threads /= 2;
  dispatch->spec[1] = max_C4;
  dispatch->spec[2] = max_S;
  dispatch->spec[3] = threads;
  dispatch->n_spec = 4;
  if (bytes <= caps->max_shared_bytes)
    return TRUE;
  g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
               "Squeeze-excite over %u channels needs %u bytes of shared memory, the device has %u",
               C, bytes, caps->max_shared_bytes);
  return FALSE;
}

/* The kernels that would make too many turns over @n_sums partial sums of each channel. */
static guint
find_unfit (const EffvkOpContext *context, guint C4, guint S, guint n_sums)
{
  const EffvkDeviceCaps *caps = effvk_device_get_caps (effvk_program_get_device (context->program));
  guint64 texels = (guint64) C4 * ((guint64) n_sums + 2 * S);
  guint64 at_once = AHEAD * MIN (THREADS, caps->max_workgroup_invocations);
  guint unfit = 0;

  if (effvk_op_is_cut_short (context, (C4 / 8 + 1) * ((guint64) n_sums + 2)))
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
  guint C4 = effvk_c4 (sums->c), S = op->squeezed;
  EffvkShapeChoice by_shape = { .favourite = -1, .unfit = find_unfit (context, C4, S, sums->w) };
  int kernel = effvk_op_choose_for_shape (context, "squeeze-excite", effvk_squeeze_excite_kernels,
                                          effvk_squeeze_excite_n_kernels, by_shape, error);
  gboolean lanes = kernel == LANES;
  EffvkDispatch dispatch = { .op = "squeeze-excite", .writes = 1u << GATES, .n_spec = 2 };
  Push push = { (gint32) C4, 0, (gint32) sums->w, 1.0f / (float) op->pixels };

  if (kernel < 0)
    return FALSE;
  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_squeeze_excite_kernels[kernel].name;
  dispatch.spec[0] = op->activation;
  if (lanes)
    {
      /* In few sizes: each is a pipeline. */
      for (dispatch.spec[1] = 2; dispatch.spec[1] * 8 < S;)
        dispatch.spec[1] *= 3;
      S = dispatch.spec[1] * 8;
    }
  else if (!specialize_storage (&dispatch, caps, sums->c, S, error))
    return FALSE;
  push.S = (gint32) S;
  dispatch.bind[SUMS] = op->sums;
  dispatch.bind[W] = effvk_squeeze_excite_pack (context, op, sums->c, S);
  dispatch.bind[GATES] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 4.0 * sums->n * sums->c * op->squeezed;
  dispatch.groups[0] = lanes ? MIN (PARTS, effvk_div_up (C4, 8)) : 1;
  dispatch.groups[1] = 1;
  dispatch.groups[2] = sums->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
