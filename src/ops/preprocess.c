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

/* As the shaders declare them; units are texels but for counts. */
typedef struct
{
  struct
  {
    gint32 from, stride, columns, last, taps, count, to, groups;
  } planes[3];
  gint32 frame_size, rows_size, eight_bits;
} RowsPush;

typedef struct
{
  struct
  {
    gint32 from, stride, step, last, taps, count;
  } components[3];
  gint32 width, height, rows_size, eight_bits, luma;
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
/* By kernel: invocations of a workgroup, and texels of an invocation of resize-rows. A CPU device
 * wants more work for each fetch of weights, a GPU more invocations. */
static const struct
{
  guint rows_threads, rows_columns, columns_threads;
} shapes[] = { { 8, 4, 32 }, { 64, 1, 64 } };

/* Kr and Kb of ITU-R BT.601, BT.709 and BT.2020. */
static const double luma_weights[][2]
    = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 } };

/* R, G, B from the components and 1, a row each. A component is its code as one of 8 bits, over 255;
 * with more bits, full range ends a little beyond 1, limited range where it does with 8. */
static void
make_matrix (const EffvkFrameLayout *layout, double matrix[3][4])
{
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  double full = 255.0 * (1u << (format->depth - 8)) / ((1u << format->depth) - 1);
  double kr = luma_weights[layout->matrix][0], kb = luma_weights[layout->matrix][1];
  double kg = 1.0 - kr - kb;
  double luma = layout->full_range ? full : 255.0 / 219.0;
  double chroma = layout->full_range ? full : 255.0 / 224.0;
  double black = layout->full_range ? 0.0 : 16.0 / 255.0, neutral = 128.0 / 255.0;
  double from_cb[3] = { 0.0, -2.0 * (1.0 - kb) * kb / kg, 2.0 * (1.0 - kb) };
  double from_cr[3] = { 2.0 * (1.0 - kr), -2.0 * (1.0 - kr) * kr / kg, 0.0 };

  for (guint i = 0; i < 3; i++)
    {
      if (!format->yuv)
        {
          for (guint j = 0; j < 4; j++)
            matrix[i][j] = i == j ? full : 0.0;
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

/* The geometry of all planes: both tables and the push constants. */
typedef struct
{
  GArray *rows_table, *columns_table; /* (element-type float) */
  RowsPush rows;
  ColumnsPush columns;
  guint groups; /* workgroups of columns, all planes */
} Plan;

/* How a component's row is filtered: the taps of its bytes, and where their table lies. */
typedef struct
{
  EffvkTaps taps;
  EffvkTapTable table;
  guint step; /* bytes from a tap to the next */
} ColumnTaps;

static void
column_taps_clear (ColumnTaps *columns)
{
  effvk_taps_clear (&columns->taps);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColumnTaps, column_taps_clear)

/* Takes the taps over samples. */
static void
plan_columns (Plan *plan, ColumnTaps *columns, EffvkTaps *samples, const EffvkFormatInfo *format,
              guint component)
{
  guint step = format->components[component].step;

  columns->taps = *samples;
  columns->step = step;
  if (format->depth > 8)
    {
      float low = 1.0f / (float) (1u << (format->depth + format->shift - 8));

      effvk_taps_init_bytes (&columns->taps, samples, step, (float[]){ low, 256.0f * low });
      columns->step = 1;
      effvk_taps_clear (samples);
    }
  *samples = (EffvkTaps){ 0 };
  columns->table = effvk_taps_append_single (plan->columns_table, &columns->taps);
}

/* Adds a plane: what of it is needed, and how its components are found in what resize-rows makes
 * of it. */
static void
plan_plane (Plan *plan, const EffvkPreprocess *op, guint plane, const ColumnTaps *const x[3],
            const EffvkTaps *y, guint columns_per_group)
{
  const EffvkFrameLayout *layout = op->layout;
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  guint low = G_MAXUINT, high = 0, columns;
  EffvkTapTable y_table = effvk_taps_append_grouped (plan->rows_table, y);

  for (guint i = 0; i < 3; i++)
    if (format->components[i].plane == plane)
      {
        guint offset = format->components[i].offset;

        low = MIN (low, (x[i]->taps.low * x[i]->step + offset) / 4);
        high = MAX (high, effvk_div_up ((x[i]->taps.high - 1) * x[i]->step + offset + 1, 4));
      }
  columns = high - low;
  plan->groups += effvk_div_up (columns, columns_per_group);
  plan->rows.planes[plane].from = (gint32) (layout->offsets[plane] / 4 + low);
  plan->rows.planes[plane].stride = (gint32) (layout->strides[plane] / 4);
  plan->rows.planes[plane].columns = (gint32) columns;
  plan->rows.planes[plane].last = (gint32) y->high - 1;
  plan->rows.planes[plane].taps = (gint32) y_table.at;
  plan->rows.planes[plane].count = (gint32) y_table.count;
  plan->rows.planes[plane].to = plan->rows.rows_size;
  plan->rows.planes[plane].groups = (gint32) plan->groups;

  for (guint i = 0; i < 3; i++)
    {
      const EffvkComponent *component = &format->components[i];

      if (component->plane != plane)
        continue;
      plan->columns.components[i].from
          = plan->rows.rows_size + (gint32) component->offset - (gint32) (low * 4);
      plan->columns.components[i].stride = (gint32) (columns * 4);
      plan->columns.components[i].step = (gint32) x[i]->step;
      plan->columns.components[i].last = (gint32) x[i]->taps.high - 1;
      plan->columns.components[i].taps = (gint32) x[i]->table.at;
      plan->columns.components[i].count = (gint32) x[i]->table.count;
    }
  plan->rows.rows_size += (gint32) (columns * 4 * effvk_div_up (y->n, 4));
}

static void
plan_init (Plan *plan, const EffvkPreprocess *op, guint columns_per_group)
{
  const EffvkFrameLayout *layout = op->layout;
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  /* Cb and Cr have taps of their own where they have samples of their own distance. */
  gboolean chroma
      = format->n_planes > 1 || format->components[1].step != format->components[0].step;
  g_auto (EffvkTaps) x = { 0 };
  g_auto (EffvkTaps) y = { 0 };
  g_auto (EffvkTaps) chroma_x = { 0 };
  g_auto (EffvkTaps) chroma_y = { 0 };
  g_auto (ColumnTaps) columns = { 0 };
  g_auto (ColumnTaps) chroma_columns = { 0 };
  const ColumnTaps *by_component[3] = { &columns, &columns, &columns };
  EffvkAxis x_axis, y_axis;

  *plan = (Plan){ .rows_table = g_array_new (FALSE, FALSE, sizeof (float)),
                  .columns_table = g_array_new (FALSE, FALSE, sizeof (float)) };
  append_colour (plan->columns_table, op);
  effvk_axes_init (&x_axis, &y_axis, layout, op->recipe);
  effvk_taps_init (&x, &x_axis, op->recipe->interpolation, op->recipe->antialias);
  effvk_taps_init (&y, &y_axis, op->recipe->interpolation, op->recipe->antialias);
  if (chroma)
    {
      effvk_taps_init_subsampled (&chroma_x, &x, &x_axis, format->chroma_x,
                                  layout->site != EFFVK_CHROMA_SITE_CENTER);
      effvk_taps_init_subsampled (&chroma_y, &y, &y_axis, format->chroma_y,
                                  layout->site == EFFVK_CHROMA_SITE_TOP_LEFT);
      plan_columns (plan, &chroma_columns, &chroma_x, format, 1);
      by_component[1] = by_component[2] = &chroma_columns;
    }
  plan_columns (plan, &columns, &x, format, 0);
  for (guint i = 0; i < format->n_planes; i++)
    plan_plane (plan, op, i, by_component, i ? &chroma_y : &y, columns_per_group);
  for (guint i = format->n_planes; i < 3; i++) /* no workgroup goes beyond the last plane */
    plan->rows.planes[i].groups = (gint32) plan->groups;
  plan->rows.frame_size = (gint32) (layout->size / 4);
  plan->columns.width = (gint32) op->recipe->width;
  /* Y'CbCr is rounded once, as RGB: rounding it before would add what no reference has. So are samples
   * of two bytes. */
  plan->rows.eight_bits = op->recipe->eight_bits && !format->yuv && format->depth == 8;
  plan->columns.eight_bits = op->recipe->eight_bits;
  plan->columns.height = (gint32) op->recipe->height;
  plan->columns.rows_size = plan->rows.rows_size;
}

static void
plan_clear (Plan *plan)
{
  g_clear_pointer (&plan->rows_table, g_array_unref);
  g_clear_pointer (&plan->columns_table, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Plan, plan_clear)

static EffvkTensor
add_table (EffvkProgram *program, const char *name, const GArray *table)
{
  return effvk_program_add_constant (program, name, EFFVK_STORAGE_F32,
                                     (const float *) (gconstpointer) table->data, table->len);
}

gboolean
effvk_preprocess (const EffvkOpContext *context, const EffvkPreprocess *op, GError **error)
{
  EffvkProgram *program = context->program;
  const EffvkTensorInfo *output = effvk_program_get_info (program, op->output);
  guint batch = output->n;
  guint height4 = effvk_div_up (op->recipe->height, 4);
  int kernel = effvk_op_choose (context, "preprocess", effvk_preprocess_kernels,
                                effvk_preprocess_n_kernels, error);
  g_auto (Plan) plan = { 0 };
  EffvkTensorInfo frames
      = { "frames", EFFVK_STORAGE_U8, batch, 1, (guint) (op->layout->size / 4), 4 };
  EffvkTensorInfo rows = { "resized rows", EFFVK_STORAGE_F32, batch, 1, 0, 4 };
  EffvkDispatch resize_rows = { .op = "resize-rows", .n_spec = 2, .writes = 1u << 2 };
  EffvkDispatch resize_columns = { .op = "resize-columns", .n_spec = 1, .writes = 1u << 2 };

  if (kernel < 0)
    return FALSE;
  plan_init (&plan, op, shapes[kernel].rows_threads * shapes[kernel].rows_columns);
  plan.columns.luma = output->c == 1;
  rows.w = (guint) plan.rows.rows_size;

  resize_rows.shader = &rows_shaders[kernel];
  resize_rows.kernel = effvk_preprocess_kernels[kernel].name;
  resize_rows.spec[0] = shapes[kernel].rows_threads;
  resize_rows.spec[1] = shapes[kernel].rows_columns;
  resize_rows.bind[0] = effvk_program_add_external (program, &frames, op->staging, 0);
  resize_rows.bind[1] = add_table (program, "row taps", plan.rows_table);
  resize_rows.bind[2] = effvk_program_add_tensor (program, &rows);
  memcpy (resize_rows.push, &plan.rows, sizeof plan.rows);
  resize_rows.groups[0] = plan.groups;
  resize_rows.groups[1] = height4;
  resize_rows.groups[2] = batch;
  effvk_program_add_dispatch (program, &resize_rows);

  resize_columns.shader = &columns_shaders[kernel][context->storage];
  resize_columns.kernel = resize_rows.kernel;
  resize_columns.spec[0] = shapes[kernel].columns_threads;
  resize_columns.bind[0] = resize_rows.bind[2];
  resize_columns.bind[1] = add_table (program, "column taps", plan.columns_table);
  resize_columns.bind[2] = op->output;
  memcpy (resize_columns.push, &plan.columns, sizeof plan.columns);
  resize_columns.groups[0] = effvk_div_up (op->recipe->width, shapes[kernel].columns_threads);
  resize_columns.groups[1] = height4;
  resize_columns.groups[2] = batch;
  effvk_program_add_dispatch (program, &resize_columns);
  return TRUE;
}
