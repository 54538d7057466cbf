/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/onnx-private.h"

#include <string.h>

/* A quantised graph in floats. Where activations are quantised and dequantised, their numbers stay
 * as they are, but for rounding. Quantisers drop a ReLU or ReLU6 where the range of the eight bits
 * does the same: there it is put back. */

#define RELU6_MAX 6.01

struct _EffvkOnnxQ
{
  GHashTable *outputs;   /* names of QuantizeLinear's outputs, of the unpacked model */
  GHashTable *convolved; /* values that convolutions compute, or batch norm behind them */
  GHashTable *clips;     /* value to the value of the activation put behind it, + 1 */
  GArray *nodes;         /* (element-type guint): those activations */
};

EffvkOnnxQ *
effvk_onnx_q_new (void)
{
  EffvkOnnxQ *q = g_new0 (EffvkOnnxQ, 1);

  q->outputs = g_hash_table_new (g_str_hash, g_str_equal);
  q->convolved = g_hash_table_new (NULL, NULL);
  q->clips = g_hash_table_new (NULL, NULL);
  q->nodes = g_array_new (FALSE, TRUE, sizeof (guint));
  return q;
}

void
effvk_onnx_q_free (EffvkOnnxQ *q)
{
  g_hash_table_unref (q->outputs);
  g_hash_table_unref (q->convolved);
  g_hash_table_unref (q->clips);
  g_array_unref (q->nodes);
  g_free (q);
}

void
effvk_onnx_note_node (EffvkOnnxQ *q, const EffvkNode *node)
{
  if (node->kind == EFFVK_NODE_CONV || node->kind == EFFVK_NODE_BATCH_NORM)
    g_hash_table_add (q->convolved, GUINT_TO_POINTER (node->output));
}

gboolean
effvk_onnx_is_q (const OnnxNode *in)
{
  gboolean named = strcmp (in->op_type, "QuantizeLinear") == 0
                   || strcmp (in->op_type, "DequantizeLinear") == 0;

  /* ONNX Runtime has both in its own domain as well, for 16 bits. */
  return named
         && (!in->domain || !*in->domain || strcmp (in->domain, "ai.onnx") == 0
             || strcmp (in->domain, "com.microsoft") == 0);
}

static const EffvkConstant *
input_constant (const EffvkGraph *graph, const EffvkNode *node, guint input)
{
  return input < node->n_inputs ? effvk_graph_constant (graph, node->inputs[input]) : NULL;
}

static gboolean
is_scale (const EffvkConstant *constant)
{
  return constant && constant->data && constant->n && constant->rank <= 1
         && (constant->element == EFFVK_ELEMENT_F32 || constant->element == EFFVK_ELEMENT_F16);
}

static gboolean
is_integer (const EffvkConstant *constant)
{
  return constant->element == EFFVK_ELEMENT_I8 || constant->element == EFFVK_ELEMENT_U8
         || constant->element == EFFVK_ELEMENT_I32;
}

static gboolean
invalid (const EffvkConstant *constant, const char *expected, GError **error)
{
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID, "tensor \"%s\": expected %s",
               constant->name, expected);
  return FALSE;
}

/* Scales and zero points as a constant has them: floats, and 64-bit numbers behind these. */
static gboolean
set_quantisation (EffvkConstant *out, const EffvkConstant *scale, const EffvkConstant *zero,
                  gint64 axis, GError **error)
{
  guint64 n = scale->n;
  guint8 *numbers;

  axis += axis < 0 ? out->rank : 0;
  if (n > 1 && (axis < 0 || axis >= out->rank || out->shape[axis] != n))
    return invalid (out, "a scale for each channel", error);
  if (zero && (!zero->data || !is_integer (zero) || (zero->n != n && zero->n != 1)))
    return invalid (out, "as many zero points as scales", error);
  numbers = out->owned = g_try_malloc (n * 12);
  if (!numbers)
    return invalid (out, "less data than there is memory for", error);
  for (guint64 i = 0; i < n; i++)
    {
      float s = (float) effvk_constant_get (scale, i);
      gint64 z = zero ? (gint64) effvk_constant_get (zero, zero->n == 1 ? 0 : i) : 0;
      guint32 bits;
      memcpy (&bits, &s, 4);
      bits = GUINT32_TO_LE (bits);
      z = GINT64_TO_LE (z);
      memcpy (numbers + 4 * i, &bits, 4);
      memcpy (numbers + 4 * n + 8 * i, &z, 8);
    }
  out->scales = numbers;
  out->zero_points = numbers + 4 * n;
  out->n_scales = n;
  out->axis = n > 1 ? (guint) axis : 0;
  return TRUE;
}

/* A constant of integers behind DequantizeLinear: the same bytes, with their scales. */
static guint
dequantise (EffvkGraph *graph, const OnnxNode *in, const EffvkNode *node,
            const EffvkConstant *constant, GError **error)
{
  const EffvkConstant *scale = input_constant (graph, node, 1);
  const EffvkConstant *zero = input_constant (graph, node, 2);
  EffvkConstant *out;

  if (!is_scale (scale) || !is_integer (constant) || constant->n_scales
      || effvk_onnx_int (in, "block_size", 0) != 0)
    return EFFVK_GRAPH_NONE;
  out = effvk_graph_add_constant (graph, constant->name);
  out->element = constant->element;
  out->rank = constant->rank;
  memcpy (out->shape, constant->shape, sizeof out->shape);
  out->n = constant->n;
  out->data = constant->data;
  out->location = g_strdup (constant->location);
  out->offset = constant->offset;
  if (!set_quantisation (out, scale, zero, effvk_onnx_int (in, "axis", 1), error))
    return EFFVK_GRAPH_NONE;
  graph->quantised = TRUE;
  return effvk_graph_add_value (graph, in->output[0], out);
}

/* The largest number that the eight bits stand for where the smallest is zero; else 0. */
static double
clipped_at (const EffvkGraph *graph, const EffvkNode *node)
{
  const EffvkConstant *scale = input_constant (graph, node, 1);
  const EffvkConstant *zero = input_constant (graph, node, 2);
  gboolean is_signed = zero && zero->element == EFFVK_ELEMENT_I8;

  if (!is_scale (scale) || scale->n != 1)
    return 0;
  if (zero
      && (!zero->data || zero->n != 1 || (!is_signed && zero->element != EFFVK_ELEMENT_U8)
          || effvk_constant_get (zero, 0) != (is_signed ? -128 : 0)))
    return 0;
  return 255 * effvk_constant_get (scale, 0);
}

/* The activation that the range of @node's output stands for, behind a convolution. */
static guint
put_clip (EffvkOnnxQ *q, EffvkGraph *graph, const OnnxNode *in, const EffvkNode *node)
{
  guint value = node->inputs[0];
  guint known = GPOINTER_TO_UINT (g_hash_table_lookup (q->clips, GUINT_TO_POINTER (value)));
  double most = clipped_at (graph, node);
  EffvkNode clip = { .n_inputs = 1, .inputs = { value } };

  if (known)
    return known - 1;
  if (!(most > 0) || !g_hash_table_contains (q->convolved, GUINT_TO_POINTER (value)))
    return value;
  clip.kind = most <= RELU6_MAX ? EFFVK_NODE_RELU6 : EFFVK_NODE_RELU;
  clip.output = effvk_graph_add_value (graph, in->output[0], NULL);
  clip.name = effvk_graph_text (in->output[0], strlen (in->output[0]));
  clip.type = g_strdup ("QuantizeLinear");
  g_array_append_val (q->nodes, graph->nodes->len);
  known = clip.output + 1;
  effvk_graph_add_node (graph, &clip);
  g_hash_table_insert (q->clips, GUINT_TO_POINTER (value), GUINT_TO_POINTER (known));
  return known - 1;
}

guint
effvk_onnx_pass_q (EffvkOnnxQ *q, EffvkGraph *graph, const OnnxNode *in, const EffvkNode *node,
                   GError **error)
{
  const EffvkConstant *constant = input_constant (graph, node, 0);

  if (!node->n_inputs || node->inputs[0] == EFFVK_GRAPH_NONE)
    return EFFVK_GRAPH_NONE;
  if (strcmp (in->op_type, "QuantizeLinear") == 0)
    {
      g_hash_table_add (q->outputs, in->output[0]);
      graph->quantised = TRUE;
      return constant ? node->inputs[0] : put_clip (q, graph, in, node);
    }
  /* What was quantised in the graph is there in floats. */
  if (g_hash_table_contains (q->outputs, in->input[0]))
    return node->inputs[0];
  return constant ? dequantise (graph, in, node, constant, error) : EFFVK_GRAPH_NONE;
}

/* With a ReLU among them all are: a range that ends below six is then what was seen, no limit. */
void
effvk_onnx_settle_clips (EffvkOnnxQ *q, EffvkGraph *graph)
{
  gboolean relu = FALSE;

  for (guint i = 0; i < graph->nodes->len && q->nodes->len; i++)
    relu = relu || g_array_index (graph->nodes, EffvkNode, i).kind == EFFVK_NODE_RELU;
  for (guint i = 0; i < q->nodes->len && relu; i++)
    g_array_index (graph->nodes, EffvkNode, g_array_index (q->nodes, guint, i)).kind
        = EFFVK_NODE_RELU;
}
