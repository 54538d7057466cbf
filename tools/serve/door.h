/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/config.h"

#include <libsoup/soup.h>

/* Who may come in: the address, the token and the certificate. */
typedef struct _ServeDoor ServeDoor;

/* NULL with @error: the address cannot be read, a file is missing, or an address that others reach
 * has no token. */
ServeDoor *serve_door_new (const ServeServerConfig *config, GError **error);
void serve_door_free (ServeDoor *door);

GSocketAddress *serve_door_get_address (ServeDoor *door);
GTlsCertificate *serve_door_get_certificate (ServeDoor *door); /* or NULL */

/* Whether the request has the token, as a header or as the cookie that follows from it. */
gboolean serve_door_lets_in (ServeDoor *door, SoupServerMessage *message);

/* Whether @token is the one. */
gboolean serve_door_knows (ServeDoor *door, const char *token);

/* The value of the cookie; NULL: no token is needed. */
const char *serve_door_get_cookie (ServeDoor *door);

/* What is wrong about the page that sends the request: another site's page must not. NULL: nothing.
 */
const char *serve_door_check_origin (ServeDoor *door, SoupServerMessage *message);
