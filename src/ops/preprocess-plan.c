/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/preprocess-plan.h"

#include "ops/resize-gather.h"

#include <math.h>
#include <string.h>

/* As shaders/resize-item.glsl reads it. */
typedef struct
{
  struct
  {
    gint32 from, stride, columns, last, taps, count, to, unused;
  } planes[EFFVK_IMAGE_MAX_PLANES];
  struct
  {
    gint32 from, stride, step, last, taps, count, unused[2];
  } components[3];
  struct
  {
    gint32 n, step, inside, inside_end;
  } x, y;
  struct
  {
    gint32 from[EFFVK_IMAGE_MAX_PLANES], planes, stride[EFFVK_IMAGE_MAX_PLANES], last;
    gint32 rows, columns, selection, taps, count, to, unused[2];
  } narrow;
  EffvkGatherItem gather;
  gint32 to, colour, round_bytes, passes;
} Item;
G_STATIC_ASSERT (sizeof (Item) == 22 * 16);

struct _EffvkPreprocessPlan
{
  Item item;                                       /* of the first item of a batch */
  guint rows;                                      /* texels of what resize-rows makes */
  guint outputs;                                   /* of an item */
  GArray *row_table, *column_table, *narrow_table; /* (element-type float) */
};

static guint
div_up (guint a, guint b)
{
  return (a + b - 1) / b;
}

/* Kr and Kb of ITU-R BT.601, BT.709, BT.2020 and SMPTE 240M. */
static const double luma_weights[][2]
    = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 }, { 0.212, 0.087 } };

/* R, G, B from the components and 1, a row each. A component is its code as one of 8 bits, over
 * 255. With more bits, full range ends a little beyond 1. Limited range ends as with 8. */
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
          for (guint j = 0; j < 3; j++)
            matrix[i][j] = i == j ? luma : 0.0;
          matrix[i][3] = -luma * black;
          continue;
        }
      matrix[i][0] = luma;
      matrix[i][1] = chroma * from_cb[i];
      matrix[i][2] = chroma * from_cr[i];
      matrix[i][3] = -luma * black - neutral * (matrix[i][1] + matrix[i][2]);
    }
}

static void
append_colour (GArray *table, const EffvkFrameLayout *layout, const EffvkRecipe *recipe)
{
  double matrix[3][4];
  const float zero = 0.0f;

  make_matrix (layout, matrix);
  for (guint i = 0; i < 12; i++)
    {
      float value = (float) matrix[i / 4][i % 4];

      g_array_append_val (table, value);
    }
  g_array_append_vals (table, recipe->mean, 3);
  g_array_append_val (table, zero);
  for (guint i = 0; i < 3; i++)
    {
      float scale = 1.0f / recipe->std[i];

      g_array_append_val (table, scale);
    }
  g_array_append_val (table, zero);
  for (guint i = 0; i < 3; i++)
    {
      float border = rintf (255.0f * recipe->mean[i]) / 255.0f;
      float value = (border - recipe->mean[i]) / recipe->std[i];

      g_array_append_val (table, value);
    }
  g_array_append_val (table, zero);
}

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
plan_columns (EffvkPreprocessPlan *plan, ColumnTaps *columns, EffvkTaps *samples,
              const EffvkFormatInfo *format, guint component)
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
  columns->table = effvk_taps_append_single (plan->column_table, &columns->taps);
}

/* Adds a plane: what of it is needed, and how its components are found in what resize-rows makes
 * of it. */
static void
plan_plane (EffvkPreprocessPlan *plan, const EffvkFrameLayout *layout, guint plane,
            const ColumnTaps *const x[3], const EffvkTaps *y)
{
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  guint low = G_MAXUINT, high = 0, columns;
  EffvkTapTable y_table = effvk_taps_append_paired (plan->row_table, y);

  for (guint i = 0; i < 3; i++)
    if (format->components[i].plane == plane)
      {
        guint offset = format->components[i].offset;

        low = MIN (low, (x[i]->taps.low * x[i]->step + offset) / EFFVK_FRAME_MEMORY_ALIGNMENT);
        high = MAX (high, div_up ((x[i]->taps.high - 1) * x[i]->step + offset + 1,
                                  EFFVK_FRAME_MEMORY_ALIGNMENT));
      }
  columns = high - low;
  plan->item.planes[plane].from
      = (gint32) (layout->offsets[plane] / EFFVK_FRAME_MEMORY_ALIGNMENT + low);
  plan->item.planes[plane].stride
      = (gint32) (layout->strides[plane] / EFFVK_FRAME_MEMORY_ALIGNMENT);
  plan->item.planes[plane].columns = (gint32) columns;
  plan->item.planes[plane].last = (gint32) y->high - 1;
  plan->item.planes[plane].taps = (gint32) y_table.at;
  plan->item.planes[plane].count = (gint32) y_table.count;
  plan->item.planes[plane].to = (gint32) plan->rows;

  for (guint i = 0; i < 3; i++)
    {
      const EffvkComponent *component = &format->components[i];

      if (component->plane != plane)
        continue;
      plan->item.components[i].from = (gint32) plan->rows + (gint32) component->offset
                                      - (gint32) (low * EFFVK_FRAME_MEMORY_ALIGNMENT);
      plan->item.components[i].stride = (gint32) (columns * EFFVK_FRAME_MEMORY_ALIGNMENT);
      plan->item.components[i].step = (gint32) x[i]->step;
      plan->item.components[i].last = (gint32) x[i]->taps.high - 1;
      plan->item.components[i].taps = (gint32) x[i]->table.at;
      plan->item.components[i].count = (gint32) x[i]->table.count;
    }
  plan->rows += columns * EFFVK_FRAME_MEMORY_ALIGNMENT * div_up (y->n, 4);
}

/* Appends 1 or 0 for each of twelve bytes: whether it is the component's. The first byte is byte 0,
 * 4 or 8 of a row modulo 12, in which pixels of 1, 3 and 4 bytes end. */
static void
append_selection (GArray *table, const EffvkFormatInfo *format, guint plane)
{
  for (guint first = 0; first < 12; first += 4)
    for (guint c = 0; c < 3; c++)
      for (guint byte = first; byte < first + 12; byte++)
        {
          const EffvkComponent *component = &format->components[c];
          float mine = component->plane == plane && byte % component->step == component->offset
                           ? 1.0f
                           : 0.0f;

          g_array_append_val (table, mine);
        }
}

/* Plans to make the picture's rows narrower first, as a frame of its own, which @layout becomes and
 * from which columns are taken as they are. */
static void
plan_narrow (EffvkPreprocessPlan *plan, EffvkFrameLayout *layout, EffvkTaps *x, const EffvkTaps *y)
{
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  guint step = format->components[0].step, columns = div_up (x->n, 4);
  EffvkTapTable table;

  plan->item.narrow.planes = (gint32) format->n_planes;
  for (guint p = 0; p < format->n_planes; p++)
    {
      gsize stride = layout->strides[p] / EFFVK_FRAME_MEMORY_ALIGNMENT;

      plan->item.narrow.from[p]
          = (gint32) (layout->offsets[p] / EFFVK_FRAME_MEMORY_ALIGNMENT + y->low * stride);
      plan->item.narrow.stride[p] = (gint32) stride;
      append_selection (plan->narrow_table, format, p);
    }
  table = effvk_taps_append_bytes (plan->narrow_table, x, step);
  plan->item.narrow.taps = (gint32) table.at;
  plan->item.narrow.count = (gint32) table.count;
  plan->item.narrow.last = (gint32) ((x->high * step - 1) / EFFVK_FRAME_MEMORY_ALIGNMENT);
  plan->item.narrow.rows = (gint32) (y->high - y->low);
  plan->item.narrow.columns = (gint32) x->n;

  /* rows before the first one that is wanted are not there */
  layout->format = EFFVK_FORMAT_RGBX;
  layout->strides[0] = columns * EFFVK_FRAME_MEMORY_ALIGNMENT;
  layout->offsets[0] = 0;
  effvk_taps_make_same (x);
}

/* Where the outputs go: those of the frame's first row and column, and from one to the next. */
static void
plan_outputs (EffvkPreprocessPlan *plan, const EffvkAxis *x, const EffvkAxis *y,
              const EffvkFrameLayout *layout, const EffvkRecipe *recipe)
{
  EffvkTurn turn = effvk_turn_from_orientation (layout->orientation);
  gint32 x_step = turn.turned ? (gint32) recipe->width : 1;
  gint32 y_step = turn.turned ? 1 : (gint32) recipe->width;

  plan->outputs = recipe->width * recipe->height;
  plan->item.x.n = (gint32) x->n;
  plan->item.x.step = turn.mirrored_x ? -x_step : x_step;
  plan->item.x.inside = (gint32) x->inside;
  plan->item.x.inside_end = (gint32) x->inside_end;
  plan->item.y.n = (gint32) y->n;
  plan->item.y.step = turn.mirrored_y ? -y_step : y_step;
  plan->item.y.inside = (gint32) y->inside;
  plan->item.y.inside_end = (gint32) y->inside_end;
  plan->item.to = (turn.mirrored_x ? ((gint32) x->n - 1) * x_step : 0)
                  + (turn.mirrored_y ? ((gint32) y->n - 1) * y_step : 0);
}

/* One pass, where that is worth it. */
static gboolean
plan_gather (EffvkPreprocessPlan *plan, const EffvkFrameLayout *layout, const EffvkGatherTaps *taps)
{
  double matrix[3][4];

  make_matrix (layout, matrix);
  return effvk_gather_plan (&plan->item.gather, plan->row_table, plan->column_table, layout, taps,
                            matrix);
}

EffvkPreprocessPlan *
effvk_preprocess_plan_new (const EffvkFrameLayout *layout, const EffvkRecipe *recipe)
{
  EffvkPreprocessPlan *plan = g_new0 (EffvkPreprocessPlan, 1);
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  /* Y'CbCr is rounded once, as RGB: rounding it before would add what no reference has. So are
   * samples of two bytes. */
  gboolean rounds = recipe->eight_bits && !format->yuv && format->depth == 8;
  EffvkFrameLayout rest = *layout; /* after resize-narrow */
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
  EffvkGatherTaps gather;

  plan->row_table = g_array_new (FALSE, FALSE, sizeof (float));
  plan->column_table = g_array_new (FALSE, FALSE, sizeof (float));
  plan->narrow_table = g_array_new (FALSE, FALSE, sizeof (float));
  append_colour (plan->column_table, layout, recipe);
  effvk_axes_init (&x_axis, &y_axis, layout, recipe);
  plan_outputs (plan, &x_axis, &y_axis, layout, recipe);
  effvk_taps_init (&x, &x_axis, recipe->interpolation, recipe->antialias);
  effvk_taps_init (&y, &y_axis, recipe->interpolation, recipe->antialias);
  if (chroma)
    {
      effvk_taps_init_subsampled (&chroma_x, &x, &x_axis, format->chroma_x,
                                  layout->site != EFFVK_CHROMA_SITE_CENTER);
      effvk_taps_init_subsampled (&chroma_y, &y, &y_axis, format->chroma_y,
                                  layout->site == EFFVK_CHROMA_SITE_TOP_LEFT);
    }
  gather = (EffvkGatherTaps){ { &x, chroma ? &chroma_x : &x }, { &y, chroma ? &chroma_y : &y } };
  plan->item.passes = 1;
  if (!rounds && plan_gather (plan, layout, &gather))
    return plan;
  if (chroma)
    {
      plan_columns (plan, &chroma_columns, &chroma_x, format, 1);
      by_component[1] = by_component[2] = &chroma_columns;
    }
  /* Where a filter overshoots, the order shows. Rows of a picture that lies on its side are columns
   * where PIL sees it. */
  if (rounds && recipe->interpolation == EFFVK_INTERPOLATION_BICUBIC
      && !effvk_turn_from_orientation (layout->orientation).turned)
    {
      plan_narrow (plan, &rest, &x, &y);
      format = effvk_format_get_info (rest.format);
      by_component[1] = by_component[2] = &columns;
    }
  plan_columns (plan, &columns, &x, format, 0);
  for (guint i = 0; i < format->n_planes; i++)
    plan_plane (plan, &rest, i, by_component, i ? &chroma_y : &y);
  plan->item.passes = plan->item.narrow.rows > 0 ? 3 : 2;
  if (plan->item.passes > 2)
    plan->item.planes[0].from -= (gint32) y.low * plan->item.planes[0].stride;
  plan->item.round_bytes = rounds;
  return plan;
}

void
effvk_preprocess_plan_free (EffvkPreprocessPlan *plan)
{
  if (!plan)
    return;
  g_array_unref (plan->row_table);
  g_array_unref (plan->column_table);
  g_array_unref (plan->narrow_table);
  g_free (plan);
}

static EffvkPreprocessRoom
get_room (const EffvkPreprocessPlan *plan)
{
  EffvkPreprocessRoom room
      = { .rows = plan->rows,
          .width = (guint) plan->item.x.n,
          .height = (guint) plan->item.y.n,
          .row_taps = plan->row_table->len / 4,
          .column_taps = plan->column_table->len / 4,
          .narrow_columns = div_up ((guint) plan->item.narrow.columns, 4),
          .narrow_rows = (guint) plan->item.narrow.rows,
          .narrow_taps = plan->narrow_table->len / 4,
          .gathers = plan->item.gather.shape ? 1u << plan->item.gather.shape : 0 };

  for (guint i = 0; i < EFFVK_IMAGE_MAX_PLANES && !room.narrow_rows; i++)
    {
      guint count = (guint) plan->item.planes[i].count;

      room.columns[count > EFFVK_TAPS_WITHOUT_LOOP ? 0 : count / 4][i]
          = (guint) plan->item.planes[i].columns;
    }
  return room;
}

void
effvk_preprocess_room_grow (EffvkPreprocessRoom *room, const EffvkPreprocessPlan *plan)
{
  EffvkPreprocessRoom needed = get_room (plan);

  for (guint shape = 0; shape < EFFVK_ROWS_N_SHAPES; shape++)
    for (guint i = 0; i < EFFVK_IMAGE_MAX_PLANES; i++)
      room->columns[shape][i] = MAX (room->columns[shape][i], needed.columns[shape][i]);
  room->rows = MAX (room->rows, needed.rows);
  room->width = MAX (room->width, needed.width);
  room->height = MAX (room->height, needed.height);
  room->row_taps = MAX (room->row_taps, needed.row_taps);
  room->column_taps = MAX (room->column_taps, needed.column_taps);
  room->narrow_columns = MAX (room->narrow_columns, needed.narrow_columns);
  room->narrow_rows = MAX (room->narrow_rows, needed.narrow_rows);
  room->narrow_taps = MAX (room->narrow_taps, needed.narrow_taps);
  room->gathers |= needed.gathers;
}

gboolean
effvk_preprocess_room_fits (const EffvkPreprocessRoom *room, const EffvkPreprocessPlan *plan)
{
  EffvkPreprocessRoom grown = *room;

  effvk_preprocess_room_grow (&grown, plan);
  return memcmp (&grown, room, sizeof grown) == 0;
}

static gsize
align (gsize size)
{
  return (size + 255) / 256 * 256;
}

EffvkPreprocessItems
effvk_preprocess_items (const EffvkPreprocessRoom *room, guint batch)
{
  EffvkPreprocessItems items = { .row_taps = align (sizeof (Item) * batch) };

  items.column_taps = items.row_taps + align (16 * (gsize) room->row_taps * batch);
  items.narrow_taps = items.column_taps + align (16 * (gsize) room->column_taps * batch);
  items.size = items.narrow_taps + align (16 * (gsize) room->narrow_taps * batch);
  return items;
}

static void
write_table (guint8 *to, const GArray *table)
{
  if (table->len > 0) /* an empty one has no data: memcpy() from NULL is undefined */
    memcpy (to, table->data, table->len * sizeof (float));
}

void
effvk_preprocess_plan_write (const EffvkPreprocessPlan *plan, const EffvkPreprocessRoom *room,
                             guint batch, guint i, gsize offset, guint8 *items)
{
  EffvkPreprocessItems at = effvk_preprocess_items (room, batch);
  gint32 row_taps = (gint32) (room->row_taps * i), column_taps = (gint32) (room->column_taps * i);
  gint32 rows = (gint32) (room->rows * i), narrow_taps = (gint32) (room->narrow_taps * i);
  gint32 first = (gint32) (offset / EFFVK_FRAME_MEMORY_ALIGNMENT);
  Item item = plan->item;

  item.narrow.to = (gint32) (room->narrow_rows * room->narrow_columns * i);
  item.narrow.taps += narrow_taps;
  item.narrow.selection += narrow_taps;

  for (guint p = 0; p < EFFVK_IMAGE_MAX_PLANES; p++)
    {
      item.narrow.from[p] += first;
      item.planes[p].from += item.passes > 2 ? item.narrow.to : first;
      item.planes[p].to += rows;
      item.planes[p].taps += row_taps;
      item.components[p].from += rows;
      item.components[p].taps += column_taps;
      item.gather.from[p] += first * (EFFVK_FRAME_MEMORY_ALIGNMENT / 4);
    }
  item.gather.last_word += first * (EFFVK_FRAME_MEMORY_ALIGNMENT / 4);
  item.gather.rows += row_taps;
  item.gather.columns += column_taps;
  item.gather.colour += column_taps;
  item.to += (gint32) (plan->outputs * i);
  item.colour = column_taps;
  memcpy (items + sizeof item * i, &item, sizeof item);
  write_table (items + at.row_taps + 16 * (gsize) row_taps, plan->row_table);
  write_table (items + at.column_taps + 16 * (gsize) column_taps, plan->column_table);
  write_table (items + at.narrow_taps + 16 * (gsize) narrow_taps, plan->narrow_table);
}

void
effvk_preprocess_items_clear (guint8 *items, guint i)
{
  memset (items + sizeof (Item) * i, 0, sizeof (Item));
}
