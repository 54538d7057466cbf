/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay/painter.h"

#include "common/heat-color.h"

#include <gst/video/video.h>
#include <math.h>
#include <pango/pangocairo.h>

#define SMALLEST 8.0 /* pixels of a font that can be read */
#define BAR 5.0      /* the length of a full bar, in font sizes */
#define NUMBER 2.6   /* room for "100 %", in font sizes */

struct _GstEffvkPainter
{
  PangoFontMap *fonts; /* of its own: the default one is each thread's */
  PangoLayout *layout;
  PangoFontDescription *description;
  char *font;
  double size; /* of the font, pixels */
  guint32 color, background;
  guint width, height; /* of the picture */
};

GstEffvkPainter *
gst_effvk_painter_new (void)
{
  GstEffvkPainter *painter = g_new0 (GstEffvkPainter, 1);
  PangoContext *context;

  painter->fonts = pango_cairo_font_map_new ();
  context = pango_font_map_create_context (painter->fonts);
  painter->layout = pango_layout_new (context);
  g_object_unref (context);
  pango_layout_set_single_paragraph_mode (painter->layout, TRUE);
  pango_layout_set_ellipsize (painter->layout, PANGO_ELLIPSIZE_END);
  painter->description = pango_font_description_new ();
  return painter;
}

void
gst_effvk_painter_free (GstEffvkPainter *painter)
{
  if (!painter)
    return;
  g_object_unref (painter->layout);
  g_object_unref (painter->fonts);
  pango_font_description_free (painter->description);
  g_free (painter->font);
  g_free (painter);
}

gboolean
gst_effvk_painter_set_style (GstEffvkPainter *painter, const GstEffvkStyle *style, guint width,
                             guint height)
{
  double size = MAX (SMALLEST, style->font_size * MIN (width, height));

  if (painter->size == size && painter->width == width && painter->height == height
      && painter->color == style->color && painter->background == style->background
      && g_strcmp0 (painter->font, style->font) == 0)
    return FALSE;
  g_free (painter->font);
  painter->font = g_strdup (style->font);
  painter->size = size;
  painter->color = style->color;
  painter->background = style->background;
  painter->width = width;
  painter->height = height;
  pango_font_description_set_family (painter->description, style->font ? style->font : "Sans");
  pango_font_description_set_absolute_size (painter->description, size * PANGO_SCALE);
  return TRUE;
}

guint
gst_effvk_painter_get_line_width (GstEffvkPainter *painter)
{
  return MAX (1, (guint) (painter->size / 8));
}

static void
set_source (cairo_t *cairo, guint32 color)
{
  cairo_set_source_rgba (cairo, (color >> 16 & 0xff) / 255.0, (color >> 8 & 0xff) / 255.0,
                         (color & 0xff) / 255.0, (color >> 24) / 255.0);
}

/* A transparent buffer; @cairo draws into it until gst_buffer_unmap (@map). */
static GstBuffer *
begin (guint width, guint height, GstMapInfo *map, cairo_t **cairo)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, (gsize) width * height * 4, NULL);
  cairo_surface_t *surface;

  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE,
                             GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  gst_buffer_memset (buffer, 0, 0, (gsize) width * height * 4);
  gst_buffer_map (buffer, map, GST_MAP_READWRITE);
  surface = cairo_image_surface_create_for_data (map->data, CAIRO_FORMAT_ARGB32, (int) width,
                                                 (int) height, (int) width * 4);
  *cairo = cairo_create (surface);
  cairo_surface_destroy (surface);
  return buffer;
}

static GstBuffer *
end (GstBuffer *buffer, GstMapInfo *map, cairo_t *cairo)
{
  cairo_surface_flush (cairo_get_target (cairo));
  cairo_destroy (cairo);
  gst_buffer_unmap (buffer, map);
  return buffer;
}

/* Lays a text out, no wider than @most pixels. */
static void
set_text (GstEffvkPainter *painter, const char *text, gboolean strong, double most, double *width,
          double *height)
{
  g_autofree char *visible = g_utf8_make_valid (text, -1);
  int w, h;

  for (char *p = visible; *p; p++)
    if ((guchar) *p < 0x20 || *p == 0x7f)
      *p = ' ';
  pango_font_description_set_weight (painter->description,
                                     strong ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_layout_set_font_description (painter->layout, painter->description);
  pango_layout_set_width (painter->layout, -1);
  pango_layout_set_text (painter->layout, visible, -1);
  pango_layout_get_size (painter->layout, &w, &h);
  if (w > most * PANGO_SCALE)
    {
      pango_layout_set_width (painter->layout, (int) (most * PANGO_SCALE));
      pango_layout_get_size (painter->layout, &w, &h);
      w = (int) (most * PANGO_SCALE);
    }
  *width = (double) w / PANGO_SCALE;
  *height = (double) h / PANGO_SCALE;
}

static void
show_text (GstEffvkPainter *painter, cairo_t *cairo, double x, double y, guint32 color)
{
  set_source (cairo, color);
  cairo_move_to (cairo, x, y);
  pango_cairo_show_layout (cairo, painter->layout);
}

static void
clear_row (gpointer data)
{
  GstEffvkRow *row = data;

  g_free (row->text);
  g_free (row->number);
}

GArray *
gst_effvk_rows_new (void)
{
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (GstEffvkRow));

  g_array_set_clear_func (rows, clear_row);
  return rows;
}

/* Where the columns of a panel are: text, bar, number; in pixels. */
typedef struct
{
  double gap, bar, text, line, width, height;
} Columns;

/* A row without bar and number has the width of all columns for its text. */
static gboolean
is_alone (const GstEffvkRow *row)
{
  return !isfinite (row->share) && !row->number;
}

static Columns
measure (GstEffvkPainter *painter, const GArray *rows)
{
  Columns columns = { .gap = painter->size * 0.4 };
  double most, alone = 0, rest = columns.gap * 2;
  gboolean bars = FALSE, numbers = FALSE;

  for (guint i = 0; i < rows->len; i++)
    {
      bars |= isfinite (g_array_index (rows, GstEffvkRow, i).share);
      numbers |= g_array_index (rows, GstEffvkRow, i).number != NULL;
    }
  columns.bar = bars ? MIN (painter->size * BAR, painter->width / 4.0) : 0;
  rest += bars ? columns.bar + columns.gap : 0;
  rest += numbers ? painter->size * NUMBER + columns.gap : 0;
  most = MAX (painter->width - rest - painter->size * 2.4, painter->size);
  for (guint i = 0; i < rows->len; i++)
    {
      const GstEffvkRow *row = &g_array_index (rows, GstEffvkRow, i);
      double w, h, swatch = row->swatch ? painter->size : 0;

      set_text (painter, row->text, row->strong, is_alone (row) ? most + rest : most, &w, &h);
      if (is_alone (row))
        alone = MAX (alone, ceil (w + swatch + columns.gap * 2));
      else
        columns.text = MAX (columns.text, ceil (w + swatch));
      columns.line = MAX (columns.line, ceil (h));
    }
  columns.width = MIN (MAX (columns.text + rest, alone), painter->width);
  columns.text = columns.width - rest;
  columns.height = MIN (columns.line * rows->len + columns.gap, painter->height);
  return columns;
}

static void
draw_row (GstEffvkPainter *painter, cairo_t *cairo, const GstEffvkRow *row, const Columns *columns,
          double y)
{
  double x = columns->gap, w, h, side = painter->size * 0.7, room;

  if (row->swatch)
    {
      set_source (cairo, row->swatch);
      cairo_rectangle (cairo, x, y + (columns->line - side) / 2, side, side);
      cairo_fill (cairo);
      x += painter->size;
    }
  room = is_alone (row) ? columns->width - columns->gap : columns->gap + columns->text;
  set_text (painter, row->text, row->strong, MAX (room - x, 1.0), &w, &h);
  show_text (painter, cairo, x, y, painter->color);
  x = columns->gap * 2 + columns->text;
  if (isfinite (row->share))
    {
      set_source (cairo, (painter->color & 0xffffff) | 0x40000000);
      cairo_rectangle (cairo, x, y + columns->line * 0.3, columns->bar, columns->line * 0.4);
      cairo_fill (cairo);
      set_source (cairo, painter->color);
      cairo_rectangle (cairo, x, y + columns->line * 0.3,
                       columns->bar * CLAMP (row->share, 0.0, 1.0), columns->line * 0.4);
      cairo_fill (cairo);
    }
  if (row->number)
    {
      set_text (painter, row->number, row->strong, painter->width, &w, &h);
      show_text (painter, cairo, columns->width - columns->gap - w, y, painter->color);
    }
}

GstBuffer *
gst_effvk_painter_draw_panel (GstEffvkPainter *painter, const GArray *rows)
{
  Columns columns = measure (painter, rows);
  GstBuffer *buffer;
  GstMapInfo map;
  cairo_t *cairo;

  buffer = begin ((guint) ceil (columns.width), (guint) ceil (columns.height), &map, &cairo);
  set_source (cairo, painter->background);
  cairo_paint (cairo);
  for (guint i = 0; i < rows->len; i++)
    draw_row (painter, cairo, &g_array_index (rows, GstEffvkRow, i), &columns,
              columns.gap / 2 + columns.line * i);
  return end (buffer, &map, cairo);
}

/* Black or white, which is easier to read on a colour. */
static guint32
get_contrast (guint32 color)
{
  guint luma = (color >> 16 & 0xff) * 3 + (color >> 8 & 0xff) * 6 + (color & 0xff);

  return luma > 1280 ? 0xff000000 : 0xffffffff;
}

GstBuffer *
gst_effvk_painter_draw_tag (GstEffvkPainter *painter, const char *text, guint32 color)
{
  double gap = painter->size * 0.3, w, h;
  GstBuffer *buffer;
  GstMapInfo map;
  cairo_t *cairo;

  set_text (painter, text, FALSE, MAX (painter->width - 2 * gap - 1, 1.0), &w, &h);
  buffer = begin ((guint) CLAMP (ceil (w + 2 * gap), 1, painter->width),
                  (guint) CLAMP (ceil (h), 1, painter->height), &map, &cairo);
  set_source (cairo, color);
  cairo_paint (cairo);
  show_text (painter, cairo, gap, 0, get_contrast (color));
  return end (buffer, &map, cairo);
}

GstBuffer *
gst_effvk_painter_fill (GstEffvkPainter *painter, guint32 color, guint width, guint height)
{
  GstBuffer *buffer;
  GstMapInfo map;
  cairo_t *cairo;

  buffer = begin (width, height, &map, &cairo);
  set_source (cairo, color);
  cairo_paint (cairo);
  return end (buffer, &map, cairo);
}

GstBuffer *
gst_effvk_painter_draw_strip (GstEffvkPainter *painter, const guint32 *colors, guint n)
{
  guint height = MIN (painter->height, MAX (2, (guint) (painter->size / 2)));
  GstBuffer *buffer;
  GstMapInfo map;
  cairo_t *cairo;

  buffer = begin (painter->width, height, &map, &cairo);
  set_source (cairo, painter->background);
  cairo_paint (cairo);
  cairo_set_antialias (cairo, CAIRO_ANTIALIAS_NONE);
  for (guint i = 0; i < n; i++)
    {
      double from = (double) painter->width * i / n, to = (double) painter->width * (i + 1) / n;

      if (!colors[i])
        continue;
      set_source (cairo, colors[i]);
      cairo_rectangle (cairo, from, 0, to - from, height);
      cairo_fill (cairo);
    }
  return end (buffer, &map, cairo);
}

/* How many pixels of a heat map's picture are a cell's, along a side. */
#define FINE 8

/* Between the centres of cells; outside of them as at the nearest. */
static float
interpolate (const float *cells, guint width, guint height, double x, double y)
{
  guint x0 = (guint) CLAMP (floor (x), 0, width - 1), y0 = (guint) CLAMP (floor (y), 0, height - 1);
  guint x1 = MIN (x0 + 1, width - 1), y1 = MIN (y0 + 1, height - 1);
  double u = CLAMP (x - x0, 0.0, 1.0), v = CLAMP (y - y0, 0.0, 1.0);
  double above = cells[y0 * width + x0] * (1 - u) + cells[y0 * width + x1] * u;
  double below = cells[y1 * width + x0] * (1 - u) + cells[y1 * width + x1] * u;

  return (float) (above * (1 - v) + below * v);
}

/* ARGB with the alpha multiplied in. */
static guint32
get_heat_pixel (double heat)
{
  double color[4];
  guint32 pixel;

  gst_effvk_heat_get_color (heat, color);
  pixel = (guint32) (color[3] * 255) << 24;
  for (guint c = 0; c < 3; c++)
    pixel |= (guint32) (color[c] * color[3] * 255) << (16 - 8 * c);
  return pixel;
}

GstBuffer *
gst_effvk_painter_draw_heatmap (GstEffvkPainter *painter, const float *cells, guint width,
                                guint height)
{
  float most = 0.0f;
  GstBuffer *buffer;
  GstMapInfo map;
  cairo_t *cairo;

  for (guint i = 0; i < width * height; i++)
    most = isfinite (cells[i]) ? MAX (most, cells[i]) : most;
  if (most <= 0.0f)
    return NULL;
  buffer = begin (width * FINE, height * FINE, &map, &cairo);
  cairo_surface_flush (cairo_get_target (cairo));
  for (guint y = 0; y < height * FINE; y++)
    for (guint x = 0; x < width * FINE; x++)
      {
        double heat
            = interpolate (cells, width, height, (x + 0.5) / FINE - 0.5, (y + 0.5) / FINE - 0.5)
              / most;

        ((guint32 *) map.data)[y * width * FINE + x] = get_heat_pixel (heat);
      }
  cairo_surface_mark_dirty (cairo_get_target (cairo));
  return end (buffer, &map, cairo);
}
