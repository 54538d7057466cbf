/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

/* SQLite with GLib's errors. */

/* Opens the database at @path (NULL: in memory) for this process alone, and has @schema made. One
 * that is broken is moved aside, which a message tells. */
sqlite3 *serve_database_open (const char *path, const char *schema, GError **error);

/* Runs one statement. @types has a letter for each value that follows: i (gint64), d (double), t
 * (const char *, nullable), b (GBytes *). @on_row: (nullable). */
gboolean serve_database_run (sqlite3 *database, void (*on_row) (sqlite3_stmt *row, gpointer data),
                             gpointer data, GError **error, const char *text, const char *types,
                             ...);
