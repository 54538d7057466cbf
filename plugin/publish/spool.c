/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "publish/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A line is "C {…}" of a change, "R {…}" of another record. */
#define PREFIX 2
#define COMPACT_AFTER (1024 * 1024)
#define LARGEST (1024 * 1024 * 1024) /* more was not written by us */

gsize
gst_effvk_spool_get_size (const GstEffvkParcel *parcel)
{
  return parcel->length + PREFIX + 1;
}

/* A line that is cut off, by a crash or a full disk, is left out. */
static void
load (const char *text, gsize length, GQueue *waiting)
{
  const char *end;

  for (const char *line = text; (end = memchr (line, '\n', length - (gsize) (line - text)));
       line = end + 1)
    if (end - line > PREFIX && (line[0] == 'C' || line[0] == 'R') && line[1] == ' '
        && g_utf8_validate (line, end - line, NULL))
      g_queue_push_tail (waiting,
                         gst_effvk_parcel_new (line + PREFIX, (gsize) (end - line) - PREFIX,
                                               line[0] == 'C'));
}

gboolean
gst_effvk_spool_open (GstEffvkSpool *spool, const char *path, GQueue *waiting, GError **error)
{
  g_autofree char *text = NULL;
  GStatBuf info;
  gsize length;
  int fd = g_open (path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0 || flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (errno),
                   "queue-directory: %s: %s", path,
                   errno == EWOULDBLOCK ? "another element uses it" : g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  *spool = (GstEffvkSpool){ .path = g_strdup (path), .fd = fd };
  if (g_stat (path, &info) == 0 && info.st_size <= LARGEST
      && g_file_get_contents (path, &text, &length, NULL) && length > 0)
    load (text, length, waiting);
  return TRUE;
}

void
gst_effvk_spool_close (GstEffvkSpool *spool)
{
  if (spool->path)
    close (spool->fd);
  g_clear_pointer (&spool->path, g_free);
}

static gboolean
write_lines (int fd, const char *text, gsize length)
{
  while (length > 0)
    {
      gssize n = write (fd, text, length);

      if (n < 0 && errno != EINTR)
        return FALSE;
      if (n > 0)
        {
          text += n;
          length -= (gsize) n;
        }
    }
  return TRUE;
}

static void
append_line (GString *lines, const GstEffvkParcel *parcel)
{
  g_string_append (lines, parcel->change ? "C " : "R ");
  g_string_append_len (lines, parcel->text, (gssize) parcel->length);
  g_string_append_c (lines, '\n');
}

gboolean
gst_effvk_spool_append (GstEffvkSpool *spool, const GstEffvkParcel *parcel)
{
  g_autoptr (GString) line = g_string_new (NULL);
  off_t end = lseek (spool->fd, 0, SEEK_END);

  append_line (line, parcel);
  if (write_lines (spool->fd, line->str, line->len))
    return TRUE;
  return end >= 0 && ftruncate (spool->fd, end) != 0 ? FALSE : FALSE;
}

void
gst_effvk_spool_remove (GstEffvkSpool *spool, guint64 removed, GQueue *waiting)
{
  g_autoptr (GString) lines = NULL;

  spool->dead += removed;
  if (waiting->length > 0 && spool->dead < COMPACT_AFTER)
    return;
  lines = g_string_new (NULL);
  for (GList *link = waiting->head; link; link = link->next)
    append_line (lines, link->data);
  /* In place, so that the lock stays; what a crash in between loses would have been sent twice
   * otherwise. */
  if (ftruncate (spool->fd, 0) == 0)
    write_lines (spool->fd, lines->str, lines->len);
  spool->dead = 0;
}
