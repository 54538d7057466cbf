/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench-profile.h"

#include <math.h>
#include <stdio.h>

#define RUNS 10

/* One dispatch, or all of a kernel. */
typedef struct
{
  const char *op, *kernel;
  const char *input, *output;
  guint dispatches;
  double ns, flops, bytes;
  double roof_ns; /* what the device would need at its peaks */
} Row;

gboolean
tool_profile_measure (ToolProfile *profile, EffvkClassifier *classifier, const EffvkImage *image,
                      GError **error)
{
  profile->profile = effvk_classifier_profile (classifier, image, RUNS, error);
  return profile->profile
         && effvk_device_measure_peaks (effvk_classifier_get_device (classifier),
                                        &profile->peak_flops, &profile->peak_bytes, error);
}

void
tool_profile_clear (ToolProfile *profile)
{
  g_clear_pointer (&profile->profile, g_variant_unref);
}

/* For as long as the process lives: there are few. */
static const char *
lookup_name (GVariant *dispatch, const char *key)
{
  const char *name = "";

  g_variant_lookup (dispatch, key, "&s", &name);
  return g_intern_string (name);
}

static GArray *
read_rows (const ToolProfile *profile)
{
  g_autoptr (GVariant) dispatches
      = g_variant_lookup_value (profile->profile, "dispatches", G_VARIANT_TYPE ("aa{sv}"));
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (Row));

  for (gsize i = 0; i < g_variant_n_children (dispatches); i++)
    {
      g_autoptr (GVariant) dispatch = g_variant_get_child_value (dispatches, i);
      Row row = { .dispatches = 1 };
      guint64 bytes = 0;

      row.op = lookup_name (dispatch, "op");
      row.kernel = lookup_name (dispatch, "kernel");
      row.input = lookup_name (dispatch, "input");
      row.output = lookup_name (dispatch, "output");
      g_variant_lookup (dispatch, "time", "d", &row.ns);
      g_variant_lookup (dispatch, "flops", "d", &row.flops);
      g_variant_lookup (dispatch, "bytes", "t", &bytes);
      row.bytes = (double) bytes;
      row.roof_ns = 1e9 * MAX (row.flops / profile->peak_flops, row.bytes / profile->peak_bytes);
      g_array_append_val (rows, row);
    }
  return rows;
}

static void
add (Row *sum, const Row *row)
{
  sum->dispatches += row->dispatches;
  sum->ns += row->ns;
  sum->flops += row->flops;
  sum->bytes += row->bytes;
  sum->roof_ns += row->roof_ns;
}

static int
compare_time (gconstpointer a, gconstpointer b)
{
  double x = ((const Row *) a)->ns, y = ((const Row *) b)->ns;

  return (x < y) - (x > y);
}

/* The sum over the dispatches of each kernel, the dearest first. */
static GArray *
sum_kernels (const GArray *rows, Row *total)
{
  GArray *sums = g_array_new (FALSE, TRUE, sizeof (Row));

  *total = (Row){ 0 };
  for (guint i = 0; i < rows->len; i++)
    {
      const Row *row = &g_array_index (rows, Row, i);
      guint k = 0;

      add (total, row);
      while (k < sums->len
             && (g_strcmp0 (g_array_index (sums, Row, k).op, row->op) != 0
                 || g_strcmp0 (g_array_index (sums, Row, k).kernel, row->kernel) != 0))
        k++;
      if (k < sums->len)
        add (&g_array_index (sums, Row, k), row);
      else
        g_array_append_val (sums, *row);
    }
  g_array_sort (sums, compare_time);
  return sums;
}

static gboolean
has_device_clock (const ToolProfile *profile)
{
  const char *clock = "host";

  g_variant_lookup (profile->profile, "clock", "&s", &clock);
  return g_str_equal (clock, "device");
}

static void
print_rate (double count, double ns)
{
  if (count > 0 && ns > 0)
    printf (" %9.1f", count / ns);
  else
    printf (" %9s", "-");
}

static void
print_row (const Row *row, const Row *total, gboolean shapes)
{
  printf ("%-16s %-8s", row->op, row->kernel);
  if (shapes)
    printf (" %14s -> %-14s", row->input, row->output);
  else
    printf (" %10u", row->dispatches);
  printf (" %9.3f", row->ns / 1e6);
  print_rate (row->flops, row->ns);
  print_rate (row->bytes, row->ns);
  printf (" %6.1f%%\n", total->ns > 0 ? 100 * row->ns / total->ns : 0.0);
}

void
tool_profile_print (const ToolProfile *profile, gboolean layers)
{
  g_autoptr (GArray) rows = read_rows (profile);
  Row total;
  g_autoptr (GArray) kernels = sum_kernels (rows, &total);

  printf ("\nDispatches one by one, %s:\n",
          has_device_clock (profile)
              ? "by the device's clock"
              : "by this computer's clock, as the device has none: an estimate");
  if (layers)
    {
      printf ("%-16s %-8s %14s    %-14s %9s %9s %9s %7s\n", "op", "kernel", "from", "to", "ms",
              "GFLOP/s", "GB/s", "share");
      for (guint i = 0; i < rows->len; i++)
        print_row (&g_array_index (rows, Row, i), &total, TRUE);
      printf ("\n");
    }
  printf ("%-16s %-8s %10s %9s %9s %9s %7s\n", "op", "kernel", "dispatches", "ms", "GFLOP/s",
          "GB/s", "share");
  for (guint i = 0; i < kernels->len; i++)
    print_row (&g_array_index (kernels, Row, i), &total, FALSE);
  total.op = "all";
  total.kernel = "";
  print_row (&total, &total, FALSE);
  printf ("\n%-12s %.1f GFLOP/s, %.1f GB/s, as two probes measured\n", "peak",
          profile->peak_flops / 1e9, profile->peak_bytes / 1e9);
  printf ("%-12s %.3f ms at those (computing %.3f ms, memory %.3f ms): %.0f %% of the time above\n",
          "roofline", total.roof_ns / 1e6, total.flops / profile->peak_flops * 1e3,
          total.bytes / profile->peak_bytes * 1e3, 100 * total.roof_ns / MAX (total.ns, 1));
}

static void
row_to_json (const Row *row, const Row *total, gboolean shapes, GstEffvkJson *json)
{
  gst_effvk_json_begin (json, NULL, '{');
  gst_effvk_json_string (json, "op", row->op);
  gst_effvk_json_string (json, "kernel", row->kernel);
  if (shapes)
    {
      gst_effvk_json_string (json, "input", row->input);
      gst_effvk_json_string (json, "output", row->output);
    }
  else
    gst_effvk_json_int (json, "dispatches", row->dispatches);
  gst_effvk_json_double (json, "ms", "%.4f", row->ns / 1e6);
  gst_effvk_json_double (json, "gflops", "%.2f", row->flops > 0 ? row->flops / row->ns : NAN);
  gst_effvk_json_double (json, "gb_s", "%.2f", row->bytes / row->ns);
  gst_effvk_json_double (json, "share", "%.4f", row->ns / total->ns);
  gst_effvk_json_end (json, '}');
}

void
tool_profile_to_json (const ToolProfile *profile, gboolean layers, GstEffvkJson *json)
{
  g_autoptr (GArray) rows = read_rows (profile);
  Row total;
  g_autoptr (GArray) kernels = sum_kernels (rows, &total);

  gst_effvk_json_string (json, "clock", has_device_clock (profile) ? "device" : "host");
  gst_effvk_json_begin (json, "ops", '[');
  for (guint i = 0; i < kernels->len; i++)
    row_to_json (&g_array_index (kernels, Row, i), &total, FALSE, json);
  gst_effvk_json_end (json, ']');
  if (layers)
    {
      gst_effvk_json_begin (json, "layers", '[');
      for (guint i = 0; i < rows->len; i++)
        row_to_json (&g_array_index (rows, Row, i), &total, TRUE, json);
      gst_effvk_json_end (json, ']');
    }
  gst_effvk_json_begin (json, "roofline", '{');
  gst_effvk_json_double (json, "peak_gflops", "%.2f", profile->peak_flops / 1e9);
  gst_effvk_json_double (json, "peak_gb_s", "%.2f", profile->peak_bytes / 1e9);
  gst_effvk_json_double (json, "compute_ms", "%.4f", total.flops / profile->peak_flops * 1e3);
  gst_effvk_json_double (json, "memory_ms", "%.4f", total.bytes / profile->peak_bytes * 1e3);
  gst_effvk_json_double (json, "roof_ms", "%.4f", total.roof_ns / 1e6);
  gst_effvk_json_double (json, "measured_ms", "%.4f", total.ns / 1e6);
  gst_effvk_json_double (json, "share", "%.4f", total.roof_ns / total.ns);
  gst_effvk_json_end (json, '}');
}
