/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/app.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

/* HTTP: who may come in, how many, for how long and with how much; and which function answers. */
typedef struct _ServeServer ServeServer;

typedef struct
{
  ServeApp *app;
  ServeServer *server;
  SoupServerMessage *message;
  const char *name;  /* what stands for {} in the path, or NULL */
  GHashTable *query; /* or NULL */
} ServeRequest;

typedef struct
{
  const char *method, *path; /* "/api/streams/{}"; at the end of the table NULL */
  void (*answer) (ServeRequest *request);
  gboolean open; /* no token is asked for */
} ServeRoute;

/* @routes: tables, NULL-terminated. NULL with @error: the address is taken, or a file is missing.
 */
ServeServer *serve_server_new (ServeApp *app, const ServeRoute *const *routes, GError **error);
void serve_server_free (ServeServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServeServer, serve_server_free)

/* "http://127.0.0.1:8570" */
const char *serve_server_get_url (ServeServer *server);

/* Of serve/door.h. */
gboolean serve_server_knows (ServeServer *server, const char *token);
const char *serve_server_get_cookie (ServeServer *server);
gboolean serve_server_is_secure (ServeServer *server);

/* Clients that are connected, and those that were turned away or cut off. */
guint serve_server_get_clients (ServeServer *server);
guint64 serve_server_get_refused (ServeServer *server);

/* Ends the connection that the message came by. */
void serve_server_cut_off (ServeServer *server, SoupServerMessage *message);

/* An answer that goes on for ever is not cut off for it; its handler sees to slow readers. */
void serve_request_set_endless (ServeRequest *request);

/* Answers. @json is what was built so far. */
void serve_request_reply_json (ServeRequest *request, guint status, GstEffvkJson *json);
void serve_request_reply (ServeRequest *request, guint status, const char *type, GBytes *body);
void serve_request_reply_nothing (ServeRequest *request); /* it is done */
void serve_request_fail (ServeRequest *request, guint status, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* The body, which has to be JSON. NULL: it is not, and that was answered. */
JsonNode *serve_request_parse (ServeRequest *request);

/* Says that another shard has the stream. */
void serve_request_misdirected (ServeRequest *request, const char *name);

/* The stream of the path. NULL: there is none, and that was answered. */
ServeStream *serve_request_get_stream (ServeRequest *request);

/* A parameter of the query as a number; @value stays where it is not there. FALSE: it is none, and
 * that was answered. */
gboolean serve_request_get_number (ServeRequest *request, const char *name, gint64 min, gint64 max,
                                   gint64 *value);

/* Whether the query has this parameter, and it is not 0 or false. */
gboolean serve_request_has_flag (ServeRequest *request, const char *name);

extern const ServeRoute serve_stream_routes[], serve_health_routes[], serve_event_routes[],
    serve_picture_routes[], serve_page_routes[], serve_example_routes[];

/* The app's listeners: tell those who read /api/events/live. */
void serve_api_tell_event (const ServeEvent *event, const char *what, gpointer data);
void serve_api_tell_stream (ServeStream *stream, gpointer data);
