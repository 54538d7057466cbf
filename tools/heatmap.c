/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "heatmap.h"

#include "common/heat-color.h"

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <gio/gio.h>
#include <math.h>

/* A pixel for each cell. */
static GdkPixbuf *
draw (const float *cells, guint width, guint height)
{
  GdkPixbuf *map = gdk_pixbuf_new (GDK_COLORSPACE_RGB, TRUE, 8, (int) width, (int) height);
  float most = 0.0f;

  for (guint i = 0; i < width * height; i++)
    most = isfinite (cells[i]) ? MAX (most, cells[i]) : most;
  for (guint i = 0; i < width * height; i++)
    {
      guchar *pixel = gdk_pixbuf_get_pixels (map)
                      + i / width * (guint) gdk_pixbuf_get_rowstride (map) + i % width * 4;
      double color[4];

      gst_effvk_heat_get_color (most > 0 ? (double) (cells[i] / most) : 0.0, color);
      for (guint c = 0; c < 4; c++)
        pixel[c] = (guchar) (color[c] * 255);
    }
  return map;
}

/* Blends the map over the part of the picture that it covers, as far as that is inside. */
static void
blend (GdkPixbuf *picture, GdkPixbuf *map, EffvkResult *result)
{
  int width = gdk_pixbuf_get_width (picture), height = gdk_pixbuf_get_height (picture);
  double x, y, w, h, left, top, right, bottom;

  effvk_result_get_heatmap_area (result, &x, &y, &w, &h);
  left = MAX (x * width, 0);
  top = MAX (y * height, 0);
  right = MIN ((x + w) * width, width);
  bottom = MIN ((y + h) * height, height);
  if ((int) right <= (int) left || (int) bottom <= (int) top)
    return;
  gdk_pixbuf_composite (map, picture, (int) left, (int) top, (int) right - (int) left,
                        (int) bottom - (int) top, x * width, y * height,
                        w * width / gdk_pixbuf_get_width (map),
                        h * height / gdk_pixbuf_get_height (map), GDK_INTERP_BILINEAR, 255);
}

gboolean
tool_heatmap_save (const char *picture, const char *output, EffvkResult *result, GError **error)
{
  guint width, height;
  const float *cells = effvk_result_get_heatmap (result, &width, &height);
  GdkPixbuf *read = cells ? gdk_pixbuf_new_from_file (picture, error) : NULL, *upright, *map;
  gboolean ok;

  if (!cells)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "the network's answer is not finite, so there is no heat map");
  if (!read)
    return FALSE;
  upright = gdk_pixbuf_apply_embedded_orientation (read);
  map = draw (cells, width, height);
  blend (upright, map, result);
  ok = gdk_pixbuf_save (upright, output, "png", error, NULL);
  g_object_unref (map);
  g_object_unref (upright);
  g_object_unref (read);
  return ok;
}
