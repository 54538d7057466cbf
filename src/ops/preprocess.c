/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/preprocess.h"

#include "ops/resize-taps.h"
#include "ops/shader.h"

#include "resize_columns_storage_f16.spv.h"
#include "resize_columns_storage_f32.spv.h"
#include "resize_columns_texel_f16.spv.h"
#include "resize_columns_texel_f32.spv.h"
#include "resize_rows_storage_f32.spv.h"
#include "resize_rows_texel_f32.spv.h"

typedef struct
{
  struct
  {
    gint32 from, stride, columns, groups, taps, to;
  } planes[3];
  gint32 frame_size, rows_size; /* texels */
} RowsPush;

typedef struct
{
  struct
  {
    gint32 from, stride, step, taps;
  } components[3];
  gint32 width, pixels, rows_size; /* rows_size in texels */
} ColumnsPush;

const EffvkKernel effvk_preprocess_kernels[] = {
  { "texel", effvk_kernel_anywhere, effvk_kernel_on_cpu },
  { "storage", effvk_kernel_anywhere, NULL },
};
const guint effvk_preprocess_n_kernels = G_N_ELEMENTS (effvk_preprocess_kernels);

static const EffvkShader rows_shaders[] = {
  EFFVK_SHADER (resize_rows_texel_f32, sizeof (RowsPush), EFFVK_T, EFFVK_T, EFFVK_S),
  EFFVK_SHADER (resize_rows_storage_f32, sizeof (RowsPush), EFFVK_S, EFFVK_S, EFFVK_S),
};
static const EffvkShader columns_shaders[][2] = {
  EFFVK_SHADERS (resize_columns_texel, sizeof (ColumnsPush), EFFVK_T, EFFVK_T, EFFVK_S),
  EFFVK_SHADERS (resize_columns_storage, sizeof (ColumnsPush), EFFVK_S, EFFVK_S, EFFVK_S),
};
static const guint threads[] = { 8, 64 };

/* Kr and Kb of ITU-R BT.601, BT.709 and BT.2020. */
static const double luma_weights[][2]
    = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 } };

/* R, G, B from the components in 0..1 and 1, a row each. */
static void
make_matrix (const EffvkFrameLayout *layout, double matrix[3][4])
{
  double kr = luma_weights[layout->matrix][0], kb = luma_weights[layout->matrix][1];
  double kg = 1.0 - kr - kb;
  double luma = layout->full_range ? 1.0 : 255.0 / 219.0;
  double chroma = layout->full_range ? 1.0 : 255.0 / 224.0;
  double black = layout->full_range ? 0.0 : 16.0 / 255.0, neutral = 128.0 / 255.0;
  double from_cb[3] = { 0.0, -2.0 * (1.0 - kb) * kb / kg, 2.0 * (1.0 - kb) };
  double from_cr[3] = { 2.0 * (1.0 - kr), -2.0 * (1.0 - kr) * kr / kg, 0.0 };

  for (guint i = 0; i < 3; i++)
    {
      if (!effvk_format_get_info (layout->format)->yuv)
        {
          for (guint j = 0; j < 4; j++)
            matrix[i][j] = i == j;
          continue;
        }
      matrix[i][0] = luma;
      matrix[i][1] = chroma * from_cb[i];
      matrix[i][2] = chroma * from_cr[i];
      matrix[i][3] = -luma * black - neutral * (matrix[i][1] + matrix[i][2]);
    }
}

static void
append_colour (GArray *table, const EffvkPreprocess *op)
{
  double matrix[3][4];
  const float zero = 0.0f;

  make_matrix (op->layout, matrix);
  for (guint i = 0; i < 12; i++)
    {
      float value = (float) matrix[i / 4][i % 4];

      g_array_append_val (table, value);
    }
  g_array_append_vals (table, op->recipe->mean, 3);
  g_array_append_val (table, zero);
  for (guint i = 0; i < 3; i++)
    {
      float scale = 1.0f / op->recipe->std[i];

      g_array_append_val (table, scale);
    }
  g_array_append_val (table, zero);
}

/* The geometry of all planes: fills both tables and the push constants that depend on them. */
typedef struct
{
  GArray *rows_table, *columns_table; /* (element-type float) */
  RowsPush rows;
  ColumnsPush columns;
  guint groups; /* of columns, all planes */
} Plan;

static void
plan (Plan *plan, const EffvkPreprocess *op, guint threads_per_group)
{
  const EffvkFrameLayout *layout = op->layout;
  const EffvkRecipe *recipe = op->recipe;
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  guint column_taps[EFFVK_IMAGE_MAX_PLANES], first_byte[EFFVK_IMAGE_MAX_PLANES];
  gint32 to = 0;
  EffvkAxis x, y;

  effvk_axes_init (&x, &y, layout, recipe);
  append_colour (plan->columns_table, op);
  for (guint i = 0; i < format->n_planes; i++)
    {
      gboolean subsampled = i > 0;
      EffvkAxis plane_x = effvk_axis_subsample (&x, subsampled ? format->chroma_x : 0,
                                                layout->site != EFFVK_CHROMA_SITE_CENTER);
      EffvkAxis plane_y = effvk_axis_subsample (&y, subsampled ? format->chroma_y : 0,
                                                layout->site == EFFVK_CHROMA_SITE_TOP_LEFT);
      guint low, high, columns;

      column_taps[i] = effvk_taps_append (plan->columns_table, &plane_x, recipe->interpolation,
                                          recipe->antialias, &low, &high);
      first_byte[i] = low * format->bytes[i] / 4 * 4;
      columns = effvk_div_up (high * format->bytes[i], 4) - first_byte[i] / 4;
      plan->groups += effvk_div_up (columns, threads_per_group);
      plan->rows.planes[i].from = (gint32) ((layout->offsets[i] + first_byte[i]) / 4);
      plan->rows.planes[i].stride = (gint32) (layout->strides[i] / 4);
      plan->rows.planes[i].columns = (gint32) columns;
      plan->rows.planes[i].taps = (gint32) effvk_taps_append (
          plan->rows_table, &plane_y, recipe->interpolation, recipe->antialias, &low, &high);
      plan->rows.planes[i].to = to;
      to += (gint32) (columns * recipe->height);
      plan->rows.planes[i].groups = (gint32) plan->groups;
    }
  for (guint i = format->n_planes; i < 3; i++) /* no workgroup goes beyond the last plane */
    plan->rows.planes[i].groups = (gint32) plan->groups;
  plan->rows.frame_size = (gint32) (layout->size / 4);
  plan->rows.rows_size = plan->columns.rows_size = to;

  for (guint i = 0; i < 3; i++)
    {
      const EffvkComponent *component = &format->components[i];
      guint plane = component->plane;

      plan->columns.components[i].from = plan->rows.planes[plane].to * 4
                                         + (gint32) component->offset - (gint32) first_byte[plane];
      plan->columns.components[i].stride = plan->rows.planes[plane].columns * 4;
      plan->columns.components[i].step = (gint32) component->step;
      plan->columns.components[i].taps = (gint32) column_taps[plane];
    }
  plan->columns.width = (gint32) recipe->width;
  plan->columns.pixels = (gint32) (recipe->width * recipe->height);
}

gboolean
effvk_preprocess (const EffvkOpContext *context, const EffvkPreprocess *op, GError **error)
{
  EffvkProgram *program = context->program;
  guint batch = effvk_program_get_info (program, op->output)->n;
  int kernel = effvk_op_choose (context, "preprocess", effvk_preprocess_kernels,
                                effvk_preprocess_n_kernels, error);
  g_autoptr (GArray) rows_table = g_array_new (FALSE, FALSE, sizeof (float));
  g_autoptr (GArray) columns_table = g_array_new (FALSE, FALSE, sizeof (float));
  Plan p = { .rows_table = rows_table, .columns_table = columns_table };
  EffvkTensorInfo frames
      = { "frames", EFFVK_STORAGE_U8, batch, 1, (guint) (op->layout->size / 4), 4 };
  EffvkTensorInfo rows = { "resized rows", EFFVK_STORAGE_F32, batch, 1, 0, 4 };
  EffvkDispatch resize_rows = { .op = "resize-rows", .n_spec = 1, .writes = 1u << 2 };
  EffvkDispatch resize_columns = { .op = "resize-columns", .n_spec = 1, .writes = 1u << 2 };

  if (kernel < 0)
    return FALSE;
  plan (&p, op, threads[kernel]);
  rows.w = (guint) p.rows.rows_size;

  resize_rows.shader = &rows_shaders[kernel];
  resize_rows.kernel = effvk_preprocess_kernels[kernel].name;
  resize_rows.spec[0] = threads[kernel];
  resize_rows.bind[0] = effvk_program_add_external (program, &frames, op->staging, 0);
  resize_rows.bind[1] = effvk_program_add_constant (program, "row taps", EFFVK_STORAGE_F32,
                                                    (const float *) rows_table->data,
                                                    rows_table->len);
  resize_rows.bind[2] = effvk_program_add_tensor (program, &rows);
  memcpy (resize_rows.push, &p.rows, sizeof p.rows);
  resize_rows.groups[0] = p.groups;
  resize_rows.groups[1] = op->recipe->height;
  resize_rows.groups[2] = batch;
  effvk_program_add_dispatch (program, &resize_rows);

  resize_columns.shader = &columns_shaders[kernel][context->storage];
  resize_columns.kernel = resize_rows.kernel;
  resize_columns.spec[0] = threads[kernel];
  resize_columns.bind[0] = resize_rows.bind[2];
  resize_columns.bind[1] = effvk_program_add_constant (program, "column taps", EFFVK_STORAGE_F32,
                                                       (const float *) columns_table->data,
                                                       columns_table->len);
  resize_columns.bind[2] = op->output;
  memcpy (resize_columns.push, &p.columns, sizeof p.columns);
  resize_columns.groups[0] = effvk_div_up ((guint) p.columns.pixels, threads[kernel]);
  resize_columns.groups[1] = 1;
  resize_columns.groups[2] = batch;
  effvk_program_add_dispatch (program, &resize_columns);
  return TRUE;
}
