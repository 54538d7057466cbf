/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/top-k.h"

#include "ops/shader.h"

#include "top_k_select_storage_f32.spv.h"
#include "top_k_storage_f32.spv.h"

#define THREADS 64
/* Logits that a GPU keeps in shared memory. */
#define LOCAL 2048
/* Turns of its loops from which on the other kernel is faster. */
#define MANY_TURNS 4096

/* Of the select kernel; the last as in the shader. */
#define SELECT_THREADS 128
#define SELECT_MAX_K 1024

typedef struct
{
  gint32 C, stride, k;
} Push;

enum
{
  LOGITS,
  Y
};

enum
{
  STORAGE,
  SELECT
};

const EffvkKernel effvk_top_k_kernels[] = {
  [STORAGE] = { "storage", effvk_kernel_anywhere, NULL },
  [SELECT] = { "select", effvk_kernel_anywhere, NULL },
};
const guint effvk_top_k_n_kernels = G_N_ELEMENTS (effvk_top_k_kernels);

static const EffvkShader shaders[] = {
  [STORAGE] = EFFVK_SHADER (top_k_storage_f32, sizeof (Push), EFFVK_S, EFFVK_S),
  [SELECT] = EFFVK_SHADER (top_k_select_storage_f32, sizeof (Push), EFFVK_S, EFFVK_S),
};

/* Turns of all loops of the invocation that makes most: all of the best may be of its logits. */
static guint64
count_turns (guint64 classes, guint64 k)
{
  guint64 share = (classes + THREADS - 1) / THREADS;

  return (4 + k) * share + 8 * k + 8;
}

static EffvkShapeChoice
choose_by_shape (const EffvkOpContext *context, guint classes, guint k)
{
  guint64 turns = count_turns (classes, k);
  EffvkShapeChoice choice = { .favourite = turns > MANY_TURNS ? SELECT : STORAGE };

  if (effvk_op_is_cut_short (context, turns))
    choice.unfit |= 1u << STORAGE;
  if (k > SELECT_MAX_K)
    choice.unfit |= 1u << SELECT;
  return choice;
}

gboolean
effvk_top_k (const EffvkOpContext *context, const EffvkTopK *op, GError **error)
{
  const EffvkTensorInfo *in = effvk_program_get_info (context->program, op->logits);
  const EffvkTensorInfo *out = effvk_program_get_info (context->program, op->output);
  int kernel
      = effvk_op_choose_for_shape (context, "top-k", effvk_top_k_kernels, effvk_top_k_n_kernels,
                                   choose_by_shape (context, in->c, out->w), error);
  EffvkDispatch dispatch = { .op = "top-k", .writes = 1u << Y };
  EffvkDeviceCaps caps = effvk_op_get_caps (context);
  Push push = { (gint32) in->c, (gint32) effvk_c4 (in->c) * 4, (gint32) out->w };

  if (kernel < 0)
    return FALSE;
  dispatch.shader = &shaders[kernel];
  dispatch.kernel = effvk_top_k_kernels[kernel].name;
  dispatch.spec[SPEC_TOP_K_THREADS] = kernel == SELECT ? SELECT_THREADS : THREADS;
  dispatch.spec[SPEC_TOP_K_ACTIVATION] = op->activation;
  dispatch.n_spec = SPEC_TOP_K_SELECT_N;
  if (kernel == STORAGE)
    {
      dispatch.spec[SPEC_TOP_K_LOCAL] = caps.cpu ? 1 : LOCAL;
      dispatch.n_spec = SPEC_TOP_K_STORAGE_N;
    }
  dispatch.bind[LOGITS] = op->logits;
  dispatch.bind[Y] = op->output;
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.groups[0] = dispatch.groups[1] = 1;
  dispatch.groups[2] = in->n;
  effvk_program_add_dispatch (context->program, &dispatch);
  return TRUE;
}
