/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/app.h"

#include "common.h"
#include "terminal.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define TICK 200 /* ms */
#define LOOKS 5  /* ticks between two looks at the file */

void
serve_log (const char *stream, const char *format, ...)
{
  g_autofree char *text = NULL, *clean = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  clean = tool_terminal_clean (text);
  printf ("%s%s%s\n", stream ? stream : "", stream ? ": " : "", clean);
  fflush (stdout);
}

static void
on_result (ServeStream *stream G_GNUC_UNUSED, const ServeChannel *channel G_GNUC_UNUSED,
           gpointer data G_GNUC_UNUSED)
{
}

static void
on_state (ServeStream *stream, gpointer data G_GNUC_UNUSED)
{
  const char *reason = serve_stream_get_reason (stream);

  serve_log (serve_stream_get_name (stream), "%s%s%s",
             serve_state_names[serve_stream_get_state (stream)], reason ? ": " : "",
             reason ? reason : "");
}

static const ServeStreamEvents events = { on_result, on_state };

/* Streams of one model share a network by this. */
static const char *
get_instance (ServeApp *app, const char *model)
{
  char *instance = g_hash_table_lookup (app->instances, model);

  if (!instance)
    {
      instance = g_strdup_printf ("serve-%s-%u", model, ++app->generation);
      g_hash_table_insert (app->instances, g_strdup (model), instance);
    }
  return instance;
}

static void
start_stream (ServeApp *app, const char *name, const ServeStreamConfig *config)
{
  const char *model = serve_stream_config_get_model (config);

  g_hash_table_insert (app->streams, g_strdup (name),
                       serve_stream_new (name, config,
                                         g_hash_table_lookup (app->config->models, model),
                                         get_instance (app, model), &events, app));
}

static void
start_or_change (ServeApp *app, const char *name, const ServeStreamConfig *config)
{
  ServeStream *stream = g_hash_table_lookup (app->streams, name);

  if (stream
      && strcmp (serve_stream_config_get_model (serve_stream_get_config (stream)),
                 serve_stream_config_get_model (config))
             == 0)
    serve_stream_set_config (stream, config);
  else
    start_stream (app, name, config);
}

static void
remember_file (ServeApp *app)
{
  GStatBuf info;

  if (!app->path || g_stat (app->path, &info) != 0)
    return;
  app->file_time = info.st_mtim.tv_sec * G_USEC_PER_SEC + info.st_mtim.tv_nsec / 1000;
  app->file_size = info.st_size;
  app->file_inode = (gint64) info.st_ino;
}

/* A file may be a link to another one each time, as in Kubernetes: to look is surer than to be
 * told. */
static gboolean
is_file_changed (ServeApp *app)
{
  gint64 time = app->file_time, size = app->file_size, inode = app->file_inode;

  remember_file (app);
  return time != app->file_time || size != app->file_size || inode != app->file_inode;
}

static gboolean
on_tick (gpointer data)
{
  ServeApp *app = data;
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, app->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    serve_stream_tick (stream);
  if (app->tick++ % LOOKS == 0 && app->path && is_file_changed (app))
    serve_app_reload (app);
  return G_SOURCE_CONTINUE;
}

ServeApp *
serve_app_new (ServeConfig *config, const char *path)
{
  ServeApp *app = g_new0 (ServeApp, 1);
  GHashTableIter iter;
  gpointer name, stream;

  app->config = config;
  app->path = g_strdup (path);
  app->started = g_get_real_time ();
  app->streams
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) serve_stream_free);
  app->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  app->instances = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  remember_file (app);
  g_hash_table_iter_init (&iter, config->streams);
  while (g_hash_table_iter_next (&iter, &name, &stream))
    start_stream (app, name, stream);
  g_timeout_add (TICK, on_tick, app);
  return app;
}

void
serve_app_free (ServeApp *app)
{
  g_source_remove_by_user_data (app);
  g_hash_table_unref (app->streams);
  g_hash_table_unref (app->changed);
  g_hash_table_unref (app->instances);
  serve_config_free (app->config);
  g_free (app->path);
  g_free (app);
}

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

static gboolean
is_gone (gpointer name, gpointer stream G_GNUC_UNUSED, gpointer config)
{
  return !g_hash_table_contains (((ServeConfig *) config)->streams, name);
}

static void
apply (ServeApp *app, ServeConfig *config)
{
  GHashTableIter iter;
  gpointer name, stream;

  if (serve_keys_differ (serve_server_keys, &app->config->server, &config->server, FALSE))
    serve_log (NULL, "[server] has changed: that counts after a restart");
  forget_models (app, config);
  g_hash_table_foreach_remove (app->streams, is_gone, config);
  serve_config_free (app->config);
  app->config = config;
  g_hash_table_iter_init (&iter, config->streams);
  while (g_hash_table_iter_next (&iter, &name, &stream))
    start_or_change (app, name, stream);
}

void
serve_app_reload (ServeApp *app)
{
  g_autoptr (ServeConfig) config = NULL;
  g_autoptr (GError) error = NULL;

  if (!app->path)
    return;
  remember_file (app);
  config = serve_config_load (app->path, &error);
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
  remember_file (app);
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
  start_or_change (app, name, config);
  return TRUE;
}

gboolean
serve_app_remove_stream (ServeApp *app, const char *name, GError **error)
{
  ServeStreamConfig *old = copy_stream (app, name);

  g_hash_table_remove (app->config->streams, name);
  if (!keep (app, name, error))
    {
      restore (app, name, old);
      return FALSE;
    }
  g_clear_pointer (&old, serve_stream_config_free);
  g_hash_table_remove (app->streams, name);
  return TRUE;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (serve_stream_get_name (*(ServeStream *const *) a),
                 serve_stream_get_name (*(ServeStream *const *) b));
}

GPtrArray *
serve_app_list_streams (ServeApp *app)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, app->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    g_ptr_array_add (list, stream);
  g_ptr_array_sort (list, compare);
  return list;
}
