/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/config.h"

#include "file-name.h"
#include "media-decoder.h"

#include <math.h>
#include <string.h>

#define LONGEST_NAME 64
#define LARGEST_FILE (16 * 1024 * 1024)

#define AT(type, member) G_STRUCT_OFFSET (type, member)
#define TEXT_KEY(type, name, member, flags)                                                        \
  {                                                                                                \
    name, SERVE_KEY_TEXT, AT (type, member), 0, 0, 0, flags                                        \
  }
#define NUMBER_KEY(type, name, member, min, max, preset, flags)                                    \
  {                                                                                                \
    name, SERVE_KEY_NUMBER, AT (type, member), min, max, preset, flags                             \
  }

const ServeKey serve_server_keys[] = {
  TEXT_KEY (ServeServerConfig, "listen", listen, 0),
  TEXT_KEY (ServeServerConfig, "token", token, 0),
  TEXT_KEY (ServeServerConfig, "certificate", certificate, 0),
  TEXT_KEY (ServeServerConfig, "key", key, 0),
  TEXT_KEY (ServeServerConfig, "state-directory", state_directory, 0),
  TEXT_KEY (ServeServerConfig, "examples-directory", examples_directory, SERVE_KEY_LIVE),
  TEXT_KEY (ServeServerConfig, "shard", shard, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeServerConfig, "keep-days", keep_days, 0, 36500, 30, 0),
  NUMBER_KEY (ServeServerConfig, "keep-megabytes", keep_megabytes, 1, 1e6, 500, 0),
  NUMBER_KEY (ServeServerConfig, "max-clients", max_clients, 1, 10000, 200, 0),
  NUMBER_KEY (ServeServerConfig, "request-timeout", request_timeout, 0.1, 3600, 30, 0),
  { "write-back", SERVE_KEY_SWITCH, AT (ServeServerConfig, write_back), 0, 1, 0, 0 },
  { NULL },
};

const ServeKey serve_model_keys[] = {
  TEXT_KEY (ServeModelConfig, "file", file, 0),
  TEXT_KEY (ServeModelConfig, "labels", labels, 0),
  TEXT_KEY (ServeModelConfig, "overrides", overrides, 0),
  TEXT_KEY (ServeModelConfig, "device", device, 0),
  TEXT_KEY (ServeModelConfig, "precision", precision, 0),
  TEXT_KEY (ServeModelConfig, "activation", activation, 0),
  NUMBER_KEY (ServeModelConfig, "batch-size", batch_size, 0, 64, 0, 0),
  { NULL },
};

const ServeKey serve_stream_keys[] = {
  TEXT_KEY (ServeStreamConfig, "uri", uri, SERVE_KEY_URI),
  TEXT_KEY (ServeStreamConfig, "credentials", credentials, SERVE_KEY_FILE_ONLY),
  TEXT_KEY (ServeStreamConfig, "model", model, 0),
  TEXT_KEY (ServeStreamConfig, "regions", regions, SERVE_KEY_LIVE),
  TEXT_KEY (ServeStreamConfig, "alarms", alarms, SERVE_KEY_LIVE),
  TEXT_KEY (ServeStreamConfig, "outputs", outputs, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeStreamConfig, "rate", rate, 0.01, 1000, 5, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeStreamConfig, "threshold", threshold, 0, 1, 0, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeStreamConfig, "unknown-threshold", unknown_threshold, -1, 1, -1, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeStreamConfig, "hold", hold, 0, 3600, 0, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeStreamConfig, "detect", detect, 0, 3600, 2, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeStreamConfig, "recover", recover, 0, 3600, 2, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeStreamConfig, "timeout", timeout, 0.5, 3600, 5, SERVE_KEY_LIVE),
  NUMBER_KEY (ServeStreamConfig, "latency", latency, 0, 60, 0.2, 0),
  { NULL },
};

const ServeKey serve_output_keys[] = {
  TEXT_KEY (ServeOutputConfig, "uri", uri, SERVE_KEY_URI),
  TEXT_KEY (ServeOutputConfig, "command", command, SERVE_KEY_FILE_ONLY),
  TEXT_KEY (ServeOutputConfig, "credentials", credentials, SERVE_KEY_FILE_ONLY),
  TEXT_KEY (ServeOutputConfig, "secret", secret, SERVE_KEY_FILE_ONLY),
  { NULL },
};

ServeStreamConfig *
serve_stream_config_new (void)
{
  ServeStreamConfig *config = g_new0 (ServeStreamConfig, 1);

  serve_keys_init (serve_stream_keys, config);
  return config;
}

ServeStreamConfig *
serve_stream_config_copy (const ServeStreamConfig *config)
{
  ServeStreamConfig *copy = g_new0 (ServeStreamConfig, 1);

  serve_keys_copy (serve_stream_keys, config, copy);
  return copy;
}

void
serve_stream_config_free (ServeStreamConfig *config)
{
  serve_keys_clear (serve_stream_keys, config);
  g_free (config);
}

const char *
serve_stream_config_get_model (const ServeStreamConfig *config)
{
  return config->model ? config->model : SERVE_DEFAULT_MODEL;
}

static void
free_model (gpointer model)
{
  serve_keys_clear (serve_model_keys, model);
  g_free (model);
}

static void
free_output (gpointer output)
{
  serve_keys_clear (serve_output_keys, output);
  g_free (output);
}

ServeConfig *
serve_config_new (void)
{
  ServeConfig *config = g_new0 (ServeConfig, 1);
  ServeModelConfig *model = g_new0 (ServeModelConfig, 1);

  serve_keys_init (serve_server_keys, &config->server);
  serve_keys_init (serve_model_keys, model);
  config->models = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_model);
  config->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify) serve_stream_config_free);
  config->outputs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_output);
  g_hash_table_insert (config->models, g_strdup (SERVE_DEFAULT_MODEL), model);
  return config;
}

void
serve_config_free (ServeConfig *config)
{
  if (!config)
    return;
  serve_keys_clear (serve_server_keys, &config->server);
  g_hash_table_unref (config->models);
  g_hash_table_unref (config->streams);
  g_hash_table_unref (config->outputs);
  g_free (config);
}

void
serve_config_override (ServeConfig *config, const ServeOptions *options)
{
  serve_keys_override (serve_server_keys, &options->server, &config->server);
  serve_keys_override (serve_model_keys, &options->model,
                       g_hash_table_lookup (config->models, SERVE_DEFAULT_MODEL));
}

void
serve_options_clear (ServeOptions *options)
{
  serve_keys_clear (serve_server_keys, &options->server);
  serve_keys_clear (serve_model_keys, &options->model);
}

gboolean
serve_config_get_shard (const ServeConfig *config, ServeShard *shard, GError **error)
{
  if (serve_shard_parse (config->server.shard, g_get_host_name (), shard, error))
    return TRUE;
  g_prefix_error (error, "[server]: ");
  return FALSE;
}

gboolean
serve_config_check_name (const char *name, GError **error)
{
  gsize length = strlen (name);

  if (length > 0 && length <= LONGEST_NAME && name[0] != '.'
      && strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_.") == length)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "\"%s\" cannot be a name: expected 1 to %d of the letters a to z, digits, '-', '_' "
               "and '.', and no '.' at the beginning",
               name, LONGEST_NAME);
  return FALSE;
}

/* GKeyFile joins groups of one name; here the second is a mistake. */
static gboolean
check_duplicates (const char *text, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *group = g_strdup ("");

  for (guint i = 0; lines[i]; i++)
    {
      g_autofree char *line = g_strstrip (g_strdup (lines[i]));
      char *equals = strchr (line, '=');
      g_autofree char *entry = NULL;

      if (!*line || *line == '#')
        continue;
      if (*line == '[')
        {
          g_free (group);
          group = g_strdup (line);
          entry = g_strdup (line);
        }
      else if (equals)
        entry = g_strdup_printf ("%s %s", group,
                                 g_strchomp (g_strndup (line, (gsize) (equals - line))));
      if (entry && !g_hash_table_add (seen, g_strdup (entry)))
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "line %u: %s is there twice", i + 1,
                       entry);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
read_group (GKeyFile *file, const char *group, const ServeKey *keys, gpointer object,
            GError **error)
{
  g_auto (GStrv) names = g_key_file_get_keys (file, group, NULL, error);

  for (guint i = 0; names && names[i]; i++)
    {
      const ServeKey *key = serve_keys_find (keys, names[i]);
      g_autofree char *value = NULL, *list = NULL;

      if (!key)
        {
          list = serve_keys_list (keys);
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                       "unknown key \"%s\"; there are %s", names[i], list);
          return FALSE;
        }
      value = g_key_file_get_string (file, group, names[i], error);
      if (!value || !serve_keys_set (key, object, value, error))
        return FALSE;
    }
  return names != NULL;
}

/* "[stream gate]": its settings go to the table. */
static gboolean
read_named (ServeConfig *config, GKeyFile *file, const char *group, GError **error)
{
  static const struct
  {
    const char *prefix;
    const ServeKey *keys;
    gsize size, table;
  } kinds[] = {
    { "model ", serve_model_keys, sizeof (ServeModelConfig), AT (ServeConfig, models) },
    { "stream ", serve_stream_keys, sizeof (ServeStreamConfig), AT (ServeConfig, streams) },
    { "output ", serve_output_keys, sizeof (ServeOutputConfig), AT (ServeConfig, outputs) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *name = NULL;
      gpointer object;

      if (!g_str_has_prefix (group, kinds[i].prefix))
        continue;
      name = g_strstrip (g_strdup (group + strlen (kinds[i].prefix)));
      if (!serve_config_check_name (name, error))
        return FALSE;
      object = g_malloc0 (kinds[i].size);
      serve_keys_init (kinds[i].keys, object);
      g_hash_table_insert (G_STRUCT_MEMBER (GHashTable *, config, kinds[i].table), g_strdup (name),
                           object);
      return read_group (file, group, kinds[i].keys, object, error);
    }
  if (strcmp (group, "server") == 0)
    return read_group (file, group, serve_server_keys, &config->server, error);
  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "unknown group; there are [server], [model NAME], [stream NAME] and [output NAME]");
  return FALSE;
}

static char *
read_text (const char *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE,
                                                  G_FILE_QUERY_INFO_NONE, NULL, error);
  char *text = NULL;

  if (info && g_file_info_get_size (info) > LARGEST_FILE)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "it is larger than %d MiB",
                 LARGEST_FILE / 1024 / 1024);
  else if (info)
    g_file_get_contents (path, &text, NULL, error);
  return text;
}

static ServeConfig *
load (const char *path, const ServeOptions *options, GError **error)
{
  g_autoptr (ServeConfig) config = serve_config_new ();
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *text = read_text (path, error);
  g_auto (GStrv) groups = NULL;

  if (!text || !check_duplicates (text, error)
      || !g_key_file_load_from_data (file, text, strlen (text), G_KEY_FILE_NONE, error))
    return NULL;
  groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i]; i++)
    if (!read_named (config, file, groups[i], error))
      {
        g_prefix_error (error, "[%s]: ", groups[i]);
        return NULL;
      }
  serve_config_override (config, options);
  return serve_config_check (config, error) ? g_steal_pointer (&config) : NULL;
}

ServeConfig *
serve_config_load (const char *path, const ServeOptions *options, GError **error)
{
  ServeConfig *config = load (path, options, error);

  if (!config)
    g_prefix_error (error, "%s: ", path);
  return config;
}

/* As effvkclassify reads them; what it would refuse must not get there. */
static gboolean
check_region (const char *text, GError **error)
{
  g_auto (GStrv) halves = g_strsplit (text, "=", 2);
  g_auto (GStrv) numbers = halves[0] && halves[1] ? g_strsplit (halves[1], ",", -1) : NULL;
  guint n = numbers ? g_strv_length (numbers) : 0;
  gboolean good = n == 4 && *g_strstrip (halves[0]);

  for (guint i = 0; good && i < n; i++)
    {
      char *end, *number = g_strstrip (numbers[i]);
      double value = g_ascii_strtod (number, &end);
      gboolean pixels = strcmp (end, "px") == 0;

      good = end != number && (!*end || pixels) && isfinite (value) && value >= 0
             && (pixels || value <= 1) && (i < 2 || value > 0);
    }
  if (!good)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "regions: expected NAME=X,Y,WIDTH,HEIGHT in shares of the picture, or in pixels "
                 "with px, not \"%s\"",
                 text);
  return good;
}

static gboolean
check_regions (const char *text, GError **error)
{
  g_auto (GStrv) regions = g_strsplit (text ? text : "", ";", -1);

  for (guint i = 0; regions[i]; i++)
    if (*g_strstrip (regions[i]) && !check_region (regions[i], error))
      return FALSE;
  return TRUE;
}

gboolean
serve_stream_config_check (const ServeStreamConfig *config, GError **error)
{
  g_autofree char *uri = NULL;
  g_autoptr (GError) problem = NULL;

  if (!config->uri)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "expected a uri, and found none");
      return FALSE;
    }
  if (!check_regions (config->regions, error))
    return FALSE;
  if (strcmp (config->uri, SERVE_PUSH) == 0)
    return TRUE;
  uri = tool_media_make_uri (config->uri, &problem);
  /* A file may come later; what is no URI and no path never will. */
  if (!uri && !g_path_is_absolute (config->uri) && !g_str_has_prefix (config->uri, "file:"))
    {
      g_autofree char *shown = tool_file_shown (config->uri);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "uri: \"%s\" is neither a URI nor a file: %s", shown, problem->message);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_references (const ServeConfig *config, const ServeStreamConfig *stream, GError **error)
{
  const char *model = serve_stream_config_get_model (stream);
  g_auto (GStrv) outputs = g_strsplit (stream->outputs ? stream->outputs : "", ";", -1);

  if (!g_hash_table_contains (config->models, model))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "model: there is no [model %s]",
                   model);
      return FALSE;
    }
  for (guint i = 0; outputs[i]; i++)
    if (*g_strstrip (outputs[i]) && !g_hash_table_contains (config->outputs, outputs[i]))
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                     "outputs: there is no [output %s]", outputs[i]);
        return FALSE;
      }
  return TRUE;
}

gboolean
serve_config_check (const ServeConfig *config, GError **error)
{
  GHashTableIter iter;
  gpointer name, value;
  ServeShard shard;

  if (!serve_config_get_shard (config, &shard, error))
    return FALSE;
  g_hash_table_iter_init (&iter, config->streams);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (!serve_stream_config_check (value, error) || !check_references (config, value, error))
      {
        g_prefix_error (error, "[stream %s]: ", (char *) name);
        return FALSE;
      }
  g_hash_table_iter_init (&iter, config->outputs);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (!((ServeOutputConfig *) value)->uri == !((ServeOutputConfig *) value)->command)
      {
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                     "[output %s]: expected either uri or command", (char *) name);
        return FALSE;
      }
  return TRUE;
}

static void
write_stream (GKeyFile *file, const char *group, const ServeStreamConfig *stream)
{
  for (const ServeKey *key = serve_stream_keys; key->name; key++)
    {
      g_autofree char *value = serve_keys_get (key, stream);

      if (value)
        g_key_file_set_string (file, group, key->name, value);
      else
        g_key_file_remove_key (file, group, key->name, NULL);
    }
}

gboolean
serve_config_write_streams (const ServeConfig *config, const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) groups = NULL;
  g_autofree char *text = NULL;
  GHashTableIter iter;
  gpointer name, value;
  gsize length;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_KEEP_COMMENTS, error))
    return FALSE;
  groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i]; i++)
    if (g_str_has_prefix (groups[i], "stream ")
        && !g_hash_table_contains (config->streams, groups[i] + strlen ("stream ")))
      g_key_file_remove_group (file, groups[i], NULL);
  g_hash_table_iter_init (&iter, config->streams);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      g_autofree char *group = g_strconcat ("stream ", (char *) name, NULL);

      write_stream (file, group, value);
    }
  text = g_key_file_to_data (file, &length, NULL);
  return g_file_set_contents_full (path, text, (gssize) length,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0600, error);
}
