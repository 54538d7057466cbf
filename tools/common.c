/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

#include "arguments.h"
#include "completion.h"
#include "terminal.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
print_error (const char *text)
{
  /* What a file or a driver says must not break the line nor drive the terminal. */
  g_autofree char *clean = tool_terminal_clean (text);

  g_strchomp (clean);
  tool_live_hide_any ();
  fprintf (stderr, "effvk: %s\n", clean);
}

void
tool_error (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  print_error (text);
}

ToolStatus
tool_fail (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tool_error ("stopped: there is no result yet, and nothing was changed");
  else
    tool_error ("%s", error->message);
  return TOOL_FAILED;
}

ToolStatus
tool_usage_error (const char *command, const char *format, ...)
{
  g_autofree char *text = NULL, *line = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  line = g_strdup_printf ("%s: %s (see 'effvk help %s')", command, text, command);
  print_error (line);
  return TOOL_USAGE;
}

/* GOption leaves the one that ends the options where an argument behind it looks like an option. */
static void
remove_separator (char **argv)
{
  while (*argv && strcmp (*argv, "--") != 0)
    argv++;
  g_free (*argv);
  for (; *argv; argv++)
    argv[0] = argv[1];
}

gboolean
tool_parse (const char *command, const char *arguments, const char *summary,
            const char *description, const GOptionEntry *entries, char ***argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (arguments);
  g_autoptr (GError) error = NULL;
  g_autofree char *program = g_strdup_printf ("effvk %s", command);

  if (tool_completion_take (command, entries))
    return FALSE;
  g_set_prgname (program); /* the usage line shows it */
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  tool_arguments_part (entries, argv);
  if (!g_option_context_parse_strv (context, argv, &error))
    {
      tool_usage_error (command, "%s", error->message);
      return FALSE;
    }
  remove_separator (*argv);
  return TRUE;
}

void
tool_target_clear (ToolTarget *target)
{
  g_clear_pointer (&target->model, g_free);
  g_clear_pointer (&target->overrides, g_free);
  g_clear_pointer (&target->output, g_free);
  g_clear_pointer (&target->labels, g_free);
  g_clear_pointer (&target->device, g_free);
  g_clear_pointer (&target->precision, g_free);
}

gboolean
tool_check_range (const char *command, const char *option, gint64 value, gint64 min, gint64 max)
{
  if (value >= min && value <= max)
    return TRUE;
  tool_usage_error (command,
                    "--%s takes a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                    ", not %" G_GINT64_FORMAT,
                    option, min, max, value);
  return FALSE;
}

static const char *const precisions[] = {
  [EFFVK_PRECISION_AUTO] = "auto",
  [EFFVK_PRECISION_FP32] = "fp32",
  [EFFVK_PRECISION_FP16] = "fp16",
};

gboolean
tool_check_precision (const char *command, const char *text, EffvkPrecision *precision)
{
  for (guint i = 0; i < G_N_ELEMENTS (precisions); i++)
    if (strcmp (text ? text : "auto", precisions[i]) == 0)
      {
        *precision = i;
        return TRUE;
      }
  tool_usage_error (command, "--precision takes auto, fp32 or fp16, not '%s'", text);
  return FALSE;
}

gboolean
tool_check_unknown_threshold (const char *command, double threshold)
{
  if (threshold == TOOL_MODELS_THRESHOLD || (isfinite (threshold) && threshold >= 0))
    return TRUE;
  tool_usage_error (command, "--unknown-threshold takes a score, 0 or more, not %g", threshold);
  return FALSE;
}

double
tool_choose_unknown_threshold (double wanted, EffvkModel *model)
{
  if (wanted != TOOL_MODELS_THRESHOLD)
    return wanted;
  /* A model's own is a probability. */
  return effvk_model_get_output_activation (model) == EFFVK_OUTPUT_ACTIVATION_NONE
             ? 0
             : effvk_model_get_unknown_threshold (model);
}

const char *
tool_precision_to_string (EffvkPrecision precision)
{
  return precisions[precision];
}

/* The overrides, with --output among them. What is no JSON object, the library refuses. */
static char *
make_overrides (const ToolTarget *target)
{
  const char *text = target->overrides ? target->overrides : "{}";
  g_autoptr (JsonNode) root = target->output ? json_from_string (text, NULL) : NULL;

  if (!root || !JSON_NODE_HOLDS_OBJECT (root))
    return g_strdup (target->overrides);
  json_object_set_string_member (json_node_get_object (root), "output", target->output);
  return json_to_string (root, FALSE);
}

EffvkModel *
tool_load_model (const ToolTarget *target, GError **error)
{
  g_autofree char *overrides = make_overrides (target);
  g_autoptr (EffvkModel) model = effvk_model_new_with_overrides (target->model, overrides, error);

  if (!model || (target->labels && !effvk_model_load_labels (model, target->labels, error)))
    return NULL;
  return g_steal_pointer (&model);
}

static gboolean
is_same_file (const char *a, const char *b)
{
  GStatBuf first, second;

  return a && b && g_stat (a, &first) == 0 && g_stat (b, &second) == 0
         && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

gboolean
tool_check_replaceable (const char *output)
{
  GStatBuf there;

  if (g_stat (output, &there) < 0 || S_ISREG (there.st_mode))
    return TRUE;
  tool_error ("%s: expected a new name or a regular file to replace, found %s", output,
              S_ISDIR (there.st_mode)    ? "a directory"
              : S_ISFIFO (there.st_mode) ? "a FIFO"
                                         : "a device");
  return FALSE;
}

gboolean
tool_check_output (const ToolTarget *target, const char *output)
{
  const char *model = target->model ? target->model : g_getenv ("EFFVK_MODEL");
  gboolean folder = model && g_file_test (model, G_FILE_TEST_IS_DIR);
  g_autofree char *parent = !model ? NULL : folder ? g_strdup (model) : g_path_get_dirname (model);
  g_autofree char *inside = folder ? g_build_filename (model, "model.safetensors", NULL) : NULL;
  g_autofree char *config = model ? g_build_filename (parent, "config.json", NULL) : NULL;
  const char *const inputs[] = { inside ? inside : model, config, target->labels };

  if (!tool_check_replaceable (output))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    if (is_same_file (inputs[i], output))
      {
        tool_error ("%s: is read from, and would be overwritten: name another file", output);
        return FALSE;
      }
  return TRUE;
}

void
tool_json_print (GstEffvkJson *json)
{
  g_string_append_c (json->text, '\n');
  fwrite (json->text->str, 1, json->text->len, stdout);
  fflush (stdout);
  gst_effvk_json_begin_again (json);
}
