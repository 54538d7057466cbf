/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/tflite-labels.h"

#include "model/formats.h"
#include "model/names/names.h"

#include <math.h>

/* TFLite's schema, by field numbers. Images are [n, height, width, channels]. */

#define MAX_SIZE 8192
#define MAX_TENSORS 40000
#define MAX_OPERANDS 64

enum
{
  MODEL_OPERATOR_CODES = 1,
  MODEL_SUBGRAPHS = 2,
  MODEL_BUFFERS = 4,
  GRAPH_TENSORS = 0,
  GRAPH_INPUTS = 1,
  GRAPH_OUTPUTS = 2,
  GRAPH_OPERATORS = 3,
  TENSOR_SHAPE = 0,
  TENSOR_TYPE = 1,
  TENSOR_BUFFER = 2,
  TENSOR_NAME = 3,
  TENSOR_QUANTIZATION = 4,
  QUANTIZATION_SCALE = 2,
  QUANTIZATION_ZERO_POINT = 3,
  QUANTIZATION_DIMENSION = 6,
  OPERATOR_CODE = 0,
  OPERATOR_INPUTS = 1,
  OPERATOR_OUTPUTS = 2,
  OPERATOR_OPTIONS = 4,
  CODE_OLD = 0,
  CODE_NEW = 3,
  BUFFER_DATA = 0,
};

static const struct
{
  gint64 code;
  const char *name;
  EffvkNodeKind kind;
} operators[] = {
  { 0, "ADD", EFFVK_NODE_ADD },
  { 1, "AVERAGE_POOL_2D", EFFVK_NODE_MEAN },
  { 3, "CONV_2D", EFFVK_NODE_CONV },
  { 4, "DEPTHWISE_CONV_2D", EFFVK_NODE_CONV },
  { 6, "DEQUANTIZE", EFFVK_NODE_OTHER },
  { 9, "FULLY_CONNECTED", EFFVK_NODE_DENSE },
  { 14, "LOGISTIC", EFFVK_NODE_SIGMOID },
  { 18, "MUL", EFFVK_NODE_MUL },
  { 19, "RELU", EFFVK_NODE_RELU },
  { 21, "RELU6", EFFVK_NODE_RELU6 },
  { 22, "RESHAPE", EFFVK_NODE_RESHAPE },
  { 25, "SOFTMAX", EFFVK_NODE_SOFTMAX },
  { 34, "PAD", EFFVK_NODE_PAD },
  { 40, "MEAN", EFFVK_NODE_MEAN },
  { 41, "SUB", EFFVK_NODE_SUB },
  { 42, "DIV", EFFVK_NODE_DIV },
  { 43, "SQUEEZE", EFFVK_NODE_RESHAPE },
  { 53, "CAST", EFFVK_NODE_OTHER },
  { 70, "EXPAND_DIMS", EFFVK_NODE_RESHAPE },
  { 77, "SHAPE", EFFVK_NODE_SHAPE },
  { 114, "QUANTIZE", EFFVK_NODE_OTHER },
  { 117, "HARD_SWISH", EFFVK_NODE_OTHER },
};

enum
{
  OP_AVERAGE_POOL = 1,
  OP_CONV = 3,
  OP_DEPTHWISE = 4,
  OP_DEQUANTIZE = 6,
  OP_CAST = 53,
  OP_QUANTIZE = 114,
};

typedef struct
{
  EffvkFlat flat;
  EffvkGraph *graph;
  EffvkFlatVector codes, tensors, buffers;
  guint *values; /* of each tensor, + 1; 0: not yet computed */
  GError **error;
} Reader;

static gboolean
invalid (Reader *r, const char *expected)
{
  g_set_error (r->error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
               "damaged, or not a TFLite model: expected %s", expected);
  return FALSE;
}

static EffvkElement
element_of (guint64 type)
{
  static const EffvkElement elements[]
      = { EFFVK_ELEMENT_F32,   EFFVK_ELEMENT_F16,   EFFVK_ELEMENT_I32,   EFFVK_ELEMENT_U8,
          EFFVK_ELEMENT_I64,   EFFVK_ELEMENT_OTHER, EFFVK_ELEMENT_OTHER, EFFVK_ELEMENT_OTHER,
          EFFVK_ELEMENT_OTHER, EFFVK_ELEMENT_I8 };
  return type < G_N_ELEMENTS (elements) ? elements[type] : EFFVK_ELEMENT_OTHER;
}

static gboolean
read_quantization (Reader *r, const EffvkFlatTable *tensor, EffvkConstant *constant)
{
  EffvkFlatTable q = effvk_flat_get_table (&r->flat, tensor, TENSOR_QUANTIZATION);
  EffvkFlatVector scales = effvk_flat_get_vector (&r->flat, &q, QUANTIZATION_SCALE, 4);
  EffvkFlatVector zeros = effvk_flat_get_vector (&r->flat, &q, QUANTIZATION_ZERO_POINT, 8);
  gint64 axis = effvk_flat_get_int (&r->flat, &q, QUANTIZATION_DIMENSION, 4, 0);

  if (!scales.n || constant->element == EFFVK_ELEMENT_F32 || constant->element == EFFVK_ELEMENT_F16)
    return TRUE;
  if (scales.n > 1 && (axis < 0 || axis >= constant->rank || constant->shape[axis] != scales.n))
    return invalid (r, "a scale for each channel of a quantised tensor");
  if (zeros.n && zeros.n != scales.n)
    return invalid (r, "as many zero points as scales");
  r->graph->quantised = TRUE;
  constant->n_scales = scales.n;
  constant->scales = r->flat.data + scales.at;
  constant->zero_points = zeros.n ? r->flat.data + zeros.at : NULL;
  constant->axis = scales.n > 1 ? (guint) axis : 0;
  return TRUE;
}

/* A tensor with data becomes a constant; the others are computed. */
static gboolean
read_tensor (Reader *r, guint64 index)
{
  EffvkFlatTable tensor = effvk_flat_table_at (&r->flat, r->tensors, index);
  EffvkFlatVector shape = effvk_flat_get_vector (&r->flat, &tensor, TENSOR_SHAPE, 4);
  EffvkFlatVector name = effvk_flat_get_vector (&r->flat, &tensor, TENSOR_NAME, 1);
  guint64 number = effvk_flat_get_uint (&r->flat, &tensor, TENSOR_BUFFER, 4, 0);
  EffvkFlatTable buffer = effvk_flat_table_at (&r->flat, r->buffers, number);
  EffvkFlatVector data = effvk_flat_get_vector (&r->flat, &buffer, BUFFER_DATA, 1);

  if (!tensor.at || r->flat.damaged)
    return invalid (r, "tensors inside the file");
  if (!data.n)
    return TRUE;
  g_autofree char *text = effvk_graph_text ((const char *) r->flat.data + name.at, name.n);
  EffvkConstant *constant = effvk_graph_add_constant (r->graph, text);
  constant->element = element_of (effvk_flat_get_uint (&r->flat, &tensor, TENSOR_TYPE, 1, 0));
  if (shape.n > EFFVK_GRAPH_MAX_RANK)
    return invalid (r, "tensors of at most 8 dimensions");
  constant->rank = (guint) shape.n;
  for (guint i = 0; i < constant->rank; i++)
    {
      gint32 size = effvk_flat_int_at (&r->flat, shape, i);
      if (size < 0)
        return invalid (r, "constants with dimensions that are not negative");
      constant->shape[i] = (guint64) size;
    }
  if (constant->element != EFFVK_ELEMENT_OTHER)
    {
      if (!effvk_constant_measure (constant, data.n)
          || constant->n * effvk_element_size (constant->element) != data.n)
        return invalid (r, "as many bytes in a tensor as its shape and type take");
      constant->data = r->flat.data + data.at;
      if (!read_quantization (r, &tensor, constant))
        return FALSE;
    }
  r->values[index] = effvk_graph_add_value (r->graph, text, constant) + 1;
  return TRUE;
}

static void
set_fused (Reader *r, EffvkNode *node, const EffvkFlatTable *options, guint field)
{
  switch (effvk_flat_get_int (&r->flat, options, field, 1, 0))
    {
    case 0:
      node->fused = EFFVK_ACTIVATION_NONE;
      break;
    case 1:
      node->fused = EFFVK_ACTIVATION_RELU;
      break;
    case 3:
      node->fused = EFFVK_ACTIVATION_RELU6;
      break;
    default:
      node->problem = "no fused activation but RELU and RELU6";
      node->kind = EFFVK_NODE_OTHER;
      break;
    }
}

static const EffvkConstant *
constant_at (Reader *r, const EffvkNode *node, guint input)
{
  return input < node->n_inputs ? effvk_graph_constant (r->graph, node->inputs[input]) : NULL;
}

static void
read_conv (Reader *r, EffvkNode *node, const EffvkFlatTable *options, gboolean depthwise)
{
  const EffvkConstant *weight = constant_at (r, node, 1);
  guint shift = depthwise ? 1 : 0;

  set_fused (r, node, options, 3 + shift);
  node->layout = depthwise ? EFFVK_WEIGHTS_HWO : EFFVK_WEIGHTS_OHWI;
  node->same = effvk_flat_get_int (&r->flat, options, 0, 1, 0) == 0;
  node->stride_w = effvk_flat_get_int (&r->flat, options, 1, 4, 0);
  node->stride_h = effvk_flat_get_int (&r->flat, options, 2, 4, 0);
  if (effvk_flat_get_int (&r->flat, options, 4 + shift, 4, 1) != 1
      || effvk_flat_get_int (&r->flat, options, 5 + shift, 4, 1) != 1)
    node->problem = "a convolution without dilation";
  if (!weight || weight->rank != 4 || !weight->n || (depthwise && weight->shape[0] != 1))
    {
      node->problem = "constant weights of 4 dimensions";
      return;
    }
  node->out = weight->shape[depthwise ? 3 : 0];
  node->in = depthwise ? 1 : weight->shape[3];
  node->groups = depthwise ? (gint64) node->out : 1;
  node->kernel_h = weight->shape[1];
  node->kernel_w = weight->shape[2];
}

static void
read_dense (Reader *r, EffvkNode *node, const EffvkFlatTable *options)
{
  const EffvkConstant *weight = constant_at (r, node, 1);

  set_fused (r, node, options, 0);
  while (node->n_inputs < 3)
    node->inputs[node->n_inputs++] = EFFVK_GRAPH_NONE;
  node->layout = EFFVK_WEIGHTS_OIHW;
  node->groups = 1;
  node->kernel_h = node->kernel_w = 1;
  if (!weight || weight->rank != 2 || !weight->n
      || effvk_flat_get_int (&r->flat, options, 1, 1, 0) != 0)
    {
      node->problem = "constant weights of 2 dimensions";
      return;
    }
  node->out = weight->shape[0];
  node->in = weight->shape[1];
}

static void
read_pad (Reader *r, EffvkNode *node)
{
  const EffvkConstant *pads = constant_at (r, node, 1);

  if (!pads || !pads->data || pads->rank != 2 || pads->shape[0] != 4 || pads->shape[1] != 2
      || (pads->element != EFFVK_ELEMENT_I32 && pads->element != EFFVK_ELEMENT_I64)
      || effvk_constant_get (pads, 0) != 0 || effvk_constant_get (pads, 1) != 0
      || effvk_constant_get (pads, 6) != 0 || effvk_constant_get (pads, 7) != 0)
    {
      node->problem = "zeros around height and width, as many as a constant says";
      return;
    }
  for (guint i = 0; i < 4; i++)
    {
      static const guint places[] = { 2, 4, 3, 5 };
      node->pads[i] = (gint64) CLAMP (effvk_constant_get (pads, places[i]), -1, 1000);
    }
}

static void
read_mean (Reader *r, EffvkNode *node)
{
  const EffvkConstant *axes = constant_at (r, node, 1);
  double a = 0, b = 0;

  if (axes && axes->data && axes->n == 2)
    {
      a = effvk_constant_get (axes, 0);
      b = effvk_constant_get (axes, 1);
      a += a < 0 ? 4 : 0;
      b += b < 0 ? 4 : 0;
    }
  if (MIN (a, b) != 1 || MAX (a, b) != 2)
    node->problem = "the mean over height and width";
}

static void
read_options (Reader *r, EffvkNode *node, gint64 code, const EffvkFlatTable *options)
{
  switch (node->kind)
    {
    case EFFVK_NODE_CONV:
      read_conv (r, node, options, code == OP_DEPTHWISE);
      break;
    case EFFVK_NODE_DENSE:
      read_dense (r, node, options);
      break;
    case EFFVK_NODE_ADD:
    case EFFVK_NODE_SUB:
    case EFFVK_NODE_MUL:
    case EFFVK_NODE_DIV:
      set_fused (r, node, options, 0);
      break;
    case EFFVK_NODE_PAD:
      read_pad (r, node);
      break;
    case EFFVK_NODE_RESHAPE:
      node->n_inputs = MIN (node->n_inputs, 1);
      break;
    case EFFVK_NODE_MEAN:
      if (code != OP_AVERAGE_POOL)
        {
          read_mean (r, node);
          break;
        }
      node->pool_w = effvk_flat_get_int (&r->flat, options, 3, 4, 0);
      node->pool_h = effvk_flat_get_int (&r->flat, options, 4, 4, 0);
      if (node->pool_w < 1 || node->pool_h < 1
          || effvk_flat_get_int (&r->flat, options, 5, 1, 0) != 0)
        node->problem = "an average over height and width";
      break;
    default:
      break;
    }
}

static gint64
read_code (Reader *r, const EffvkFlatTable *operator)
{
  guint64 index = effvk_flat_get_uint (&r->flat, operator, OPERATOR_CODE, 4, 0);
  EffvkFlatTable code = effvk_flat_table_at (&r->flat, r->codes, index);
  gint64 old = effvk_flat_get_int (&r->flat, &code, CODE_OLD, 1, 0);
  gint64 new = effvk_flat_get_int (&r->flat, &code, CODE_NEW, 4, 0);

  return code.at ? MAX (old, new) : -1;
}

static gboolean
read_operator (Reader *r, EffvkFlatTable operator, guint64 index)
{
  EffvkFlatVector inputs = effvk_flat_get_vector (&r->flat, &operator, OPERATOR_INPUTS, 4);
  EffvkFlatVector outputs = effvk_flat_get_vector (&r->flat, &operator, OPERATOR_OUTPUTS, 4);
  EffvkFlatTable options = effvk_flat_get_table (&r->flat, &operator, OPERATOR_OPTIONS);
  gint64 code = read_code (r, &operator);
  EffvkNode node = { 0 };
  const char *type = NULL;

  if (!operator.at || code<0 || outputs.n<1 || outputs.n> MAX_OPERANDS || inputs.n> MAX_OPERANDS)
    return invalid (r, "operators with a code, an output and at most 64 inputs");
  for (guint64 i = 0; i < inputs.n; i++)
    {
      gint32 tensor = effvk_flat_int_at (&r->flat, inputs, i);
      if (tensor < -1 || (tensor >= 0 && ((guint64) tensor >= r->tensors.n || !r->values[tensor])))
        return invalid (r, "tensors that are computed before they are used (no cycles)");
      if (i < EFFVK_GRAPH_MAX_INPUTS)
        node.inputs[node.n_inputs++] = tensor < 0 ? EFFVK_GRAPH_NONE : r->values[tensor] - 1;
    }
  for (guint64 i = 0; i < outputs.n; i++)
    {
      gint32 tensor = effvk_flat_int_at (&r->flat, outputs, i);
      if (tensor < 0 || (guint64) tensor >= r->tensors.n || r->values[tensor])
        return invalid (r, "tensors that are computed once");
      if (i == 0 && (code == OP_DEQUANTIZE || code == OP_QUANTIZE || code == OP_CAST)
          && node.n_inputs && node.inputs[0] != EFFVK_GRAPH_NONE)
        {
          r->values[tensor] = node.inputs[0] + 1;
          return TRUE;
        }
      guint value = effvk_graph_add_value (r->graph, "", NULL);
      r->values[tensor] = value + 1;
      if (i == 0)
        node.output = value;
    }
  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    if (operators[i].code == code)
      {
        node.kind = operators[i].kind;
        type = operators[i].name;
      }
  read_options (r, &node, code, &options);
  EffvkFlatTable tensor = effvk_flat_table_at (&r->flat, r->tensors,
                                               (guint64) effvk_flat_int_at (&r->flat, outputs, 0));
  EffvkFlatVector name = effvk_flat_get_vector (&r->flat, &tensor, TENSOR_NAME, 1);
  node.name = name.n ? effvk_graph_text ((const char *) r->flat.data + name.at, name.n)
                     : g_strdup_printf ("operator %" G_GUINT64_FORMAT, index);
  node.type = type ? g_strdup (type) : g_strdup_printf ("operator code %" G_GINT64_FORMAT, code);
  effvk_graph_add_node (r->graph, &node);
  return TRUE;
}

static gboolean
read_input (Reader *r, const EffvkFlatTable *subgraph)
{
  EffvkFlatVector inputs = effvk_flat_get_vector (&r->flat, subgraph, GRAPH_INPUTS, 4);
  guint64 *sizes[] = { &r->graph->height, &r->graph->width, &r->graph->in_channels };
  gint32 index = inputs.n == 1 ? effvk_flat_int_at (&r->flat, inputs, 0) : -1;
  EffvkFlatTable tensor;
  EffvkFlatVector shape;

  if (index < 0 || (guint64) index >= r->tensors.n || r->values[index])
    return effvk_unsupported (r->error, "expected a graph with one input, found %" G_GUINT64_FORMAT,
                              inputs.n);
  tensor = effvk_flat_table_at (&r->flat, r->tensors, (guint64) index);
  shape = effvk_flat_get_vector (&r->flat, &tensor, TENSOR_SHAPE, 4);
  if (shape.n != 4)
    return effvk_unsupported (r->error, "expected an input of 4 dimensions, images");
  for (guint i = 0; i < 3; i++)
    {
      gint32 size = effvk_flat_int_at (&r->flat, shape, i + 1);
      if (size < 1 || size > MAX_SIZE)
        return effvk_unsupported (r->error, "expected an input of 1 to %d pixels, found %d",
                                  MAX_SIZE, size);
      *sizes[i] = (guint64) size;
    }
  r->graph->input = effvk_graph_add_value (r->graph, "the input", NULL);
  r->values[index] = r->graph->input + 1;
  return TRUE;
}

static gboolean
read_outputs (Reader *r, EffvkFlatVector outputs)
{
  if (outputs.n < 1 || outputs.n > EFFVK_GRAPH_MAX_OUTPUTS)
    return effvk_unsupported (r->error,
                              "expected a graph with 1 to %d outputs, found %" G_GUINT64_FORMAT,
                              EFFVK_GRAPH_MAX_OUTPUTS, outputs.n);
  for (guint64 i = 0; i < outputs.n; i++)
    {
      gint32 index = effvk_flat_int_at (&r->flat, outputs, i);
      if (index < 0 || (guint64) index >= r->tensors.n || !r->values[index])
        return invalid (r, "outputs that an operator computes");
      EffvkFlatTable tensor = effvk_flat_table_at (&r->flat, r->tensors, (guint64) index);
      EffvkFlatVector name = effvk_flat_get_vector (&r->flat, &tensor, TENSOR_NAME, 1);
      g_autofree char *text
          = effvk_graph_text ((const char *) r->flat.data + name.at, (gsize) name.n);
      effvk_graph_add_output (r->graph, text, r->values[index] - 1);
    }
  return TRUE;
}

gboolean
effvk_tflite_read (EffvkGraph *graph, const guint8 *data, gsize size, GError **error)
{
  Reader r = { .flat = { .data = data, .size = size }, .graph = graph, .error = error };
  EffvkFlatTable model = effvk_flat_root (&r.flat);
  EffvkFlatVector subgraphs = effvk_flat_get_vector (&r.flat, &model, MODEL_SUBGRAPHS, 4);
  EffvkFlatTable subgraph = effvk_flat_table_at (&r.flat, subgraphs, 0);
  EffvkFlatVector nodes = effvk_flat_get_vector (&r.flat, &subgraph, GRAPH_OPERATORS, 4);
  EffvkFlatVector outputs = effvk_flat_get_vector (&r.flat, &subgraph, GRAPH_OUTPUTS, 4);
  g_autofree guint *values = NULL;

  r.codes = effvk_flat_get_vector (&r.flat, &model, MODEL_OPERATOR_CODES, 4);
  r.buffers = effvk_flat_get_vector (&r.flat, &model, MODEL_BUFFERS, 4);
  r.tensors = effvk_flat_get_vector (&r.flat, &subgraph, GRAPH_TENSORS, 4);
  if (r.flat.damaged || !subgraph.at)
    return invalid (&r, "a graph inside the file");
  if (subgraphs.n != 1 || nodes.n > EFFVK_GRAPH_MAX_NODES || r.tensors.n > MAX_TENSORS)
    return effvk_unsupported (error,
                              "expected one graph of at most %d operators and %d tensors, found "
                              "more",
                              EFFVK_GRAPH_MAX_NODES, MAX_TENSORS);
  values = r.values = g_new0 (guint, MAX (r.tensors.n, 1));
  for (guint64 i = 0; i < r.tensors.n; i++)
    if (!read_tensor (&r, i))
      return FALSE;
  if (!read_input (&r, &subgraph))
    return FALSE;
  for (guint64 i = 0; i < nodes.n; i++)
    if (!read_operator (&r, effvk_flat_table_at (&r.flat, nodes, i), i))
      return FALSE;
  if (r.flat.damaged)
    return invalid (&r, "everything inside the file");
  return read_outputs (&r, outputs) && effvk_tflite_read_labels (&r.flat, &model, graph, error);
}
