/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench-executables.h"

#include "common.h"
#include "common/json-writer.h"

#include <stdio.h>

static double
to_number (GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    return g_variant_get_double (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    return (double) g_variant_get_int64 (value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_variant_get_boolean (value);
  return (double) g_variant_get_uint64 (value);
}

/* One executable, on the standard output or in @json. */
static void
print_executable (GVariant *executable, GstEffvkJson *json)
{
  g_autoptr (GVariant) statistics
      = g_variant_lookup_value (executable, "statistics", G_VARIANT_TYPE_VARDICT);
  const char *name = "", *statistic;
  GVariant *value;
  GVariantIter iter;
  guint subgroup = 0;

  g_variant_lookup (executable, "name", "&s", &name);
  g_variant_lookup (executable, "subgroup-size", "u", &subgroup);
  if (json)
    {
      gst_effvk_json_begin (json, NULL, '{');
      gst_effvk_json_string (json, "name", name);
      gst_effvk_json_int (json, "subgroup_size", subgroup);
      gst_effvk_json_begin (json, "statistics", '{');
    }
  else
    printf ("  %s, subgroups of %u\n", name, subgroup);
  g_variant_iter_init (&iter, statistics);
  while (g_variant_iter_loop (&iter, "{&sv}", &statistic, &value))
    if (json)
      gst_effvk_json_double (json, statistic, "%.10g", to_number (value));
    else
      printf ("    %-28s %.10g\n", statistic, to_number (value));
  if (json)
    {
      gst_effvk_json_end (json, '}');
      gst_effvk_json_end (json, '}');
    }
}

static void
print_pipeline (GVariant *pipeline, GstEffvkJson *json)
{
  g_autoptr (GVariantIter) executables = NULL;
  g_autoptr (GVariantIter) constants = NULL;
  const char *op = "", *kernel = "";
  GVariant *executable;
  guint dispatches = 0;
  guint32 constant;

  g_variant_lookup (pipeline, "op", "&s", &op);
  g_variant_lookup (pipeline, "kernel", "&s", &kernel);
  g_variant_lookup (pipeline, "dispatches", "u", &dispatches);
  g_variant_lookup (pipeline, "constants", "au", &constants);
  g_variant_lookup (pipeline, "executables", "aa{sv}", &executables);
  if (json)
    {
      gst_effvk_json_begin (json, NULL, '{');
      gst_effvk_json_string (json, "op", op);
      gst_effvk_json_string (json, "kernel", kernel);
      gst_effvk_json_int (json, "dispatches", dispatches);
      gst_effvk_json_begin (json, "constants", '[');
      while (g_variant_iter_next (constants, "u", &constant))
        gst_effvk_json_int (json, NULL, constant);
      gst_effvk_json_end (json, ']');
      gst_effvk_json_begin (json, "executables", '[');
    }
  else
    printf ("%s %s, %u dispatch%s\n", op, kernel, dispatches, dispatches == 1 ? "" : "es");
  while (g_variant_iter_loop (executables, "@a{sv}", &executable))
    print_executable (executable, json);
  if (json)
    {
      gst_effvk_json_end (json, ']');
      gst_effvk_json_end (json, '}');
    }
}

gboolean
tool_executables_print (EffvkClassifier *classifier, gboolean json, GError **error)
{
  g_autoptr (GVariant) pipelines = effvk_classifier_get_executables (classifier, error);
  EffvkDevice *device = effvk_classifier_get_device (classifier);
  g_auto (GstEffvkJson) writer = { 0 };

  if (!pipelines)
    return FALSE;
  if (json)
    {
      gst_effvk_json_init (&writer);
      gst_effvk_json_begin (&writer, NULL, '{');
      gst_effvk_json_string (&writer, "device", effvk_device_get_name (device));
      gst_effvk_json_string (&writer, "driver", effvk_device_get_driver (device));
      gst_effvk_json_begin (&writer, "pipelines", '[');
    }
  else
    printf ("%s (%s)\n", effvk_device_get_name (device), effvk_device_get_driver (device));
  for (gsize i = 0; i < g_variant_n_children (pipelines); i++)
    {
      g_autoptr (GVariant) pipeline = g_variant_get_child_value (pipelines, i);

      print_pipeline (pipeline, json ? &writer : NULL);
    }
  if (json)
    {
      gst_effvk_json_end (&writer, ']');
      gst_effvk_json_end (&writer, '}');
      tool_json_print (&writer);
    }
  return TRUE;
}
