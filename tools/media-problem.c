/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-problem.h"

#include "stop.h"

#include <gst/gst.h>
#include <string.h>

#define PATIENCE 4 /* s */

typedef struct
{
  const char *scheme;
  gint port;    /* the usual one */
  gboolean udp; /* nothing can be asked of its port */
} Scheme;

static const Scheme schemes[] = {
  { "rtsp", 554, FALSE },  { "rtspt", 554, FALSE }, { "rtspu", 554, FALSE },
  { "rtsph", 554, FALSE }, { "rtsps", 322, FALSE }, { "http", 80, FALSE },
  { "https", 443, FALSE }, { "rtmp", 1935, FALSE }, { "rtmps", 443, FALSE },
  { "tcp", 0, FALSE },     { "srt", 0, TRUE },
};

static const Scheme *
find_scheme (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    if (g_ascii_strcasecmp (name, schemes[i].scheme) == 0)
      return &schemes[i];
  return NULL;
}

static char *
explain_credentials (GUri *uri, const char *at)
{
  if (g_uri_get_user (uri))
    return g_strdup_printf ("%s does not accept the user name and the password", at);
  return g_strdup_printf ("%s wants a user name and a password: %s://USER:PASSWORD@%s…", at,
                          g_uri_get_scheme (uri), at);
}

static gboolean
goes_through_proxy (const char *uri)
{
  g_auto (GStrv) proxies
      = g_proxy_resolver_lookup (g_proxy_resolver_get_default (), uri, NULL, NULL);

  return g_str_has_prefix (uri, "http") && proxies && proxies[0]
         && strcmp (proxies[0], "direct://") != 0;
}

static char *
explain_resolver (const char *host)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autoptr (GError) problem = NULL;
  GList *addresses;

  addresses = g_resolver_lookup_by_name (resolver, host, tool_stop_cancellable (), &problem);
  g_resolver_free_addresses (addresses);
  if (!problem || g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return NULL;
  return g_strdup_printf ("there is no host '%s': %s", host, problem->message);
}

static char *
explain_port (const char *host, gint port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) problem = NULL;

  g_socket_client_set_timeout (client, PATIENCE);
  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect_to_host (client, host, (guint16) port,
                                                tool_stop_cancellable (), &problem);
  if (connection || g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return NULL;
  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return g_strdup_printf ("nothing listens at port %d of %s: is the port right, and does the "
                            "server run?",
                            port, host);
  return g_strdup_printf ("%s cannot be reached at port %d: %s", host, port, problem->message);
}

/* What the host and the port are not to blame for. */
static char *
explain_answer (GUri *uri, const Scheme *scheme, const char *at, const GError *cause)
{
  const char *path = g_uri_get_path (uri);

  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return scheme->udp ? g_strdup_printf (
               "no %s server answers at %s: check the host and the port, and the "
               "passphrase and the stream id if it wants them",
               scheme->scheme, at)
                       : g_strdup_printf (
                           "%s takes the connection, but does not answer: is it a server for "
                           "%s, and is it alive?",
                           at, scheme->scheme);
  if (g_error_matches (cause, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND))
    return g_strdup_printf ("%s has nothing at the path '%s'", at, *path ? path : "/");
  return g_strdup_printf ("%s is there, but the stream cannot be read: %s", at, cause->message);
}

static char *
explain (const char *text, GUri *uri, const GError *cause)
{
  const Scheme *scheme = find_scheme (g_uri_get_scheme (uri));
  const char *host = g_uri_get_host (uri);
  gint port = g_uri_get_port (uri);
  g_autofree char *at = NULL;
  char *reason = NULL;

  if (!scheme || !host || !*host)
    return NULL;
  port = port > 0 ? port : scheme->port;
  at = g_strdup_printf (strchr (host, ':') ? "[%s]:%d" : "%s:%d", host, port);
  if (g_error_matches (cause, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED))
    return explain_credentials (uri, at);
  if (!goes_through_proxy (text))
    reason = explain_resolver (host);
  if (!reason && !goes_through_proxy (text) && !scheme->udp && port > 0)
    reason = explain_port (host, port);
  return reason ? reason : explain_answer (uri, scheme, at, cause);
}

void
tool_media_explain (const char *uri, GError **error)
{
  g_autoptr (GUri) parsed
      = g_uri_parse (uri, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_PARSE_RELAXED, NULL);
  g_autofree char *reason = parsed ? explain (uri, parsed, *error) : NULL;

  if (!reason)
    return;
  g_free ((*error)->message);
  (*error)->message = g_steal_pointer (&reason);
}
