/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/preprocess.h"

#include "ops/shader.h"

#include "resize_columns_storage_f16.spv.h"
#include "resize_columns_storage_f32.spv.h"
#include "resize_columns_texel_f16.spv.h"
#include "resize_columns_texel_f32.spv.h"
#include "resize_rows_storage_f32.spv.h"
#include "resize_rows_texel_f32.spv.h"

/* As the shader declares them. */
typedef struct
{
  gint32 eight_bits, luma;
} ColumnsPush;

const EffvkKernel effvk_preprocess_kernels[] = {
  { "texel", effvk_kernel_anywhere, effvk_kernel_on_cpu },
  { "storage", effvk_kernel_anywhere, NULL },
};
const guint effvk_preprocess_n_kernels = G_N_ELEMENTS (effvk_preprocess_kernels);

static const EffvkShader rows_shaders[] = {
  EFFVK_SHADER (resize_rows_texel_f32, 0, EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_S),
  EFFVK_SHADER (resize_rows_storage_f32, 0, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};
static const EffvkShader columns_shaders[][2] = {
  EFFVK_SHADERS (resize_columns_texel, sizeof (ColumnsPush), EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_S),
  EFFVK_SHADERS (resize_columns_storage, sizeof (ColumnsPush), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};
/* By kernel: invocations of a workgroup, and texels of an invocation of resize-rows. A CPU device
 * wants more work for each fetch of weights, a GPU more invocations. */
static const struct
{
  guint rows_threads, columns_threads;
} shapes[] = { { 8, 32 }, { 64, 64 } };

/* @size bytes at @offset of a buffer that the CPU writes, as texels. */
static EffvkTensor
add_mapped (EffvkProgram *program, const char *name, EffvkStorage storage,
            const EffvkBuffer *buffer, gsize offset, gsize size)
{
  EffvkTensorInfo info
      = { name, storage, 1, 1, (guint) (size / effvk_storage_texel_size (storage)), 4 };

  return effvk_program_add_external (program, &info, buffer, offset);
}

EffvkTensor
effvk_preprocess_add_frames (EffvkProgram *program, const EffvkBuffer *frames)
{
  return add_mapped (program, "frames", EFFVK_STORAGE_U32, frames, 0, frames->size);
}

gboolean
effvk_preprocess (const EffvkOpContext *context, const EffvkPreprocess *op, GError **error)
{
  EffvkProgram *program = context->program;
  const EffvkTensorInfo *output = effvk_program_get_info (program, op->output);
  const EffvkPreprocessRoom *room = op->room;
  guint height4 = effvk_div_up (room->height, 4);
  int kernel = effvk_op_choose (context, "preprocess", effvk_preprocess_kernels,
                                effvk_preprocess_n_kernels, error);
  EffvkPreprocessItems at = effvk_preprocess_items (room, op->batch);
  EffvkTensorInfo rows = { "resized rows", EFFVK_STORAGE_F32, op->batch, 1, room->rows, 4 };
  EffvkDispatch resize_rows = { .op = "resize-rows", .n_spec = 1, .writes = 1u << 2 };
  EffvkDispatch resize_columns = { .op = "resize-columns", .n_spec = 1, .writes = 1u << 2 };
  ColumnsPush push = { op->recipe->eight_bits, output->c == 1 };

  if (kernel < 0)
    return FALSE;

  resize_rows.shader = &rows_shaders[kernel];
  resize_rows.kernel = effvk_preprocess_kernels[kernel].name;
  resize_rows.spec[0] = shapes[kernel].rows_threads;
  resize_rows.bind[0] = op->frames;
  resize_rows.bind[1] = add_mapped (program, "row taps", EFFVK_STORAGE_F32, op->items, at.row_taps,
                                    at.column_taps - at.row_taps);
  resize_rows.bind[2] = effvk_program_add_tensor (program, &rows);
  resize_rows.bind[3] = add_mapped (program, "items", EFFVK_STORAGE_F32, op->items, 0, at.row_taps);
  for (guint i = 0; i < EFFVK_IMAGE_MAX_PLANES; i++)
    resize_rows.groups[0] += effvk_div_up (room->columns[i], shapes[kernel].rows_threads);
  resize_rows.groups[1] = height4;
  resize_rows.groups[2] = op->batch;
  effvk_program_add_dispatch (program, &resize_rows);

  resize_columns.shader = &columns_shaders[kernel][context->storage];
  resize_columns.kernel = resize_rows.kernel;
  resize_columns.spec[0] = shapes[kernel].columns_threads;
  resize_columns.bind[0] = resize_rows.bind[2];
  resize_columns.bind[1] = add_mapped (program, "column taps", EFFVK_STORAGE_F32, op->items,
                                       at.column_taps, at.size - at.column_taps);
  resize_columns.bind[2] = op->output;
  resize_columns.bind[3] = resize_rows.bind[3];
  memcpy (resize_columns.push, &push, sizeof push);
  resize_columns.groups[0] = effvk_div_up (room->width, shapes[kernel].columns_threads);
  resize_columns.groups[1] = height4;
  resize_columns.groups[2] = op->batch;
  effvk_program_add_dispatch (program, &resize_columns);
  return TRUE;
}
