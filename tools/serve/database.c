/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/database.h"

#include "common.h"

#include <glib/gstdio.h>
#include <string.h>

static gboolean
fail (sqlite3 *database, GError **error)
{
  int code = sqlite3_errcode (database);

  g_set_error (error, G_IO_ERROR,
               code == SQLITE_FULL                               ? G_IO_ERROR_NO_SPACE
               : code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? G_IO_ERROR_INVALID_DATA
               : code == SQLITE_BUSY || code == SQLITE_LOCKED    ? G_IO_ERROR_BUSY
                                                                 : G_IO_ERROR_FAILED,
               "the database of events: %s", sqlite3_errmsg (database));
  return FALSE;
}

static void
bind (sqlite3_stmt *statement, const char *types, va_list values)
{
  for (int i = 0; types[i]; i++)
    if (types[i] == 'i')
      sqlite3_bind_int64 (statement, i + 1, va_arg (values, gint64));
    else if (types[i] == 'd')
      sqlite3_bind_double (statement, i + 1, va_arg (values, double));
    else if (types[i] == 't')
      sqlite3_bind_text (statement, i + 1, va_arg (values, const char *), -1, SQLITE_TRANSIENT);
    else
      {
        gsize size;
        const void *data = g_bytes_get_data (va_arg (values, GBytes *), &size);

        sqlite3_bind_blob64 (statement, i + 1, data, size, SQLITE_TRANSIENT);
      }
}

gboolean
serve_database_run (sqlite3 *database, void (*on_row) (sqlite3_stmt *row, gpointer data),
                    gpointer data, GError **error, const char *text, const char *types, ...)
{
  sqlite3_stmt *statement;
  va_list values;
  int code;

  if (sqlite3_prepare_v2 (database, text, -1, &statement, NULL) != SQLITE_OK)
    return fail (database, error);
  va_start (values, types);
  bind (statement, types, values);
  va_end (values);
  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    if (on_row)
      on_row (statement, data);
  if (code != SQLITE_DONE)
    fail (database, error);
  sqlite3_finalize (statement);
  return code == SQLITE_DONE;
}

static void
read_check (sqlite3_stmt *row, gpointer data)
{
  *(gboolean *) data = g_strcmp0 ((const char *) sqlite3_column_text (row, 0), "ok") == 0;
}

static sqlite3 *
open_once (const char *path, const char *schema, GError **error)
{
  sqlite3 *database = NULL;
  gboolean sound = FALSE;

  if (sqlite3_open (path ? path : ":memory:", &database) == SQLITE_OK
      && serve_database_run (database, NULL, NULL, error, "PRAGMA locking_mode = EXCLUSIVE", "")
      && serve_database_run (database, NULL, NULL, error, "PRAGMA journal_mode = WAL", "")
      && serve_database_run (database, NULL, NULL, error, "PRAGMA synchronous = NORMAL", "")
      && serve_database_run (database, read_check, &sound, error, "PRAGMA quick_check", ""))
    {
      if (sound && sqlite3_exec (database, schema, NULL, NULL, NULL) == SQLITE_OK)
        return database;
      if (!sound)
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                             "the database of events is broken");
    }
  if (error && !*error)
    fail (database, error);
  sqlite3_close (database);
  return NULL;
}

/* The files of a database that nobody can read, for somebody to look at. */
static void
move_aside (const char *path, const char *reason)
{
  static const char *const ends[] = { "", "-wal", "-shm" };
  g_autofree char *aside
      = g_strdup_printf ("%s.broken-%" G_GINT64_FORMAT, path, g_get_real_time () / G_USEC_PER_SEC);

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_autofree char *from = g_strconcat (path, ends[i], NULL);
      g_autofree char *to = g_strconcat (aside, ends[i], NULL);

      if (g_file_test (from, G_FILE_TEST_EXISTS) && g_rename (from, to) != 0)
        g_remove (from);
    }
  tool_error ("%s: %s; it is now %s, and a new one begins", path, reason, aside);
}

sqlite3 *
serve_database_open (const char *path, const char *schema, GError **error)
{
  g_autoptr (GError) problem = NULL;
  sqlite3 *database = open_once (path, schema, &problem);

  if (!database && path && g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_INVALID_DATA))
    {
      move_aside (path, problem->message);
      g_clear_error (&problem);
      database = open_once (path, schema, &problem);
    }
  if (!database && g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_BUSY))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "%s is used by another process", path);
  else if (!database)
    g_set_error (error, G_IO_ERROR, problem->code, "%s: %s", path ? path : "memory",
                 problem->message);
  return database;
}
