/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/command.h"

#include "stop.h"

/* Runs a program for one event, for no longer than a target may take. */
typedef struct
{
  GMainContext *context;
  GSubprocess *process;
  gboolean done, late;
  GError *error;
} Run;

static void
on_done (GObject *process, GAsyncResult *result, gpointer data)
{
  Run *run = data;

  g_subprocess_communicate_finish (G_SUBPROCESS (process), result, NULL, NULL, &run->error);
  run->done = TRUE;
}

static gboolean
on_late (gpointer data)
{
  Run *run = data;

  run->late = TRUE;
  g_subprocess_force_exit (run->process);
  return G_SOURCE_REMOVE;
}

static void
wait_for (Run *run, GBytes *input, GCancellable *cancellable)
{
  g_autoptr (GSource) timer = g_timeout_source_new (GST_EFFVK_TARGET_TIMEOUT / 1000);

  g_source_set_callback (timer, on_late, run, NULL);
  g_source_attach (timer, run->context);
  g_subprocess_communicate_async (run->process, input, cancellable, on_done, run);
  while (!run->done)
    g_main_context_iteration (run->context, TRUE);
  g_source_destroy (timer);
  if (run->error)
    tool_stop_child (run->process);
}

static gboolean
judge (Run *run, const char *name, GError **error)
{
  if (run->late)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s did not end within %d s", name,
                 (int) (GST_EFFVK_TARGET_TIMEOUT / G_USEC_PER_SEC));
  else if (run->error && !g_error_matches (run->error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
    g_propagate_error (error, g_steal_pointer (&run->error));
  else if (!g_subprocess_get_if_exited (run->process)
           || g_subprocess_get_exit_status (run->process) != 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s ended with status %d", name,
                 g_subprocess_get_if_exited (run->process)
                     ? g_subprocess_get_exit_status (run->process)
                     : -1);
  else
    return TRUE;
  return FALSE;
}

static gboolean
run_once (char **argv, const GstEffvkParcel *parcel, GCancellable *cancellable, GError **error)
{
  g_autofree char *line = g_strdup_printf ("%s\n", parcel->text);
  g_autoptr (GBytes) input = g_bytes_new (line, parcel->length + 1);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE);
  Run run = { .context = g_main_context_new () };
  gboolean good = FALSE;

  g_main_context_push_thread_default (run.context);
  run.process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv, error);
  if (run.process)
    {
      wait_for (&run, input, cancellable);
      good = judge (&run, argv[0], error);
    }
  g_clear_error (&run.error);
  g_clear_object (&run.process);
  g_main_context_pop_thread_default (run.context);
  g_main_context_unref (run.context);
  return good;
}

static gpointer
open_command (const GstEffvkAddress *address, GCancellable *cancellable, GError **error)
{
  char **argv = NULL;

  g_shell_parse_argv (address->path, NULL, &argv, error);
  return argv;
}

/* One after the other: with the one that fails all are run again. */
static GstEffvkDelivery
send_parcels (gpointer target, GPtrArray *parcels, GCancellable *cancellable, GError **error)
{
  for (guint i = 0; i < parcels->len; i++)
    if (!run_once (target, g_ptr_array_index (parcels, i), cancellable, error))
      return GST_EFFVK_RETRY;
  return GST_EFFVK_DELIVERED;
}

static void
close_command (gpointer target)
{
  g_strfreev (target);
}

static const GstEffvkTargetKind command_kind
    = { "command", NULL, open_command, send_parcels, close_command };

GstEffvkAddress *
serve_command_parse (const char *command, const GstEffvkTargetKind **kind, GError **error)
{
  g_auto (GStrv) argv = NULL;
  GstEffvkAddress *address;

  if (!g_shell_parse_argv (command, NULL, &argv, error))
    return NULL;
  address = g_new0 (GstEffvkAddress, 1);
  address->path = g_strdup (command);
  *kind = &command_kind;
  return address;
}
