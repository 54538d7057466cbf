/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/file.h"

#include <effvk/effvk-model.h>

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/stat.h>
#include <unistd.h>

const char *
effvk_file_kind (mode_t mode)
{
  if (S_ISDIR (mode))
    return "a directory";
  if (S_ISFIFO (mode))
    return "a FIFO";
  if (S_ISSOCK (mode))
    return "a socket";
  return "a device";
}

static int
open_regular (const char *path, int flags, guint64 max_size, guint64 *size, int code,
              GError **error)
{
  struct stat info;
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | flags);

  if (fd < 0 && errno == ELOOP && (flags & O_NOFOLLOW))
    {
      g_set_error (error, EFFVK_MODEL_ERROR, code,
                   "expected a regular file, found a symbolic link, which may lead elsewhere");
      return -1;
    }
  if (fd < 0)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, code, "cannot be opened: %s", g_strerror (errno));
      return -1;
    }
  if (fstat (fd, &info) < 0)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, code, "cannot be examined: %s", g_strerror (errno));
      goto fail;
    }
  if (!S_ISREG (info.st_mode))
    {
      g_set_error (error, EFFVK_MODEL_ERROR, code, "expected a regular file, found %s",
                   effvk_file_kind (info.st_mode));
      goto fail;
    }
  if ((guint64) info.st_size > max_size)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, code,
                   "expected at most %" G_GUINT64_FORMAT " bytes, found %" G_GUINT64_FORMAT,
                   max_size, (guint64) info.st_size);
      goto fail;
    }
  *size = (guint64) info.st_size;
  return fd;

fail:
  close (fd);
  return -1;
}

int
effvk_file_open (const char *path, guint64 max_size, guint64 *size, int code, GError **error)
{
  return open_regular (path, 0, max_size, size, code, error);
}

int
effvk_file_open_named (const char *path, guint64 max_size, guint64 *size, int code, GError **error)
{
  return open_regular (path, O_NOFOLLOW, max_size, size, code, error);
}

gboolean
effvk_file_read (int fd, gpointer buffer, gsize size, int code, GError **error)
{
  gsize done = 0;

  while (done < size)
    {
      /* Linux moves at most 2 GiB a call. */
      ssize_t n = read (fd, (char *) buffer + done, MIN (size - done, (gsize) 1 << 30));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, EFFVK_MODEL_ERROR, code, "cannot be read: %s", g_strerror (errno));
          return FALSE;
        }
      if (n == 0)
        {
          g_set_error (error, EFFVK_MODEL_ERROR, code,
                       "the file shrank while it was read: expected %" G_GSIZE_FORMAT
                       " more bytes, found %" G_GSIZE_FORMAT,
                       size, done);
          return FALSE;
        }
      done += (gsize) n;
    }
  return TRUE;
}

GBytes *
effvk_file_read_all (const char *path, guint64 max_size, int code, GError **error)
{
  g_autofree char *contents = NULL;
  guint64 size;
  int fd = effvk_file_open (path, max_size, &size, code, error);

  if (fd < 0)
    return NULL;
  contents = g_malloc (size + 1);
  gboolean ok = effvk_file_read (fd, contents, size, code, error);
  close (fd);
  contents[size] = '\0';
  return ok ? g_bytes_new_take (g_steal_pointer (&contents), size) : NULL;
}

gboolean
effvk_file_write (int fd, gconstpointer buffer, gsize size, GError **error)
{
  gsize done = 0;

  while (done < size)
    {
      ssize_t n = write (fd, (const char *) buffer + done, MIN (size - done, (gsize) 1 << 30));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          int saved = errno;
          g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved),
                       "cannot be written: %s", g_strerror (saved));
          return FALSE;
        }
      done += (gsize) n;
    }
  return TRUE;
}
