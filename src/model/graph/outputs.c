/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/graph.h"

#include "model/names/names.h"

#include <string.h>

/* A graph may have more outputs than the classes: features, or logits beside their softmax. */

static gboolean
refuse_name (const EffvkGraph *graph, const char *wanted, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < graph->outputs->len; i++)
    g_string_append_printf (names, "%s\"%s\"", i ? ", " : "",
                            g_array_index (graph->outputs, EffvkGraphOutput, i).name);
  g_autofree char *text = effvk_graph_text (wanted, strlen (wanted));
  return effvk_unsupported (error, "the graph has no output \"%s\": expected one of %s", text,
                            names->str);
}

static gboolean
match_at (EffvkGraph *graph, guint value, EffvkGraphFacts *facts, GArray *layers, GError **error)
{
  graph->output = value;
  effvk_graph_finish (graph);
  g_array_set_size (layers, 0);
  effvk_graph_facts_clear (facts);
  return effvk_graph_match (graph, facts, layers, error);
}

const char *
effvk_graph_match_output (EffvkGraph *graph, const char *wanted, EffvkGraphFacts *facts,
                          GArray *layers, GError **error)
{
  g_autoptr (GError) first = NULL;
  guint tried = 0;

  for (guint i = 0; i < graph->outputs->len; i++)
    {
      const EffvkGraphOutput *output = &g_array_index (graph->outputs, EffvkGraphOutput, i);

      if (wanted && strcmp (output->name, wanted) != 0)
        continue;
      if (match_at (graph, output->value, facts, layers, tried++ ? NULL : &first))
        return output->name;
    }
  if (!tried)
    refuse_name (graph, wanted, error);
  else
    g_propagate_error (error, g_steal_pointer (&first));
  return NULL;
}
