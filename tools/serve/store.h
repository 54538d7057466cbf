/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/* What has to outlive the process: events, their pictures, and what is still to be sent of them. In
 * SQLite, bounded by age and by size. Thread-safe. */
typedef struct _ServeStore ServeStore;

typedef struct
{
  gint64 id, seq;                /* seq grows with each change of any event */
  char *stream, *region, *label; /* region: NULL for the whole picture */
  gboolean alarm, acknowledged, snapshot;
  double score;
  gint64 start, end; /* us since 1970; end is 0 while it lasts */
} ServeEvent;

void serve_event_free (ServeEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServeEvent, serve_event_free)

typedef struct
{
  const char *stream; /* NULL: all */
  gint64 since;       /* seq greater than this */
  gint64 after;       /* lasted until after this, us since 1970 */
  gboolean open, alarms, newest_first;
  guint limit;
} ServeEventQuery;

/* @directory: NULL keeps all in memory. A database that is broken is moved aside, and said. */
ServeStore *serve_store_new (const char *directory, double keep_days, double keep_megabytes,
                             GError **error);
void serve_store_free (ServeStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServeStore, serve_store_free)

/* Writes a new event (id 0; gets id and seq) or one that changed (gets seq), and @text for each of
 * @outputs, at once or not at all. */
gboolean serve_store_put (ServeStore *store, ServeEvent *event, const char *const *outputs,
                          char *(*describe) (const ServeEvent *event), GError **error);

/* (element-type ServeEvent); NULL with @error. Transfer full. */
GPtrArray *serve_store_query (ServeStore *store, const ServeEventQuery *query, GError **error);

/* NULL: there is no such event. */
ServeEvent *serve_store_get (ServeStore *store, gint64 id);

gboolean serve_store_put_snapshot (ServeStore *store, gint64 id, GBytes *jpeg);
GBytes *serve_store_get_snapshot (ServeStore *store, gint64 id);

/* What is to be sent to @output: the oldest texts, and in @last what serve_store_sent() takes. */
GPtrArray *serve_store_take (ServeStore *store, const char *output, guint most, gint64 *last);
void serve_store_sent (ServeStore *store, const char *output, gint64 last);
guint64 serve_store_count_waiting (ServeStore *store, const char *output);

/* Forgets what is too old or too much. To be called now and then. */
void serve_store_prune (ServeStore *store);

guint64 serve_store_count_events (ServeStore *store);
guint64 serve_store_get_size (ServeStore *store);   /* bytes that are in use */
guint64 serve_store_get_errors (ServeStore *store); /* writes that failed */
