/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "completion.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static ToolStatus complete (char ***argv);

static const ToolCommand commands[] = {
  { "devices", "list the Vulkan devices", tool_devices },
  { "inspect", "describe a model", tool_inspect },
  { "classify", "say what images and videos show", tool_classify },
#ifdef HAVE_GSTREAMER
  { "monitor", "say when a stream's state changes", tool_monitor },
#endif
#ifdef HAVE_SERVE
  { "serve", "watch many streams, with an API over HTTP", tool_serve },
#endif
  { "teach", "teach a model classes of your own, from a handful of pictures", tool_teach },
  { "evaluate", "say how good a model is on pictures whose labels are known", tool_evaluate },
  { "embed", "write the features of pictures, to compare pictures", tool_embed },
  { "find", "find the pictures that look most like one", tool_find },
  { "bench", "time a model on a device", tool_bench },
  { "tune", "find the fastest kernels for a model on a device", tool_tune },
  { "selftest", "check that a device computes what it should", tool_selftest },
  { "export", "write a model as ONNX", tool_export },
  { "init", "make an untrained model", tool_init },
  { "completion", "complete commands and options in a shell", complete },
};

static ToolStatus
complete (char ***argv)
{
  return tool_completion (commands, G_N_ELEMENTS (commands), argv);
}

/* What a build has beside the library's least. */
static const char *const built_in[] = {
#ifdef HAVE_GSTREAMER
  "GStreamer",
#endif
#ifdef HAVE_GDK_PIXBUF
  "gdk-pixbuf",
#endif
#ifdef HAVE_LIBJPEG
  "libjpeg",
#endif
#ifdef HAVE_SERVE
  "serve",
#endif
#ifdef HAVE_TEACHING
  "teaching",
#endif
  NULL
};

static void
print_version (void)
{
  g_autofree char *list = g_strjoinv (", ", (char **) built_in);

  printf ("effvk " EFFVK_VERSION "\n");
  printf ("with %s\n", *list ? list : "no optional feature");
}

static void
print_usage (FILE *out)
{
  fprintf (out, "Usage:\n"
                "  effvk COMMAND [OPTION…] [ARGUMENT…]\n"
                "  effvk --help | --version | help COMMAND\n"
                "\n"
                "EfficientNet image classification on Vulkan.\n"
                "\n"
                "Commands:\n");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (out, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fprintf (
      out,
      "\nThe exit status is 0 when all went well, 1 when the work failed, 2 when an option or an\n"
      "argument is wrong.\n");
}

/* What the library has to say looks like what the command has to say; nothing of it goes to stdout.
 */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const char *message = NULL, *domain = NULL;

  for (gsize i = 0; i < n_fields; i++)
    {
      if (strcmp (fields[i].key, "MESSAGE") == 0)
        message = fields[i].value;
      else if (strcmp (fields[i].key, "GLIB_DOMAIN") == 0)
        domain = fields[i].value;
    }
  if ((level & G_LOG_LEVEL_MESSAGE) && g_strcmp0 (domain, "effvk") == 0 && message)
    {
      tool_error ("%s", message);
      return G_LOG_WRITER_HANDLED;
    }
  if (g_log_writer_default_would_drop (level, domain))
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_standard_streams (level, fields, n_fields, user_data);
}

/* lavapipe cuts a dispatch into one piece a thread. With more pieces than cores, a core that wakes
 * up late has less left to do: 6 % of a frame. It reads the environment, which is only ours before
 * there are threads. */
static void
tune_lavapipe (void)
{
  g_autofree char *threads = g_strdup_printf ("%u", 2 * g_get_num_processors ());

  g_setenv ("LP_NUM_THREADS", threads, FALSE);
}

static const ToolCommand *
find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (name, commands[i].name) == 0)
      return &commands[i];
  tool_error ("there is no command '%s' (see 'effvk --help')", name);
  return NULL;
}

static ToolStatus
run_command (const char *name, char **arguments)
{
  const ToolCommand *command = find_command (name);
  g_auto (GStrv) argv = NULL;

  if (!command)
    return TOOL_USAGE;
  argv = g_strdupv (arguments);
  return command->run (&argv);
}

static ToolStatus
run (int argc, char **argv)
{
  char *help[] = { (char *) "effvk", (char *) "--help", NULL };

  if (argc < 2)
    {
      print_usage (stderr);
      return TOOL_USAGE;
    }
  if (strcmp (argv[1], "--version") == 0)
    {
      print_version ();
      return TOOL_OK;
    }
  if (strcmp (argv[1], "help") == 0 && argc > 2)
    return run_command (argv[2], help);
  if (strcmp (argv[1], "help") == 0 || strcmp (argv[1], "--help") == 0
      || strcmp (argv[1], "-h") == 0)
    {
      print_usage (stdout);
      return TOOL_OK;
    }
  return run_command (argv[1], argv + 1);
}

int
main (int argc, char **argv)
{
  ToolStatus status;

  setlocale (LC_ALL, "");
  setlocale (LC_NUMERIC, "C"); /* 0.5, never 0,5 */
  tune_lavapipe ();
  g_log_writer_default_set_use_stderr (TRUE);
  g_log_set_writer_func (write_log, NULL, NULL);

  status = run (argc, argv);
  if ((fflush (stdout) != 0 || ferror (stdout)) && status == TOOL_OK)
    {
      tool_error ("cannot write to the standard output: %s", g_strerror (errno));
      status = TOOL_FAILED;
    }
  return status;
}
