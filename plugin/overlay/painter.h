/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "overlay/style.h"

/* Draws text and shapes with pango and cairo into buffers for a GstVideoOverlayRectangle, which
 * tell their size by a GstVideoMeta. Used by one thread at a time. */
typedef struct _GstEffvkPainter GstEffvkPainter;

GstEffvkPainter *gst_effvk_painter_new (void);
void gst_effvk_painter_free (GstEffvkPainter *painter);

/* For pictures of this size. Whether that changed anything. */
gboolean gst_effvk_painter_set_style (GstEffvkPainter *painter, const GstEffvkStyle *style,
                                      guint width, guint height);

/* How thick a line is, in pixels. */
guint gst_effvk_painter_get_line_width (GstEffvkPainter *painter);

typedef struct
{
  char *text;
  guint32 swatch; /* a square of that colour before the text; 0: none */
  double share;   /* of a bar that is full, 0 to 1; NaN: no bar */
  char *number;   /* behind the bar or the text; or NULL */
  gboolean strong;
} GstEffvkRow;

/* An empty list of rows, which it frees. */
GArray *gst_effvk_rows_new (void);

/* Rows one below the other; a text that does not fit into the picture ends in an ellipsis. */
GstBuffer *gst_effvk_painter_draw_panel (GstEffvkPainter *painter, const GArray *rows);

/* A line of text in front of @color. */
GstBuffer *gst_effvk_painter_draw_tag (GstEffvkPainter *painter, const char *text, guint32 color);

GstBuffer *gst_effvk_painter_fill (GstEffvkPainter *painter, guint32 color, guint width,
                                   guint height);

/* Draws a heat map of @width x @height cells, to be stretched over what it covers. Cells that speak
 * for the class go from blue to red. Cells that speak against it stay clear. NULL: there is
 * nothing. */
GstBuffer *gst_effvk_painter_draw_heatmap (GstEffvkPainter *painter, const float *cells,
                                           guint width, guint height);

/* A row of @n cells of these colours, as wide as the picture. */
GstBuffer *gst_effvk_painter_draw_strip (GstEffvkPainter *painter, const guint32 *colors, guint n);
