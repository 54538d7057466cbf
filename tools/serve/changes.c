/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the file says anew, and what the API changes. */
#include "common.h"
#include "serve/app-private.h"

#include <string.h>

/* What the API did and the file does not know stays. */
static void
keep_changes (ServeApp *app, ServeConfig *config)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, app->changed);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      const ServeStreamConfig *stream = g_hash_table_lookup (app->config->streams, name);

      if (stream)
        g_hash_table_insert (config->streams, g_strdup (name), serve_stream_config_copy (stream));
      else
        g_hash_table_remove (config->streams, name);
    }
}

/* A model that is another one now gets a network of its own, and its streams start anew. */
static void
forget_models (ServeApp *app, const ServeConfig *config)
{
  GHashTableIter models, streams;
  gpointer name, old, stream;

  g_hash_table_iter_init (&models, app->config->models);
  while (g_hash_table_iter_next (&models, &name, &old))
    {
      const ServeModelConfig *model = g_hash_table_lookup (config->models, name);

      if (model && !serve_keys_differ (serve_model_keys, old, model, FALSE))
        continue;
      g_hash_table_remove (app->instances, name);
      g_hash_table_iter_init (&streams, app->streams);
      while (g_hash_table_iter_next (&streams, NULL, &stream))
        if (strcmp (serve_stream_config_get_model (serve_stream_get_config (stream)), name) == 0)
          g_hash_table_iter_remove (&streams);
    }
}

static void
end_streams (ServeApp *app, const ServeConfig *config)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, app->streams);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!serve_app_serves (app, config, name))
      g_hash_table_iter_remove (&iter);
}

static gboolean
is_no_output (gpointer name, gpointer output G_GNUC_UNUSED, gpointer config)
{
  return !g_hash_table_contains (((ServeConfig *) config)->outputs, name);
}

static void
apply (ServeApp *app, ServeConfig *config)
{
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer name, stream;

  if (serve_keys_differ (serve_server_keys, &app->config->server, &config->server, FALSE))
    serve_log (NULL, "[server] has changed: that counts after a restart");
  if (!serve_app_start_outputs (app, config, &error))
    tool_error ("%s", error->message);
  g_hash_table_foreach_remove (app->outputs, is_no_output, config);
  forget_models (app, config);
  serve_config_get_shard (config, &app->shard, NULL); /* it was checked */
  serve_app_end_events (app, config);
  end_streams (app, config);
  serve_config_free (app->config);
  app->config = config;
  g_hash_table_iter_init (&iter, config->streams);
  while (g_hash_table_iter_next (&iter, &name, &stream))
    if (serve_app_serves (app, config, name))
      serve_app_start_stream (app, name, stream);
}

void
serve_app_reload (ServeApp *app)
{
  g_autoptr (ServeConfig) config = NULL;
  g_autoptr (GError) error = NULL;

  if (!app->path)
    return;
  serve_app_remember_file (app);
  config = serve_config_load (app->path, app->options, &error);
  if (config)
    {
      keep_changes (app, config);
      serve_config_check (config, &error);
    }
  if (error)
    {
      app->failed_reloads++;
      tool_error ("%s; what was there before goes on", error->message);
      return;
    }
  app->reloads++;
  apply (app, g_steal_pointer (&config));
}

/* Keeps a change that the API made, in the file or apart from it. */
static gboolean
keep (ServeApp *app, const char *name, GError **error)
{
  if (!app->path || !app->config->server.write_back)
    {
      g_hash_table_add (app->changed, g_strdup (name));
      return TRUE;
    }
  if (!serve_config_write_streams (app->config, app->path, error))
    {
      g_prefix_error (error, "%s cannot be written: ", app->path);
      return FALSE;
    }
  serve_app_remember_file (app);
  return TRUE;
}

/* Puts back what was there under @name. */
static void
restore (ServeApp *app, const char *name, ServeStreamConfig *old)
{
  if (old)
    g_hash_table_insert (app->config->streams, g_strdup (name), old);
  else
    g_hash_table_remove (app->config->streams, name);
}

static ServeStreamConfig *
copy_stream (ServeApp *app, const char *name)
{
  const ServeStreamConfig *old = g_hash_table_lookup (app->config->streams, name);

  return old ? serve_stream_config_copy (old) : NULL;
}

gboolean
serve_app_set_stream (ServeApp *app, const char *name, ServeStreamConfig *config, GError **error)
{
  ServeStreamConfig *old = copy_stream (app, name);

  g_hash_table_insert (app->config->streams, g_strdup (name), config);
  if (!serve_config_check (app->config, error) || !keep (app, name, error))
    {
      restore (app, name, old);
      return FALSE;
    }
  g_clear_pointer (&old, serve_stream_config_free);
  serve_app_start_stream (app, name, config);
  return TRUE;
}

gboolean
serve_app_remove_stream (ServeApp *app, const char *name, GError **error)
{
  ServeStreamConfig *old = copy_stream (app, name);
  g_auto (GStrv) outputs = NULL;

  g_hash_table_remove (app->config->streams, name);
  if (!keep (app, name, error))
    {
      restore (app, name, old);
      return FALSE;
    }
  outputs = old ? serve_app_get_outputs (old) : NULL;
  serve_events_forget (app->events, name, (const char *const *) outputs);
  g_clear_pointer (&old, serve_stream_config_free);
  g_hash_table_remove (app->streams, name);
  return TRUE;
}
