/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "stop.h"
#include "terminal.h"

#include <stdio.h>

typedef struct
{
  ToolTarget target;
  EffvkPrecision precision;
  gint batch;
  gboolean json;
} Options;

static void
print_json (EffvkDevice *device, GVariantIter *changes, guint n_ops, double before, double after)
{
  g_auto (GstEffvkJson) json = { 0 };
  const char *op, *was, *is;
  double was_ns, is_ns;
  guint number;

  gst_effvk_json_init (&json);
  gst_effvk_json_begin (&json, NULL, '{');
  gst_effvk_json_string (&json, "device", effvk_device_get_name (device));
  gst_effvk_json_string (&json, "driver", effvk_device_get_driver (device));
  gst_effvk_json_int (&json, "ops", n_ops);
  gst_effvk_json_double (&json, "before_ms", "%.4f", before / 1e6);
  gst_effvk_json_double (&json, "after_ms", "%.4f", after / 1e6);
  gst_effvk_json_begin (&json, "changes", '[');
  while (g_variant_iter_next (changes, "(u&s&s&sdd)", &number, &op, &was, &is, &was_ns, &is_ns))
    {
      gst_effvk_json_begin (&json, NULL, '{');
      gst_effvk_json_int (&json, "number", number);
      gst_effvk_json_string (&json, "op", op);
      gst_effvk_json_string (&json, "before", was);
      gst_effvk_json_string (&json, "after", is);
      gst_effvk_json_double (&json, "before_ms", "%.4f", was_ns / 1e6);
      gst_effvk_json_double (&json, "after_ms", "%.4f", is_ns / 1e6);
      gst_effvk_json_end (&json, '}');
    }
  gst_effvk_json_end (&json, ']');
  gst_effvk_json_end (&json, '}');
  tool_json_print (&json);
}

static void
print_table (EffvkDevice *device, GVariantIter *changes, guint n_ops, double before, double after)
{
  const char *op, *was, *is;
  double was_ns, is_ns;
  guint number;

  printf ("%-8s %s\n", "device", effvk_device_get_name (device));
  printf ("%-8s %u of %u operations have a faster kernel than the built-in one\n", "kernels",
          (guint) g_variant_iter_n_children (changes), n_ops);
  while (g_variant_iter_next (changes, "(u&s&s&sdd)", &number, &op, &was, &is, &was_ns, &is_ns))
    printf ("  %3u %-16s %-8s %8.3f ms -> %-8s %8.3f ms\n", number, op, was, was_ns / 1e6, is,
            is_ns / 1e6);
  printf ("%-8s %.3f ms, before %.3f ms\n", "network", after / 1e6, before / 1e6);
}

static gboolean
tune (const Options *options, GError **error)
{
  g_autoptr (EffvkModel) model = tool_load_model (&options->target, error);
  g_autoptr (EffvkDevice) device = model ? effvk_device_new (options->target.device, error) : NULL;
  g_autoptr (EffvkClassifierOptions) classifier_options = effvk_classifier_options_new ();
  g_autoptr (GVariantIter) changes = NULL;
  g_autoptr (GVariant) report = NULL;
  double before, after;
  ToolLive live;
  guint n_ops;

  if (!device)
    return FALSE;
  effvk_classifier_options_set_precision (classifier_options, options->precision);
  effvk_classifier_options_set_batch_size (classifier_options, (guint) options->batch);
  tool_live_init (&live, stderr);
  tool_live_show (&live, "timing every kernel; a CPU device takes minutes");
  g_cancellable_push_current (tool_stop_cancellable ());
  report = effvk_classifier_tune (device, model, classifier_options, error);
  g_cancellable_pop_current (tool_stop_cancellable ());
  tool_live_hide (&live);
  if (!report)
    return FALSE;
  g_variant_lookup (report, "before", "d", &before);
  g_variant_lookup (report, "after", "d", &after);
  g_variant_lookup (report, "ops", "u", &n_ops);
  g_variant_lookup (report, "changes", "a(usssdd)", &changes);
  (options->json ? print_json : print_table) (device, changes, n_ops, before, after);
  return TRUE;
}

ToolStatus
tool_tune (char ***argv)
{
  Options options = { .batch = 1 };
  const GOptionEntry entries[]
      = { TOOL_MODEL_ENTRY (&options.target),
          TOOL_DEVICE_ENTRY (&options.target),
          TOOL_PRECISION_ENTRY (&options.target),
          { "batch", 'b', 0, G_OPTION_ARG_INT, &options.batch,
            "Images in one submission to the device, 1 to 64 (default: 1)", "N" },
          TOOL_JSON_ENTRY (&options.json),
          G_OPTION_ENTRY_NULL };
  g_autoptr (GError) error = NULL;
  ToolStatus status = TOOL_OK;

  tool_stop_watch ();
  if (!tool_parse (
          "tune", NULL,
          "Times every kernel that the device can run for each operation of a model. It keeps the\n"
          "fastest. Programs that use the model on the device take them from then on.",
          NULL, entries, argv)
      || !tool_check_precision ("tune", options.target.precision, &options.precision)
      || !tool_check_range ("tune", "batch", options.batch, 1, 64))
    status = TOOL_USAGE;
  else if (g_strv_length (*argv) > 1)
    status = tool_usage_error ("tune", "takes no argument, but has '%s'", (*argv)[1]);
  else if (!tune (&options, &error))
    status = tool_fail (error);
  tool_target_clear (&options.target);
  return status;
}
