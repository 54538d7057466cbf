/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stop.h"

#include <glib-unix.h>
#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static GCancellable *stop;

GCancellable *
tool_stop_cancellable (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      stop = g_cancellable_new ();
      g_once_init_leave (&once, 1);
    }
  return stop;
}

static gboolean
on_stop (GCancellable *cancellable G_GNUC_UNUSED, gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

void
tool_stop_run (GMainLoop *loop)
{
  g_autoptr (GSource) source = g_cancellable_source_new (tool_stop_cancellable ());

  g_source_set_callback (source, G_SOURCE_FUNC (on_stop), loop, NULL);
  g_source_attach (source, NULL);
  g_main_loop_run (loop);
  g_source_destroy (source);
}

gboolean
tool_stopped (void)
{
  return g_cancellable_is_cancelled (tool_stop_cancellable ());
}

static gboolean
on_signal (gpointer data)
{
  int number = GPOINTER_TO_INT (data);

  if (tool_stopped ())
    {
      signal (number, SIG_DFL);
      raise (number);
    }
  g_cancellable_cancel (stop);
  return G_SOURCE_CONTINUE;
}

static gpointer
run (gpointer data)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (data, FALSE);

  g_main_loop_run (loop); /* until the process ends */
  return NULL;
}

void
tool_stop_watch (void)
{
  static const int signals[] = { SIGINT, SIGTERM };
  static gboolean watching;
  GMainContext *context;

  tool_stop_cancellable ();
  if (watching)
    return;
  watching = TRUE;
  context = g_main_context_new ();
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autoptr (GSource) source = g_unix_signal_source_new (signals[i]);

      g_source_set_callback (source, on_signal, GINT_TO_POINTER (signals[i]), NULL);
      g_source_attach (source, context);
    }
  g_thread_unref (g_thread_new ("effvk-signals", run, context));
}

#ifdef __linux__
static void
die_with_parent (gpointer data G_GNUC_UNUSED)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}
#endif

void
tool_stop_bind_child (GSubprocessLauncher *launcher)
{
#ifdef __linux__
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
#endif
}

void
tool_stop_child (GSubprocess *process)
{
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
}

gboolean
tool_stop_sleep (gint64 us)
{
  gint64 end = g_get_monotonic_time () + us, left;
  GPollFD fd;

  if (tool_stopped ())
    return FALSE;
  if (!g_cancellable_make_pollfd (stop, &fd))
    {
      g_usleep ((gulong) MAX (us, 0));
      return !tool_stopped ();
    }
  while ((left = end - g_get_monotonic_time ()) > 0 && !tool_stopped ())
    g_poll (&fd, 1, (gint) MIN ((left + 999) / 1000, G_MAXINT));
  g_cancellable_release_fd (stop);
  return !tool_stopped ();
}
