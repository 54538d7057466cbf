/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "raw.h"

#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  ToolSource source;
  GInputStream *stream;
  guint8 *pixels;
  gsize size; /* of a frame, bytes */
  EffvkImage *image;
  guint64 n_frames;
} RawSource;

gboolean
tool_raw_parse (const char *text, ToolRawFormat *format)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", -1);
  g_auto (GStrv) sizes = NULL;
  guint64 width, height;

  if (g_strv_length (parts) != 2)
    return FALSE;
  sizes = g_strsplit (parts[1], "x", -1);
  if (g_strv_length (sizes) != 2
      || !g_ascii_string_to_unsigned (sizes[0], 10, 1, EFFVK_IMAGE_MAX_SIZE, &width, NULL)
      || !g_ascii_string_to_unsigned (sizes[1], 10, 1, EFFVK_IMAGE_MAX_SIZE, &height, NULL))
    return FALSE;
  format->format = effvk_format_from_string (parts[0]);
  format->width = (guint) width;
  format->height = (guint) height;
  return format->format != EFFVK_FORMAT_UNKNOWN;
}

static gboolean
raw_next (ToolSource *source, ToolFrame *frame, GError **error)
{
  RawSource *raw = (RawSource *) source;
  gsize n = 0;

  if (!g_input_stream_read_all (raw->stream, raw->pixels, raw->size, &n, tool_stop_cancellable (),
                                error))
    return FALSE;
  if (n == raw->size)
    {
      *frame = (ToolFrame){ raw->image, raw->n_frames++, -1, NULL, NULL, FALSE };
      return TRUE;
    }
  if (n > 0 || raw->n_frames == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                 "a frame has %" G_GSIZE_FORMAT " bytes, but after %" G_GUINT64_FORMAT
                 " frames the file has only %" G_GSIZE_FORMAT " more",
                 raw->size, raw->n_frames, n);
  return FALSE;
}

static gint64
raw_get_duration (ToolSource *source G_GNUC_UNUSED)
{
  return -1;
}

static void
raw_free (ToolSource *source)
{
  RawSource *raw = (RawSource *) source;

  g_clear_object (&raw->stream);
  effvk_image_free (raw->image);
  g_free (raw->pixels);
  g_free (raw);
}

/* A pipe is opened without waiting for who writes to it: the first read does that, and can be
   stopped. */
static GInputStream *
open_stream (const char *path, GError **error)
{
  int fd = strcmp (path, "-") == 0 ? STDIN_FILENO : open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;

  if (fd < 0 || fstat (fd, &status) < 0)
    {
      g_set_error_literal (error, G_FILE_ERROR, (int) g_file_error_from_errno (errno),
                           g_strerror (errno));
      return NULL;
    }
  if (S_ISDIR (status.st_mode))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY,
                           "it is a folder; with --raw, name the files in it");
      if (fd != STDIN_FILENO)
        close (fd);
      return NULL;
    }
  if (fd != STDIN_FILENO)
    fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) & ~O_NONBLOCK);
  return g_unix_input_stream_new (fd, fd != STDIN_FILENO);
}

ToolSource *
tool_raw_open (const char *path, const ToolRawFormat *format, GError **error)
{
  RawSource *raw = g_new0 (RawSource, 1);
  guint n_planes = effvk_format_get_n_planes (format->format);
  gsize row, rows, offset = 0;

  raw->source = (ToolSource){ raw_next, raw_get_duration, raw_free };
  raw->image = effvk_image_new (format->format, format->width, format->height);
  for (guint i = 0; i < n_planes; i++)
    {
      effvk_format_get_plane_size (format->format, i, format->width, format->height, &row, &rows);
      raw->size += row * rows;
    }
  raw->pixels = g_malloc (raw->size);
  for (guint i = 0; i < n_planes; i++)
    {
      effvk_format_get_plane_size (format->format, i, format->width, format->height, &row, &rows);
      effvk_image_set_plane (raw->image, i, raw->pixels + offset, row, row * rows);
      offset += row * rows;
    }

  raw->stream = open_stream (path, error);
  if (!raw->stream)
    {
      raw_free (&raw->source);
      return NULL;
    }
  return &raw->source;
}
