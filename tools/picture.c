/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "picture.h"

#include "picture-damage.h"

#include <gdk-pixbuf/gdk-pixbuf.h>

typedef struct
{
  ToolSource source;
  GdkPixbuf *pixbuf;
  EffvkImage *image;
  char *damage; /* or NULL */
  gboolean done;
} PictureSource;

static gboolean
picture_next (ToolSource *source, ToolFrame *frame, GError **error G_GNUC_UNUSED)
{
  PictureSource *picture = (PictureSource *) source;

  if (picture->done)
    return FALSE;
  picture->done = TRUE;
  *frame = (ToolFrame){ picture->image, 0, -1, picture->damage, NULL, FALSE };
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
  g_free (picture->damage);
  g_free (picture);
}

/* What comes before the damage; the rest is grey, as libjpeg leaves it. */
static void
on_area_prepared (GdkPixbufLoader *loader, gpointer user_data G_GNUC_UNUSED)
{
  gdk_pixbuf_fill (gdk_pixbuf_loader_get_pixbuf (loader), 0x808080ff);
}

static void
on_area_updated (GdkPixbufLoader *loader G_GNUC_UNUSED, int x G_GNUC_UNUSED, int y G_GNUC_UNUSED,
                 int width G_GNUC_UNUSED, int height G_GNUC_UNUSED, gboolean *any)
{
  *any = TRUE;
}

/* What can be seen of a picture that cannot be read to its end, or NULL. */
static GdkPixbuf *
load_part (const guint8 *data, gsize size)
{
  g_autoptr (GdkPixbufLoader) loader = gdk_pixbuf_loader_new ();
  GdkPixbuf *pixbuf;
  gboolean any = FALSE;

  g_signal_connect (loader, "area-prepared", G_CALLBACK (on_area_prepared), NULL);
  g_signal_connect (loader, "area-updated", G_CALLBACK (on_area_updated), &any);
  gdk_pixbuf_loader_write (loader, data, size, NULL);
  gdk_pixbuf_loader_close (loader, NULL);
  pixbuf = any ? gdk_pixbuf_loader_get_pixbuf (loader) : NULL;
  return pixbuf ? g_object_ref (pixbuf) : NULL;
}

/* Loads a picture, or what is left of it: then @damage says what is wrong. */
static GdkPixbuf *
load (const char *path, char **damage, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autoptr (GError) problem = NULL;
  GdkPixbuf *pixbuf;
  const guint8 *data;

  *damage = NULL;
  if (!file)
    return NULL;
  data = (const guint8 *) g_mapped_file_get_contents (file);
  pixbuf = gdk_pixbuf_new_from_file (path, &problem);
  if (pixbuf)
    *damage = tool_picture_find_damage (data, g_mapped_file_get_length (file));
  else if ((pixbuf = load_part (data, g_mapped_file_get_length (file))))
    *damage = g_strdup (problem->message);
  else
    g_propagate_error (error, g_steal_pointer (&problem));
  return pixbuf;
}

static GdkPixbuf *
turn_upright (GdkPixbuf *pixbuf)
{
  GdkPixbuf *upright = gdk_pixbuf_apply_embedded_orientation (pixbuf);

  g_object_unref (pixbuf);
  return upright;
}

ToolSource *
tool_picture_open (const char *path, GError **error)
{
  PictureSource *picture;
  GdkPixbuf *pixbuf;
  char *damage;
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
  pixbuf = load (path, &damage, error);
  if (!pixbuf)
    return NULL;

  picture = g_new0 (PictureSource, 1);
  picture->source = (ToolSource){ picture_next, picture_get_duration, picture_free };
  picture->pixbuf = pixbuf = turn_upright (pixbuf);
  picture->damage = damage;
  picture->image = effvk_image_new (gdk_pixbuf_get_n_channels (pixbuf) == 4 ? EFFVK_FORMAT_RGBA
                                                                            : EFFVK_FORMAT_RGB,
                                    (guint) gdk_pixbuf_get_width (pixbuf),
                                    (guint) gdk_pixbuf_get_height (pixbuf));
  effvk_image_set_plane (picture->image, 0, gdk_pixbuf_read_pixels (pixbuf),
                         (gsize) gdk_pixbuf_get_rowstride (pixbuf),
                         gdk_pixbuf_get_byte_length (pixbuf));
  return &picture->source;
}
