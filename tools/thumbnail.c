/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thumbnail.h"

#ifdef HAVE_GDK_PIXBUF
#include <gdk-pixbuf/gdk-pixbuf.h>
#include <stdio.h>
#include <string.h>
#endif
#if defined(HAVE_GDK_PIXBUF) && defined(HAVE_GSTREAMER)
#include <gst/video/video.h>
#endif

#ifdef HAVE_GDK_PIXBUF
#define LONGER_SIDE 192 /* pixels */

static char *
encode (GdkPixbuf *pixbuf)
{
  int width = gdk_pixbuf_get_width (pixbuf), height = gdk_pixbuf_get_height (pixbuf);
  double shrink = (double) LONGER_SIDE / MAX (width, height);
  g_autoptr (GdkPixbuf) small
      = gdk_pixbuf_scale_simple (pixbuf, MAX (1, (int) (width * shrink)),
                                 MAX (1, (int) (height * shrink)), GDK_INTERP_BILINEAR);
  g_autofree char *buffer = NULL, *encoded = NULL;
  gsize size;

  if (!small || !gdk_pixbuf_save_to_buffer (small, &buffer, &size, "jpeg", NULL, NULL))
    return NULL;
  encoded = g_base64_encode ((const guchar *) buffer, size);
  return g_strconcat ("data:image/jpeg;base64,", encoded, NULL);
}

/* The part of a picture; all of it where the part is empty; NULL where it is not inside. */
static GdkPixbuf *
cut (GdkPixbuf *pixbuf, const EffvkRectangle *part)
{
  guint width = (guint) gdk_pixbuf_get_width (pixbuf);
  guint height = (guint) gdk_pixbuf_get_height (pixbuf);

  if (part->width == 0)
    return g_object_ref (pixbuf);
  if (part->width > width || part->x > width - part->width || part->height > height
      || part->y > height - part->height)
    return NULL;
  return gdk_pixbuf_new_subpixbuf (pixbuf, (int) part->x, (int) part->y, (int) part->width,
                                   (int) part->height);
}
#endif

char *
tool_thumbnail_of_file (const char *name)
{
#ifdef HAVE_GDK_PIXBUF
  g_autofree char *path = g_strdup (name);
  char *suffix = strstr (path, "#xywh=");
  g_autoptr (GdkPixbuf) picture = NULL;
  g_autoptr (GdkPixbuf) upright = NULL;
  g_autoptr (GdkPixbuf) wanted = NULL;
  EffvkRectangle part = { 0 };

  if (suffix && !g_file_test (path, G_FILE_TEST_EXISTS))
    {
      *suffix = 0;
      if (sscanf (suffix + 6, "%u,%u,%u,%u", &part.x, &part.y, &part.width, &part.height) != 4)
        return NULL;
    }
  picture = gdk_pixbuf_new_from_file (path, NULL);
  upright = picture ? gdk_pixbuf_apply_embedded_orientation (picture) : NULL;
  wanted = upright ? cut (upright, &part) : NULL;
  return wanted ? encode (wanted) : NULL;
#else
  return NULL;
#endif
}

#if defined(HAVE_GDK_PIXBUF) && defined(HAVE_GSTREAMER)
static void
free_sample (guchar *pixels G_GNUC_UNUSED, gpointer data)
{
  GstVideoFrame *frame = data;
  GstBuffer *buffer = frame->buffer;

  gst_video_frame_unmap (frame);
  gst_buffer_unref (buffer);
  g_free (frame);
}

/* The pixels of a sample, in RGB, which is what gdk-pixbuf takes. */
static GdkPixbuf *
convert (GstSample *sample)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string ("video/x-raw,format=RGB,"
                                                   "pixel-aspect-ratio=[1/1000,1000/1]");
  g_autoptr (GstSample) converted = gst_video_convert_sample (sample, caps, 5 * GST_SECOND, NULL);
  GstVideoFrame *frame;
  GstVideoInfo info;

  if (!converted || !gst_video_info_from_caps (&info, gst_sample_get_caps (converted)))
    return NULL;
  frame = g_new0 (GstVideoFrame, 1);
  if (!gst_video_frame_map (frame, &info, gst_sample_get_buffer (converted), GST_MAP_READ))
    {
      g_free (frame);
      return NULL;
    }
  gst_buffer_ref (frame->buffer);
  return gdk_pixbuf_new_from_data (GST_VIDEO_FRAME_PLANE_DATA (frame, 0), GDK_COLORSPACE_RGB, FALSE,
                                   8, info.width, info.height,
                                   GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), free_sample, frame);
}

/* As Exif's orientations, of which each has two steps: mirror, then turn. */
static GdkPixbuf *
turn (GdkPixbuf *pixbuf, EffvkOrientation orientation)
{
  static const struct
  {
    gboolean mirror;
    GdkPixbufRotation rotation;
  } steps[] = {
    [EFFVK_ORIENTATION_ROTATE_0] = { FALSE, GDK_PIXBUF_ROTATE_NONE },
    [EFFVK_ORIENTATION_ROTATE_90] = { FALSE, GDK_PIXBUF_ROTATE_CLOCKWISE },
    [EFFVK_ORIENTATION_ROTATE_180] = { FALSE, GDK_PIXBUF_ROTATE_UPSIDEDOWN },
    [EFFVK_ORIENTATION_ROTATE_270] = { FALSE, GDK_PIXBUF_ROTATE_COUNTERCLOCKWISE },
    [EFFVK_ORIENTATION_FLIP_ROTATE_0] = { TRUE, GDK_PIXBUF_ROTATE_NONE },
    [EFFVK_ORIENTATION_FLIP_ROTATE_90] = { TRUE, GDK_PIXBUF_ROTATE_CLOCKWISE },
    [EFFVK_ORIENTATION_FLIP_ROTATE_180] = { TRUE, GDK_PIXBUF_ROTATE_UPSIDEDOWN },
    [EFFVK_ORIENTATION_FLIP_ROTATE_270] = { TRUE, GDK_PIXBUF_ROTATE_COUNTERCLOCKWISE },
  };
  g_autoptr (GdkPixbuf) mirrored
      = steps[orientation].mirror ? gdk_pixbuf_flip (pixbuf, TRUE) : g_object_ref (pixbuf);

  return mirrored ? gdk_pixbuf_rotate_simple (mirrored, steps[orientation].rotation) : NULL;
}
#endif

char *
tool_thumbnail_of_frame (const ToolExample *example G_GNUC_UNUSED,
                         const ToolFrame *frame G_GNUC_UNUSED)
{
#if defined(HAVE_GDK_PIXBUF) && defined(HAVE_GSTREAMER)
  g_autoptr (GdkPixbuf) whole = frame->sample ? convert (frame->sample) : NULL;
  g_autoptr (GdkPixbuf) wanted = whole ? cut (whole, &example->part) : NULL;
  g_autoptr (GdkPixbuf) upright
      = wanted ? turn (wanted, effvk_image_get_orientation (frame->image)) : NULL;

  return upright ? encode (upright) : NULL;
#else
  return NULL;
#endif
}
