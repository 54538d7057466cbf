/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench-start.h"

#include "stop.h"

#include <glib/gstdio.h>
#include <stdio.h>

/* The variables that name the folders where effvk and the drivers keep compiled shaders. */
static const char *const cache_variables[]
    = { "XDG_CACHE_HOME", "EFFVK_CACHE_DIR", "MESA_SHADER_CACHE_DIR",
        "__GL_SHADER_DISK_CACHE_PATH" };

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir
      = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  /* All names first: a folder may skip some when it is read while it changes. */
  while (dir && (name = g_dir_read_name (dir)))
    g_ptr_array_add (children, g_build_filename (path, name, NULL));
  for (guint i = 0; i < children->len; i++)
    remove_tree (g_ptr_array_index (children, i));
  g_remove (path);
}

void
tool_report_start (void)
{
  printf ("started\n");
  fflush (stdout);
}

static gboolean
measure_start (const char *const *argv, const char *cache, double *ms, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  GCancellable *stop = tool_stop_cancellable ();
  g_autoptr (GSubprocess) process = NULL;
  GInputStream *output;
  gint64 begin;
  gssize n;
  char byte;

  for (guint i = 0; i < G_N_ELEMENTS (cache_variables); i++)
    g_subprocess_launcher_setenv (launcher, cache_variables[i], cache, TRUE);
  g_subprocess_launcher_unsetenv (launcher, "MESA_SHADER_CACHE_DISABLE");
  g_subprocess_launcher_unsetenv (launcher, "MESA_GLSL_CACHE_DISABLE");

  tool_stop_bind_child (launcher);
  begin = g_get_monotonic_time ();
  process = g_subprocess_launcher_spawnv (launcher, argv, error);
  if (!process)
    return FALSE;
  output = g_subprocess_get_stdout_pipe (process);
  n = g_input_stream_read (output, &byte, 1, stop, error);
  *ms = (double) (g_get_monotonic_time () - begin) / 1000;
  if (n < 0 || !g_subprocess_wait_check (process, stop, error))
    {
      g_prefix_error (error, "cannot measure the start: ");
      tool_stop_child (process);
      return FALSE;
    }
  if (n == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                           "cannot measure the start: the process ended without a result");
      return FALSE;
    }
  return TRUE;
}

gboolean
tool_measure_starts (const ToolTarget *target, const char *device_uuid, EffvkPrecision precision,
                     guint batch, double *cold_ms, double *warm_ms, GError **error)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", error);
  g_autofree char *batch_text = g_strdup_printf ("%u", batch);
  g_autofree char *cache = NULL;
  const char *argv[] = { self,
                         "bench",
                         "--start-only",
                         "--device",
                         device_uuid,
                         "--precision",
                         tool_precision_to_string (precision),
                         "--batch",
                         batch_text,
                         target->model ? "--model" : NULL, /* last: none is the default */
                         target->model,
                         NULL };
  gboolean ok;

  if (!self)
    return FALSE;
  cache = g_dir_make_tmp ("effvk-bench-XXXXXX", error);
  if (!cache)
    return FALSE;
  ok = measure_start (argv, cache, cold_ms, error) && measure_start (argv, cache, warm_ms, error);
  remove_tree (cache);
  return ok;
}
