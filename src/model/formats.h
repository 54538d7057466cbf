/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/graph/graph.h"
#include "model/metadata.h"
#include "model/safetensors.h"

/* Reading a model of any format: told apart by content, not by the file's name. A graph (ONNX,
 * TFLite) becomes the safetensors file that it could have been; @facts is what it says beyond that,
 * and empty for safetensors. */
typedef struct
{
  gboolean is_graph;
  EffvkGraphFacts facts;
  char **labels; /* that are in the file beside the graph, or NULL */
  char *output;  /* the name of the graph's output that is taken; NULL: it has one only */
  gboolean quantised;
} EffvkFormatFacts;

/* @output: which output of a graph to take, or NULL. */
gboolean effvk_formats_read_file (EffvkSafetensors *file, EffvkFormatFacts *facts, const char *path,
                                  const char *output, GError **error);
gboolean effvk_formats_read_bytes (EffvkSafetensors *file, EffvkFormatFacts *facts, GBytes *bytes,
                                   GError **error);
void effvk_format_facts_clear (EffvkFormatFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkFormatFacts, effvk_format_facts_clear)

/* Before metadata is applied: what the graph says becomes @arch's and @recipe's. */
gboolean effvk_format_facts_apply (const EffvkFormatFacts *facts, EffvkArch *arch,
                                   EffvkRecipe *recipe, EffvkSources *sources, GError **error);
/* After it: labels in the file go before those of a config.json. */
void effvk_format_facts_take_labels (EffvkFormatFacts *facts, char ***labels,
                                     EffvkSources *sources);
/* And metadata that contradicts the graph is refused. */
gboolean effvk_format_facts_check (const EffvkFormatFacts *facts, const EffvkArch *arch,
                                   GError **error);

/* Fill an initialised @graph, whose folder is set where files beside the model may be read. */
gboolean effvk_onnx_read (EffvkGraph *graph, const guint8 *data, gsize size, GError **error);
gboolean effvk_tflite_read (EffvkGraph *graph, const guint8 *data, gsize size, GError **error);
