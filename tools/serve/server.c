/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/server.h"

#include "common/record.h"
#include "serve/clients.h"
#include "serve/door.h"

#include <string.h>

#define LARGEST_BODY (256 * 1024)

struct _ServeServer
{
  ServeApp *app;
  SoupServer *soup;
  ServeDoor *door;
  ServeClients *clients;
  const ServeRoute *const *routes;
  char *url;
};

void
serve_request_reply (ServeRequest *request, guint status, const char *type, GBytes *body)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->message);
  gsize size;
  const char *data = g_bytes_get_data (body, &size);

  soup_message_headers_replace (headers, "X-Content-Type-Options", "nosniff");
  if (!soup_message_headers_get_one (headers, "Cache-Control"))
    soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_server_message_set_status (request->message, status, NULL);
  soup_server_message_set_response (request->message, type, SOUP_MEMORY_COPY, data, size);
}

void
serve_request_reply_nothing (ServeRequest *request)
{
  soup_server_message_set_status (request->message, SOUP_STATUS_NO_CONTENT, NULL);
}

void
serve_request_reply_json (ServeRequest *request, guint status, GstEffvkJson *json)
{
  g_autoptr (GBytes) body = NULL;

  g_string_append_c (json->text, '\n');
  body = g_bytes_new (json->text->str, json->text->len);
  serve_request_reply (request, status, "application/json", body);
}

void
serve_request_fail (ServeRequest *request, guint status, const char *format, ...)
{
  g_auto (GstEffvkJson) json = { 0 };
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_string (&json, "error", text);
  gst_effvk_json_end (&json, '}');
  serve_request_reply_json (request, status, &json);
}

void
serve_request_set_endless (ServeRequest *request)
{
  serve_clients_set_endless (request->server->clients,
                             soup_server_message_get_remote_address (request->message));
}

JsonNode *
serve_request_parse (ServeRequest *request)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->message);
  const char *type = soup_message_headers_get_content_type (headers, NULL);
  g_autoptr (GBytes) body
      = soup_message_body_flatten (soup_server_message_get_request_body (request->message));
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  gsize size;
  const char *data = g_bytes_get_data (body, &size);

  if (g_strcmp0 (type, "application/json") != 0)
    serve_request_fail (request, SOUP_STATUS_UNSUPPORTED_MEDIA_TYPE,
                        "expected Content-Type: application/json, found %s", type ? type : "none");
  else if (!g_utf8_validate_len (data ? data : "", size, NULL))
    serve_request_fail (request, SOUP_STATUS_BAD_REQUEST, "the body is not UTF-8");
  else if (!size || !json_parser_load_from_data (parser, data, (gssize) size, &error))
    serve_request_fail (request, SOUP_STATUS_BAD_REQUEST, "the body is not JSON: %s",
                        error ? error->message : "it is empty");
  else if (json_parser_get_root (parser))
    return json_node_copy (json_parser_get_root (parser));
  else
    serve_request_fail (request, SOUP_STATUS_BAD_REQUEST, "the body is not JSON: it is empty");
  return NULL;
}

void
serve_request_misdirected (ServeRequest *request, const char *name)
{
  const ServeShard *shard = &request->app->shard;

  serve_request_fail (request, SOUP_STATUS_MISDIRECTED_REQUEST,
                      "the stream \"%s\" is of shard %u, and this is shard %u of %u", name,
                      serve_shard_choose (name, shard->of), shard->index, shard->of);
}

ServeStream *
serve_request_get_stream (ServeRequest *request)
{
  ServeStream *stream = g_hash_table_lookup (request->app->streams, request->name);

  if (!stream && g_hash_table_contains (request->app->config->streams, request->name))
    serve_request_misdirected (request, request->name);
  else if (!stream)
    serve_request_fail (request, SOUP_STATUS_NOT_FOUND, "there is no stream \"%s\"", request->name);
  return stream;
}

gboolean
serve_request_get_number (ServeRequest *request, const char *name, gint64 min, gint64 max,
                          gint64 *value)
{
  const char *text = request->query ? g_hash_table_lookup (request->query, name) : NULL;
  g_autoptr (GError) error = NULL;

  if (!text || g_ascii_string_to_signed (text, 10, min, max, value, &error))
    return TRUE;
  serve_request_fail (request, SOUP_STATUS_BAD_REQUEST,
                      "%s: expected a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                      ", not \"%s\"",
                      name, min, max, text);
  return FALSE;
}

gboolean
serve_request_has_flag (ServeRequest *request, const char *name)
{
  const char *text = request->query ? g_hash_table_lookup (request->query, name) : NULL;

  return text && strcmp (text, "0") != 0 && strcmp (text, "false") != 0;
}

/* Whether @path is of the form; what stands for {} goes to @name. */
static gboolean
match (const char *form, const char *path, char **name)
{
  const char *hole = strstr (form, "{}"), *rest, *end;
  gsize length;

  if (!hole)
    return strcmp (form, path) == 0;
  length = (gsize) (hole - form);
  if (strncmp (form, path, length) != 0)
    return FALSE;
  rest = path + length;
  end = strchr (rest, '/');
  end = end ? end : rest + strlen (rest);
  if (end == rest || strcmp (end, hole + 2) != 0)
    return FALSE;
  g_free (*name);
  *name = g_strndup (rest, (gsize) (end - rest));
  return TRUE;
}

/* The route of a request. Where only the method is wrong, @allow says which are right. */
static const ServeRoute *
find_route (ServeServer *server, const char *method, const char *path, char **name, GString *allow)
{
  if (strcmp (method, "HEAD") == 0)
    method = "GET";
  for (guint t = 0; server->routes[t]; t++)
    for (const ServeRoute *route = server->routes[t]; route->path; route++)
      {
        if (!match (route->path, path, name))
          continue;
        if (strcmp (route->method, method) == 0)
          return route;
        g_string_append_printf (allow, "%s%s", allow->len ? ", " : "", route->method);
      }
  return NULL;
}

static void
refuse (ServeRequest *request, guint status, const char *text)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->message);

  soup_message_headers_replace (headers, "Connection", "close");
  if (status == SOUP_STATUS_UNAUTHORIZED)
    soup_message_headers_replace (headers, "WWW-Authenticate", "Bearer realm=\"effvk\"");
  serve_request_fail (request, status, "%s", text);
}

/* Before the body is read: is it small, and may who sends it come in? */
static void
on_headers (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path,
            GHashTable *query G_GNUC_UNUSED, gpointer data)
{
  ServeServer *server = data;
  ServeRequest request = { .app = server->app, .server = server, .message = message };
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  g_autoptr (GString) allow = g_string_new (NULL);
  g_autofree char *name = NULL;
  const char *method = soup_server_message_get_method (message);
  const ServeRoute *route = find_route (server, method, path, &name, allow);
  SoupEncoding encoding = soup_message_headers_get_encoding (headers);
  const char *problem;

  soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
  if (encoding != SOUP_ENCODING_NONE && encoding != SOUP_ENCODING_CONTENT_LENGTH)
    refuse (&request, SOUP_STATUS_LENGTH_REQUIRED, "expected a Content-Length");
  else if (soup_message_headers_get_content_length (headers) > LARGEST_BODY)
    refuse (&request, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, "the body is larger than 256 KiB");
  else if ((!route || !route->open) && !serve_door_lets_in (server->door, message))
    refuse (&request, SOUP_STATUS_UNAUTHORIZED,
            "expected the header Authorization: Bearer TOKEN with the token of this server");
  else if ((problem = serve_door_check_origin (server->door, message)))
    refuse (&request, SOUP_STATUS_FORBIDDEN, problem);
  else
    soup_message_body_set_accumulate (soup_server_message_get_request_body (message), TRUE);
}

static void
on_request (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path,
            GHashTable *query, gpointer data)
{
  ServeServer *server = data;
  g_autoptr (GString) allow = g_string_new (NULL);
  g_autofree char *name = NULL;
  const ServeRoute *route
      = find_route (server, soup_server_message_get_method (message), path, &name, allow);
  ServeRequest request
      = { .app = server->app, .server = server, .message = message, .name = name, .query = query };

  /* libsoup ends a connection after one answer where it does not listen itself. Clients that mean
   * to send more have to know. */
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection",
                                "close");
  if (route)
    route->answer (&request);
  else if (allow->len)
    {
      soup_message_headers_replace (soup_server_message_get_response_headers (message), "Allow",
                                    allow->str);
      serve_request_fail (&request, SOUP_STATUS_METHOD_NOT_ALLOWED, "expected %s", allow->str);
    }
  else
    serve_request_fail (&request, SOUP_STATUS_NOT_FOUND, "there is nothing at this path");
}

ServeServer *
serve_server_new (ServeApp *app, const ServeRoute *const *routes, GError **error)
{
  g_autoptr (ServeServer) server = NULL;
  ServeDoor *door = serve_door_new (&app->config->server, error);

  if (!door)
    return NULL;
  server = g_new0 (ServeServer, 1);
  server->app = app;
  server->routes = routes;
  server->door = door;
  server->soup = g_object_new (SOUP_TYPE_SERVER, "server-header", "effvk", NULL);
  soup_server_add_early_handler (server->soup, NULL, on_headers, server, NULL);
  soup_server_add_handler (server->soup, NULL, on_request, server, NULL);
  server->clients = serve_clients_new (server->soup, serve_door_get_address (door),
                                       serve_door_get_certificate (door),
                                       (guint) app->config->server.max_clients,
                                       app->config->server.request_timeout, error);
  if (!server->clients)
    return NULL;
  server->url = g_strdup_printf ("%s://%s", serve_door_get_certificate (door) ? "https" : "http",
                                 serve_clients_get_address (server->clients));
  return g_steal_pointer (&server);
}

void
serve_server_free (ServeServer *server)
{
  g_clear_pointer (&server->clients, serve_clients_free);
  soup_server_disconnect (server->soup);
  g_object_unref (server->soup);
  serve_door_free (server->door);
  g_free (server->url);
  g_free (server);
}

void
serve_server_cut_off (ServeServer *server, SoupServerMessage *message)
{
  serve_clients_cut_off (server->clients, soup_server_message_get_remote_address (message));
}

const char *
serve_server_get_url (ServeServer *server)
{
  return server->url;
}

gboolean
serve_server_knows (ServeServer *server, const char *token)
{
  return serve_door_knows (server->door, token);
}

const char *
serve_server_get_cookie (ServeServer *server)
{
  return serve_door_get_cookie (server->door);
}

gboolean
serve_server_is_secure (ServeServer *server)
{
  return serve_door_get_certificate (server->door) != NULL;
}

guint
serve_server_get_clients (ServeServer *server)
{
  return serve_clients_count (server->clients);
}

guint64
serve_server_get_refused (ServeServer *server)
{
  return serve_clients_get_refused (server->clients);
}
