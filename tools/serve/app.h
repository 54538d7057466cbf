/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "serve/events.h"
#include "serve/output.h"
#include "serve/stream.h"

/* The service as a whole: what it was told, and the streams that follow from it. For the main
 * thread. */
typedef struct _ServeApp ServeApp;

struct _ServeApp
{
  ServeConfig *config;
  char *path; /* the file it came from, or NULL */
  const ServeOptions *options;
  ServeShard shard;    /* which of the config's streams are served here */
  GHashTable *streams; /* name → ServeStream */
  ServeStore *store;
  ServeEvents *events;
  GHashTable *outputs; /* name → ServeOutput */

  /* Who listens to what happens, or NULL: an event (@what as in events.h), and a stream's state. */
  void (*on_event) (const ServeEvent *event, const char *what, gpointer user_data);
  void (*on_stream) (ServeStream *stream, gpointer user_data);
  gpointer listener;

  GHashTable *changed;   /* names of streams that the API changed and the file does not know */
  guint generation;      /* of the networks: a model that changes is a new one */
  GHashTable *instances; /* model's name → what its streams share a network by */
  guint64 reloads, failed_reloads;
  gint64 file_time, file_size, file_inode; /* when it was read */
  gint64 started;                          /* us since 1970 */
  guint tick;
};

/* Takes @config, which was checked, and starts its streams. @path: (nullable). @options: what
 * @config was overridden with, and what the file will be; it has to outlive the app. NULL with
 * @error: the store or an output cannot be used. */
ServeApp *serve_app_new (ServeConfig *config, const char *path, const ServeOptions *options,
                         GError **error);
void serve_app_free (ServeApp *app);

/* Streams and outputs end; pipelines do so by themselves. */
void serve_app_stop (ServeApp *app);

/* Reads the file again. What does not differ goes on; a file with a mistake changes nothing. */
void serve_app_reload (ServeApp *app);

/* Adds a stream, or changes it. It has to be of this shard. Takes @config. */
gboolean serve_app_set_stream (ServeApp *app, const char *name, ServeStreamConfig *config,
                               GError **error);
gboolean serve_app_remove_stream (ServeApp *app, const char *name, GError **error);

/* Streams by name. (element-type ServeStream), not owned; free with g_ptr_array_unref(). */
GPtrArray *serve_app_list_streams (ServeApp *app);

/* A line about the service or one of its streams (@stream: nullable) to the standard output. */
void serve_log (const char *stream, const char *format, ...) G_GNUC_PRINTF (2, 3);
