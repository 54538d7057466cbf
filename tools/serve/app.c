/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/app-private.h"

#include "common.h"
#include "serve/keeper.h"
#include "serve/snapshot.h"
#include "terminal.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define TICK 200          /* ms */
#define LOOKS 5           /* ticks between two looks at the file */
#define PRUNES 300        /* ticks between two times that old events are forgotten */
#define PICTURE_PAUSE 200 /* ms between two tries to take a picture */
#define PICTURE_TRIES 50
#define SNAPSHOT_WIDTH 640
#define NO_SIGNAL "no-signal"
#define SILENCE 3 /* s, or results: after that a region has no label */

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

/* Which labels are alarms where nobody says so: with effvk's own model all but a good picture. */
static const char *
get_alarms (ServeApp *app, const ServeStreamConfig *config)
{
  const ServeModelConfig *model
      = g_hash_table_lookup (app->config->models, serve_stream_config_get_model (config));
  gboolean own
      = strcmp (config->uri, SERVE_PUSH) != 0 && model && !model->file && !g_getenv ("EFFVK_MODEL");

  if (config->alarms)
    return config->alarms;
  return own ? "*;!picture" : NO_SIGNAL;
}

static ServeEventRules
get_rules (ServeApp *app, const ServeStreamConfig *config)
{
  return (ServeEventRules){ get_alarms (app, config), config->detect, config->recover };
}

char **
serve_app_get_outputs (const ServeStreamConfig *config)
{
  char **outputs = config->outputs ? g_strsplit (config->outputs, ";", -1) : NULL;

  for (guint i = 0; outputs && outputs[i]; i++)
    g_strstrip (outputs[i]);
  return outputs;
}

static void
see (ServeApp *app, ServeStream *stream, const char *region, const char *label, double score)
{
  const ServeStreamConfig *config = serve_stream_get_config (stream);
  const ServeEventRules rules = get_rules (app, config);
  g_auto (GStrv) outputs = serve_app_get_outputs (config);

  serve_events_see (app->events, serve_stream_get_name (stream), region, label, score, &rules,
                    (const char *const *) outputs, g_get_real_time ());
}

static void
on_result (ServeStream *stream, const ServeChannel *channel, gpointer app)
{
  see (app, stream, channel->region, channel->label, channel->score);
}

/* A picture that is made for an event. */
typedef struct
{
  ServeApp *app;
  gint64 id;
  char *stream;
  guint tries;
} Picture;

static void
picture_free (Picture *picture)
{
  g_free (picture->stream);
  g_free (picture);
}

static void
on_picture (GBytes *jpeg, const GError *error G_GNUC_UNUSED, gpointer data)
{
  Picture *picture = data;

  if (jpeg)
    serve_store_put_snapshot (picture->app->store, picture->id, jpeg);
  picture_free (picture);
}

/* A stream's first result comes before its first frame is shown: the frame is awaited. */
static gboolean
try_picture (gpointer data)
{
  Picture *picture = data;
  ServeStream *stream = g_hash_table_lookup (picture->app->streams, picture->stream);
  GstSample *sample = stream ? serve_stream_get_sample (stream) : NULL;

  if (!sample && stream && ++picture->tries < PICTURE_TRIES)
    return G_SOURCE_CONTINUE;
  if (!sample || !serve_snapshot_make (sample, SNAPSHOT_WIDTH, FALSE, on_picture, picture))
    picture_free (picture);
  return G_SOURCE_REMOVE;
}

/* The picture that the event began with, or one soon after. */
static void
take_picture (ServeApp *app, const ServeEvent *event)
{
  Picture *picture = g_new0 (Picture, 1);

  picture->app = app;
  picture->id = event->id;
  picture->stream = g_strdup (event->stream);
  if (try_picture (picture))
    g_timeout_add (PICTURE_PAUSE, try_picture, picture);
}

static void
on_event (const ServeEvent *event, const char *what, gpointer data)
{
  ServeApp *app = data;
  GHashTableIter iter;
  gpointer output;

  if (strcmp (what, "raised") == 0)
    take_picture (app, event);
  if (event->alarm && strcmp (what, "acknowledged") != 0)
    serve_log (event->stream, "%s%s%s %s", event->region ? event->region : "",
               event->region ? ": " : "", event->label, what);
  g_hash_table_iter_init (&iter, app->outputs);
  while (g_hash_table_iter_next (&iter, NULL, &output))
    serve_output_wake (output);
  if (app->on_event)
    app->on_event (event, what, app->listener);
}

static void
on_state (ServeStream *stream, gpointer data)
{
  const char *reason = serve_stream_get_reason (stream);
  ServeApp *app = data;

  serve_log (serve_stream_get_name (stream), "%s%s%s",
             serve_state_names[serve_stream_get_state (stream)], reason ? ": " : "",
             reason ? reason : "");
  if (app->on_stream)
    app->on_stream (stream, app->listener);
}

static const ServeStreamEvents events = { on_result, on_state, NULL };

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
make_stream (ServeApp *app, const char *name, const ServeStreamConfig *config)
{
  const char *model = serve_stream_config_get_model (config);

  g_hash_table_insert (app->streams, g_strdup (name),
                       serve_stream_new (name, config,
                                         g_hash_table_lookup (app->config->models, model),
                                         get_instance (app, model), &events, app));
}

void
serve_app_start_stream (ServeApp *app, const char *name, const ServeStreamConfig *config)
{
  ServeStream *stream = g_hash_table_lookup (app->streams, name);

  if (stream
      && strcmp (serve_stream_config_get_model (serve_stream_get_config (stream)),
                 serve_stream_config_get_model (config))
             == 0)
    serve_stream_set_config (stream, config);
  else
    make_stream (app, name, config);
}

void
serve_app_remember_file (ServeApp *app)
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

  serve_app_remember_file (app);
  return time != app->file_time || size != app->file_size || inode != app->file_inode;
}

/* What no result tells: that there is no signal, and that a region is seen no more. */
static void
tick_stream (ServeApp *app, ServeStream *stream)
{
  const ServeStreamConfig *config = serve_stream_get_config (stream);
  const ServeEventRules rules = get_rules (app, config);
  g_auto (GStrv) outputs = serve_app_get_outputs (config);
  ServeState state;

  serve_stream_tick (stream);
  state = serve_stream_get_state (stream);
  if (state != SERVE_PLAYING && state != SERVE_CONNECTING)
    see (app, stream, NULL, NO_SIGNAL, 1);
  serve_events_tick (app->events, serve_stream_get_name (stream),
                     (gint64) (MAX (SILENCE, SILENCE / config->rate) * G_USEC_PER_SEC), &rules,
                     (const char *const *) outputs, g_get_real_time ());
}

/* Networks of models that no stream has any more. */
static void
forget_networks (ServeApp *app)
{
  g_autoptr (GHashTable) instances = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, app->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    g_hash_table_add (instances, (gpointer) serve_stream_get_instance (stream));
  serve_keeper_forget (instances);
}

static gboolean
on_tick (gpointer data)
{
  ServeApp *app = data;
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, app->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    tick_stream (app, stream);
  if (app->tick % PRUNES == 0)
    serve_store_prune (app->store);
  if (app->tick++ % LOOKS == 0)
    {
      forget_networks (app);
      if (app->path && is_file_changed (app))
        serve_app_reload (app);
    }
  return G_SOURCE_CONTINUE;
}

gboolean
serve_app_start_outputs (ServeApp *app, const ServeConfig *config, GError **error)
{
  GHashTableIter iter;
  gpointer name, output;

  g_hash_table_iter_init (&iter, config->outputs);
  while (g_hash_table_iter_next (&iter, &name, &output))
    {
      const ServeOutputConfig *old = g_hash_table_lookup (app->config->outputs, name);
      ServeOutput *made;

      if (g_hash_table_contains (app->outputs, name) && old
          && !serve_keys_differ (serve_output_keys, old, output, FALSE))
        continue;
      g_hash_table_remove (app->outputs, name);
      made = serve_output_new (name, output, app->store, error);
      if (!made)
        return FALSE;
      g_hash_table_insert (app->outputs, g_strdup (name), made);
    }
  return TRUE;
}

gboolean
serve_app_serves (ServeApp *app, const ServeConfig *config, const char *name)
{
  return g_hash_table_contains (config->streams, name) && serve_shard_has (&app->shard, name);
}

static void
end_stream_events (ServeApp *app, const char *name)
{
  const ServeStreamConfig *stream = g_hash_table_lookup (app->config->streams, name);
  g_auto (GStrv) outputs = stream ? serve_app_get_outputs (stream) : NULL;

  serve_events_forget (app->events, name, (const char *const *) outputs);
}

void
serve_app_end_events (ServeApp *app, const ServeConfig *config)
{
  g_autoptr (GPtrArray) names = serve_events_list_streams (app->events);

  for (guint i = 0; i < names->len; i++)
    if (!serve_app_serves (app, config, g_ptr_array_index (names, i)))
      end_stream_events (app, g_ptr_array_index (names, i));
}

static gboolean
open_store (ServeApp *app, GError **error)
{
  const ServeServerConfig *server = &app->config->server;
  const char *directory
      = server->state_directory ? server->state_directory : g_getenv ("STATE_DIRECTORY");

  if (directory && g_mkdir_with_parents (directory, 0700) != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "state-directory: %s: %s", directory,
                   g_strerror (errno));
      return FALSE;
    }
  app->store = serve_store_new (directory, server->keep_days, server->keep_megabytes, error);
  return app->store != NULL;
}

ServeApp *
serve_app_new (ServeConfig *config, const char *path, const ServeOptions *options, GError **error)
{
  ServeApp *app = g_new0 (ServeApp, 1);
  GHashTableIter iter;
  gpointer name, stream;

  app->config = config;
  app->path = g_strdup (path);
  app->options = options;
  serve_config_get_shard (config, &app->shard, NULL); /* it was checked */
  app->started = g_get_real_time ();
  app->streams
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) serve_stream_free);
  app->changed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  app->instances = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  app->outputs
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) serve_output_free);
  serve_app_remember_file (app);
  if (!open_store (app, error) || !serve_app_start_outputs (app, config, error))
    {
      serve_app_free (app);
      return NULL;
    }
  app->events = serve_events_new (app->store, on_event, app);
  serve_app_end_events (app, config); /* of streams that were removed while nobody watched */
  g_hash_table_iter_init (&iter, config->streams);
  while (g_hash_table_iter_next (&iter, &name, &stream))
    if (serve_app_serves (app, config, name))
      make_stream (app, name, stream);
  g_timeout_add (TICK, on_tick, app);
  return app;
}

void
serve_app_stop (ServeApp *app)
{
  g_source_remove_by_user_data (app);
  app->on_event = NULL;
  app->on_stream = NULL;
  g_hash_table_remove_all (app->streams);
  g_hash_table_remove_all (app->outputs);
  forget_networks (app);
}

void
serve_app_free (ServeApp *app)
{
  serve_app_stop (app);
  g_hash_table_unref (app->streams);
  g_hash_table_unref (app->outputs);
  g_hash_table_unref (app->changed);
  g_hash_table_unref (app->instances);
  g_clear_pointer (&app->events, serve_events_free);
  g_clear_pointer (&app->store, serve_store_free);
  serve_config_free (app->config);
  g_free (app->path);
  g_free (app);
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
