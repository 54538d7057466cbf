/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/clients.h"

#include <string.h>

#define LOOK_AFTER 500 /* ms */
#define BACKLOG 1024

typedef struct
{
  ServeClients *clients;
  GSocket *socket;
  GIOStream *stream; /* what soup has of it; not owned: when it goes, the client is gone */
  GSocketAddress *local, *remote;
  gint64 since; /* us: it came, or a request began */
  gboolean endless;
} Client;

struct _ServeClients
{
  SoupServer *soup;
  GSocketListener *listener;
  GCancellable *cancellable;
  GTlsCertificate *certificate;
  guint max_clients, look;
  gint64 longest; /* us: to ask and be answered, or to be silent */
  char *address;
  GHashTable *all; /* of Client */
  guint64 refused;
};

static void
free_client (gpointer data)
{
  Client *client = data;

  g_clear_object (&client->socket);
  g_clear_object (&client->local);
  g_clear_object (&client->remote);
  g_free (client);
}

static void
on_stream_gone (gpointer data, GObject *stream G_GNUC_UNUSED)
{
  Client *client = data;

  client->stream = NULL;
  g_hash_table_remove (client->clients->all, client);
}

/* Soup sees the end of the connection and lets it go. */
static void
cut_off (Client *client)
{
  g_socket_shutdown (client->socket, TRUE, TRUE, NULL);
}

static gboolean
on_look (gpointer data)
{
  ServeClients *clients = data;
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer client;

  g_hash_table_iter_init (&iter, clients->all);
  while (g_hash_table_iter_next (&iter, &client, NULL))
    {
      Client *one = client;

      if (!one->endless && now - one->since > clients->longest)
        {
          cut_off (one);
          one->since = now; /* once is enough */
        }
    }
  return G_SOURCE_CONTINUE;
}

static Client *
find (ServeClients *clients, GSocketAddress *remote)
{
  GHashTableIter iter;
  gpointer client;

  g_hash_table_iter_init (&iter, clients->all);
  while (g_hash_table_iter_next (&iter, &client, NULL))
    if (((Client *) client)->remote == remote)
      return client;
  return NULL;
}

void
serve_clients_set_endless (ServeClients *clients, GSocketAddress *remote)
{
  Client *client = find (clients, remote);

  if (client)
    client->endless = TRUE;
}

void
serve_clients_cut_off (ServeClients *clients, GSocketAddress *remote)
{
  Client *client = find (clients, remote);

  if (client)
    cut_off (client);
}

static void
on_request_started (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, gpointer data)
{
  Client *client = find (data, soup_server_message_get_remote_address (message));

  if (client)
    client->since = g_get_monotonic_time ();
}

static void
give_to_soup (Client *client, GIOStream *stream)
{
  client->stream = stream;
  g_object_weak_ref (G_OBJECT (stream), on_stream_gone, client);
  soup_server_accept_iostream (client->clients->soup, stream, client->local, client->remote, NULL);
}

static void
on_handshake (GObject *stream, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  Client *client = data;

  if (g_tls_connection_handshake_finish (G_TLS_CONNECTION (stream), result, &error))
    give_to_soup (client, G_IO_STREAM (stream));
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) /* there are no clients */
    g_hash_table_remove (client->clients->all, client);
}

static void
begin_tls (Client *client, GSocketConnection *connection)
{
  g_autoptr (GIOStream) stream
      = g_tls_server_connection_new (G_IO_STREAM (connection), client->clients->certificate, NULL);

  if (stream)
    g_tls_connection_handshake_async (G_TLS_CONNECTION (stream), G_PRIORITY_DEFAULT,
                                      client->clients->cancellable, on_handshake, client);
  else
    g_hash_table_remove (client->clients->all, client);
}

/* An answer that needs no thought. */
static void
turn_away (ServeClients *clients, GSocketConnection *connection)
{
  static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                               "Connection: close\r\nContent-Type: application/json\r\n"
                               "Content-Length: 33\r\n\r\n{\"error\": \"too many connections\"}";
  GSocket *socket = g_socket_connection_get_socket (connection);

  clients->refused++;
  g_socket_set_blocking (socket, FALSE);
  if (!clients->certificate)
    g_socket_send (socket, answer, strlen (answer), NULL, NULL);
  g_socket_shutdown (socket, FALSE, TRUE, NULL);
}

static void accept_next (ServeClients *clients);

static void
take (ServeClients *clients, GSocketConnection *connection)
{
  Client *client = g_new0 (Client, 1);

  client->clients = clients;
  client->socket = g_object_ref (g_socket_connection_get_socket (connection));
  client->local = g_socket_connection_get_local_address (connection, NULL);
  client->remote = g_socket_connection_get_remote_address (connection, NULL);
  client->since = g_get_monotonic_time ();
  g_hash_table_add (clients->all, client);
  if (clients->certificate)
    begin_tls (client, connection);
  else
    give_to_soup (client, G_IO_STREAM (connection));
}

static gboolean
on_pause_over (gpointer data)
{
  accept_next (data);
  return G_SOURCE_REMOVE;
}

static void
on_accepted (GObject *listener, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection
      = g_socket_listener_accept_finish (G_SOCKET_LISTENER (listener), result, NULL, &error);
  ServeClients *clients = data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    return;
  if (!connection) /* no descriptors are left, for instance */
    {
      g_timeout_add (LOOK_AFTER, on_pause_over, clients);
      return;
    }
  if (g_hash_table_size (clients->all) >= clients->max_clients)
    turn_away (clients, connection);
  else
    take (clients, connection);
  accept_next (clients);
}

static void
accept_next (ServeClients *clients)
{
  g_socket_listener_accept_async (clients->listener, clients->cancellable, on_accepted, clients);
}

static char *
show_address (GSocketAddress *address)
{
  GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS (address);
  g_autofree char *host = g_inet_address_to_string (g_inet_socket_address_get_address (inet));

  return g_strdup_printf (strchr (host, ':') ? "[%s]:%u" : "%s:%u", host,
                          g_inet_socket_address_get_port (inet));
}

ServeClients *
serve_clients_new (SoupServer *soup, GSocketAddress *address, GTlsCertificate *certificate,
                   guint max_clients, double seconds, GError **error)
{
  ServeClients *clients = g_new0 (ServeClients, 1);
  g_autoptr (GSocketAddress) got = NULL;

  clients->soup = soup;
  clients->max_clients = max_clients;
  clients->longest = (gint64) (seconds * G_USEC_PER_SEC);
  clients->certificate = certificate ? g_object_ref (certificate) : NULL;
  clients->all = g_hash_table_new_full (NULL, NULL, free_client, NULL);
  clients->cancellable = g_cancellable_new ();
  clients->listener = g_socket_listener_new ();
  g_socket_listener_set_backlog (clients->listener, BACKLOG);
  if (!g_socket_listener_add_address (clients->listener, address, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_TCP, NULL, &got, error))
    {
      g_autofree char *shown = show_address (address);

      g_prefix_error (error, "cannot listen at %s, which listen= chooses: ", shown);
      serve_clients_free (clients);
      return NULL;
    }
  clients->address = show_address (got);
  g_signal_connect (soup, "request-started", G_CALLBACK (on_request_started), clients);
  clients->look = g_timeout_add (LOOK_AFTER, on_look, clients);
  accept_next (clients);
  return clients;
}

static void
forget (gpointer data, gpointer value G_GNUC_UNUSED, gpointer user_data G_GNUC_UNUSED)
{
  Client *client = data;

  if (client->stream)
    g_object_weak_unref (G_OBJECT (client->stream), on_stream_gone, client);
}

void
serve_clients_free (ServeClients *clients)
{
  g_cancellable_cancel (clients->cancellable);
  g_socket_listener_close (clients->listener);
  g_clear_handle_id (&clients->look, g_source_remove);
  g_signal_handlers_disconnect_by_data (clients->soup, clients);
  g_hash_table_foreach (clients->all, forget, NULL);
  g_hash_table_unref (clients->all);
  g_object_unref (clients->listener);
  g_object_unref (clients->cancellable);
  g_clear_object (&clients->certificate);
  g_free (clients->address);
  g_free (clients);
}

const char *
serve_clients_get_address (ServeClients *clients)
{
  return clients->address;
}

guint
serve_clients_count (ServeClients *clients)
{
  return g_hash_table_size (clients->all);
}

guint64
serve_clients_get_refused (ServeClients *clients)
{
  return clients->refused;
}
