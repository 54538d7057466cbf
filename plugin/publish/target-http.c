/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Webhooks by libsoup: a POST of a JSON array of records, signed where there is a secret. */
#include "publish/target.h"

#include <libsoup/soup.h>
#include <string.h>

#define SIGNATURE "X-Effvk-Signature"

typedef struct
{
  SoupSession *session;
  char *uri, *authorization, *secret;
} Target;

static gboolean
check (const GstEffvkAddress *address, GError **error)
{
  if (address->host && *address->host)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "expected %s://HOST:PORT/PATH",
               address->scheme);
  return FALSE;
}

static void
close_target (gpointer data)
{
  Target *target = data;

  g_object_unref (target->session);
  g_free (target->uri);
  g_free (target->authorization);
  g_free (target->secret);
  g_free (target);
}

static char *
join_options (const GstEffvkAddress *address)
{
  GString *query = g_string_new (NULL);
  GHashTableIter options;
  gpointer name, value;

  g_hash_table_iter_init (&options, address->options);
  while (g_hash_table_iter_next (&options, &name, &value))
    {
      g_string_append (query, query->len ? "&" : "");
      g_string_append_uri_escaped (query, name, NULL, TRUE);
      g_string_append_c (query, '=');
      g_string_append_uri_escaped (query, value, NULL, TRUE);
    }
  return g_string_free (query, FALSE);
}

static gpointer
open_target (const GstEffvkAddress *address, GCancellable *cancellable, GError **error)
{
  Target *target = g_new0 (Target, 1);
  g_autofree char *query = join_options (address);

  target->session
      = soup_session_new_with_options ("timeout",
                                       (guint) (GST_EFFVK_TARGET_TIMEOUT / G_USEC_PER_SEC),
                                       "idle-timeout", 60u, "user-agent", "effvk", NULL);
  target->uri = g_uri_join (G_URI_FLAGS_NONE, address->scheme, NULL, address->host, address->port,
                            *address->path ? address->path : "/", *query ? query : NULL, NULL);
  target->secret = g_strdup (address->secret);
  if (address->user && address->password)
    {
      g_autofree char *pair = g_strconcat (address->user, ":", address->password, NULL);
      g_autofree char *encoded = g_base64_encode ((const guchar *) pair, strlen (pair));

      target->authorization = g_strconcat ("Basic ", encoded, NULL);
    }
  return target;
}

static GBytes *
make_body (GPtrArray *parcels)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < parcels->len; i++)
    {
      const GstEffvkParcel *parcel = g_ptr_array_index (parcels, i);

      g_string_append (text, i ? ",\n" : "");
      g_string_append_len (text, parcel->text, (gssize) parcel->length);
    }
  g_string_append_c (text, ']');
  return g_string_free_to_bytes (text);
}

static void
sign (Target *target, SoupMessageHeaders *headers, GBytes *body)
{
  g_autofree char *digest = NULL, *value = NULL;
  g_autoptr (GBytes) key = NULL;

  if (!target->secret)
    return;
  key = g_bytes_new (target->secret, strlen (target->secret));
  digest = g_compute_hmac_for_bytes (G_CHECKSUM_SHA256, key, body);
  value = g_strconcat ("sha256=", digest, NULL);
  soup_message_headers_replace (headers, SIGNATURE, value);
}

/* A server that is in trouble may get over it; one that does not want this will not want it
 * again. */
static GstEffvkDelivery
judge (guint status, const char *reason, GError **error)
{
  if (status >= 200 && status < 300)
    return GST_EFFVK_DELIVERED;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the server answers %u %s", status,
               reason ? reason : "");
  return status >= 400 && status < 500 && status != 401 && status != 403 && status != 404
                 && status != 408 && status != 429
             ? GST_EFFVK_REFUSED
             : GST_EFFVK_RETRY;
}

static GstEffvkDelivery
send_parcels (gpointer data, GPtrArray *parcels, GCancellable *cancellable, GError **error)
{
  Target *target = data;
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_POST, target->uri);
  g_autoptr (GBytes) body = make_body (parcels), answer = NULL;
  SoupMessageHeaders *headers;

  if (!message)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "no URI for HTTP");
      return GST_EFFVK_RETRY;
    }
  headers = soup_message_get_request_headers (message);
  soup_message_set_request_body_from_bytes (message, "application/json", body);
  if (target->authorization)
    soup_message_headers_replace (headers, "Authorization", target->authorization);
  sign (target, headers, body);
  answer = soup_session_send_and_read (target->session, message, cancellable, error);
  if (!answer)
    return GST_EFFVK_RETRY;
  return judge (soup_message_get_status (message), soup_message_get_reason_phrase (message), error);
}

const GstEffvkTargetKind gst_effvk_target_http
    = { "http", check, open_target, send_parcels, close_target };
const GstEffvkTargetKind gst_effvk_target_https
    = { "https", check, open_target, send_parcels, close_target };
