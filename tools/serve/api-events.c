/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /api/events: what happened, what happens now, and pictures of it. */
#include "serve/live.h"

#include <string.h>

#define USUAL_EVENTS 100
#define MOST_EVENTS 1000
#define HEARTBEAT 10 /* s; for clients and proxies that would give up otherwise */

static void
list (ServeRequest *request)
{
  gint64 limit = USUAL_EVENTS, after = 0;
  ServeEventQuery query = { .open = serve_request_has_flag (request, "open"),
                            .alarms = serve_request_has_flag (request, "alarms"),
                            .newest_first = serve_request_has_flag (request, "newest") };
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GstEffvkJson) json = { 0 };

  if (!serve_request_get_number (request, "since", 0, G_MAXINT64, &query.since)
      || !serve_request_get_number (request, "limit", 1, MOST_EVENTS, &limit)
      || !serve_request_get_number (request, "after", 0, G_MAXINT64 / G_USEC_PER_SEC, &after))
    return;
  query.limit = (guint) limit;
  query.after = after * G_USEC_PER_SEC;
  query.stream = request->query ? g_hash_table_lookup (request->query, "stream") : NULL;
  events = serve_store_query (request->app->store, &query, &error);
  if (!events)
    {
      serve_request_fail (request, SOUP_STATUS_INTERNAL_SERVER_ERROR, "%s", error->message);
      return;
    }
  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_begin (&json, "events", '[');
  for (guint i = 0; i < events->len; i++)
    {
      g_autofree char *text = serve_event_to_json (g_ptr_array_index (events, i), NULL);

      gst_effvk_json_raw (&json, NULL, text);
      query.since = MAX (query.since, ((ServeEvent *) g_ptr_array_index (events, i))->seq);
    }
  gst_effvk_json_end (&json, ']');
  gst_effvk_json_int (&json, "next", query.since);
  gst_effvk_json_end (&json, '}');
  serve_request_reply_json (request, SOUP_STATUS_OK, &json);
}

/* The event of the path. 0: there is none, and that was answered. */
static gint64
get_id (ServeRequest *request)
{
  gint64 id = 0;

  if (!g_ascii_string_to_signed (request->name, 10, 1, G_MAXINT64, &id, NULL))
    serve_request_fail (request, SOUP_STATUS_NOT_FOUND, "there is no event \"%s\"", request->name);
  return id;
}

static void
get (ServeRequest *request)
{
  gint64 id = get_id (request);
  g_autoptr (ServeEvent) event = id ? serve_store_get (request->app->store, id) : NULL;
  g_autofree char *text = event ? serve_event_to_json (event, NULL) : NULL;
  g_autoptr (GBytes) body = NULL;

  if (!id)
    return;
  if (!event)
    {
      serve_request_fail (request, SOUP_STATUS_NOT_FOUND, "there is no event %s", request->name);
      return;
    }
  body = g_bytes_new (text, strlen (text));
  serve_request_reply (request, SOUP_STATUS_OK, "application/json", body);
}

static void
acknowledge (ServeRequest *request)
{
  gint64 id = get_id (request);
  g_autoptr (GError) error = NULL;

  if (!id)
    return;
  if (serve_events_acknowledge (request->app->events, id, &error))
    serve_request_reply_nothing (request);
  else
    serve_request_fail (request,
                        g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
                            ? SOUP_STATUS_NOT_FOUND
                            : SOUP_STATUS_INTERNAL_SERVER_ERROR,
                        "%s", error->message);
}

static void
event_snapshot (ServeRequest *request)
{
  gint64 id = get_id (request);
  g_autoptr (GBytes) jpeg = id ? serve_store_get_snapshot (request->app->store, id) : NULL;

  if (!id)
    return;
  if (jpeg)
    {
      soup_message_headers_replace (soup_server_message_get_response_headers (request->message),
                                    "Cache-Control", "private, max-age=86400, immutable");
      serve_request_reply (request, SOUP_STATUS_OK, "image/jpeg", jpeg);
    }
  else
    serve_request_fail (request, SOUP_STATUS_NOT_FOUND, "event %s has no picture", request->name);
}

/* Server-sent events. */

static GHashTable *listeners; /* of ServeLive */

static void
forget_listener (gpointer data)
{
  ServeLive **live = data;

  g_hash_table_remove (listeners, *live);
  g_free (live);
}

static void
tell (const char *text)
{
  g_autoptr (GBytes) piece = g_bytes_new (text, strlen (text));
  GHashTableIter iter;
  gpointer live;

  if (!listeners)
    return;
  g_hash_table_iter_init (&iter, listeners);
  while (g_hash_table_iter_next (&iter, &live, NULL))
    if (!serve_live_send (live, piece))
      {
        g_hash_table_iter_remove (&iter);
        serve_live_cut_off (live);
      }
}

void
serve_api_tell_event (const ServeEvent *event, const char *what, gpointer data G_GNUC_UNUSED)
{
  g_autofree char *json = serve_event_to_json (event, what);
  g_autofree char *text = g_strdup_printf ("id: %" G_GINT64_FORMAT "\nevent: %s\ndata: %s\n\n",
                                           event->seq, what, json);

  tell (text);
}

void
serve_api_tell_stream (ServeStream *stream, gpointer data G_GNUC_UNUSED)
{
  g_auto (GstEffvkJson) json = { 0 };
  g_autofree char *text = NULL;

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_string (&json, "stream", serve_stream_get_name (stream));
  gst_effvk_json_string (&json, "state", serve_state_names[serve_stream_get_state (stream)]);
  gst_effvk_json_string (&json, "reason", serve_stream_get_reason (stream));
  gst_effvk_json_end (&json, '}');
  text = g_strdup_printf ("event: state\ndata: %s\n\n", json.text->str);
  tell (text);
}

static gboolean
on_heartbeat (gpointer data G_GNUC_UNUSED)
{
  tell (": still here\n\n");
  return G_SOURCE_CONTINUE;
}

/* What a client missed that was here before and comes again. */
static void
send_missed (ServeRequest *request, ServeLive *live, const char *last)
{
  ServeEventQuery query = { .limit = MOST_EVENTS };
  g_autoptr (GPtrArray) events = NULL;

  if (!g_ascii_string_to_signed (last, 10, 0, G_MAXINT64, &query.since, NULL))
    return;
  events = serve_store_query (request->app->store, &query, NULL);
  for (guint i = 0; events && i < events->len; i++)
    {
      const ServeEvent *event = g_ptr_array_index (events, i);
      const char *what = event->end ? "cleared" : "raised";
      g_autofree char *json = serve_event_to_json (event, what);
      g_autofree char *text = g_strdup_printf ("id: %" G_GINT64_FORMAT "\nevent: %s\ndata: %s\n\n",
                                               event->seq, what, json);
      g_autoptr (GBytes) piece = g_bytes_new (text, strlen (text));

      serve_live_send (live, piece);
    }
}

static void
live_events (ServeRequest *request)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->message);
  const char *last = soup_message_headers_get_one (headers, "Last-Event-ID");
  ServeLive **live = g_new (ServeLive *, 1);
  g_autoptr (GBytes) hello = g_bytes_new_static (": here\n\n", 8);

  if (!listeners)
    {
      listeners = g_hash_table_new (NULL, NULL);
      g_timeout_add_seconds (HEARTBEAT, on_heartbeat, NULL);
    }
  *live = serve_live_begin (request, "text/event-stream", forget_listener, live);
  g_hash_table_add (listeners, *live);
  serve_live_send (*live, hello);
  if (last)
    send_missed (request, *live, last);
}

const ServeRoute serve_event_routes[] = {
  { "GET", "/api/events", list },
  { "GET", "/api/events/live", live_events },
  { "GET", "/api/events/{}", get },
  { "POST", "/api/events/{}/acknowledge", acknowledge },
  { "GET", "/api/events/{}/snapshot.jpg", event_snapshot },
  { NULL },
};
