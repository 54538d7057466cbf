/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/preprocess.h"

#include "ops/resize-gather.h"
#include "ops/shader.h"

#include "resize_columns_storage_f16.spv.h"
#include "resize_columns_storage_f32.spv.h"
#include "resize_columns_texel_f16.spv.h"
#include "resize_columns_texel_f32.spv.h"
#include "resize_gather_few_buffers_storage_f16.spv.h"
#include "resize_gather_few_buffers_storage_f32.spv.h"
#include "resize_gather_storage_f16.spv.h"
#include "resize_gather_storage_f32.spv.h"
#include "resize_gather_texel_f16.spv.h"
#include "resize_gather_texel_f32.spv.h"
#include "resize_narrow_storage_f32.spv.h"
#include "resize_narrow_texel_f32.spv.h"
#include "resize_rows_storage_f32.spv.h"
#include "resize_rows_texel_f32.spv.h"

/* As the shaders declare them. */
typedef struct
{
  gint32 passes;
} RowsPush;
typedef struct
{
  gint32 eight_bits, luma;
} ColumnsPush;

enum
{
  TEXEL,
  STORAGE,
  N_KERNELS
};

/* Frames may be as large as a binding: whatever is bound can then be read as texels, of words as
   well. */
static gboolean
reads_all_as_words (const EffvkDeviceCaps *caps)
{
  return (guint64) caps->max_texel_elements * 4 >= caps->max_storage_range;
}

const EffvkKernel effvk_preprocess_kernels[] = {
  [TEXEL] = { "texel", reads_all_as_words, effvk_kernel_on_cpu },
  [STORAGE] = { "storage", effvk_kernel_anywhere, NULL },
};
const guint effvk_preprocess_n_kernels = G_N_ELEMENTS (effvk_preprocess_kernels);

static const EffvkShader narrow_shaders[] = {
  EFFVK_SHADER (resize_narrow_texel_f32, 0, EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_T),
  EFFVK_SHADER (resize_narrow_storage_f32, 0, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};
static const EffvkShader rows_shaders[] = {
  EFFVK_SHADER (resize_rows_texel_f32, sizeof (RowsPush), EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_T),
  EFFVK_SHADER (resize_rows_storage_f32, sizeof (RowsPush), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};
static const EffvkShaderSet columns_shaders[] = {
  EFFVK_SHADERS (resize_columns_texel, sizeof (ColumnsPush), EFFVK_T, EFFVK_T, EFFVK_S, EFFVK_T),
  EFFVK_SHADERS (resize_columns_storage, sizeof (ColumnsPush), EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
};
/* The last is of the second kernel, where a device has fewer storage buffers than that binds. */
#define GATHER_BUFFERS 5
static const EffvkShaderSet gather_shaders[N_KERNELS + 1] = {
  EFFVK_SHADERS (resize_gather_texel, 0, EFFVK_W, EFFVK_T, EFFVK_S, EFFVK_T, EFFVK_T),
  EFFVK_SHADERS (resize_gather_storage, 0, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_S),
  EFFVK_SHADERS (resize_gather_few_buffers_storage, 0, EFFVK_S, EFFVK_S, EFFVK_S, EFFVK_T, EFFVK_S),
};
/* By kernel: invocations of a workgroup; rows of one of resize-gather, which share what they read
   of the tables. */
static const struct
{
  guint narrow_threads, rows_threads, columns_threads, gather_threads, gather_rows;
  gboolean rows_by_count; /* a dispatch for each number of taps */
} shapes[] = { { 8, 8, 32, 32, 16, TRUE }, { 64, 64, 64, 64, 1, FALSE } };

#define NARROW_ROWS 4 /* of an invocation of resize-narrow */

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

gsize
effvk_preprocess_get_max_frames (EffvkDevice *device)
{
  const EffvkDeviceCaps *caps = effvk_device_get_caps (device);
  guint64 most = caps->cpu && reads_all_as_words (caps) ? (guint64) caps->max_texel_elements * 4
                                                        : caps->max_storage_range;

  return (gsize) (most / 256 * 256);
}

/* What the dispatches have in common. */
typedef struct
{
  const EffvkOpContext *context;
  const EffvkPreprocess *op;
  int kernel;
  guint height4;
  EffvkTensor items, row_taps, column_taps, rows;
} Passes;

/* Adds a pass over @frames: as they were uploaded, or narrowed where items have three passes. It
 * has
 * @groups workgroups over the texels of a row, and takes planes of @least to @most taps. */
static void
add_rows (const Passes *passes, EffvkTensor frames, guint groups, guint least, guint most,
          gint32 n_passes)
{
  guint threads = shapes[passes->kernel].rows_threads;
  EffvkDispatch dispatch = {
    .op = "resize-rows",
    .kernel = effvk_preprocess_kernels[passes->kernel].name,
    .shader = &rows_shaders[passes->kernel],
    .spec
    = { [SPEC_RESIZE_THREADS] = threads, [SPEC_RESIZE_LEAST] = least, [SPEC_RESIZE_MOST] = most },
    .n_spec = SPEC_RESIZE_ROWS_N,
    .bind = { frames, passes->row_taps, passes->rows, passes->items },
    .writes = 1u << 2,
    .groups = { groups, passes->height4, passes->op->batch }
  };
  const RowsPush push = { n_passes };

  memcpy (dispatch.push, &push, sizeof push);
  if (groups)
    effvk_program_add_dispatch (passes->context->program, &dispatch);
}

/* Over the frames as they are: where a CPU device gains from it, without a loop where the taps are
   few. */
static void
add_frame_rows (const Passes *passes)
{
  const EffvkPreprocessRoom *room = passes->op->room;
  guint threads = shapes[passes->kernel].rows_threads, all = 0;

  for (guint shape = 0; shape < EFFVK_ROWS_N_SHAPES; shape++)
    {
      guint groups = 0;

      for (guint i = 0; i < EFFVK_IMAGE_MAX_PLANES; i++)
        groups += effvk_div_up (room->columns[shape][i], threads);
      if (shapes[passes->kernel].rows_by_count)
        add_rows (passes, passes->op->frames, groups,
                  shape ? 4 * shape : EFFVK_TAPS_WITHOUT_LOOP + 1, shape ? 4 * shape : G_MAXINT32,
                  2);
      all += groups;
    }
  if (!shapes[passes->kernel].rows_by_count)
    add_rows (passes, passes->op->frames, all, 0, G_MAXINT32, 2);
}

/* Returns the frames that it makes. */
static EffvkTensor
add_narrow (const Passes *passes)
{
  const EffvkPreprocess *op = passes->op;
  const EffvkPreprocessRoom *room = op->room;
  EffvkProgram *program = passes->context->program;
  EffvkPreprocessItems at = effvk_preprocess_items (room, op->batch);
  guint threads = shapes[passes->kernel].narrow_threads;
  const EffvkTensorInfo info = { "narrowed frames", EFFVK_STORAGE_U32,    op->batch,
                                 room->narrow_rows, room->narrow_columns, 4 };
  EffvkTensor narrowed = effvk_program_add_tensor (program, &info);
  EffvkTensor taps = add_mapped (program, "narrow taps", EFFVK_STORAGE_F32, op->items,
                                 at.narrow_taps, at.size - at.narrow_taps);
  const EffvkDispatch dispatch
      = { .op = "resize-narrow",
          .kernel = effvk_preprocess_kernels[passes->kernel].name,
          .shader = &narrow_shaders[passes->kernel],
          .spec = { [SPEC_RESIZE_THREADS] = threads },
          .n_spec = SPEC_RESIZE_N,
          .bind = { op->frames, taps, narrowed, passes->items },
          .writes = 1u << 2,
          .groups = { effvk_div_up (room->narrow_rows, threads * NARROW_ROWS), room->narrow_columns,
                      op->batch } };

  effvk_program_add_dispatch (program, &dispatch);
  return narrowed;
}

static void
add_columns (const Passes *passes)
{
  const EffvkPreprocess *op = passes->op;
  EffvkProgram *program = passes->context->program;
  guint threads = shapes[passes->kernel].columns_threads;
  const ColumnsPush push
      = { op->recipe->eight_bits, effvk_program_get_info (program, op->output)->c == 1 };
  EffvkDispatch dispatch
      = { .op = "resize-columns",
          .kernel = effvk_preprocess_kernels[passes->kernel].name,
          .shader = &columns_shaders[passes->kernel][passes->context->storage],
          .spec = { [SPEC_RESIZE_THREADS] = threads },
          .n_spec = SPEC_RESIZE_N,
          .bind = { passes->rows, passes->column_taps, op->output, passes->items },
          .writes = 1u << 2,
          .groups = { effvk_div_up (op->room->width, threads), passes->height4, op->batch } };

  memcpy (dispatch.push, &push, sizeof push);
  effvk_program_add_dispatch (program, &dispatch);
}

/* One pass, over the items of one shape. */
static void
add_gather (const Passes *passes, guint shape)
{
  const EffvkPreprocess *op = passes->op;
  const EffvkGatherShape *gather = &effvk_gather_shapes[shape];
  EffvkProgram *program = passes->context->program;
  guint threads = shapes[passes->kernel].gather_threads, rows = shapes[passes->kernel].gather_rows;
  const EffvkDeviceCaps *caps = effvk_device_get_caps (effvk_program_get_device (program));
  gboolean few = passes->kernel == STORAGE && caps->max_storage_buffers < GATHER_BUFFERS;
  const EffvkDispatch dispatch
      = { .op = "resize-gather",
          .kernel = effvk_preprocess_kernels[passes->kernel].name,
          .shader = &gather_shaders[few ? N_KERNELS : passes->kernel][passes->context->storage],
          .spec = { [SPEC_GATHER_THREADS] = threads,
                    [SPEC_GATHER_ROWS] = rows,
                    [SPEC_GATHER_SHAPE] = shape,
                    [SPEC_GATHER_WINDOWS] = gather->windows,
                    [SPEC_GATHER_SAMPLE] = gather->sample,
                    [SPEC_GATHER_FIRST_BYTES] = gather->bytes[0],
                    [SPEC_GATHER_FIRST_PHASES] = gather->phases[0],
                    [SPEC_GATHER_OTHER_BYTES] = gather->bytes[1],
                    [SPEC_GATHER_OTHER_PHASES] = gather->phases[1],
                    [SPEC_GATHER_EIGHT_BITS] = op->recipe->eight_bits,
                    [SPEC_GATHER_LUMA] = effvk_program_get_info (program, op->output)->c == 1 },
          .n_spec = SPEC_GATHER_N,
          .bind = { op->frames, passes->row_taps, op->output, passes->items, passes->column_taps },
          .writes = 1u << 2,
          .groups = { effvk_div_up (op->room->width, threads),
                      effvk_div_up (op->room->height, rows), op->batch } };

  effvk_program_add_dispatch (program, &dispatch);
}

gboolean
effvk_preprocess (const EffvkOpContext *context, const EffvkPreprocess *op, GError **error)
{
  const EffvkPreprocessRoom *room = op->room;
  EffvkPreprocessItems at = effvk_preprocess_items (room, op->batch);
  const EffvkTensorInfo rows = { "resized rows", EFFVK_STORAGE_F32, op->batch, 1, room->rows, 4 };
  Passes passes = { .context = context, .op = op, .height4 = effvk_div_up (room->height, 4) };

  passes.kernel = effvk_op_choose (context, "preprocess", effvk_preprocess_kernels,
                                   effvk_preprocess_n_kernels, error);
  if (passes.kernel < 0)
    return FALSE;
  passes.items
      = add_mapped (context->program, "items", EFFVK_STORAGE_U32, op->items, 0, at.row_taps);
  passes.row_taps = add_mapped (context->program, "row taps", EFFVK_STORAGE_F32, op->items,
                                at.row_taps, at.column_taps - at.row_taps);
  passes.column_taps = add_mapped (context->program, "column taps", EFFVK_STORAGE_F32, op->items,
                                   at.column_taps, at.narrow_taps - at.column_taps);
  for (guint shape = 1; shape < EFFVK_GATHER_N_SHAPES; shape++)
    if (room->gathers >> shape & 1)
      add_gather (&passes, shape);
  if (!room->rows)
    return TRUE;
  passes.rows = effvk_program_add_tensor (context->program, &rows);
  add_frame_rows (&passes);
  if (room->narrow_rows)
    add_rows (&passes, add_narrow (&passes),
              effvk_div_up (room->narrow_columns, shapes[passes.kernel].rows_threads), 0,
              G_MAXINT32, 3);
  add_columns (&passes);
  return TRUE;
}
