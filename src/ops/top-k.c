/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/top-k.h"

#include "ops/shader.h"

#include "top_k_storage_f32.spv.h"

/* Logits that a GPU keeps in shared memory. */
#define LOCAL 2048

typedef struct
{
  gint32 C, stride, k;
} Push;

enum
{
  LOGITS,
  Y
};

const EffvkKernel effvk_top_k_kernels[] = { { "storage", effvk_kernel_anywhere, NULL } };
const guint effvk_top_k_n_kernels = G_N_ELEMENTS (effvk_top_k_kernels);

static const EffvkShader shader = EFFVK_SHADER (top_k_storage_f32, sizeof (Push), EFFVK_S, EFFVK_S);

gboolean
effvk_top_k (const EffvkOpContext *context, const EffvkTopK *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->logits);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  int kernel
      = effvk_op_choose (context, "top-k", effvk_top_k_kernels, effvk_top_k_n_kernels, error);
  EffvkDispatch dispatch = { .shader = &shader, .op = "top-k", .writes = 1u << Y };
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  Push push = { (gint32) in->c, (gint32) effvk_c4 (in->c) * 4, (gint32) out->w };

  if (kernel < 0)
    return FALSE;
  dispatch.kernel = effvk_top_k_kernels[kernel].name;
  dispatch.spec[dispatch.n_spec++] = 64; /* invocations, a power of two */
  dispatch.spec[dispatch.n_spec++] = op->activation;
  dispatch.spec[dispatch.n_spec++] = caps.cpu ? 1 : LOCAL;
  dispatch.bind[LOGITS] = op->logits;
  dispatch.bind[Y] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.groups[0] = dispatch.groups[1] = 1;
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
