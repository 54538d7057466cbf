/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "picture.h"

#include <gdk-pixbuf/gdk-pixbuf.h>

typedef struct
{
  ToolSource source;
  GdkPixbuf *pixbuf;
  EffvkImage *image;
  gboolean done;
} PictureSource;

static gboolean
picture_next (ToolSource *source, ToolFrame *frame, GError **error G_GNUC_UNUSED)
{
  PictureSource *picture = (PictureSource *) source;

  if (picture->done)
    return FALSE;
  picture->done = TRUE;
  *frame = (ToolFrame){ picture->image, 0, -1 };
  return TRUE;
}

static gint64
picture_get_duration (ToolSource *source G_GNUC_UNUSED)
{
  return -1;
}

static void
picture_free (ToolSource *source)
{
  PictureSource *picture = (PictureSource *) source;

  effvk_image_free (picture->image);
  g_object_unref (picture->pixbuf);
  g_free (picture);
}

ToolSource *
tool_picture_open (const char *path, GError **error)
{
  PictureSource *picture;
  GdkPixbuf *pixbuf, *upright;
  int width, height;

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR)
      || !gdk_pixbuf_get_file_info (path, &width, &height))
    return NULL;
  if (width > EFFVK_IMAGE_MAX_SIZE || height > EFFVK_IMAGE_MAX_SIZE)
    {
      g_set_error (error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_FAILED,
                   "a picture of %dx%d is too large: %d is the most", width, height,
                   EFFVK_IMAGE_MAX_SIZE);
      return NULL;
    }
  pixbuf = gdk_pixbuf_new_from_file (path, error);
  if (!pixbuf)
    return NULL;
  upright = gdk_pixbuf_apply_embedded_orientation (pixbuf);
  g_object_unref (pixbuf);

  picture = g_new0 (PictureSource, 1);
  picture->source = (ToolSource){ picture_next, picture_get_duration, picture_free };
  picture->pixbuf = pixbuf = upright;
  picture->image = effvk_image_new (gdk_pixbuf_get_n_channels (pixbuf) == 4 ? EFFVK_FORMAT_RGBA
                                                                            : EFFVK_FORMAT_RGB,
                                    (guint) gdk_pixbuf_get_width (pixbuf),
                                    (guint) gdk_pixbuf_get_height (pixbuf));
  effvk_image_set_plane (picture->image, 0, gdk_pixbuf_read_pixels (pixbuf),
                         (gsize) gdk_pixbuf_get_rowstride (pixbuf),
                         gdk_pixbuf_get_byte_length (pixbuf));
  return &picture->source;
}
