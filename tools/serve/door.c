/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/door.h"

#include <string.h>

#define DEFAULT_LISTEN "127.0.0.1:8570"
#define SHORTEST_TOKEN 8
#define COOKIE "effvk"

struct _ServeDoor
{
  GSocketAddress *address;
  GTlsCertificate *certificate;
  char *token, *cookie;
};

static gboolean
parse_address (ServeDoor *door, const char *text, GError **error)
{
  const char *colon = strrchr (text, ':');
  g_autofree char *host = colon ? g_strndup (text, (gsize) (colon - text)) : NULL;
  g_autoptr (GInetAddress) address = NULL;
  guint64 port;

  if (!colon || !g_ascii_string_to_unsigned (colon + 1, 10, 0, G_MAXUINT16, &port, NULL))
    host = NULL;
  else if (host[0] == '[' && g_str_has_suffix (host, "]"))
    {
      host[strlen (host) - 1] = 0;
      address = g_inet_address_new_from_string (host + 1);
    }
  else if (strcmp (host, "*") == 0)
    address = g_inet_address_new_any (G_SOCKET_FAMILY_IPV4);
  else
    address = g_inet_address_new_from_string (strcmp (host, "localhost") == 0 ? "127.0.0.1" : host);
  if (!address)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "listen: expected ADDRESS:PORT, for instance 127.0.0.1:8570, [::1]:8570 or "
                   "*:8570, not \"%s\"",
                   text);
      return FALSE;
    }
  door->address = g_inet_socket_address_new (address, (guint16) port);
  return TRUE;
}

static gboolean
read_token (ServeDoor *door, const char *from, GError **error)
{
  if (!from)
    return TRUE;
  if (g_str_has_prefix (from, "env:"))
    door->token = g_strdup (g_getenv (from + 4));
  else if (!g_file_get_contents (from, &door->token, NULL, error))
    {
      g_prefix_error (error, "token: ");
      return FALSE;
    }
  if (door->token && strlen (g_strstrip (door->token)) >= SHORTEST_TOKEN)
    {
      door->cookie = g_compute_hmac_for_string (G_CHECKSUM_SHA256, (const guchar *) door->token,
                                                strlen (door->token), "effvk serve", -1);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "token=%s: expected at least %d characters there, for instance of "
               "'openssl rand -hex 16'",
               from, SHORTEST_TOKEN);
  return FALSE;
}

static gboolean
read_certificate (ServeDoor *door, const ServeServerConfig *config, GError **error)
{
  if (!config->certificate)
    return TRUE;
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "certificate: TLS needs GLib's TLS module (glib-networking)");
      return FALSE;
    }
  door->certificate
      = g_tls_certificate_new_from_files (config->certificate,
                                          config->key ? config->key : config->certificate, error);
  if (!door->certificate)
    g_prefix_error (error, "certificate, key: ");
  return door->certificate != NULL;
}

static gboolean
is_loopback (ServeDoor *door)
{
  return g_inet_address_get_is_loopback (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (door->address)));
}

ServeDoor *
serve_door_new (const ServeServerConfig *config, GError **error)
{
  ServeDoor *door = g_new0 (ServeDoor, 1);

  if (parse_address (door, config->listen ? config->listen : DEFAULT_LISTEN, error)
      && read_token (door, config->token, error) && read_certificate (door, config, error))
    {
      if (door->token || is_loopback (door))
        return door;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "listen=%s can be reached by others: set token to a file with a secret, or to "
                   "env:NAME",
                   config->listen);
    }
  g_prefix_error (error, "[server]: ");
  serve_door_free (door);
  return NULL;
}

void
serve_door_free (ServeDoor *door)
{
  g_clear_object (&door->address);
  g_clear_object (&door->certificate);
  g_free (door->token);
  g_free (door->cookie);
  g_free (door);
}

GSocketAddress *
serve_door_get_address (ServeDoor *door)
{
  return door->address;
}

GTlsCertificate *
serve_door_get_certificate (ServeDoor *door)
{
  return door->certificate;
}

/* Takes as long for every text of a length. */
static gboolean
is_same (const char *found, const char *wanted)
{
  gsize length = strlen (wanted);
  guchar differ = 0;

  if (strlen (found) != length)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    differ |= (guchar) (found[i] ^ wanted[i]);
  return differ == 0;
}

gboolean
serve_door_knows (ServeDoor *door, const char *token)
{
  return !door->token || is_same (token, door->token);
}

const char *
serve_door_get_cookie (ServeDoor *door)
{
  return door->cookie;
}

static gboolean
has_cookie (ServeDoor *door, SoupMessageHeaders *headers)
{
  const char *text = soup_message_headers_get_one (headers, "Cookie");
  g_auto (GStrv) cookies = g_strsplit (text ? text : "", ";", 100);

  for (guint i = 0; cookies[i]; i++)
    if (g_str_has_prefix (g_strstrip (cookies[i]), COOKIE "=")
        && is_same (cookies[i] + strlen (COOKIE "="), door->cookie))
      return TRUE;
  return FALSE;
}

gboolean
serve_door_lets_in (ServeDoor *door, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *text = soup_message_headers_get_one (headers, "Authorization");

  if (!door->token)
    return TRUE;
  if (text && g_ascii_strncasecmp (text, "Bearer ", 7) == 0)
    return is_same (text + 7, door->token);
  return has_cookie (door, headers);
}

/* "[::1]:8570" → "::1". Transfer full. */
static char *
get_host (const char *text)
{
  g_autofree char *uri = g_strconcat ("http://", text, "/", NULL);
  g_autoptr (GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_NONE, NULL);

  return parsed ? g_strdup (g_uri_get_host (parsed)) : NULL;
}

static gboolean
names_loopback (const char *host)
{
  g_autofree char *name = get_host (host);
  g_autoptr (GInetAddress) address = name ? g_inet_address_new_from_string (name) : NULL;

  return g_strcmp0 (name, "localhost") == 0
         || (address && g_inet_address_get_is_loopback (address));
}

const char *
serve_door_check_origin (ServeDoor *door, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *host = soup_message_headers_get_one (headers, "Host");
  const char *origin = soup_message_headers_get_one (headers, "Origin");
  const char *from = origin ? strstr (origin, "://") : NULL;

  /* Another site's name may be made to lead here. */
  if (!door->token && host && !names_loopback (host))
    return "without a token only localhost and 127.0.0.1 are answered, and not other names";
  if (origin && (!from || g_strcmp0 (from + 3, host) != 0))
    return "a page of another site may not do this";
  return NULL;
}
