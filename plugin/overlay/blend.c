/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "overlay/blend.h"

#include <math.h>

/* A component of a drawing, as it lies in a plane of the frame. */
typedef struct
{
  guint plane, offset, step; /* of the frame; bytes to the first sample, and from one to the next */
  guint x, y, width, height; /* in samples */
  guint8 *color, *rest;      /* color times alpha; what of the frame shows through, 0 to 255 */
} Patch;

typedef struct
{
  double matrix[3][4]; /* components of 0 to 255 of R, G, B and 1 */
} Conversion;

/* A rectangle of a composition, and its components. */
typedef struct
{
  GstBuffer *pixels;
  gint x, y;
  Patch patches[3];
} Drawn;

static void
clear_drawn (gpointer data)
{
  Drawn *drawn = data;

  gst_clear_buffer (&drawn->pixels);
  for (guint c = 0; c < 3; c++)
    {
      g_free (drawn->patches[c].color);
      g_free (drawn->patches[c].rest);
    }
}

static GArray *
new_list (void)
{
  GArray *list = g_array_new (FALSE, TRUE, sizeof (Drawn));

  g_array_set_clear_func (list, clear_drawn);
  return list;
}

void
gst_effvk_blend_init (GstEffvkBlend *blend)
{
  *blend = (GstEffvkBlend){ .drawn = new_list () };
}

void
gst_effvk_blend_clear (GstEffvkBlend *blend)
{
  g_clear_pointer (&blend->composition, gst_video_overlay_composition_unref);
  g_clear_pointer (&blend->drawn, g_array_unref);
}

static gboolean
takes_format (const GstVideoFormatInfo *format)
{
  /* opaque, of bytes, not in tiles */
  if (GST_VIDEO_FORMAT_INFO_HAS_ALPHA (format) || GST_VIDEO_FORMAT_INFO_HAS_PALETTE (format)
      || GST_VIDEO_FORMAT_INFO_IS_TILED (format) || GST_VIDEO_FORMAT_INFO_BITS (format) != 8
      || GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format) != 3)
    return FALSE;
  for (guint c = 0; c < 3; c++)
    if (GST_VIDEO_FORMAT_INFO_DEPTH (format, c) != 8 || GST_VIDEO_FORMAT_INFO_SHIFT (format, c) != 0
        || GST_VIDEO_FORMAT_INFO_W_SUB (format, c) > 1
        || GST_VIDEO_FORMAT_INFO_H_SUB (format, c) > 1)
      return FALSE;
  return GST_VIDEO_FORMAT_INFO_IS_RGB (format) || GST_VIDEO_FORMAT_INFO_IS_YUV (format);
}

gboolean
gst_effvk_blend_takes (GstVideoOverlayComposition *composition, const GstVideoInfo *info)
{
  if (!takes_format (info->finfo))
    return FALSE;
  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (composition); i++)
    {
      GstVideoOverlayRectangle *rectangle
          = gst_video_overlay_composition_get_rectangle (composition, i);
      GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw (
          rectangle, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
      GstVideoMeta *meta = gst_buffer_get_video_meta (pixels);
      guint width, height;

      gst_video_overlay_rectangle_get_render_rectangle (rectangle, NULL, NULL, &width, &height);
      if (!meta || meta->width != width || meta->height != height)
        return FALSE;
    }
  return TRUE;
}

static Conversion
get_conversion (const GstVideoInfo *info)
{
  Conversion rgb = { { { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 } } }, yuv = { 0 };
  double kr = 0.299, kb = 0.114, kg;
  gint offset[4], scale[4];

  if (GST_VIDEO_INFO_IS_RGB (info))
    return rgb;
  gst_video_color_matrix_get_Kr_Kb (info->colorimetry.matrix, &kr, &kb);
  gst_video_color_range_offsets (info->colorimetry.range, info->finfo, offset, scale);
  kg = 1 - kr - kb;
  {
    const double rows[3][3] = { { kr, kg, kb },
                                { -kr / (2 * (1 - kb)), -kg / (2 * (1 - kb)), 0.5 },
                                { 0.5, -kg / (2 * (1 - kr)), -kb / (2 * (1 - kr)) } };

    for (guint c = 0; c < 3; c++)
      {
        for (guint i = 0; i < 3; i++)
          yuv.matrix[c][i] = rows[c][i] * scale[c] / 255;
        yuv.matrix[c][3] = offset[c];
      }
  }
  return yuv;
}

/* The mean color of a component over the pixels of a sample, times alpha, and the mean alpha.
 * @argb: premultiplied; what lies outside of the drawing is transparent. */
static void
convert_sample (const double *row, const guint8 *argb, gsize stride, guint width, guint height,
                gint x, gint y, guint w, guint h, guint8 *color, guint8 *rest)
{
  double sum = 0, alpha = 0;

  for (gint j = MAX (y, 0); j < MIN (y + (gint) h, (gint) height); j++)
    for (gint i = MAX (x, 0); i < MIN (x + (gint) w, (gint) width); i++)
      {
        guint32 pixel = ((const guint32 *) (const void *) (argb + (gsize) j * stride))[i];
        double a = pixel >> 24;

        sum += row[0] * (pixel >> 16 & 0xff) + row[1] * (pixel >> 8 & 0xff)
               + row[2] * (pixel & 0xff) + row[3] * a / 255;
        alpha += a;
      }
  *color = (guint8) CLAMP (sum / (w * h) + 0.5, 0, 255);
  *rest = (guint8) (255 - (guint) (alpha / (w * h) + 0.5));
}

/* One component of a rectangle whose pixels are @argb. */
static Patch
make_patch (const GstVideoInfo *info, const Conversion *conversion, guint component,
            const guint8 *argb, const GstVideoMeta *meta, gint left, gint top)
{
  const GstVideoFormatInfo *format = info->finfo;
  guint width = meta->width, height = meta->height;
  guint ws = GST_VIDEO_FORMAT_INFO_W_SUB (format, component),
        hs = GST_VIDEO_FORMAT_INFO_H_SUB (format, component);
  gint right = MIN (left + (gint) width, GST_VIDEO_INFO_WIDTH (info)),
       bottom = MIN (top + (gint) height, GST_VIDEO_INFO_HEIGHT (info));
  Patch patch = { .plane = GST_VIDEO_FORMAT_INFO_PLANE (format, component),
                  .offset = GST_VIDEO_FORMAT_INFO_POFFSET (format, component),
                  .step = (guint) GST_VIDEO_FORMAT_INFO_PSTRIDE (format, component),
                  .x = (guint) MAX (left, 0) >> ws,
                  .y = (guint) MAX (top, 0) >> hs };

  if (right <= MAX (left, 0) || bottom <= MAX (top, 0))
    return patch; /* outside of the picture: empty */
  patch.width = (((guint) right + ws) >> ws) - patch.x;
  patch.height = (((guint) bottom + hs) >> hs) - patch.y;
  patch.color = g_malloc ((gsize) patch.width * patch.height);
  patch.rest = g_malloc ((gsize) patch.width * patch.height);
  for (guint y = 0; y < patch.height; y++)
    for (guint x = 0; x < patch.width; x++)
      convert_sample (conversion->matrix[component], argb, (gsize) meta->stride[0], width, height,
                      (gint) ((patch.x + x) << ws) - left, (gint) ((patch.y + y) << hs) - top,
                      1u << ws, 1u << hs, &patch.color[(gsize) y * patch.width + x],
                      &patch.rest[(gsize) y * patch.width + x]);
  return patch;
}

static Drawn
make_drawn (const GstVideoInfo *info, GstBuffer *pixels, gint x, gint y)
{
  Drawn drawn = { .pixels = gst_buffer_ref (pixels), .x = x, .y = y };
  Conversion conversion = get_conversion (info);
  GstMapInfo map;

  if (!gst_buffer_map (pixels, &map, GST_MAP_READ))
    return drawn;
  for (guint c = 0; c < 3; c++)
    drawn.patches[c]
        = make_patch (info, &conversion, c, map.data, gst_buffer_get_video_meta (pixels), x, y);
  gst_buffer_unmap (pixels, &map);
  return drawn;
}

/* Takes a rectangle from the list that was drawn before, or makes it. */
static void
add_rectangle (GArray *list, GArray *before, const GstVideoInfo *info,
               GstVideoOverlayRectangle *rectangle)
{
  GstBuffer *pixels = gst_video_overlay_rectangle_get_pixels_unscaled_raw (
      rectangle, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gint x, y;
  Drawn drawn;

  gst_video_overlay_rectangle_get_render_rectangle (rectangle, &x, &y, NULL, NULL);
  for (guint i = 0; i < before->len; i++)
    {
      Drawn *old = &g_array_index (before, Drawn, i);

      if (old->pixels != pixels || old->x != x || old->y != y)
        continue;
      drawn = *old;
      *old = (Drawn){ 0 };
      g_array_append_val (list, drawn);
      return;
    }
  drawn = make_drawn (info, pixels, x, y);
  g_array_append_val (list, drawn);
}

/* color + frame * rest / 255, rounded */
static guint8
over (guint8 frame, guint8 color, guint8 rest)
{
  guint product = (guint) frame * rest + 128;

  return (guint8) MIN (color + ((product + (product >> 8)) >> 8), 255);
}

static void
blend_row (guint8 *frame, guint step, const guint8 *color, const guint8 *rest, guint n)
{
  if (step == 1) /* by itself, so that the compiler makes vectors of it */
    for (guint i = 0; i < n; i++)
      frame[i] = over (frame[i], color[i], rest[i]);
  else
    for (guint i = 0; i < n; i++)
      frame[i * step] = over (frame[i * step], color[i], rest[i]);
}

static void
prepare (GstEffvkBlend *blend, GstVideoOverlayComposition *composition, const GstVideoInfo *info)
{
  gboolean same = blend->composition && gst_video_info_is_equal (&blend->info, info);
  GArray *list;

  if (same && blend->composition == composition)
    return;
  if (!same)
    g_array_set_size (blend->drawn, 0);
  gst_video_overlay_composition_ref (composition);
  g_clear_pointer (&blend->composition, gst_video_overlay_composition_unref);
  blend->composition = composition;
  blend->info = *info;
  list = new_list ();
  for (guint i = 0; i < gst_video_overlay_composition_n_rectangles (composition); i++)
    add_rectangle (list, blend->drawn, info,
                   gst_video_overlay_composition_get_rectangle (composition, i));
  g_array_unref (blend->drawn);
  blend->drawn = list;
}

static void
draw_patch (const Patch *patch, GstVideoFrame *frame)
{
  gsize stride = (gsize) GST_VIDEO_FRAME_PLANE_STRIDE (frame, patch->plane);
  guint8 *row = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, patch->plane) + patch->offset
                + patch->y * stride + (gsize) patch->x * patch->step;

  for (guint y = 0; y < patch->height; y++)
    blend_row (row + y * stride, patch->step, patch->color + (gsize) y * patch->width,
               patch->rest + (gsize) y * patch->width, patch->width);
}

void
gst_effvk_blend_draw (GstEffvkBlend *blend, GstVideoOverlayComposition *composition,
                      GstVideoFrame *frame)
{
  prepare (blend, composition, &frame->info);
  for (guint i = 0; i < blend->drawn->len; i++)
    for (guint c = 0; c < 3; c++)
      draw_patch (&g_array_index (blend->drawn, Drawn, i).patches[c], frame);
}
