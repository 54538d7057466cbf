/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /api/streams: what is watched and what is seen; to add, change and remove it. */
#include "serve/json-time.h"
#include "serve/server.h"

#include <math.h>
#include <string.h>

static void
write_channel (GstEffvkJson *json, const ServeChannel *channel)
{
  gst_effvk_json_string (json, "label", channel->label);
  gst_effvk_json_double (json, "score", "%.6f", channel->score);
  serve_json_time (json, "label_since", channel->since);
  serve_json_time (json, "seen", channel->seen);
}

static void
write_channels (GstEffvkJson *json, GPtrArray *channels)
{
  static const ServeChannel nothing = { .score = NAN };
  const ServeChannel *whole = channels->len ? g_ptr_array_index (channels, 0) : NULL;

  write_channel (json, whole && !whole->region ? whole : &nothing);
  gst_effvk_json_begin (json, "seen_regions", '[');
  for (guint i = 0; i < channels->len; i++)
    {
      const ServeChannel *channel = g_ptr_array_index (channels, i);

      if (!channel->region)
        continue;
      gst_effvk_json_begin (json, NULL, '{');
      gst_effvk_json_string (json, "region", channel->region);
      write_channel (json, channel);
      gst_effvk_json_end (json, '}');
    }
  gst_effvk_json_end (json, ']');
}

static void
write_stream (GstEffvkJson *json, ServeApp *app, ServeStream *stream)
{
  ServeTotals totals = serve_stream_get_totals (stream);

  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "name", serve_stream_get_name (stream));
  gst_effvk_json_string (json, "state", serve_state_names[serve_stream_get_state (stream)]);
  gst_effvk_json_string (json, "reason", serve_stream_get_reason (stream));
  serve_json_time (json, "since", serve_stream_get_since (stream));
  write_channels (json, serve_stream_get_channels (stream));
  gst_effvk_json_boolean (json, "alarm",
                          serve_events_has_alarm (app->events, serve_stream_get_name (stream)));
  gst_effvk_json_int (json, "frames", (gint64) totals.frames);
  gst_effvk_json_int (json, "inferences", (gint64) totals.inferences);
  gst_effvk_json_int (json, "reconnects", (gint64) totals.reconnects);
  gst_effvk_json_boolean (json, "takes_examples", app->config->server.examples_directory != NULL);
  gst_effvk_json_begin (json, "settings", '{');
  serve_keys_write (serve_stream_keys, serve_stream_get_config (stream), json);
  gst_effvk_json_end (json, '}');
  gst_effvk_json_end (json, '}');
}

static void
reply_stream (ServeRequest *request, guint status, const char *name)
{
  g_auto (GstEffvkJson) json = { 0 };

  gst_effvk_json_init (&json);
  write_stream (&json, request->app, g_hash_table_lookup (request->app->streams, name));
  serve_request_reply_json (request, status, &json);
}

static void
write_shard (GstEffvkJson *json, const ServeShard *shard)
{
  if (shard->of == 0)
    return;
  gst_effvk_json_begin (json, "shard", '{');
  gst_effvk_json_int (json, "index", shard->index);
  gst_effvk_json_int (json, "of", shard->of);
  gst_effvk_json_end (json, '}');
}

static void
list (ServeRequest *request)
{
  g_autoptr (GPtrArray) streams = serve_app_list_streams (request->app);
  g_auto (GstEffvkJson) json = { 0 };

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  write_shard (&json, &request->app->shard);
  gst_effvk_json_begin (&json, "streams", '[');
  for (guint i = 0; i < streams->len; i++)
    write_stream (&json, request->app, g_ptr_array_index (streams, i));
  gst_effvk_json_end (&json, ']');
  gst_effvk_json_end (&json, '}');
  serve_request_reply_json (request, SOUP_STATUS_OK, &json);
}

static void
get (ServeRequest *request)
{
  if (serve_request_get_stream (request))
    reply_stream (request, SOUP_STATUS_OK, request->name);
}

/* The value as the file would have it. NULL: it is of no kind that settings have. Transfer full. */
static char *
to_text (JsonNode *value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (JSON_NODE_HOLDS_NULL (value))
    return g_strdup ("");
  if (!JSON_NODE_HOLDS_VALUE (value))
    return NULL;
  if (json_node_get_value_type (value) == G_TYPE_STRING)
    return json_node_dup_string (value);
  if (json_node_get_value_type (value) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (value) ? "true" : "false");
  return g_strdup (g_ascii_dtostr (digits, sizeof digits, json_node_get_double (value)));
}

static gboolean
set_member (ServeStreamConfig *config, const char *name, JsonNode *value, GError **error)
{
  const ServeKey *key = serve_keys_find (serve_stream_keys, name);
  g_autofree char *text = to_text (value), *list_of_keys = NULL;

  if (!key)
    {
      list_of_keys = serve_keys_list (serve_stream_keys);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "unknown key \"%s\"; there are name, %s", name, list_of_keys);
    }
  else if (key->flags & SERVE_KEY_FILE_ONLY)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 "%s names a file of the server: only its configuration can set it", name);
  else if (!text)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "%s: expected a text, a number, true, false or null", name);
  else
    return serve_keys_set (key, config, text, error);
  return FALSE;
}

/* Files of the server are for those who write its configuration. */
static gboolean
check_uri (const ServeStreamConfig *config, const char *before, GError **error)
{
  g_autofree char *scheme = config->uri ? g_uri_parse_scheme (config->uri) : NULL;

  if (!config->uri || g_strcmp0 (config->uri, before) == 0
      || (scheme && g_ascii_strcasecmp (scheme, "file") != 0))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                       "uri: over the network expected a URI of a stream, such as rtsp://…; files "
                       "and devices are for the configuration");
  return FALSE;
}

/* Sets the members of the body; "name" goes to @name where that is wanted. */
static gboolean
set_members (ServeStreamConfig *config, JsonObject *object, char **name, GError **error)
{
  g_autofree char *before = g_strdup (config->uri);
  JsonObjectIter iter;
  const char *member;
  JsonNode *value;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &member, &value))
    if (name && strcmp (member, "name") == 0)
      {
        g_free (*name);
        *name = to_text (value);
      }
    else if (!set_member (config, member, value, error))
      return FALSE;
  return check_uri (config, before, error);
}

static guint
get_status (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    return SOUP_STATUS_FORBIDDEN;
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT)
             ? SOUP_STATUS_BAD_REQUEST
             : SOUP_STATUS_INTERNAL_SERVER_ERROR;
}

static JsonNode *
parse_object (ServeRequest *request)
{
  JsonNode *node = serve_request_parse (request);

  if (node && !JSON_NODE_HOLDS_OBJECT (node))
    {
      serve_request_fail (request, SOUP_STATUS_BAD_REQUEST, "expected a JSON object");
      g_clear_pointer (&node, json_node_unref);
    }
  return node;
}

static void
add (ServeRequest *request)
{
  g_autoptr (JsonNode) node = parse_object (request);
  g_autoptr (ServeStreamConfig) config = serve_stream_config_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;

  if (!node)
    return;
  if (set_members (config, json_node_get_object (node), &name, &error)
      && serve_config_check_name (name ? name : "", &error))
    {
      if (g_hash_table_contains (request->app->streams, name))
        {
          serve_request_fail (request, SOUP_STATUS_CONFLICT, "there is a stream \"%s\" already",
                              name);
          return;
        }
      if (!serve_shard_has (&request->app->shard, name))
        {
          serve_request_misdirected (request, name);
          return;
        }
      if (serve_app_set_stream (request->app, name, g_steal_pointer (&config), &error))
        {
          reply_stream (request, SOUP_STATUS_CREATED, name);
          return;
        }
    }
  serve_request_fail (request, get_status (error), "%s", error->message);
}

static void
change (ServeRequest *request)
{
  ServeStream *stream = serve_request_get_stream (request);
  g_autoptr (JsonNode) node = stream ? parse_object (request) : NULL;
  g_autoptr (ServeStreamConfig) config = NULL;
  g_autoptr (GError) error = NULL;

  if (!node)
    return;
  config = serve_stream_config_copy (serve_stream_get_config (stream));
  if (set_members (config, json_node_get_object (node), NULL, &error)
      && serve_app_set_stream (request->app, request->name, g_steal_pointer (&config), &error))
    reply_stream (request, SOUP_STATUS_OK, request->name);
  else
    serve_request_fail (request, get_status (error), "%s", error->message);
}

static void
take_away (ServeRequest *request)
{
  g_autoptr (GError) error = NULL;

  if (!serve_request_get_stream (request))
    return;
  if (serve_app_remove_stream (request->app, request->name, &error))
    serve_request_reply_nothing (request);
  else
    serve_request_fail (request, get_status (error), "%s", error->message);
}

/* One record as effvkpublish makes it: what the frame shows, and its regions and objects. */
static gboolean
push_record (ServeStream *stream, JsonNode *node)
{
  JsonObject *record = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *label, *region;
  double score;

  if (!record)
    return FALSE;
  label = json_object_get_string_member_with_default (record, "label", NULL);
  region = json_object_get_string_member_with_default (record, "type", NULL);
  score = json_object_get_double_member_with_default (record, "score", 0);
  if (label && isfinite (score))
    serve_stream_push (stream, region, label, score);
  if (!json_object_has_member (record, "objects"))
    return label != NULL;
  if (JSON_NODE_HOLDS_ARRAY (json_object_get_member (record, "objects")))
    {
      JsonArray *objects = json_object_get_array_member (record, "objects");

      for (guint i = 0; i < json_array_get_length (objects); i++)
        if (JSON_NODE_HOLDS_OBJECT (json_array_get_element (objects, i)))
          {
            JsonObject *object = json_array_get_object_element (objects, i);

            label = json_object_get_string_member_with_default (object, "label", NULL);
            region = json_object_get_string_member_with_default (object, "type", NULL);
            score = json_object_get_double_member_with_default (object, "score", 0);
            if (label && region && isfinite (score))
              serve_stream_push (stream, region, label, score);
          }
    }
  return TRUE;
}

static void
push (ServeRequest *request)
{
  ServeStream *stream = serve_request_get_stream (request);
  g_autoptr (JsonNode) node = NULL;
  gboolean good = TRUE;

  if (!stream)
    return;
  if (strcmp (serve_stream_get_config (stream)->uri, SERVE_PUSH) != 0)
    {
      serve_request_fail (request, SOUP_STATUS_CONFLICT,
                          "results are taken for streams whose uri is " SERVE_PUSH);
      return;
    }
  node = serve_request_parse (request);
  if (!node)
    return;
  if (JSON_NODE_HOLDS_ARRAY (node))
    for (guint i = 0; i < json_array_get_length (json_node_get_array (node)); i++)
      good &= push_record (stream, json_array_get_element (json_node_get_array (node), i));
  else
    good = push_record (stream, node);
  if (good)
    serve_request_reply_nothing (request);
  else
    serve_request_fail (request, SOUP_STATUS_BAD_REQUEST,
                        "expected records with a label, or an array of them");
}

const ServeRoute serve_stream_routes[] = {
  { "GET", "/api/streams", list },
  { "POST", "/api/streams", add },
  { "GET", "/api/streams/{}", get },
  { "PATCH", "/api/streams/{}", change },
  { "DELETE", "/api/streams/{}", take_away },
  { "POST", "/api/streams/{}/results", push },
  { NULL },
};
