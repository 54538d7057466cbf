/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "serve/server.h"
#include "stop.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define LONGEST_END (10 * G_USEC_PER_SEC)

static const ServeRoute *const routes[]
    = { serve_stream_routes, serve_event_routes, serve_picture_routes,
        serve_health_routes, serve_page_routes,  NULL };

typedef struct
{
  ToolTarget target;
  char *listen, *token;
} Options;

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

static void
set_text (char **to, const char *value)
{
  if (!value)
    return;
  g_free (*to);
  *to = g_strdup (value);
}

/* What the options say goes before what the file says. */
static void
apply_options (ServeConfig *config, const Options *options)
{
  ServeModelConfig *model = g_hash_table_lookup (config->models, SERVE_DEFAULT_MODEL);

  set_text (&config->server.listen, options->listen);
  set_text (&config->server.token, options->token);
  set_text (&model->file, options->target.model);
  set_text (&model->labels, options->target.labels);
  set_text (&model->overrides, options->target.overrides);
  set_text (&model->device, options->target.device);
  set_text (&model->precision, options->target.precision);
}

static gboolean
is_config (char **arguments)
{
  return arguments[0] && !arguments[1]
         && (g_str_has_suffix (arguments[0], ".conf") || g_str_has_suffix (arguments[0], ".ini"));
}

static ServeConfig *
make_config (char **arguments, GError **error)
{
  g_autoptr (ServeConfig) config = NULL;

  if (is_config (arguments))
    return serve_config_load (arguments[0], error);
  config = serve_config_new ();
  for (guint i = 0; arguments[i]; i++)
    if (!add_stream (config, arguments[i], i + 1, error))
      return NULL;
  return g_steal_pointer (&config);
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
on_stop (GCancellable *cancellable G_GNUC_UNUSED, gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

static void
run_loop (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GSource) source = g_cancellable_source_new (tool_stop_cancellable ());

  g_source_set_callback (source, G_SOURCE_FUNC (on_stop), loop, NULL);
  g_source_attach (source, NULL);
  g_main_loop_run (loop);
}

/* Pipelines end in threads of their own; one that hangs is not waited for for ever. */
static void
wait_for_pipelines (void)
{
  gint64 deadline = g_get_monotonic_time () + LONGEST_END;

  while (serve_pipeline_count () > 0 && g_get_monotonic_time () < deadline)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (G_USEC_PER_SEC / 100);
}

static gboolean
serve (const Options *options, char **arguments, GError **error)
{
  g_autoptr (ServeConfig) config = make_config (arguments, error);
  g_autoptr (ServeServer) server = NULL;
  ServeApp *app;
  guint hang_up;

  if (!config || !gst_init_check (NULL, NULL, error))
    return FALSE;
  apply_options (config, options);
  raise_limit ();
  signal (SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, and no end */
  app = serve_app_new (g_steal_pointer (&config), is_config (arguments) ? arguments[0] : NULL,
                       error);
  if (!app)
    return FALSE;
  server = serve_server_new (app, routes, error);
  if (server)
    {
      app->on_event = serve_api_tell_event;
      app->on_stream = serve_api_tell_stream;
      hang_up = g_unix_signal_add (SIGHUP, on_hang_up, app);
      serve_log (NULL, "listening at %s", serve_server_get_url (server));
      run_loop ();
      g_source_remove (hang_up);
    }
  g_clear_pointer (&server, serve_server_free);
  serve_app_stop (app);
  wait_for_pipelines ();
  serve_app_free (app);
  return !*error;
}

ToolStatus
tool_serve (char ***argv)
{
  Options options = { 0 };
  const GOptionEntry entries[]
      = { TOOL_MODEL_ENTRY (&options.target),
          TOOL_OVERRIDES_ENTRY (&options.target),
          TOOL_LABELS_ENTRY (&options.target),
          TOOL_DEVICE_ENTRY (&options.target),
          TOOL_PRECISION_ENTRY (&options.target),
          { "listen", 0, 0, G_OPTION_ARG_STRING, &options.listen,
            "Where to listen (default: 127.0.0.1:8570)", "ADDRESS:PORT" },
          { "token", 0, 0, G_OPTION_ARG_STRING, &options.token,
            "A file with the token that clients need, or env:NAME", "FILE" },
          G_OPTION_ENTRY_NULL };
  g_autoptr (GError) error = NULL;
  ToolStatus status = TOOL_USAGE;

  tool_stop_watch ();
  if (tool_parse ("serve", "[CONFIG.conf | [NAME=]URI…]",
                  "Watches many streams at once. Clients ask over HTTP what each one shows.",
                  "A file whose name ends in .conf or .ini names the streams. Other arguments are\n"
                  "streams. See 'man effvk' for the file and the API.",
                  entries, argv))
    status = serve (&options, *argv + 1, &error) ? TOOL_OK : tool_fail (error);
  tool_target_clear (&options.target);
  g_free (options.listen);
  g_free (options.token);
  return status;
}
