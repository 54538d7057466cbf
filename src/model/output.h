/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Writing a file where the user says. It appears whole or not at all: the bytes go to a temporary
 * file beside the target, which takes the target's place at the end. A symlink is followed, so that
 * the file that it leads to is replaced and not the link. What exists and is no regular file (a
 * device, a FIFO, a directory) is refused. Errors are in G_IO_ERROR and begin with the path. */
typedef struct
{
  char *path;      /* as the user wrote it, for messages */
  char *target;    /* where its symlinks lead */
  char *temporary; /* beside the target */
  int fd;
} EffvkOutput;

/* On failure nothing is left behind, and @output needs no further call. */
gboolean effvk_output_open (EffvkOutput *output, const char *path, GError **error);
gboolean effvk_output_write (EffvkOutput *output, gconstpointer data, gsize size, GError **error);
/* Puts the file in its place. Ends @output, also on failure. */
gboolean effvk_output_finish (EffvkOutput *output, GError **error);
/* Drops what was written. Ends @output. */
void effvk_output_abandon (EffvkOutput *output);
