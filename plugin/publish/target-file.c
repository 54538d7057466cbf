/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON lines to the standard output, to a file, and to a Unix socket. */
#include "publish/target.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  int fd;
  char *path; /* of a file, which may be rotated; else NULL */
  GSocketConnection *connection;
} Target;

static void
close_target (gpointer data)
{
  Target *target = data;

  if (target->path)
    close (target->fd);
  g_clear_object (&target->connection);
  g_free (target->path);
  g_free (target);
}

static gboolean
fail (GError **error, int code, const char *what)
{
  g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (code), "%s: %s", what,
               g_strerror (code));
  return FALSE;
}

/* Waits until the descriptor takes something. */
static gboolean
wait_for (int fd, GCancellable *cancellable, GError **error)
{
  GPollFD polled[2] = { { .fd = fd, .events = G_IO_OUT } };
  guint n = g_cancellable_make_pollfd (cancellable, &polled[1]) ? 2 : 1;
  gint ready = g_poll (polled, n, GST_EFFVK_TARGET_TIMEOUT / 1000);

  if (n == 2)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (ready == 0)
    return fail (error, ETIMEDOUT, "nobody reads");
  return TRUE;
}

/* So much at a time that a pipe which is ready takes it without blocking. */
static gboolean
write_all (int fd, const char *text, gsize length, GCancellable *cancellable, GError **error)
{
  while (length > 0)
    {
      gssize n;

      if (!wait_for (fd, cancellable, error))
        return FALSE;
      n = write (fd, text, MIN (length, PIPE_BUF));
      if (n < 0 && errno != EINTR && errno != EAGAIN)
        return fail (error, errno, "write");
      if (n > 0)
        {
          text += n;
          length -= (gsize) n;
        }
    }
  return TRUE;
}

static gboolean
reopen (Target *target, GError **error)
{
  int fd = g_open (target->path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
                   0666);

  if (fd < 0)
    return fail (error, errno, target->path);
  if (target->fd >= 0)
    close (target->fd);
  target->fd = fd;
  return TRUE;
}

/* Whether somebody has moved the file away, as logrotate does. */
static gboolean
is_rotated (const Target *target)
{
  GStatBuf there, here;

  return g_stat (target->path, &there) != 0 || fstat (target->fd, (struct stat *) &here) != 0
         || there.st_ino != here.st_ino || there.st_dev != here.st_dev;
}

static GstEffvkDelivery
send_lines (gpointer data, GPtrArray *parcels, GCancellable *cancellable, GError **error)
{
  Target *target = data;
  g_autoptr (GString) lines = g_string_new (NULL);
  struct stat before;

  for (guint i = 0; i < parcels->len; i++)
    {
      const GstEffvkParcel *parcel = g_ptr_array_index (parcels, i);

      g_string_append_len (lines, parcel->text, (gssize) parcel->length);
      g_string_append_c (lines, '\n');
    }
  if (target->path && is_rotated (target) && !reopen (target, error))
    return GST_EFFVK_RETRY;
  if (fstat (target->fd, &before) != 0)
    before.st_mode = 0;
  if (write_all (target->fd, lines->str, lines->len, cancellable, error))
    return GST_EFFVK_DELIVERED;
  /* A line that was written in part, on a disk that is full, would spoil the next. */
  if (S_ISREG (before.st_mode) && ftruncate (target->fd, before.st_size) != 0)
    g_prefix_error (error, "a line was written in part; ");
  return GST_EFFVK_RETRY;
}

static gboolean
check_path (const GstEffvkAddress *address, GError **error)
{
  if (*address->path && (!address->host || !*address->host))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "expected a path, for instance %s:/var/log/effvk", address->scheme);
  return FALSE;
}

static gboolean
check_stdout (const GstEffvkAddress *address, GError **error)
{
  return TRUE;
}

static gpointer
open_stdout (const GstEffvkAddress *address, GCancellable *cancellable, GError **error)
{
  Target *target = g_new0 (Target, 1);

  target->fd = STDOUT_FILENO;
  return target;
}

static gpointer
open_file (const GstEffvkAddress *address, GCancellable *cancellable, GError **error)
{
  Target *target = g_new0 (Target, 1);

  target->fd = -1;
  target->path = g_strdup (address->path);
  if (reopen (target, error))
    return target;
  g_free (target->path);
  g_free (target);
  return NULL;
}

static gpointer
open_unix (const GstEffvkAddress *address, GCancellable *cancellable, GError **error)
{
  g_autoptr (GSocketAddress) socket = g_unix_socket_address_new (address->path);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  GSocketConnection *connection;
  Target *target;

  connection = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (socket), cancellable, error);
  if (!connection)
    return NULL;
  target = g_new0 (Target, 1);
  target->connection = connection;
  target->fd = g_socket_get_fd (g_socket_connection_get_socket (connection));
  return target;
}

const GstEffvkTargetKind gst_effvk_target_stdout
    = { "stdout", check_stdout, open_stdout, send_lines, close_target };
const GstEffvkTargetKind gst_effvk_target_file
    = { "file", check_path, open_file, send_lines, close_target };
const GstEffvkTargetKind gst_effvk_target_unix
    = { "unix", check_path, open_unix, send_lines, close_target };
