/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/onnx-private.h"

#include "model/names/names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE 8192
#define MAX_TENSORS 20000

/* Unpacked, a file of empty messages takes many times its size: more than this much is refused. */
#define EXTRA_MEMORY ((gsize) 16 << 20)

typedef struct
{
  ProtobufCAllocator allocator;
  gsize left;
  EffvkOnnx__Model *model;
} Unpacked;

typedef union
{
  gsize size;
  max_align_t align;
} Block;

static void *
budget_alloc (void *data, size_t size)
{
  Unpacked *unpacked = data;
  Block *block;

  if (unpacked->left < sizeof *block || size > unpacked->left - sizeof *block)
    return NULL;
  block = malloc (sizeof *block + size);
  if (!block)
    return NULL;
  block->size = size + sizeof *block;
  unpacked->left -= block->size;
  return block + 1;
}

static void
budget_free (void *data, void *pointer)
{
  Unpacked *unpacked = data;
  Block *block = pointer;

  if (!block)
    return;
  block--;
  unpacked->left += block->size;
  free (block);
}

static void
unpacked_free (gpointer data)
{
  Unpacked *unpacked = data;
  if (unpacked->model)
    effvk_onnx__model__free_unpacked (unpacked->model, &unpacked->allocator);
  g_free (unpacked);
}

typedef struct
{
  EffvkGraph *graph;
  GHashTable *values;    /* name (of the unpacked model) to value + 1 */
  GHashTable *pixels;    /* values that are the input, or its pixels normalised */
  EffvkOnnxQ *quantised; /* what is known of QuantizeLinear's outputs */
  GError **error;
} Reader;

static gboolean
invalid (Reader *r, const char *what, const char *name, const char *expected)
{
  g_autofree char *text = effvk_graph_text (name ? name : "", name ? strlen (name) : 0);
  g_set_error (r->error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID, "%s \"%s\": expected %s",
               what, text, expected);
  return FALSE;
}

const OnnxAttribute *
effvk_onnx_attribute (const OnnxNode *node, const char *name)
{
  for (gsize i = 0; i < node->n_attribute; i++)
    if (node->attribute[i]->name && strcmp (node->attribute[i]->name, name) == 0)
      return node->attribute[i];
  return NULL;
}

gint64
effvk_onnx_int (const OnnxNode *node, const char *name, gint64 otherwise)
{
  const OnnxAttribute *attribute = effvk_onnx_attribute (node, name);
  return attribute && attribute->has_i ? attribute->i : otherwise;
}

static double
get_float (const OnnxNode *node, const char *name, double otherwise)
{
  const OnnxAttribute *attribute = effvk_onnx_attribute (node, name);
  return attribute && attribute->has_f ? attribute->f : otherwise;
}

/* @n numbers; false when there are others than @n. Absent ones keep their value. */
static gboolean
get_ints (const OnnxNode *node, const char *name, gint64 *out, gsize n)
{
  const OnnxAttribute *attribute = effvk_onnx_attribute (node, name);

  if (!attribute)
    return TRUE;
  if (attribute->n_ints != n)
    return FALSE;
  memcpy (out, attribute->ints, n * sizeof *out);
  return TRUE;
}

static gboolean
string_is (const OnnxNode *node, const char *name, const char *expected, gboolean otherwise)
{
  const OnnxAttribute *attribute = effvk_onnx_attribute (node, name);

  if (!attribute || !attribute->has_s)
    return otherwise;
  return attribute->s.len == strlen (expected)
         && memcmp (attribute->s.data, expected, attribute->s.len) == 0;
}

static EffvkConstant *
input_constant (Reader *r, const EffvkNode *node, guint input)
{
  if (input >= node->n_inputs)
    return NULL;
  return effvk_graph_constant (r->graph, node->inputs[input]);
}

static gboolean
get_scalar (Reader *r, const EffvkNode *node, guint input, double *value)
{
  const EffvkConstant *constant = input_constant (r, node, input);

  if (!constant || !constant->data || constant->n != 1)
    return FALSE;
  *value = effvk_constant_get (constant, 0);
  return TRUE;
}

static void
read_conv (Reader *r, const OnnxNode *in, EffvkNode *node)
{
  const EffvkConstant *weight = input_constant (r, node, 1);
  gint64 strides[2] = { 1, 1 }, dilations[2] = { 1, 1 };

  node->kind = EFFVK_NODE_CONV;
  node->layout = EFFVK_WEIGHTS_OIHW;
  node->groups = effvk_onnx_int (in, "group", 1);
  if (!weight || weight->rank != 4 || !weight->n)
    {
      node->problem = "constant weights of 4 dimensions, FLOAT, FLOAT16 or dequantised";
      return;
    }
  node->out = weight->shape[0];
  node->in = weight->shape[1];
  node->kernel_h = weight->shape[2];
  node->kernel_w = weight->shape[3];
  if (!get_ints (in, "strides", strides, 2) || !get_ints (in, "dilations", dilations, 2)
      || !get_ints (in, "pads", node->pads, 4) || dilations[0] != 1 || dilations[1] != 1)
    node->problem = "a two-dimensional convolution without dilation";
  node->stride_h = strides[0];
  node->stride_w = strides[1];
  node->same = string_is (in, "auto_pad", "SAME_UPPER", FALSE);
  if (string_is (in, "auto_pad", "SAME_LOWER", FALSE))
    node->problem = "padding that is explicit, VALID or SAME_UPPER";
}

static void
read_dense (Reader *r, const OnnxNode *in, EffvkNode *node, gboolean gemm)
{
  const EffvkConstant *weight = input_constant (r, node, 1);
  gboolean transposed = gemm && effvk_onnx_int (in, "transB", 0) != 0;

  node->kind = EFFVK_NODE_DENSE;
  node->layout = transposed ? EFFVK_WEIGHTS_OIHW : EFFVK_WEIGHTS_IO;
  node->groups = 1;
  node->kernel_h = node->kernel_w = 1;
  while (node->n_inputs < 3)
    node->inputs[node->n_inputs++] = EFFVK_GRAPH_NONE;
  if (!weight || weight->rank != 2 || !weight->n)
    {
      node->problem = "constant weights of 2 dimensions, FLOAT, FLOAT16 or dequantised";
      return;
    }
  node->out = weight->shape[!transposed];
  node->in = weight->shape[transposed];
  if (gemm
      && (get_float (in, "alpha", 1) != 1 || get_float (in, "beta", 1) != 1
          || effvk_onnx_int (in, "transA", 0)))
    node->problem = "alpha and beta of 1, and no transA";
}

static void
read_pad (Reader *r, const OnnxNode *in, EffvkNode *node)
{
  gint64 pads[8] = { -1 };
  double value = get_float (in, "value", 0);
  const EffvkConstant *constant = input_constant (r, node, 1);

  node->kind = EFFVK_NODE_PAD;
  if (constant && constant->data && constant->n == 8 && constant->element == EFFVK_ELEMENT_I64)
    for (guint i = 0; i < 8; i++)
      {
        guint64 bits;
        memcpy (&bits, constant->data + 8 * i, 8);
        pads[i] = (gint64) GUINT64_FROM_LE (bits);
      }
  else if (!get_ints (in, "pads", pads, 8))
    pads[0] = -1;
  if (node->n_inputs > 2 && node->inputs[2] != EFFVK_GRAPH_NONE && !get_scalar (r, node, 2, &value))
    value = NAN;
  if (pads[0] || pads[1] || pads[4] || pads[5] || value != 0
      || !string_is (in, "mode", "constant", TRUE))
    node->problem = "zeros around height and width, as many as a constant says";
  node->pads[0] = pads[2];
  node->pads[1] = pads[3];
  node->pads[2] = pads[6];
  node->pads[3] = pads[7];
}

static void
read_clip (Reader *r, const OnnxNode *in, EffvkNode *node)
{
  double low = get_float (in, "min", -INFINITY), high = get_float (in, "max", INFINITY);

  get_scalar (r, node, 1, &low);
  get_scalar (r, node, 2, &high);
  node->kind = low == 0 && high == 6 ? EFFVK_NODE_RELU6 : EFFVK_NODE_OTHER;
}

static void
read_mean (Reader *r, const OnnxNode *in, EffvkNode *node)
{
  const EffvkConstant *constant = input_constant (r, node, 1);
  gint64 axes[2] = { 0, 0 };

  node->kind = EFFVK_NODE_MEAN;
  if (constant && constant->data && constant->n == 2)
    for (guint i = 0; i < 2; i++)
      axes[i] = (gint64) effvk_constant_get (constant, i);
  else if (!get_ints (in, "axes", axes, 2))
    axes[0] = 0;
  for (guint i = 0; i < 2; i++)
    axes[i] += axes[i] < 0 ? 4 : 0;
  if (MIN (axes[0], axes[1]) != 2 || MAX (axes[0], axes[1]) != 3)
    node->problem = "the mean over height and width";
}

static void
read_pool (const OnnxNode *in, EffvkNode *node)
{
  gint64 kernel[2] = { 0, 0 }, pads[4] = { 0 };

  node->kind = EFFVK_NODE_MEAN;
  if (!get_ints (in, "kernel_shape", kernel, 2) || !get_ints (in, "pads", pads, 4) || kernel[0] < 1
      || kernel[1] < 1 || pads[0] || pads[1] || pads[2] || pads[3])
    node->problem = "an average over height and width, without padding";
  node->pool_h = kernel[0];
  node->pool_w = kernel[1];
}

static void
read_batch_norm (const OnnxNode *in, EffvkNode *node)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  float eps = (float) get_float (in, "epsilon", 1e-5);

  node->kind = EFFVK_NODE_BATCH_NORM;
  /* The decimal number that was meant, not the float nearest to it. */
  g_ascii_formatd (text, sizeof text, "%.7g", eps);
  node->eps = g_ascii_strtod (text, NULL);
  if (node->n_inputs != 5 || effvk_onnx_int (in, "training_mode", 0)
      || !(node->eps >= 0 && node->eps <= 1))
    node->problem = "batch norm for inference, of five inputs and an epsilon of 0 to 1";
  for (guint i = 1; i < node->n_inputs; i++)
    if (node->inputs[i] == EFFVK_GRAPH_NONE)
      node->problem = "batch norm for inference, of five inputs and an epsilon of 0 to 1";
  if (node->problem)
    node->kind = EFFVK_NODE_OTHER;
}

static const struct
{
  const char *type;
  EffvkNodeKind kind;
} simple[] = {
  { "Sigmoid", EFFVK_NODE_SIGMOID }, { "Swish", EFFVK_NODE_SILU }, /* where alpha is 1 */
  { "QuickGelu", EFFVK_NODE_SILU }, /* of ONNX Runtime, where alpha is 1 */
  { "Relu", EFFVK_NODE_RELU },       { "Mul", EFFVK_NODE_MUL },
  { "Add", EFFVK_NODE_ADD },         { "Sub", EFFVK_NODE_SUB },
  { "Div", EFFVK_NODE_DIV },         { "GlobalAveragePool", EFFVK_NODE_MEAN },
  { "Flatten", EFFVK_NODE_RESHAPE }, { "Reshape", EFFVK_NODE_RESHAPE },
  { "Squeeze", EFFVK_NODE_RESHAPE }, { "Unsqueeze", EFFVK_NODE_RESHAPE },
  { "Softmax", EFFVK_NODE_SOFTMAX }, { "Shape", EFFVK_NODE_SHAPE },
};

/* x * sigmoid (alpha * x) */
static void
check_alpha (const OnnxNode *in, EffvkNode *node)
{
  double otherwise = strcmp (in->op_type, "Swish") == 0 ? 1 : 1.702;

  if (get_float (in, "alpha", otherwise) == 1)
    return;
  node->kind = EFFVK_NODE_OTHER;
}

static gboolean
is_known_domain (const OnnxNode *in)
{
  const char *domain = in->domain ? in->domain : "";

  if (strcmp (domain, "com.microsoft") == 0)
    return strcmp (in->op_type, "QuickGelu") == 0;
  return (!*domain || strcmp (domain, "ai.onnx") == 0) && strcmp (in->op_type, "QuickGelu") != 0;
}

static void
read_kind (Reader *r, const OnnxNode *in, EffvkNode *node)
{
  if (!is_known_domain (in))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (simple); i++)
    if (strcmp (in->op_type, simple[i].type) == 0)
      node->kind = simple[i].kind;
  if (node->kind == EFFVK_NODE_RESHAPE)
    node->n_inputs = MIN (node->n_inputs, 1);
  else if (node->kind == EFFVK_NODE_SILU)
    check_alpha (in, node);
  else if (strcmp (in->op_type, "Conv") == 0)
    read_conv (r, in, node);
  else if (strcmp (in->op_type, "BatchNormalization") == 0)
    read_batch_norm (in, node);
  else if (strcmp (in->op_type, "Clip") == 0)
    read_clip (r, in, node);
  else if (strcmp (in->op_type, "Gemm") == 0)
    read_dense (r, in, node, TRUE);
  else if (strcmp (in->op_type, "MatMul") == 0)
    read_dense (r, in, node, FALSE);
  else if (strcmp (in->op_type, "Pad") == 0)
    read_pad (r, in, node);
  else if (strcmp (in->op_type, "ReduceMean") == 0)
    read_mean (r, in, node);
  else if (strcmp (in->op_type, "AveragePool") == 0)
    read_pool (in, node);
}

static gboolean
is_pixels (Reader *r, guint value)
{
  return g_hash_table_contains (r->pixels, GUINT_TO_POINTER (value));
}

/* The input, and what arithmetic with constants makes of it. */
static void
note_pixels (Reader *r, const EffvkNode *node)
{
  gboolean first = node->n_inputs == 2 && is_pixels (r, node->inputs[0]);

  if ((node->kind == EFFVK_NODE_ADD || node->kind == EFFVK_NODE_SUB || node->kind == EFFVK_NODE_MUL
       || node->kind == EFFVK_NODE_DIV)
      && node->n_inputs == 2 && is_pixels (r, node->inputs[!first])
      && input_constant (r, node, first))
    g_hash_table_add (r->pixels, GUINT_TO_POINTER (node->output));
}

/* What leaves numbers as they are. */
static gboolean
is_identity (Reader *r, const OnnxNode *in, guint value)
{
  gint64 perm[4] = { 0 };

  if (strcmp (in->op_type, "Identity") == 0 || strcmp (in->op_type, "Dropout") == 0)
    return TRUE;
  if (strcmp (in->op_type, "Cast") == 0)
    {
      gint64 to = effvk_onnx_int (in, "to", 0);
      return to == 1 || to == 10 || to == 11;
    }
  /* A network made for pixel-interleaved images, which may be normalised before. */
  if (strcmp (in->op_type, "Transpose") != 0 || !is_pixels (r, value)
      || !get_ints (in, "perm", perm, 4) || perm[0] != 0 || perm[1] != 3 || perm[2] != 1
      || perm[3] != 2)
    return FALSE;
  guint64 height = r->graph->in_channels;
  r->graph->in_channels = r->graph->width;
  r->graph->width = r->graph->height;
  r->graph->height = height;
  return TRUE;
}

static gboolean
define (Reader *r, const char *name, guint value)
{
  if (g_hash_table_contains (r->values, name))
    return invalid (r, "value", name, "that it is defined once, found twice");
  g_hash_table_insert (r->values, (gpointer) name, GUINT_TO_POINTER (value + 1));
  return TRUE;
}

static gboolean
read_node (Reader *r, const OnnxNode *in)
{
  EffvkConstant *constants[EFFVK_GRAPH_MAX_INPUTS] = { NULL }, *constant = NULL;
  EffvkNode node = { 0 };
  gboolean all_constant = in->n_input > 0;
  guint n = (guint) MIN (in->n_input, EFFVK_GRAPH_MAX_INPUTS), alias = EFFVK_GRAPH_NONE;

  if (!in->op_type || !in->n_output || !in->output[0] || !*in->output[0])
    return invalid (r, "node", in->name, "a type and an output");
  for (gsize i = 0; i < in->n_input; i++)
    {
      guint value = EFFVK_GRAPH_NONE;
      if (in->input[i] && *in->input[i])
        {
          value = GPOINTER_TO_UINT (g_hash_table_lookup (r->values, in->input[i]));
          if (!value--)
            return invalid (r, "value", in->input[i],
                            "that it is defined before it is used (no cycles)");
        }
      if (i >= n)
        continue;
      node.inputs[i] = value;
      constants[i] = effvk_graph_constant (r->graph, value);
      all_constant = all_constant && (constants[i] || value == EFFVK_GRAPH_NONE);
    }
  node.n_inputs = n;

  if (effvk_onnx_is_q (in))
    {
      guint passed = effvk_onnx_pass_q (r->quantised, r->graph, in, &node, r->error);
      if (passed != EFFVK_GRAPH_NONE)
        return define (r, in->output[0], passed);
      if (r->error && *r->error)
        return FALSE;
    }
  const OnnxAttribute *value = effvk_onnx_attribute (in, "value");
  if (strcmp (in->op_type, "Constant") == 0 && value && value->t)
    {
      constant = effvk_onnx_add_tensor (r->graph, value->t, in->output[0], r->error);
      if (!constant)
        return FALSE;
    }
  else if (n && is_identity (r, in, node.inputs[0]) && node.inputs[0] != EFFVK_GRAPH_NONE)
    alias = node.inputs[0];
  else if (all_constant && in->n_input <= n)
    constant = effvk_onnx_evaluate (r->graph, in, constants, n);
  if (alias == EFFVK_GRAPH_NONE)
    alias = effvk_graph_add_value (r->graph, in->output[0], constant);
  else
    constant = constants[0];
  if (constant || alias == node.inputs[0])
    return define (r, in->output[0], alias);

  read_kind (r, in, &node);
  node.output = alias;
  note_pixels (r, &node);
  effvk_onnx_note_node (r->quantised, &node);
  node.name = in->name && *in->name ? effvk_graph_text (in->name, strlen (in->name))
                                    : effvk_graph_text (in->output[0], strlen (in->output[0]));
  node.type = effvk_graph_text (in->op_type, strlen (in->op_type));
  effvk_graph_add_node (r->graph, &node);
  for (gsize i = 1; i < in->n_output; i++)
    if (in->output[i] && *in->output[i]
        && !define (r, in->output[i], effvk_graph_add_value (r->graph, in->output[i], NULL)))
      return FALSE;
  return define (r, in->output[0], alias);
}

static gboolean
read_input (Reader *r, const EffvkOnnx__ValueInfo *info)
{
  const EffvkOnnx__Shape *shape
      = info->type && info->type->tensor_type ? info->type->tensor_type->shape : NULL;
  guint64 *sizes[] = { &r->graph->in_channels, &r->graph->height, &r->graph->width };

  if (r->graph->input != EFFVK_GRAPH_NONE)
    return effvk_unsupported (r->error, "expected a graph with one input, found more");
  if (!shape || shape->n_dim != 4)
    return effvk_unsupported (r->error, "expected an input of 4 dimensions, images");
  for (guint i = 0; i < 3; i++)
    {
      gint64 size = shape->dim[i + 1]->has_dim_value ? shape->dim[i + 1]->dim_value : 0;
      if (size < 0 || size > MAX_SIZE)
        return effvk_unsupported (r->error,
                                  "expected an input of at most %d pixels, found %" G_GINT64_FORMAT,
                                  MAX_SIZE, size);
      *sizes[i] = (guint64) size;
    }
  r->graph->input = effvk_graph_add_value (r->graph, info->name, NULL);
  g_hash_table_add (r->pixels, GUINT_TO_POINTER (r->graph->input));
  return define (r, info->name, r->graph->input);
}

static gboolean
read_graph (Reader *r, const EffvkOnnx__Graph *in)
{
  if (in->n_node > EFFVK_GRAPH_MAX_NODES || in->n_initializer > MAX_TENSORS)
    return effvk_unsupported (r->error, "expected at most %d nodes and as many tensors, found more",
                              EFFVK_GRAPH_MAX_NODES);
  for (gsize i = 0; i < in->n_initializer; i++)
    {
      const OnnxTensor *tensor = in->initializer[i];
      EffvkConstant *constant = effvk_onnx_add_tensor (r->graph, tensor, tensor->name, r->error);
      if (!constant)
        return FALSE;
      if (!tensor->name
          || !define (r, tensor->name, effvk_graph_add_value (r->graph, tensor->name, constant)))
        return tensor->name ? FALSE : invalid (r, "tensor", "", "a name");
    }
  for (gsize i = 0; i < in->n_input; i++)
    {
      /* Old files list their weights among the inputs. */
      if (!in->input[i]->name)
        return invalid (r, "input", "", "a name");
      if (!g_hash_table_contains (r->values, in->input[i]->name) && !read_input (r, in->input[i]))
        return FALSE;
    }
  if (r->graph->input == EFFVK_GRAPH_NONE || !in->n_output)
    return effvk_unsupported (r->error, "expected a graph with an input and an output, found none");
  for (gsize i = 0; i < in->n_node; i++)
    if (!read_node (r, in->node[i]))
      return FALSE;
  effvk_onnx_settle_clips (r->quantised, r->graph);
  for (gsize i = 0; i < MIN (in->n_output, EFFVK_GRAPH_MAX_OUTPUTS); i++)
    {
      const char *name = in->output[i]->name;
      guint value = name ? GPOINTER_TO_UINT (g_hash_table_lookup (r->values, name)) : 0;
      if (!value)
        return invalid (r, "output", name, "that a node computes it");
      effvk_graph_add_output (r->graph, name, value - 1);
    }
  return TRUE;
}

gboolean
effvk_onnx_read (EffvkGraph *graph, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) pixels = g_hash_table_new (NULL, NULL);
  g_autoptr (EffvkOnnxQ) quantised = effvk_onnx_q_new ();
  Reader reader = {
    .graph = graph, .values = values, .pixels = pixels, .quantised = quantised, .error = error
  };
  Unpacked *unpacked = g_new0 (Unpacked, 1);

  unpacked->allocator.alloc = budget_alloc;
  unpacked->allocator.free = budget_free;
  unpacked->allocator.allocator_data = unpacked;
  unpacked->left = size + EXTRA_MEMORY;
  graph->backing = unpacked;
  graph->backing_free = unpacked_free;
  unpacked->model = effvk_onnx__model__unpack (&unpacked->allocator, size, data);
  if (!unpacked->model || !unpacked->model->graph)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
                   "expected an ONNX model, found a truncated or damaged one");
      return FALSE;
    }
  for (gsize i = 0; i < unpacked->model->n_metadata_props; i++)
    {
      const EffvkOnnx__Entry *entry = unpacked->model->metadata_props[i];
      if (entry->key && entry->value && strcmp (entry->key, "effvk") == 0 && !graph->metadata
          && strlen (entry->value) <= EFFVK_SAFETENSORS_MAX_RECIPE)
        graph->metadata = g_strdup (entry->value);
    }
  return read_graph (&reader, unpacked->model->graph);
}
