/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

/* The connections: no more than there is room for, and none that never ends. */
typedef struct _ServeClients ServeClients;

/* Listens, and gives connections to @soup. @certificate: (nullable). @seconds: how long a request
 * may take, and a client be silent. NULL with @error: the address is taken. */
ServeClients *serve_clients_new (SoupServer *soup, GSocketAddress *address,
                                 GTlsCertificate *certificate, guint max_clients, double seconds,
                                 GError **error);
void serve_clients_free (ServeClients *clients);

/* "127.0.0.1:8570", with the port that it got. */
const char *serve_clients_get_address (ServeClients *clients);
guint serve_clients_count (ServeClients *clients);
guint64 serve_clients_get_refused (ServeClients *clients);

/* The answer to this client goes on for ever. */
void serve_clients_set_endless (ServeClients *clients, GSocketAddress *remote);

void serve_clients_cut_off (ServeClients *clients, GSocketAddress *remote);
