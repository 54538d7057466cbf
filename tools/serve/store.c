/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/store.h"

#include "serve/database.h"

#include <string.h>

#define DAY (G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)
#define AT_ONCE 1000        /* events that are forgotten in one go */
#define MOST_WAITING 100000 /* texts for one output; then the oldest are lost */
#define COLUMNS                                                                                    \
  "id, seq, stream, region, label, alarm, acknowledged, score, start, end, "                       \
  "EXISTS (SELECT 1 FROM snapshots WHERE event = id)"

static const char schema[]
    = "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT "
      "NULL, stream TEXT NOT NULL, region TEXT, label TEXT NOT NULL, alarm INTEGER NOT NULL, "
      "acknowledged INTEGER NOT NULL, score REAL NOT NULL, start INTEGER NOT NULL, end INTEGER NOT "
      "NULL);"
      "CREATE INDEX IF NOT EXISTS events_by_seq ON events (seq);"
      "CREATE INDEX IF NOT EXISTS events_by_stream ON events (stream, seq);"
      "CREATE INDEX IF NOT EXISTS events_open ON events (stream) WHERE end = 0;"
      "CREATE TABLE IF NOT EXISTS snapshots (event INTEGER PRIMARY KEY, jpeg BLOB NOT NULL);"
      "CREATE TABLE IF NOT EXISTS deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, output TEXT "
      "NOT "
      "NULL, text TEXT NOT NULL);"
      "CREATE INDEX IF NOT EXISTS deliveries_by_output ON deliveries (output, id);";

struct _ServeStore
{
  GMutex lock;
  sqlite3 *database;
  gint64 seq;
  double keep_days, keep_bytes;
  guint64 errors;
};

void
serve_event_free (ServeEvent *event)
{
  g_free (event->stream);
  g_free (event->region);
  g_free (event->label);
  g_free (event);
}

static void
read_seq (sqlite3_stmt *row, gpointer data)
{
  *(gint64 *) data = sqlite3_column_int64 (row, 0);
}

ServeStore *
serve_store_new (const char *directory, double keep_days, double keep_megabytes, GError **error)
{
  g_autofree char *path = directory ? g_build_filename (directory, "events.db", NULL) : NULL;
  sqlite3 *database = serve_database_open (path, schema, error);
  ServeStore *store;

  if (!database)
    return NULL;
  store = g_new0 (ServeStore, 1);
  g_mutex_init (&store->lock);
  store->database = database;
  store->keep_days = keep_days;
  store->keep_bytes = keep_megabytes * 1024 * 1024;
  serve_database_run (database, read_seq, &store->seq, NULL, "SELECT max(seq) FROM events", "");
  return store;
}

void
serve_store_free (ServeStore *store)
{
  sqlite3_close (store->database);
  g_mutex_clear (&store->lock);
  g_free (store);
}

static gboolean
write_event (ServeStore *store, ServeEvent *event, GError **error)
{
  if (event->id)
    return serve_database_run (store->database, NULL, NULL, error,
                               "UPDATE events SET seq = ?, alarm = ?, acknowledged = ?, score = ?, "
                               "end = ? WHERE id = ?",
                               "iiidii", event->seq, (gint64) event->alarm,
                               (gint64) event->acknowledged, event->score, event->end, event->id);
  if (!serve_database_run (store->database, NULL, NULL, error,
                           "INSERT INTO events (seq, stream, region, label, alarm, acknowledged, "
                           "score, start, end) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           "itttiidii", event->seq, event->stream, event->region, event->label,
                           (gint64) event->alarm, (gint64) event->acknowledged, event->score,
                           event->start, event->end))
    return FALSE;
  event->id = sqlite3_last_insert_rowid (store->database);
  return TRUE;
}

static gboolean
write_deliveries (ServeStore *store, const char *const *outputs, const char *text, GError **error)
{
  for (guint i = 0; outputs && outputs[i]; i++)
    if (!serve_database_run (store->database, NULL, NULL, error,
                             "INSERT INTO deliveries (output, text) VALUES (?, ?)", "tt",
                             outputs[i], text))
      return FALSE;
  return TRUE;
}

gboolean
serve_store_put (ServeStore *store, ServeEvent *event, const char *const *outputs,
                 char *(*describe) (const ServeEvent *event), GError **error)
{
  const gint64 id = event->id, seq = event->seq;
  g_autofree char *text = NULL;
  gboolean good;

  g_mutex_lock (&store->lock);
  event->seq = store->seq + 1;
  good = serve_database_run (store->database, NULL, NULL, error, "BEGIN IMMEDIATE", "")
         && write_event (store, event, error) && (!outputs || (text = describe (event)))
         && write_deliveries (store, outputs, text, error)
         && serve_database_run (store->database, NULL, NULL, error, "COMMIT", "");
  if (good)
    store->seq++;
  else
    {
      serve_database_run (store->database, NULL, NULL, NULL, "ROLLBACK", "");
      store->errors++;
      event->id = id;
      event->seq = seq;
    }
  g_mutex_unlock (&store->lock);
  return good;
}

static void
read_event (sqlite3_stmt *row, gpointer data)
{
  ServeEvent *event = g_new0 (ServeEvent, 1);

  event->id = sqlite3_column_int64 (row, 0);
  event->seq = sqlite3_column_int64 (row, 1);
  event->stream = g_strdup ((const char *) sqlite3_column_text (row, 2));
  event->region = g_strdup ((const char *) sqlite3_column_text (row, 3));
  event->label = g_strdup ((const char *) sqlite3_column_text (row, 4));
  event->alarm = sqlite3_column_int (row, 5) != 0;
  event->acknowledged = sqlite3_column_int (row, 6) != 0;
  event->score = sqlite3_column_double (row, 7);
  event->start = sqlite3_column_int64 (row, 8);
  event->end = sqlite3_column_int64 (row, 9);
  event->snapshot = sqlite3_column_int (row, 10) != 0;
  g_ptr_array_add (data, event);
}

GPtrArray *
serve_store_query (ServeStore *store, const ServeEventQuery *query, GError **error)
{
  GPtrArray *events = g_ptr_array_new_with_free_func ((GDestroyNotify) serve_event_free);
  g_autofree char *text
      = g_strdup_printf ("SELECT " COLUMNS
                         " FROM events WHERE seq > ?1 AND (?2 IS NULL OR stream = ?2) AND (end = 0 "
                         "OR end > ?3)%s%s ORDER BY seq %s LIMIT ?4",
                         query->open ? " AND end = 0" : "", query->alarms ? " AND alarm" : "",
                         query->newest_first ? "DESC" : "ASC");
  gboolean good;

  g_mutex_lock (&store->lock);
  good = serve_database_run (store->database, read_event, events, error, text, "itii", query->since,
                             query->stream, query->after, (gint64) query->limit);
  g_mutex_unlock (&store->lock);
  if (!good)
    g_clear_pointer (&events, g_ptr_array_unref);
  return events;
}

ServeEvent *
serve_store_get (ServeStore *store, gint64 id)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func ((GDestroyNotify) serve_event_free);

  g_mutex_lock (&store->lock);
  serve_database_run (store->database, read_event, events, NULL,
                      "SELECT " COLUMNS " FROM events WHERE id = ?", "i", id);
  g_mutex_unlock (&store->lock);
  return events->len ? g_ptr_array_steal_index (events, 0) : NULL;
}

gboolean
serve_store_put_snapshot (ServeStore *store, gint64 id, GBytes *jpeg)
{
  gboolean good;

  g_mutex_lock (&store->lock);
  good = serve_database_run (store->database, NULL, NULL, NULL,
                             "INSERT OR REPLACE INTO snapshots (event, jpeg) SELECT id, ? FROM "
                             "events WHERE id = ?",
                             "bi", jpeg, id);
  store->errors += !good;
  g_mutex_unlock (&store->lock);
  return good;
}

static void
read_blob (sqlite3_stmt *row, gpointer data)
{
  const void *bytes = sqlite3_column_blob (row, 0);

  *(GBytes **) data = g_bytes_new (bytes, (gsize) sqlite3_column_bytes (row, 0));
}

GBytes *
serve_store_get_snapshot (ServeStore *store, gint64 id)
{
  GBytes *jpeg = NULL;

  g_mutex_lock (&store->lock);
  serve_database_run (store->database, read_blob, &jpeg, NULL,
                      "SELECT jpeg FROM snapshots WHERE event = ?", "i", id);
  g_mutex_unlock (&store->lock);
  return jpeg;
}

typedef struct
{
  GPtrArray *texts;
  gint64 *last;
} Taken;

static void
read_delivery (sqlite3_stmt *row, gpointer data)
{
  Taken *taken = data;

  *taken->last = sqlite3_column_int64 (row, 0);
  g_ptr_array_add (taken->texts, g_strdup ((const char *) sqlite3_column_text (row, 1)));
}

GPtrArray *
serve_store_take (ServeStore *store, const char *output, guint most, gint64 *last)
{
  Taken taken = { g_ptr_array_new_with_free_func (g_free), last };

  g_mutex_lock (&store->lock);
  serve_database_run (store->database, read_delivery, &taken, NULL,
                      "SELECT id, text FROM deliveries WHERE output = ? ORDER BY id LIMIT ?", "ti",
                      output, (gint64) most);
  g_mutex_unlock (&store->lock);
  return taken.texts;
}

void
serve_store_sent (ServeStore *store, const char *output, gint64 last)
{
  g_mutex_lock (&store->lock);
  store->errors += !serve_database_run (store->database, NULL, NULL, NULL,
                                        "DELETE FROM deliveries WHERE output = ? AND id <= ?", "ti",
                                        output, last);
  g_mutex_unlock (&store->lock);
}

static void
read_number (sqlite3_stmt *row, gpointer data)
{
  *(gint64 *) data = sqlite3_column_int64 (row, 0);
}

/* Under the lock. */
static gint64
ask_number (ServeStore *store, const char *question)
{
  gint64 number = 0;

  serve_database_run (store->database, read_number, &number, NULL, question, "");
  return number;
}

guint64
serve_store_count_waiting (ServeStore *store, const char *output)
{
  gint64 number = 0;

  g_mutex_lock (&store->lock);
  serve_database_run (store->database, read_number, &number, NULL,
                      "SELECT count(*) FROM deliveries WHERE output = ?", "t", output);
  g_mutex_unlock (&store->lock);
  return (guint64) number;
}

/* Under the lock. */
static double
get_size (ServeStore *store)
{
  return (double) (ask_number (store, "PRAGMA page_count")
                   - ask_number (store, "PRAGMA freelist_count"))
         * (double) ask_number (store, "PRAGMA page_size");
}

/* Under the lock. Events that last stay. */
static void
forget (ServeStore *store, const char *which, gint64 value)
{
  g_autofree char *snapshots
      = g_strdup_printf ("DELETE FROM snapshots WHERE event IN (SELECT id FROM events WHERE %s)",
                         which);
  g_autofree char *events = g_strdup_printf ("DELETE FROM events WHERE %s", which);

  serve_database_run (store->database, NULL, NULL, NULL, snapshots, "i", value);
  serve_database_run (store->database, NULL, NULL, NULL, events, "i", value);
}

void
serve_store_prune (ServeStore *store)
{
  gint64 oldest = g_get_real_time () - (gint64) (store->keep_days * (double) DAY);

  g_mutex_lock (&store->lock);
  forget (store, "end != 0 AND end < ?", oldest);
  for (guint i = 0; i < AT_ONCE && get_size (store) > store->keep_bytes
                    && ask_number (store, "SELECT count(*) FROM events WHERE end != 0");
       i++)
    forget (store, "end != 0 AND id IN (SELECT id FROM events WHERE end != 0 ORDER BY end LIMIT ?)",
            AT_ONCE);
  serve_database_run (store->database, NULL, NULL, NULL,
                      "DELETE FROM deliveries WHERE id <= (SELECT max(id) FROM deliveries) - ?",
                      "i", (gint64) MOST_WAITING);
  g_mutex_unlock (&store->lock);
}

guint64
serve_store_count_events (ServeStore *store)
{
  gint64 number;

  g_mutex_lock (&store->lock);
  number = ask_number (store, "SELECT count(*) FROM events");
  g_mutex_unlock (&store->lock);
  return (guint64) number;
}

guint64
serve_store_get_size (ServeStore *store)
{
  double size;

  g_mutex_lock (&store->lock);
  size = get_size (store);
  g_mutex_unlock (&store->lock);
  return (guint64) size;
}

guint64
serve_store_get_errors (ServeStore *store)
{
  guint64 errors;

  g_mutex_lock (&store->lock);
  errors = store->errors;
  g_mutex_unlock (&store->lock);
  return errors;
}
