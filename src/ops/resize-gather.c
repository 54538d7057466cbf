/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/resize-gather.h"

#include <string.h>

#define WORD 4
#define MAX_ROWS 3 /* that an output's samples of subsampled chroma lie in */

/* Few: each that a program's frames have is a dispatch of its own. */
const EffvkGatherShape effvk_gather_shapes[EFFVK_GATHER_N_SHAPES] = {
  { 0 },
  { 1, 1, { 2 }, { 1 } },        /* GRAY8 */
  { 1, 2, { 4 }, { 1 } },        /* GRAY16_LE */
  { 1, 1, { 6 }, { 3 } },        /* RGB */
  { 1, 1, { 8 }, { 4 } },        /* RGBA */
  { 1, 1, { 12 }, { 4 } },       /* YUY2: two pixels are one */
  { 2, 1, { 2, 6 }, { 1, 2 } },  /* NV12 */
  { 2, 2, { 4, 12 }, { 1, 2 } }, /* P010_10LE */
  { 3, 1, { 2, 3 }, { 1, 1 } },  /* I420 */
  { 3, 2, { 4, 6 }, { 1, 1 } },  /* I420_10LE */
};

/* The samples of output @i that have a weight. */
static void
get_extent (const EffvkTaps *taps, guint i, guint *first, guint *end)
{
  const float *weights = taps->weights + (gsize) i * taps->count;
  guint n = MIN (taps->count, taps->high - taps->first[i]), from = 0;

  while (from + 1 < n && weights[from] == 0.0f)
    from++;
  while (n > from + 1 && weights[n - 1] == 0.0f)
    n--;
  *first = taps->first[i] + from;
  *end = taps->first[i] + n;
}

static float
get_weight (const EffvkTaps *taps, guint i, guint sample)
{
  return taps->weights[(gsize) i * taps->count + sample - taps->first[i]];
}

static guint
count_samples (const EffvkTaps *taps)
{
  guint most = 0;

  for (guint i = 0; i < taps->n; i++)
    {
      guint first, end;

      get_extent (taps, i, &first, &end);
      most = MAX (most, end - first);
    }
  return most;
}

/* Whether window @window is of component @c's plane. */
static gboolean
is_seen (const EffvkFormatInfo *format, guint c, guint window)
{
  return format->components[c].plane == format->components[window].plane;
}

/* Where a window of output @i begins: with the pixel of its first sample; and where its last sample
   ends. */
static guint
get_window (const EffvkFormatInfo *format, const EffvkGatherTaps *taps, guint window, guint i,
            guint *end)
{
  guint sample = format->depth > 8 ? 2 : 1, start = G_MAXUINT;
  guint pixel = format->bytes[format->components[window].plane];

  *end = 0;
  for (guint c = 0; c < 3; c++)
    if (is_seen (format, c, window))
      {
        const EffvkComponent *component = &format->components[c];
        guint first, after;

        get_extent (taps->x[c > 0], i, &first, &after);
        start = MIN (start, first * component->step + component->offset);
        *end = MAX (*end, (after - 1) * component->step + component->offset + sample);
      }
  return start / pixel * pixel;
}

static gboolean
is_shape (const EffvkGatherShape *shape, const EffvkFormatInfo *format, const EffvkGatherTaps *taps)
{
  if (shape->windows != format->n_planes || shape->sample != (format->depth > 8 ? 2 : 1))
    return FALSE;
  for (guint w = 0; w < shape->windows; w++)
    {
      if (shape->phases[w > 0] * shape->sample != format->bytes[format->components[w].plane])
        return FALSE;
      for (guint i = 0; i < taps->x[0]->n; i++)
        {
          guint end, start = get_window (format, taps, w, i, &end);

          if (end - start > shape->bytes[w > 0])
            return FALSE;
        }
    }
  return TRUE;
}

/* Makes room for @texels zeros at the end of @table. */
static float *
grow (GArray *table, gsize texels)
{
  guint at = table->len;

  g_array_set_size (table, (guint) (at + texels * 4));
  return memset (&g_array_index (table, float, at), 0, texels * 16);
}

/* For each row of outputs: the first one's first row, two weights of its rows, the others' first
 * row; three weights of theirs, their last row. */
static void
append_rows (GArray *table, const EffvkTaps *y, const EffvkTaps *others)
{
  float *texels = grow (table, (gsize) y->n * 2);

  for (guint i = 0; i < y->n; i++, texels += 8)
    {
      guint first, end;

      get_extent (y, i, &first, &end);
      texels[0] = (float) first;
      for (guint row = first; row < end; row++)
        texels[1 + row - first] = get_weight (y, i, row) / 255.0f;
      get_extent (others, i, &first, &end);
      texels[3] = (float) first;
      for (guint row = first; row < end; row++)
        texels[4 + row - first] = get_weight (others, i, row) / 255.0f;
      texels[7] = (float) end - 1.0f; /* there may be less than three, or no more in the plane */
    }
}

/* Output i has texels at + i + k * n: for k = 0 each window's first byte; then each window's
   weights of its bytes. */
static void
append_columns (GArray *table, const EffvkGatherShape *shape, const EffvkFormatInfo *format,
                const EffvkGatherTaps *taps)
{
  guint n = taps->x[0]->n, texels = 1;
  /* Of the bytes of a sample. */
  float low = 1.0f / (float) (1u << (format->depth + format->shift - 8));
  const float scale[2] = { format->depth > 8 ? low : 1.0f, 256.0f * low };
  float *to;

  for (guint w = 0; w < shape->windows; w++)
    texels += (shape->bytes[w > 0] + 3) / 4;
  to = grow (table, (gsize) n * texels);
  for (guint w = 0, k = 1; w < shape->windows; k += (shape->bytes[w > 0] + 3) / 4, w++)
    for (guint i = 0; i < n; i++)
      {
        guint end, start = get_window (format, taps, w, i, &end);

        to[4 * i + w] = (float) start;
        for (guint c = 0; c < 3; c++)
          if (is_seen (format, c, w))
            {
              const EffvkTaps *x = taps->x[c > 0];
              guint first, after;

              get_extent (x, i, &first, &after);
              for (guint j = first * shape->sample; j < after * shape->sample; j++)
                {
                  guint sample = j / shape->sample, byte = j % shape->sample;
                  guint at = sample * format->components[c].step + format->components[c].offset
                             + byte - start;

                  to[4 * ((k + at / 4) * n + i) + at % 4] = get_weight (x, i, sample) * scale[byte];
                }
            }
      }
}

/* Three rows of R, G, B from phases, and a column of what is added. */
static void
append_colour (GArray *table, const EffvkGatherShape *shape, const EffvkFormatInfo *format,
               double matrix[3][4])
{
  float *to = grow (table, 4);

  for (guint w = 0, first = 0; w < shape->windows; first += shape->phases[w > 0], w++)
    for (guint c = 0; c < 3; c++)
      if (is_seen (format, c, w))
        for (guint byte = format->components[c].offset; byte < shape->phases[w > 0] * shape->sample;
             byte += format->components[c].step)
          for (guint i = 0; i < 3; i++)
            to[4 * i + first + byte / shape->sample] += (float) matrix[i][c];
  for (guint i = 0; i < 3; i++)
    to[12 + i] = (float) matrix[i][3];
}

/* Of the plane's last row, which may end with the memory. */
static gint32
get_last_word (const EffvkFrameLayout *layout, guint plane)
{
  gsize last_row = layout->strides[plane] * (effvk_frame_plane_rows (layout, plane) - 1);

  return (
      gint32) ((layout->offsets[plane] + last_row + effvk_frame_plane_row_bytes (layout, plane) - 1)
               / WORD);
}

gboolean
effvk_gather_plan (EffvkGatherItem *item, GArray *row_table, GArray *column_table,
                   const EffvkFrameLayout *layout, const EffvkGatherTaps *taps, double matrix[3][4])
{
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);
  const EffvkGatherShape *shape = effvk_gather_shapes;
  guint i = 1;

  if (count_samples (taps->y[0]) > MAX_ROWS - 1 || count_samples (taps->y[1]) > MAX_ROWS)
    return FALSE;
  while (i < EFFVK_GATHER_N_SHAPES && !is_shape (&shape[i], format, taps))
    i++;
  if (i == EFFVK_GATHER_N_SHAPES)
    return FALSE;
  item->shape = (gint32) i;
  for (guint w = 0; w < shape[i].windows; w++)
    {
      guint plane = format->components[w].plane;

      item->from[w] = (gint32) (layout->offsets[plane] / WORD);
      item->stride[w] = (gint32) (layout->strides[plane] / WORD);
      item->last_word = MAX (item->last_word, get_last_word (layout, plane));
    }
  item->last_row = (gint32) taps->y[0]->high - 1;
  item->rows = (gint32) row_table->len / 4;
  append_rows (row_table, taps->y[0], taps->y[1]);
  item->columns = (gint32) column_table->len / 4;
  append_columns (column_table, &shape[i], format, taps);
  item->colour = (gint32) column_table->len / 4;
  append_colour (column_table, &shape[i], format, matrix);
  return TRUE;
}
