/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page at / and the description of the API, which are built in; the cookie that the page comes
 * in with. */
#include "serve/server.h"

#include <string.h>

#define FOLDER "/effvk/page/"
#define POLICY                                                                                     \
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "  \
  "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

static const char *
get_type (const char *name)
{
  return g_str_has_suffix (name, ".js")    ? "text/javascript; charset=utf-8"
         : g_str_has_suffix (name, ".css") ? "text/css; charset=utf-8"
         : g_str_has_suffix (name, ".svg") ? "image/svg+xml"
                                           : "text/html; charset=utf-8";
}

static void
reply_file (ServeRequest *request, const char *name)
{
  g_autofree char *path = g_strconcat (FOLDER, name, NULL);
  g_autoptr (GBytes) body = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->message);

  if (!body)
    {
      serve_request_fail (request, SOUP_STATUS_NOT_FOUND, "there is nothing at this path");
      return;
    }
  soup_message_headers_replace (headers, "Content-Security-Policy", POLICY);
  soup_message_headers_replace (headers, "Referrer-Policy", "no-referrer");
  soup_message_headers_replace (headers, "Cache-Control", "no-cache");
  serve_request_reply (request, SOUP_STATUS_OK, get_type (name), body);
}

static void
page (ServeRequest *request)
{
  reply_file (request, "index.html");
}

static void
file (ServeRequest *request)
{
  reply_file (request, request->name);
}

static void
describe (ServeRequest *request)
{
  g_autoptr (GBytes) body
      = g_resources_lookup_data ("/effvk/openapi.json", G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  if (body)
    serve_request_reply (request, SOUP_STATUS_OK, "application/json", body);
  else
    serve_request_fail (request, SOUP_STATUS_NOT_FOUND, "there is nothing at this path");
}

static void
enter (ServeRequest *request)
{
  g_autoptr (JsonNode) node = serve_request_parse (request);
  const char *token, *cookie = serve_server_get_cookie (request->server);
  g_autofree char *header = NULL;

  if (!node)
    return;
  token = JSON_NODE_HOLDS_OBJECT (node)
              ? json_object_get_string_member_with_default (json_node_get_object (node), "token",
                                                            NULL)
              : NULL;
  if (!token || !serve_server_knows (request->server, token))
    {
      serve_request_fail (request, SOUP_STATUS_UNAUTHORIZED, "this is not the token");
      return;
    }
  if (cookie)
    {
      header = g_strdup_printf ("effvk=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000%s",
                                cookie, serve_server_is_secure (request->server) ? "; Secure" : "");
      soup_message_headers_replace (soup_server_message_get_response_headers (request->message),
                                    "Set-Cookie", header);
    }
  serve_request_reply_nothing (request);
}

const ServeRoute serve_page_routes[] = {
  { "GET", "/", page, TRUE },
  { "GET", "/{}", file, TRUE },
  { "POST", "/api/session", enter, TRUE },
  { "GET", "/api/openapi.json", describe, TRUE },
  { NULL },
};
