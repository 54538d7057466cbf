/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What effvk serve keeps, and how labels become events, with a clock of the test's own. */
#include "common.h"
#include "serve/events.h"

#include <glib/gstdio.h>
#include <string.h>

#define SECOND G_USEC_PER_SEC
#define BEGIN (G_GINT64_CONSTANT (1700000000) * SECOND)

static char *said; /* the last error */

void
tool_error (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_free (said);
  said = g_strdup_vprintf (format, args);
  va_end (args);
}

static void
note (const ServeEvent *event, const char *what, gpointer log)
{
  g_string_append_printf (log, "%s %s/%s %s %.1f %.1f\n", what, event->stream,
                          event->region ? event->region : "", event->label,
                          (double) (event->start - BEGIN) / SECOND,
                          event->end ? (double) (event->end - BEGIN) / SECOND : -1);
}

/* Shows labels, a letter each, every 0.1 s from @from s on; '.' is none. */
static void
show (ServeEvents *events, const char *region, double from, const char *labels)
{
  const ServeEventRules rules = { "*;!p", 1, 2 };

  for (guint i = 0; labels[i]; i++)
    {
      const char label[] = { labels[i], 0 };
      gint64 now = BEGIN + (gint64) (from * SECOND) + i * SECOND / 10;

      serve_events_see (events, "s", region, labels[i] == '.' ? NULL : label, 0.5, &rules, NULL,
                        now);
    }
}

static char *
repeat (char letter, guint n)
{
  char *text = g_malloc (n + 1);

  memset (text, letter, n);
  text[n] = 0;
  return text;
}

static void
test_two_sides (void)
{
  g_autoptr (ServeStore) store = serve_store_new (NULL, 30, 100, NULL);
  g_autoptr (GString) log = g_string_new (NULL);
  ServeEvents *events = serve_events_new (store, note, log);
  g_autofree char *p = repeat ('p', 50), *b = repeat ('b', 50);

  show (events, NULL, 0, p);
  show (events, NULL, 5, "bbbbbpppppbbbbb"); /* now and then is not enough */
  g_assert_cmpstr (log->str, ==, "raised s/ p 0.0 -1.0\n");
  show (events, NULL, 10, b);
  g_assert_cmpstr (log->str, ==,
                   "raised s/ p 0.0 -1.0\nraised s/ b 5.0 -1.0\ncleared s/ p 0.0 5.9\n");
  g_assert_true (serve_events_has_alarm (events, "s"));
  g_string_truncate (log, 0);
  show (events, NULL, 15, "ppppppppppbbbbbbbbbb"); /* a second is no recovery */
  g_assert_cmpstr (log->str, ==, "");
  show (events, NULL, 17, p);
  g_assert_cmpstr (log->str, ==, "raised s/ p 15.0 -1.0\ncleared s/ b 5.0 16.9\n");
  g_assert_false (serve_events_has_alarm (events, "s"));
  serve_events_free (events);
}

static void
test_regions (void)
{
  g_autoptr (ServeStore) store = serve_store_new (NULL, 30, 100, NULL);
  g_autoptr (GString) log = g_string_new (NULL);
  ServeEvents *events = serve_events_new (store, note, log);
  const ServeEventRules rules = { "o", 1, 2 };
  g_autofree char *o = repeat ('o', 20);

  show (events, "gate", 0, o);
  show (events, "door", 0, "ooooo");
  g_assert_cmpstr (log->str, ==, "raised s/gate o 0.0 -1.0\n");
  for (guint i = 0; i < 40; i++)
    serve_events_tick (events, "s", SECOND, &rules, NULL, BEGIN + 2 * SECOND + i * SECOND / 10);
  g_assert_cmpstr (log->str, ==, "raised s/gate o 0.0 -1.0\ncleared s/gate o 0.0 1.9\n");
  serve_events_free (events);
}

static guint
count_open (ServeStore *store)
{
  const ServeEventQuery query = { .open = TRUE, .limit = 100 };
  g_autoptr (GPtrArray) found = serve_store_query (store, &query, NULL);

  return found->len;
}

static void
test_going_on (void)
{
  g_autofree char *folder = g_dir_make_tmp ("effvk-store-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "events.db", NULL);
  g_autofree char *b = repeat ('b', 20), *p = repeat ('p', 40);
  g_autoptr (GString) log = g_string_new (NULL);
  ServeStore *store = serve_store_new (folder, 30, 100, NULL);
  ServeEvents *events = serve_events_new (store, note, log);
  g_autoptr (GError) error = NULL;

  show (events, NULL, 0, b);
  g_assert_null (serve_store_new (folder, 30, 100, &error));
  g_assert_nonnull (strstr (error->message, "used by another process"));
  serve_events_free (events);
  serve_store_free (store);
  store = serve_store_new (folder, 30, 100, NULL);
  events = serve_events_new (store, note, log);
  g_assert_cmpuint (count_open (store), ==, 1);
  g_assert_true (serve_events_has_alarm (events, "s"));
  g_string_truncate (log, 0);
  show (events, NULL, 10, b); /* the same event: nothing is told again */
  g_assert_cmpstr (log->str, ==, "");
  show (events, NULL, 12, p);
  g_assert_cmpstr (log->str, ==, "raised s/ p 12.0 -1.0\ncleared s/ b 0.0 11.9\n");
  serve_events_forget (events, "s", NULL);
  g_assert_cmpuint (count_open (store), ==, 0);
  serve_events_free (events);
  serve_store_free (store);
  g_remove (path);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static char *
describe (const ServeEvent *event)
{
  return serve_event_to_json (event, "raised");
}

static void
put (ServeStore *store, gint64 start, gint64 end, const char *const *outputs)
{
  ServeEvent event = { .stream = (char *) "s", .label = (char *) "b", .start = start, .end = end };
  g_autofree char *noise = repeat ('x', 50000);
  g_autoptr (GBytes) jpeg = g_bytes_new (noise, 50000);

  g_assert_true (serve_store_put (store, &event, outputs, describe, NULL));
  g_assert_true (serve_store_put_snapshot (store, event.id, jpeg));
}

static void
test_bounds (void)
{
  g_autoptr (ServeStore) store = serve_store_new (NULL, 10, 2, NULL);
  gint64 now = g_get_real_time (), day = G_GINT64_CONSTANT (86400) * SECOND;
  const ServeEventQuery query = { .limit = 1000 };
  g_autoptr (GPtrArray) left = NULL;

  put (store, now - 30 * day, now - 11 * day, NULL);
  put (store, now - 30 * day, now - 9 * day, NULL);
  put (store, now - 30 * day, 0, NULL);
  serve_store_prune (store);
  g_assert_cmpuint (serve_store_count_events (store), ==, 2);
  for (guint i = 0; i < 100; i++)
    put (store, now + i, now + i + 1, NULL);
  g_assert_cmpuint (serve_store_get_size (store), >, 4 * 1024 * 1024);
  serve_store_prune (store);
  g_assert_cmpuint (serve_store_get_size (store), <=, 2 * 1024 * 1024);
  left = serve_store_query (store, &query, NULL);
  g_assert_cmpuint (left->len, >, 0); /* what lasts */
  g_assert_cmpint (((ServeEvent *) g_ptr_array_index (left, 0))->end, ==, 0);
}

static void
test_deliveries (void)
{
  static const char *const both[] = { "a", "b", NULL }, *const one[] = { "b", NULL };
  g_autoptr (ServeStore) store = serve_store_new (NULL, 10, 2, NULL);
  g_autoptr (GPtrArray) first = NULL, rest = NULL;
  gint64 last;

  put (store, 1, 2, both);
  put (store, 3, 4, one);
  put (store, 5, 6, both);
  g_assert_cmpuint (serve_store_count_waiting (store, "a"), ==, 2);
  first = serve_store_take (store, "b", 2, &last);
  g_assert_cmpuint (first->len, ==, 2);
  g_assert_nonnull (strstr (g_ptr_array_index (first, 0), "\"id\": 1,"));
  serve_store_sent (store, "b", last);
  rest = serve_store_take (store, "b", 2, &last);
  g_assert_cmpuint (rest->len, ==, 1);
  g_assert_nonnull (strstr (g_ptr_array_index (rest, 0), "\"id\": 3,"));
  g_assert_cmpuint (serve_store_count_waiting (store, "a"), ==, 2);
}

static void
test_broken (void)
{
  g_autofree char *folder = g_dir_make_tmp ("effvk-store-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "events.db", NULL);
  g_autofree char *nonsense = repeat ('?', 10000);
  g_autoptr (GDir) dir = NULL;
  ServeStore *store;
  const char *name;
  guint aside = 0;

  g_assert_true (g_file_set_contents (path, nonsense, 10000, NULL));
  store = serve_store_new (folder, 30, 100, NULL);
  g_assert_nonnull (store);
  g_assert_nonnull (strstr (said, "a new one begins"));
  put (store, 1, 2, NULL);
  serve_store_free (store);
  dir = g_dir_open (folder, 0, NULL);
  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *there = g_build_filename (folder, name, NULL);

      aside += strstr (name, "events.db.broken-") != NULL;
      g_remove (there);
    }
  g_assert_cmpuint (aside, ==, 1);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/serve-store/two-sides", test_two_sides);
  g_test_add_func ("/serve-store/regions", test_regions);
  g_test_add_func ("/serve-store/going-on", test_going_on);
  g_test_add_func ("/serve-store/bounds", test_bounds);
  g_test_add_func ("/serve-store/deliveries", test_deliveries);
  g_test_add_func ("/serve-store/broken", test_broken);
  return g_test_run ();
}
