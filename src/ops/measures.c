/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/measures.h"

#include "ops/shader.h"

#include "measures_storage_f32.spv.h"
#include "measures_sum_storage_f32.spv.h"
#include "measures_sum_texel_f32.spv.h"
#include "measures_texel_f32.spv.h"

#include <effvk/effvk-device.h>
#include <string.h>

#define CHUNK EFFVK_MEASURES_CHUNK
#define TOTALS EFFVK_MEASURES_TOTALS
#define SUM_THREADS 64 /* as in the shader */

/* As the shaders declare them. */
typedef struct
{
  gint32 width, height, from, stride;
  float scale, black, white;
  gint32 columns, rows;
} Push;
typedef struct
{
  gint32 height, chunks, strips, columns, rows;
} SumPush;

enum
{
  TEXEL,
  STORAGE
};

const EffvkKernel effvk_measures_kernels[] = {
  [TEXEL] = { "texel", effvk_kernel_anywhere, effvk_kernel_on_cpu },
  [STORAGE] = { "storage", effvk_kernel_anywhere, NULL },
};
const guint effvk_measures_n_kernels = G_N_ELEMENTS (effvk_measures_kernels);

static const EffvkShader shaders[] = {
  EFFVK_SHADER (measures_texel_f32, sizeof (Push), EFFVK_T, EFFVK_T, EFFVK_S),
  EFFVK_SHADER (measures_storage_f32, sizeof (Push), EFFVK_S, EFFVK_S, EFFVK_S),
};
static const EffvkShader sum_shaders[] = {
  EFFVK_SHADER (measures_sum_texel_f32, sizeof (SumPush), EFFVK_T, EFFVK_S),
  EFFVK_SHADER (measures_sum_storage_f32, sizeof (SumPush), EFFVK_S, EFFVK_S),
};
static const guint threads[] = { 8, 32 };

guint
effvk_measures_get_columns (const EffvkFrameLayout *layout)
{
  return effvk_div_up (layout->width, CHUNK) * CHUNK;
}

guint
effvk_measures_get_strips (const EffvkFrameLayout *layout)
{
  return effvk_div_up (layout->height, EFFVK_MEASURES_STRIP);
}

guint
effvk_measures_get_size (const EffvkFrameLayout *layout)
{
  return layout->height + effvk_measures_get_columns (layout)
         + effvk_measures_get_strips (layout) * TOTALS;
}

/* Of planar RGB the green. */
static const EffvkComponent *
get_luma (const EffvkFormatInfo *format)
{
  return &format->components[!format->yuv && format->n_planes > 1 ? 1 : 0];
}

guint
effvk_measures_get_plane (const EffvkFrameLayout *layout)
{
  return get_luma (effvk_format_get_info (layout->format))->plane;
}

/* Where a pixel's luma is. */
static void
set_pixel (const EffvkFormatInfo *format, guint32 *spec)
{
  const EffvkComponent *luma = get_luma (format);

  spec[SPEC_MEASURES_STEP] = luma->step;
  spec[SPEC_MEASURES_FIRST] = luma->offset;
  spec[SPEC_MEASURES_GREEN] = format->components[1].offset;
  spec[SPEC_MEASURES_BLUE] = format->components[2].offset;
  spec[SPEC_MEASURES_COLOUR] = !format->yuv && format->n_planes == 1;
  spec[SPEC_MEASURES_DEEP] = format->depth > 8;
}

static void
add_sums (const EffvkOpContext *context, const EffvkMeasuresOp *op, EffvkTensor parts,
          const SumPush *push, int kernel)
{
  EffvkDispatch dispatch = { .op = "measures-sum",
                             .kernel = effvk_measures_kernels[kernel].name,
                             .shader = &sum_shaders[kernel],
                             .bind = { parts, op->output },
                             .writes = 1u << 1,
                             .groups = { 0, 1, 1 } };

  dispatch.groups[0] = effvk_div_up (effvk_measures_get_size (op->layout), SUM_THREADS);
  memcpy (dispatch.push, push, sizeof *push);
  effvk_program_add_dispatch (context->program, &dispatch);
}

gboolean
effvk_measures_op (const EffvkOpContext *context, const EffvkMeasuresOp *op, GError **error)
{
  const EffvkFrameLayout *layout = op->layout;
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  guint chunks = effvk_measures_get_columns (layout) / CHUNK,
        plane = effvk_measures_get_plane (layout);
  guint strips = effvk_measures_get_strips (layout), totals = strips * chunks * TOTALS;
  const EffvkTensorInfo info = { "measured parts",
                                 EFFVK_STORAGE_F32,
                                 1,
                                 1,
                                 totals + strips * chunks * CHUNK + layout->height * chunks,
                                 4 };
  Push push = { .width = (gint32) layout->width,
                .height = (gint32) layout->height,
                .scale = 1.0f / (float) (1u << (format->depth + format->shift - 8)),
                .black = op->black,
                .white = op->white,
                .columns = (gint32) totals,
                .rows = (gint32) (totals + strips * chunks * CHUNK) };
  const SumPush sum_push
      = { push.height, (gint32) chunks, (gint32) strips, push.columns, push.rows };
  EffvkDispatch dispatch = { .op = "measures", .n_spec = SPEC_MEASURES_N, .writes = 1u << 2 };
  int kernel = effvk_op_choose (context, "measures", effvk_measures_kernels,
                                effvk_measures_n_kernels, error);

  if (kernel < 0)
    return FALSE;
  dispatch.kernel = effvk_measures_kernels[kernel].name;
  dispatch.shader = &shaders[kernel];
  dispatch.spec[SPEC_MEASURES_THREADS] = threads[kernel];
  set_pixel (format, dispatch.spec);
  dispatch.spec[SPEC_MEASURES_PARTIAL] = layout->width % CHUNK != 0;
  push.from = (gint32) (layout->offsets[plane] / EFFVK_FRAME_MEMORY_ALIGNMENT);
  push.stride = (gint32) (layout->strides[plane] / EFFVK_FRAME_MEMORY_ALIGNMENT);
  memcpy (dispatch.push, &push, sizeof push);
  dispatch.bind[0] = op->frame;
  dispatch.bind[1] = op->last;
  dispatch.bind[2] = effvk_program_add_tensor (context->program, &info);
  dispatch.groups[0] = effvk_div_up (chunks, threads[kernel]);
  dispatch.groups[1] = strips;
  dispatch.groups[2] = 1;
  effvk_program_add_dispatch (context->program, &dispatch);
  add_sums (context, op, dispatch.bind[2], &sum_push, kernel);
  return TRUE;
}
