/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What was learnt of one kernel. */
typedef struct
{
  char *op, *kernel, *worst_shape;
  double worst_nmse;
  guint n, n_failed;
} Row;

typedef struct
{
  EffvkPrecision precision;
  gint64 seed;
  gint n_shapes, n_replays;
} Options;

static void
row_free (Row *row)
{
  g_free (row->op);
  g_free (row->kernel);
  g_free (row->worst_shape);
  g_free (row);
}

static Row *
find_row (GPtrArray *rows, const char *op, const char *kernel)
{
  Row *row;

  for (guint i = 0; i < rows->len; i++)
    {
      row = rows->pdata[i];
      if (strcmp (row->op, op) == 0 && strcmp (row->kernel, kernel) == 0)
        return row;
    }
  row = g_new0 (Row, 1);
  row->op = g_strdup (op);
  row->kernel = g_strdup (kernel);
  row->worst_nmse = -1;
  g_ptr_array_add (rows, row);
  return row;
}

static Row *
take_comparison (GPtrArray *rows, const char *op, const char *kernel, const char *shape,
                 double nmse, gboolean passed)
{
  Row *row = find_row (rows, op, kernel);

  row->n++;
  row->n_failed += !passed;
  /* Once not finite, always: no later shape is worse. */
  if (isfinite (row->worst_nmse) && !(nmse <= row->worst_nmse))
    {
      row->worst_nmse = nmse;
      g_free (row->worst_shape);
      row->worst_shape = g_strdup (shape);
    }
  return row;
}

static void
on_comparison (const char *op, const char *kernel, const char *shape, double nmse, gboolean passed,
               gpointer rows)
{
  take_comparison (rows, op, kernel, shape, nmse, passed);
  if (!passed)
    tool_error ("%s %s is wrong on %s: NMSE %.2g", op, kernel, shape, nmse);
}

/* Of effvk_selftest_replay(): bits that differ, or nothing. */
static void
on_replay (const char *op, const char *kernel, const char *shape, double nmse, gboolean passed,
           gpointer rows)
{
  take_comparison (rows, op, kernel, shape, nmse, passed);
  if (!passed)
    tool_error ("%s %s is wrong: %s", op, kernel, shape);
}

static void
print_json (GPtrArray *rows, EffvkDevice *device, EffvkPrecision precision, gint64 seed,
            guint n_failed)
{
  g_auto (GstEffvkJson) json = { 0 };
  guint n = 0;

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_string (&json, "device", effvk_device_get_name (device));
  gst_effvk_json_string (&json, "driver", effvk_device_get_driver (device));
  gst_effvk_json_string (&json, "precision", tool_precision_to_string (precision));
  gst_effvk_json_int (&json, "seed", seed);
  gst_effvk_json_begin (&json, "kernels", '[');
  for (guint i = 0; i < rows->len; i++)
    {
      const Row *row = rows->pdata[i];

      gst_effvk_json_begin (&json, NULL, '{');
      gst_effvk_json_string (&json, "op", row->op);
      gst_effvk_json_string (&json, "kernel", row->kernel);
      gst_effvk_json_int (&json, "comparisons", row->n);
      gst_effvk_json_int (&json, "failed", row->n_failed);
      gst_effvk_json_double (&json, "worst_nmse", "%.3g", row->worst_nmse);
      gst_effvk_json_string (&json, "worst_shape", row->worst_shape);
      gst_effvk_json_end (&json, '}');
      n += row->n;
    }
  gst_effvk_json_end (&json, ']');
  gst_effvk_json_int (&json, "comparisons", n);
  gst_effvk_json_int (&json, "failed", n_failed);
  gst_effvk_json_end (&json, '}');
  tool_json_print (&json);
}

static void
print_table (GPtrArray *rows, EffvkDevice *device, EffvkPrecision precision, guint n_failed)
{
  guint n = 0;

  printf ("%s, %s\n\n", effvk_device_get_name (device), tool_precision_to_string (precision));
  printf ("%-18s %-18s %11s %7s %11s  %s\n", "op", "kernel", "comparisons", "failed", "worst NMSE",
          "on");
  for (guint i = 0; i < rows->len; i++)
    {
      const Row *row = rows->pdata[i];

      printf ("%-18s %-18s %11u %7u %11.1e  %s\n", row->op, row->kernel, row->n, row->n_failed,
              row->worst_nmse, row->worst_shape ? row->worst_shape : "");
      n += row->n;
    }
  if (n_failed)
    printf ("\n%u of %u comparisons failed: this device's answers cannot be trusted.\n", n_failed,
            n);
  else
    printf ("\nAll %u comparisons passed.\n", n);
}

/* To be pasted into an issue. @path: "-" is the standard output. */
static gboolean
write_report (const char *path, GPtrArray *rows, EffvkDevice *device, const Options *options,
              guint n_failed)
{
  g_autofree char *description = effvk_device_describe (device);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  g_string_append_printf (text,
                          "effvk %s selftest --precision %s --seed %" G_GINT64_FORMAT
                          " --shapes %d --replays %d\n",
                          EFFVK_VERSION, tool_precision_to_string (options->precision),
                          options->seed, options->n_shapes, options->n_replays);
  g_string_append (text, description);
  for (guint i = 0; i < rows->len; i++)
    {
      const Row *row = rows->pdata[i];

      g_string_append_printf (text, "%s %s: %u comparisons, %u failed, worst %.2g: %s\n", row->op,
                              row->kernel, row->n, row->n_failed, row->worst_nmse,
                              row->worst_shape ? row->worst_shape : "");
    }
  g_string_append_printf (text, "%s\n", n_failed ? "FAILED" : "passed");
  if (g_str_equal (path, "-"))
    return fputs (text->str, stdout) >= 0;
  if (g_file_set_contents (path, text->str, (gssize) text->len, &error))
    return TRUE;
  tool_error ("the report cannot be written: %s", error->message);
  return FALSE;
}

/* All comparisons. FALSE: they could not be made. */
static gboolean
run_all (EffvkDevice *device, const Options *options, GPtrArray *rows, guint *n_failed,
         GError **error)
{
  guint n_replays_failed = 0;

  if (!effvk_selftest_run (device, options->precision, (guint32) options->seed,
                           (guint) options->n_shapes, on_comparison, rows, n_failed, error)
      || (options->n_replays > 0
          && !effvk_selftest_replay (device, options->precision, (guint32) options->seed,
                                     (guint) options->n_replays, on_replay, rows, &n_replays_failed,
                                     error)))
    return FALSE;
  *n_failed += n_replays_failed;
  return TRUE;
}

ToolStatus
tool_selftest (char ***argv)
{
  g_auto (ToolTarget) target = { 0 };
  g_autofree char *report = NULL;
  gboolean json = FALSE;
  Options options = { .seed = 1, .n_shapes = 3, .n_replays = 100 };
  const GOptionEntry entries[]
      = { TOOL_DEVICE_ENTRY (&target),
          TOOL_PRECISION_ENTRY (&target),
          { "seed", 's', 0, G_OPTION_ARG_INT64, &options.seed,
            "The same seed makes the same shapes (default: 1)", "N" },
          { "shapes", 'n', 0, G_OPTION_ARG_INT, &options.n_shapes,
            "Random shapes to try per kernel (default: 3)", "N" },
          { "replays", 'r', 0, G_OPTION_ARG_INT, &options.n_replays,
            "Runs of each small network, compared bit by bit; 0: none "
            "(default: 100)",
            "N" },
          { "report", 0, 0, G_OPTION_ARG_FILENAME, &report,
            "Write a report for an issue to FILE; -: to standard output", "FILE" },
          TOOL_JSON_ENTRY (&json),
          G_OPTION_ENTRY_NULL };
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;
  guint n_failed = 0;

  if (!tool_parse (
          "selftest", NULL,
          "Runs every kernel on random shapes and values. It compares the answers with those of a\n"
          "plain double-precision computation on the CPU. Then it runs small networks again and\n"
          "again, with other work in between and on several queues, and compares all bits.",
          "NMSE is the normalised mean squared error. The bound is 1e-7 in fp32 and 1e-4 in fp16.\n"
          "auto means fp32 here.",
          entries, argv)
      || !tool_check_precision ("selftest", target.precision, &options.precision)
      || !tool_check_range ("selftest", "seed", options.seed, 0, G_MAXUINT32)
      || !tool_check_range ("selftest", "shapes", options.n_shapes, 1, 10000)
      || !tool_check_range ("selftest", "replays", options.n_replays, 0, 1000000))
    return TOOL_USAGE;
  if (g_strv_length (*argv) > 1)
    return tool_usage_error ("selftest", "takes no argument, but has '%s'", (*argv)[1]);
  if (options.precision == EFFVK_PRECISION_AUTO)
    options.precision = EFFVK_PRECISION_FP32;

  rows = g_ptr_array_new_with_free_func ((GDestroyNotify) row_free);
  device = effvk_device_new (target.device, &error);
  if (!device || !run_all (device, &options, rows, &n_failed, &error))
    return tool_fail (error);
  if (rows->len == 0)
    {
      tool_error ("no kernel runs on %s", effvk_device_get_name (device));
      return TOOL_FAILED;
    }
  if (json)
    print_json (rows, device, options.precision, options.seed, n_failed);
  else if (g_strcmp0 (report, "-") != 0)
    print_table (rows, device, options.precision, n_failed);
  if (report && !write_report (report, rows, device, &options, n_failed))
    return TOOL_FAILED;
  return n_failed ? TOOL_FAILED : TOOL_OK;
}
