/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/live.h"

#define LONGEST_BACKLOG (1024 * 1024)

struct _ServeLive
{
  SoupServerMessage *message;
  ServeServer *server;
  gsize backlog;
  GDestroyNotify gone;
  gpointer user_data;
};

static void
on_wrote (SoupServerMessage *message G_GNUC_UNUSED, guint size, ServeLive *live)
{
  live->backlog -= MIN (live->backlog, size);
}

static void
on_finished (SoupServerMessage *message, ServeLive *live)
{
  g_signal_handlers_disconnect_by_data (message, live);
  if (live->gone)
    live->gone (live->user_data);
  g_object_unref (message);
  g_free (live);
}

ServeLive *
serve_live_begin (ServeRequest *request, const char *type, GDestroyNotify gone, gpointer user_data)
{
  ServeLive *live = g_new0 (ServeLive, 1);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (request->message);

  live->message = g_object_ref (request->message);
  live->server = request->server;
  live->gone = gone;
  live->user_data = user_data;
  serve_request_set_endless (request);
  soup_server_message_set_status (live->message, SOUP_STATUS_OK, NULL);
  soup_message_headers_set_encoding (headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_set_content_type (headers, type, NULL);
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_message_headers_replace (headers, "X-Content-Type-Options", "nosniff");
  soup_message_body_set_accumulate (soup_server_message_get_response_body (live->message), FALSE);
  g_signal_connect (live->message, "wrote-body-data", G_CALLBACK (on_wrote), live);
  g_signal_connect (live->message, "finished", G_CALLBACK (on_finished), live);
  return live;
}

gboolean
serve_live_send (ServeLive *live, GBytes *piece)
{
  if (live->backlog + g_bytes_get_size (piece) > LONGEST_BACKLOG)
    return FALSE;
  live->backlog += g_bytes_get_size (piece);
  soup_message_body_append_bytes (soup_server_message_get_response_body (live->message), piece);
  soup_server_message_unpause (live->message);
  return TRUE;
}

gsize
serve_live_get_backlog (ServeLive *live)
{
  return live->backlog;
}

void
serve_live_cut_off (ServeLive *live)
{
  serve_server_cut_off (live->server, live->message);
}
