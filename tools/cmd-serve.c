/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "serve/server.h"
#include "stop.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static const ServeRoute *const routes[] = { serve_stream_routes,
                                            serve_event_routes,
                                            serve_picture_routes,
                                            serve_health_routes,
                                            serve_page_routes,
                                            serve_example_routes,
                                            NULL };

/* "NAME=URI", or a URI or file by itself. */
static gboolean
add_stream (ServeConfig *config, const char *argument, guint number, GError **error)
{
  g_autoptr (ServeStreamConfig) stream = serve_stream_config_new ();
  const char *equals = strchr (argument, '=');
  g_autofree char *name = equals ? g_strndup (argument, (gsize) (equals - argument)) : NULL;

  if (!name || !serve_config_check_name (name, NULL))
    {
      g_free (name);
      name = g_strdup_printf ("stream-%u", number);
      equals = NULL;
    }
  if (g_hash_table_contains (config->streams, name))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "two streams are called \"%s\"", name);
      return FALSE;
    }
  stream->uri = g_strdup (equals ? equals + 1 : argument);
  if (!serve_stream_config_check (stream, error))
    {
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  g_hash_table_insert (config->streams, g_steal_pointer (&name), g_steal_pointer (&stream));
  return TRUE;
}

static gboolean
is_config (char **arguments)
{
  return arguments[0] && !arguments[1]
         && (g_str_has_suffix (arguments[0], ".conf") || g_str_has_suffix (arguments[0], ".ini"));
}

static ServeConfig *
make_config (const ServeOptions *options, char **arguments, GError **error)
{
  g_autoptr (ServeConfig) config = NULL;

  if (is_config (arguments))
    return serve_config_load (arguments[0], options, error);
  config = serve_config_new ();
  serve_config_override (config, options);
  for (guint i = 0; arguments[i]; i++)
    if (!add_stream (config, arguments[i], i + 1, error))
      return NULL;
  return serve_config_check (config, error) ? g_steal_pointer (&config) : NULL;
}

/* A stream takes a few descriptors, and so does a client. */
static void
raise_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

static gboolean
on_hang_up (gpointer app)
{
  serve_app_reload (app);
  return G_SOURCE_CONTINUE;
}

static gboolean
serve (const ServeOptions *options, char **arguments, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ServeConfig) config = make_config (options, arguments, error);
  g_autoptr (ServeServer) server = NULL;
  ServeApp *app;
  guint hang_up;

  if (!config || !gst_init_check (NULL, NULL, error))
    return FALSE;
  raise_limit ();
  signal (SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, and no end */
  app = serve_app_new (g_steal_pointer (&config), is_config (arguments) ? arguments[0] : NULL,
                       options, error);
  if (!app)
    return FALSE;
  server = serve_server_new (app, routes, error);
  if (server)
    {
      app->on_event = serve_api_tell_event;
      app->on_stream = serve_api_tell_stream;
      hang_up = g_unix_signal_add (SIGHUP, on_hang_up, app);
      serve_log (NULL, "listening at %s", serve_server_get_url (server));
      tool_stop_run (loop);
      g_source_remove (hang_up);
    }
  g_clear_pointer (&server, serve_server_free);
  serve_app_stop (app);
  serve_pipeline_wait ();
  serve_app_free (app);
  return !*error;
}

ToolStatus
tool_serve (char ***argv)
{
  ToolTarget target = { 0 };
  ServeOptions options = { 0 };
  const GOptionEntry entries[]
      = { TOOL_MODEL_ENTRY (&target),
          TOOL_OVERRIDES_ENTRY (&target),
          TOOL_LABELS_ENTRY (&target),
          TOOL_DEVICE_ENTRY (&target),
          TOOL_PRECISION_ENTRY (&target),
          { "listen", 0, 0, G_OPTION_ARG_STRING, &options.server.listen,
            "Where to listen (default: 127.0.0.1:8570)", "ADDRESS:PORT" },
          { "token", 0, 0, G_OPTION_ARG_STRING, &options.server.token,
            "A file with the token that clients need, or env:NAME", "FILE" },
          { "shard", 0, 0, G_OPTION_ARG_STRING, &options.server.shard,
            "Serve part I of N of the streams, from 0; auto/N: I ends the host's name", "I/N" },
          G_OPTION_ENTRY_NULL };
  g_autoptr (GError) error = NULL;
  ToolStatus status = TOOL_USAGE;

  tool_stop_watch ();
  if (tool_parse ("serve", "[CONFIG.conf | [NAME=]URI…]",
                  "Watches many streams at once. Clients ask over HTTP what each one shows.",
                  "A file whose name ends in .conf or .ini names the streams. Other arguments are\n"
                  "streams. See 'man effvk' for the file and the API.",
                  entries, argv))
    {
      options.model.file = g_strdup (target.model);
      options.model.labels = g_strdup (target.labels);
      options.model.overrides = g_strdup (target.overrides);
      options.model.device = g_strdup (target.device);
      options.model.precision = g_strdup (target.precision);
      status = serve (&options, *argv + 1, &error) ? TOOL_OK : tool_fail (error);
    }
  tool_target_clear (&target);
  serve_options_clear (&options);
  return status;
}
