/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "publish/target.h"

#include <string.h>

GstEffvkParcel *
gst_effvk_parcel_new (const char *text, gsize length, gboolean change)
{
  GstEffvkParcel *parcel = g_atomic_rc_box_new0 (GstEffvkParcel);

  parcel->text = g_strndup (text, length);
  parcel->length = length;
  parcel->change = change;
  return parcel;
}

GstEffvkParcel *
gst_effvk_parcel_ref (GstEffvkParcel *parcel)
{
  return g_atomic_rc_box_acquire (parcel);
}

static void
clear_parcel (gpointer data)
{
  g_free (((GstEffvkParcel *) data)->text);
}

void
gst_effvk_parcel_unref (GstEffvkParcel *parcel)
{
  g_atomic_rc_box_release_full (parcel, clear_parcel);
}

/* Schemes that a build may lack, and what would give them. */
static const struct
{
  const char *scheme, *library;
} optional[] = { { "mqtt", "libmosquitto" },
                 { "mqtts", "libmosquitto" },
                 { "kafka", "librdkafka" },
                 { "http", "libsoup 3" },
                 { "https", "libsoup 3" } };

static const GstEffvkTargetKind *const kinds[] = {
  &gst_effvk_target_stdout, &gst_effvk_target_file,  &gst_effvk_target_unix,
#ifdef HAVE_MOSQUITTO
  &gst_effvk_target_mqtt,   &gst_effvk_target_mqtts,
#endif
#ifdef HAVE_RDKAFKA
  &gst_effvk_target_kafka,
#endif
#ifdef HAVE_SOUP
  &gst_effvk_target_http,   &gst_effvk_target_https,
#endif
};

char *
gst_effvk_target_list_schemes (void)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    g_string_append_printf (list, "%s%s", i ? ", " : "", kinds[i]->scheme);
  return g_string_free (list, FALSE);
}

void
gst_effvk_address_free (GstEffvkAddress *address)
{
  if (!address)
    return;
  g_free (address->text);
  g_free (address->scheme);
  g_free (address->host);
  g_free (address->path);
  g_free (address->user);
  g_free (address->password);
  g_free (address->secret);
  g_free (address->source);
  g_clear_pointer (&address->options, g_hash_table_unref);
  g_free (address);
}

const char *
gst_effvk_address_get_option (const GstEffvkAddress *address, const char *name)
{
  return g_hash_table_lookup (address->options, name);
}

/* The text of a file, or of the environment's variable that "env:NAME" names, without spaces
 * around it. */
static char *
read_secret (const char *from, const char *what, GError **error)
{
  g_autoptr (GError) problem = NULL;
  char *text = NULL;

  if (g_str_has_prefix (from, "env:"))
    {
      text = g_strdup (g_getenv (from + 4));
      if (!text)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                     "%s=%s: the environment has no such variable", what, from);
    }
  else if (!g_file_get_contents (from, &text, NULL, &problem))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s: %s", what, problem->message);
  return text ? g_strstrip (text) : NULL;
}

static gboolean
take_secrets (GstEffvkAddress *address, const char *credentials, const char *secret, GError **error)
{
  if (credentials && *credentials)
    {
      g_autofree char *text = read_secret (credentials, "credentials", error);
      char *colon = text ? strchr (text, ':') : NULL;

      if (!text)
        return FALSE;
      if (!colon)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       "credentials=%s: expected user:password, and found no colon", credentials);
          return FALSE;
        }
      g_free (address->user);
      address->user = g_strndup (text, (gsize) (colon - text));
      address->password = g_strdup (colon + 1);
    }
  if (secret && *secret)
    {
      address->secret = read_secret (secret, "secret", error);
      if (!address->secret)
        return FALSE;
    }
  return TRUE;
}

static const GstEffvkTargetKind *
find_kind (const char *scheme, GError **error)
{
  g_autofree char *known = gst_effvk_target_list_schemes ();

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i]->scheme, scheme) == 0)
      return kinds[i];
  for (guint i = 0; i < G_N_ELEMENTS (optional); i++)
    if (strcmp (optional[i].scheme, scheme) == 0)
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                     "this effvk was built without %s, which %s: needs; it has %s",
                     optional[i].library, scheme, known);
        return NULL;
      }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "\"%s\" is no scheme to publish to; there are %s", scheme, known);
  return NULL;
}

/* Takes the parts of the URI; its password is not taken: it would be in process lists and in
 * logs. */
static GstEffvkAddress *
split (const char *text, GError **error)
{
  g_autoptr (GstEffvkAddress) address = g_new0 (GstEffvkAddress, 1);
  g_autoptr (GError) problem = NULL;
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_HAS_PASSWORD, &problem);

  if (!uri)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "location has no URI that can be read: %s", problem->message);
      return NULL;
    }
  address->text = g_uri_to_string_partial (uri, G_URI_HIDE_USERINFO | G_URI_HIDE_QUERY);
  if (g_uri_get_password (uri))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "%s: a password in the URI can be read by others; put user:password into a "
                   "file, and set credentials to its name",
                   address->text);
      return NULL;
    }
  address->scheme = g_strdup (g_uri_get_scheme (uri));
  address->host = g_strdup (g_uri_get_host (uri));
  address->port = g_uri_get_port (uri);
  address->path = g_strdup (g_uri_get_path (uri));
  address->user = g_strdup (g_uri_get_user (uri));
  address->options
      = g_uri_get_query (uri)
            ? g_uri_parse_params (g_uri_get_query (uri), -1, "&", G_URI_PARAMS_NONE, &problem)
            : g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!address->options)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s: %s", address->text,
                   problem->message);
      return NULL;
    }
  return g_steal_pointer (&address);
}

GstEffvkAddress *
gst_effvk_address_parse (const char *uri, const char *source, const char *credentials,
                         const char *secret, const GstEffvkTargetKind **kind, GError **error)
{
  g_autoptr (GstEffvkAddress) address = split (strcmp (uri, "-") == 0 ? "stdout:" : uri, error);

  if (!address)
    return NULL;
  *kind = find_kind (address->scheme, error);
  if (!*kind)
    return NULL;
  address->source = g_strdup (source);
  if (!take_secrets (address, credentials, secret, error) || !(*kind)->check (address, error))
    {
      g_prefix_error (error, "%s: ", address->text);
      return NULL;
    }
  return g_steal_pointer (&address);
}
