/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/squeeze-excite.h"

#include "ops/shader.h"

#include "squeeze_excite_storage_f16.spv.h"
#include "squeeze_excite_storage_f32.spv.h"
#include "squeeze_excite_texel_f16.spv.h"
#include "squeeze_excite_texel_f32.spv.h"

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

const EffvkKernel effvk_squeeze_excite_kernels[] = {
  { "texel", effvk_kernel_anywhere, effvk_kernel_on_cpu },
  { "storage", effvk_kernel_anywhere, NULL },
};
const guint effvk_squeeze_excite_n_kernels = G_N_ELEMENTS (effvk_squeeze_excite_kernels);

static const EffvkShader shaders[][2] = {
  EFFVK_SHADERS (squeeze_excite_texel, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S),
  EFFVK_SHADERS (squeeze_excite_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S),
};
static const guint threads[] = { 64, 256 };

static EffvkTensor
pack (const EffvkOpContext *context, const EffvkSqueezeExcite *op, guint C)
{
  guint C4 = effvk_c4 (C), S = op->squeezed, S4 = effvk_c4 (S);
  gsize squeeze_bias = (gsize) C4 * S * 4, excite = squeeze_bias + S4 * 4;
  gsize excite_bias = excite + (gsize) S * C4 * 4, n = excite_bias + C4 * 4;
  g_autofree float *packed = g_new0 (float, n);

  for (guint s = 0; s < S; s++)
    for (guint c = 0; c < C; c++)
      {
        packed[((gsize) (c / 4) * S + s) * 4 + c % 4] = op->squeeze_weight[(gsize) s * C + c];
        packed[excite + (gsize) s * C4 * 4 + c] = op->excite_weight[(gsize) c * S + s];
      }
  memcpy (packed + squeeze_bias, op->squeeze_bias, S * sizeof (float));
  memcpy (packed + excite_bias, op->excite_bias, C * sizeof (float));
  return effvk_program_add_constant (context->program, "squeeze-excite weights", context->storage,
                                     packed, n);
}

gboolean
effvk_squeeze_excite (const EffvkOpContext *context, const EffvkSqueezeExcite *op, GError **error)
{
  const EffvkTensorInfo *sums = effvk_program_get_info (context->program, op->sums);
  const EffvkDeviceCaps *caps = effvk_device_get_caps (effvk_program_get_device (context->program));
  guint C4 = effvk_c4 (sums->c), shared;
  int kernel = effvk_op_choose (context, "squeeze-excite", effvk_squeeze_excite_kernels,
                                effvk_squeeze_excite_n_kernels, error);
  EffvkDispatch dispatch = { .op = "squeeze-excite", .writes = 1u << GATES, .n_spec = 4 };
  Push push = { (gint32) C4, (gint32) op->squeezed, (gint32) sums->w, 1.0f / (float) op->pixels };

  if (kernel < 0)
    return FALSE;
  dispatch.shader = &shaders[kernel][context->storage];
  dispatch.kernel = effvk_squeeze_excite_kernels[kernel].name;
  /* One pipeline serves all blocks of all but the widest members. */
  dispatch.spec[0] = op->activation;
  dispatch.spec[1] = MAX (C4, 640);
  dispatch.spec[2] = MAX (op->squeezed, 160);
  dispatch.spec[3] = MIN (threads[kernel], caps->max_workgroup_invocations);
  shared = dispatch.spec[1] * 16 + dispatch.spec[2] * 4;
  if (shared > caps->max_shared_bytes)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "Squeeze-excite over %u channels needs %u bytes of shared memory, the device "
                   "has %u",
                   sums->c, shared, caps->max_shared_bytes);
      return FALSE;
    }
  dispatch.bind[SUMS] = op->sums;
  dispatch.bind[W] = pack (context, op, sums->c);
  dispatch.bind[GATES] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.groups[0] = dispatch.groups[1] = 1;
  dispatch.groups[2] = sums->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
