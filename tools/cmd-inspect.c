/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"
#include "text.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

/* The value at a path of member names such as "input.width", or NULL. */
static JsonNode *
find_node (JsonNode *node, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, ".", -1);

  for (guint i = 0; names[i] && node; i++)
    node = JSON_NODE_HOLDS_OBJECT (node)
               ? json_object_get_member (json_node_get_object (node), names[i])
               : NULL;
  return node;
}

/* A value for people: "1,234", "0.485, 0.456, 0.406", "same". */
static char *
format_node (JsonNode *node)
{
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

      for (guint i = 0; i < json_array_get_length (array); i++)
        g_ptr_array_add (parts, format_node (json_array_get_element (array, i)));
      g_ptr_array_add (parts, NULL);
      return g_strjoinv (", ", (char **) parts->pdata);
    }
  if (!JSON_NODE_HOLDS_VALUE (node))
    return g_strdup ("");
  switch (json_node_get_value_type (node))
    {
    case G_TYPE_INT64:
      return tool_format_count ((guint64) json_node_get_int (node));
    case G_TYPE_DOUBLE:
      return g_strdup_printf ("%.6g", json_node_get_double (node));
    case G_TYPE_BOOLEAN:
      return g_strdup (json_node_get_boolean (node) ? "yes" : "no");
    default:
      return json_node_dup_string (node);
    }
}

static void
print_stages (JsonNode *root)
{
  static const char *const columns[]
      = { "kind", "expand", "kernel", "stride", "in", "out", "repeats", "squeezed" };
  JsonNode *node = find_node (root, "architecture.stages");
  JsonArray *stages = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (!stages)
    return;
  printf ("\nstage  %-12s", columns[0]);
  for (guint i = 1; i < G_N_ELEMENTS (columns); i++)
    printf (" %8s", columns[i]);
  printf ("\n");
  for (guint row = 0; row < json_array_get_length (stages); row++)
    {
      printf ("%5u  ", row + 1);
      for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
        {
          JsonNode *cell = find_node (json_array_get_element (stages, row), columns[i]);
          g_autofree char *text = cell ? format_node (cell) : g_strdup ("-");

          printf (i ? " %8s" : "%-12s", text);
        }
      printf ("\n");
    }
}

/* Where the value at @path came from; what is said of an object holds for its members. */
static const char *
find_source (JsonNode *root, const char *path)
{
  JsonNode *sources = find_node (root, "sources");
  g_autofree char *key = g_strdup (path);

  while (sources && JSON_NODE_HOLDS_OBJECT (sources))
    {
      JsonNode *source = json_object_get_member (json_node_get_object (sources), key);
      char *dot = strrchr (key, '.');

      if (source && JSON_NODE_HOLDS_VALUE (source))
        return json_node_get_string (source);
      if (!dot)
        break;
      *dot = '\0';
    }
  return NULL;
}

static void
print_table (JsonNode *root)
{
  static const struct
  {
    const char *title, *path;
  } rows[] = {
    { "variant", "variant" },
    { "parameters", "parameters" },
    { "multiply-adds", "macs" },
    { "classes", "classes" },
    { "first label", "labels.first" },
    { "last label", "labels.last" },
    { "tensor names", "names" },
    { "their prefix", "prefix" },
    { "graph's output", "graph_output" },
    { "quantisation", "quantisation" },
    { "input width", "input.width" },
    { "input height", "input.height" },
    { "input channels", "input.channels" },
    { "mean", "input.mean" },
    { "std", "input.std" },
    { "resize to", "input.resize" },
    { "crop", "input.crop" },
    { "interpolation", "input.interpolation" },
    { "antialias", "input.antialias" },
    { "padding", "architecture.padding" },
    { "BN epsilon", "architecture.bn_eps" },
    { "activation", "architecture.activation" },
    { "output", "output.activation" },
    { "stem channels", "architecture.stem.out" },
    { "head channels", "architecture.head.out" },
    { "memory, bytes", "memory.total" },
  };

  if (!json_node_equal (find_node (root, "name"), find_node (root, "variant")))
    printf ("%-15s %s\n", "name", json_node_get_string (find_node (root, "name")));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      JsonNode *node = find_node (root, rows[i].path);
      const char *source = find_source (root, rows[i].path);
      g_autofree char *text = NULL;

      if (!node)
        continue;
      text = format_node (node);
      printf ("%-15s %-24s%s%s\n", rows[i].title, text,
              !source || strcmp (source, "assumed") == 0 ? " " : " from ", source ? source : "");
    }
  print_stages (root);
}

ToolStatus
tool_inspect (char ***argv)
{
  g_auto (ToolTarget) target = { 0 };
  gboolean json = FALSE;
  const GOptionEntry entries[]
      = { TOOL_OVERRIDES_ENTRY (&target), TOOL_GRAPH_OUTPUT_ENTRY (&target),
          TOOL_LABELS_ENTRY (&target), TOOL_JSON_ENTRY (&json), G_OPTION_ENTRY_NULL };
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (!tool_parse ("inspect", "[MODEL]",
                   "Describes a model, and says where each value came from. Without MODEL, effvk's "
                   "own.",
                   NULL, entries, argv))
    return TOOL_USAGE;
  if (g_strv_length (*argv) > 2)
    return tool_usage_error ("inspect", "takes one model, but has %u", g_strv_length (*argv) - 1);

  target.model = g_strdup ((*argv)[1]);
  model = tool_load_model (&target, &error);
  if (!model)
    return tool_fail (error);
  if (effvk_model_get_n_classes (model) == 1
      && effvk_model_get_output_activation (model) == EFFVK_OUTPUT_ACTIVATION_SOFTMAX)
    tool_error ("warning: softmax over one class gives 1 for every image; for a probability use "
                "--overrides '{\"output_activation\": \"sigmoid\"}'");
  text = effvk_model_inspect (model);
  if (json)
    {
      printf ("%s%s", text, g_str_has_suffix (text, "\n") ? "" : "\n");
      return TOOL_OK;
    }
  root = json_from_string (text, &error);
  if (!root)
    {
      tool_error ("the model's description is not JSON: %s", error->message);
      return TOOL_FAILED;
    }
  print_table (root);
  return TOOL_OK;
}
