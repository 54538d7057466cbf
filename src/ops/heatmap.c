/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/heatmap.h"

#include "ops/shader.h"

#include "heatmap_storage_f16.spv.h"
#include "heatmap_storage_f32.spv.h"

#include <effvk/effvk-device.h>

/* As in the shader. */
#define PIXELS 8
#define THREADS 64

typedef struct
{
  gint32 M, K4, C4, bias, rows, classes, k, stride;
} Push;

enum
{
  X,
  W,
  BEST,
  Y
};

/* There is one; who tunes the others need not know of it. */
const EffvkKernel effvk_heatmap_kernels[] = { { "storage", effvk_kernel_anywhere, NULL } };
const guint effvk_heatmap_n_kernels = G_N_ELEMENTS (effvk_heatmap_kernels);

static const EffvkShaderSet shaders
    = EFFVK_SHADERS (heatmap_storage, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S);

/* [C4][K][4] of the head, its bias, and [classes][C4] of the classifier; padding is zero. One
 * buffer: a device may have no more than four in a shader. */
static EffvkTensor
pack (const EffvkOpContext *context, const EffvkHeatmap *op, guint in, Push *push)
{
  gsize tile = (gsize) push->K4 * 16, bias = tile * (gsize) push->C4,
        rows = bias + (gsize) push->C4 * 4, n = rows + (gsize) op->classes * (gsize) push->C4 * 4;
  g_autofree float *packed = g_new0 (float, n);

  for (guint c = 0; c < op->channels; c++)
    for (guint k = 0; k < in; k++)
      packed[c / 4 * tile + (gsize) k * 4 + c % 4] = op->weight[(gsize) c * in + k];
  memcpy (packed + bias, op->bias, op->channels * sizeof (float));
  for (guint i = 0; i < op->classes; i++)
    memcpy (packed + rows + (gsize) i * (gsize) push->C4 * 4, op->rows + (gsize) i * op->channels,
            op->channels * sizeof (float));
  push->bias = (gint32) (bias / 4);
  push->rows = (gint32) (rows / 4);
  return effvk_program_add_constant (context->program, "heat map weights", context->storage, packed,
                                     n);
}

gboolean
effvk_heatmap (const EffvkOpContext *context, const EffvkHeatmap *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->input);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  const EffvkTensorInfo *best = effvk_program_get_info (context->program, op->best);
  EffvkDispatch dispatch
      = { .op = "heatmap", .kernel = effvk_heatmap_kernels[0].name, .writes = 1u << Y };
  Push push = { .M = (gint32) (in->h * in->w),
                .K4 = (gint32) effvk_c4 (in->c),
                .C4 = (gint32) effvk_c4 (op->channels),
                .classes = (gint32) op->classes,
                .k = (gint32) best->w,
                .stride = (gint32) effvk_c4 (out->c) * 4 };
  guint64 turns = (guint64) effvk_div_up ((guint) push.C4, THREADS) * (guint64) (push.K4 + 1) + 64;

  if (effvk_op_is_cut_short (context, turns))
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "a heat map of %u to %u channels takes more than this driver's loops can do",
                   in->c, op->channels);
      return FALSE;
    }
  dispatch.shader = &shaders[context->storage];
  dispatch.spec[SPEC_HEATMAP_ACTIVATION] = op->activation;
  dispatch.n_spec = SPEC_HEATMAP_N;
  dispatch.bind[X] = op->input;
  dispatch.bind[W] = pack (context, op, in->c, &push);
  dispatch.bind[BEST] = op->best;
  dispatch.bind[Y] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.flops = 2.0 * in->n * in->h * in->w * (in->c + 1.0) * op->channels;
  dispatch.groups[0] = effvk_div_up ((guint) push.M, PIXELS);
  dispatch.groups[1] = 1;
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
