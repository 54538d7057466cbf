/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Reading files that nobody vouches for. Contents are copied with read(): a mapped file that
 * shrinks would kill the process with SIGBUS. Messages do not name the path; the caller prefixes
 * it. */

/* Opens a regular file and says its size. A directory, FIFO, socket or device is refused, without
 * waiting for a writer. Returns the descriptor, or -1 with @error set in @code of
 * EFFVK_MODEL_ERROR. */
int effvk_file_open (const char *path, guint64 max_size, guint64 *size, int code, GError **error);

/* The same of a path that a file, not the user, names: a symbolic link is refused, as it could lead
 * to any file. */
int effvk_file_open_named (const char *path, guint64 max_size, guint64 *size, int code,
                           GError **error);

/* Reads exactly @size bytes; a file that ends before is an error. */
gboolean effvk_file_read (int fd, gpointer buffer, gsize size, int code, GError **error);

/* The contents of a regular file of at most @max_size bytes. */
GBytes *effvk_file_read_all (const char *path, guint64 max_size, int code, GError **error);

/* What a file that is not regular is, with its article: "a FIFO". */
const char *effvk_file_kind (mode_t mode);

gboolean effvk_file_write (int fd, gconstpointer buffer, gsize size, GError **error);
