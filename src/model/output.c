/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/output.h"

#include "model/file.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as the kernel follows */

static gboolean
fail (const EffvkOutput *output, const char *what, GError **error)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "%s: %s: %s", output->path,
               what, g_strerror (saved));
  return FALSE;
}

/* Where @path leads; the last link may lead to a file that does not exist yet. */
static char *
follow_links (const char *path)
{
  g_autofree char *current = g_strdup (path);

  for (guint i = 0; i < MAX_LINKS; i++)
    {
      g_autofree char *link = g_file_read_link (current, NULL);
      g_autofree char *folder = g_path_get_dirname (current);

      if (!link)
        return g_steal_pointer (&current);
      g_free (current);
      current = g_path_is_absolute (link) ? g_strdup (link) : g_build_filename (folder, link, NULL);
    }
  errno = ELOOP;
  return NULL;
}

static gboolean
check_target (const EffvkOutput *output, struct stat *old, GError **error)
{
  memset (old, 0, sizeof *old);
  if (stat (output->target, old) < 0)
    return errno == ENOENT || fail (output, "cannot be examined", error);
  if (S_ISREG (old->st_mode))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
               "%s: expected a new name or a regular file to replace, found %s", output->path,
               effvk_file_kind (old->st_mode));
  return FALSE;
}

static void
clear (EffvkOutput *output)
{
  g_clear_pointer (&output->path, g_free);
  g_clear_pointer (&output->target, g_free);
  g_clear_pointer (&output->temporary, g_free);
  output->fd = -1;
}

gboolean
effvk_output_open (EffvkOutput *output, const char *path, GError **error)
{
  struct stat old;

  *output = (EffvkOutput){ .path = g_strdup (path), .target = follow_links (path), .fd = -1 };
  if (!output->target)
    {
      fail (output, "cannot be followed", error);
      clear (output);
      return FALSE;
    }
  if (!check_target (output, &old, error))
    {
      clear (output);
      return FALSE;
    }
  output->temporary = g_strconcat (output->target, ".XXXXXX", NULL);
  output->fd = g_mkstemp_full (output->temporary, O_WRONLY | O_CLOEXEC, 0666);
  if (output->fd < 0)
    {
      fail (output, "cannot be created", error);
      clear (output);
      return FALSE;
    }
  /* A file that is replaced keeps its owner, where that may be set, and its permissions. */
  if (old.st_mode && (fchown (output->fd, old.st_uid, old.st_gid) == 0 || errno == EPERM))
    (void) fchmod (output->fd, old.st_mode & 0777);
  return TRUE;
}

gboolean
effvk_output_write (EffvkOutput *output, gconstpointer data, gsize size, GError **error)
{
  if (effvk_file_write (output->fd, data, size, error))
    return TRUE;
  g_prefix_error (error, "%s: ", output->path);
  return FALSE;
}

gboolean
effvk_output_finish (EffvkOutput *output, GError **error)
{
  /* On the disk before it is renamed. */
  gboolean ok = fsync (output->fd) == 0 && g_rename (output->temporary, output->target) == 0;

  if (!ok)
    {
      fail (output, "cannot be written", error);
      effvk_output_abandon (output);
      return FALSE;
    }
  close (output->fd);
  clear (output);
  return TRUE;
}

void
effvk_output_abandon (EffvkOutput *output)
{
  if (output->fd >= 0)
    {
      close (output->fd);
      g_unlink (output->temporary);
    }
  clear (output);
}
