/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/onnx-private.h"

#include "model/layers.h"
#include "model/model-private.h"
#include "model/output.h"

#include <string.h>

/* ONNX's numbers: the version of the file's form, the operators', and the types of tensors and of
 * attributes. */
#define IR_VERSION 8
#define OPERATORS 13
#define TYPE_FLOAT 1
#define ATTRIBUTE_INT 2
#define ATTRIBUTE_INTS 7

/* What a protobuf message can be at most. */
#define MAX_BYTES ((gsize) G_MAXINT32)

/* Everything that the message points to lives until it is packed. */
typedef struct
{
  EffvkModel *model;
  const EffvkArch *arch;
  GPtrArray *owned;   /* (element-type gpointer): freed with g_free() */
  GPtrArray *nodes;   /* (element-type OnnxNode) */
  GPtrArray *tensors; /* (element-type OnnxTensor) */
} Writer;

static gpointer
own (Writer *w, gpointer data)
{
  g_ptr_array_add (w->owned, data);
  return data;
}

/* A node with one output; returns the output's name, "@block/@name". Inputs end with a NULL. */
static char *
add_node (Writer *w, const char *type, const char *block, const char *name, OnnxNode **added,
          const char *input, ...)
{
  OnnxNode *node = own (w, g_new (OnnxNode, 1));
  GPtrArray *inputs = g_ptr_array_new ();
  char **outputs = own (w, g_new (char *, 1));
  va_list args;

  effvk_onnx__node__init (node);
  va_start (args, input);
  for (const char *in = input; in; in = va_arg (args, const char *))
    g_ptr_array_add (inputs, (gpointer) in);
  va_end (args);
  node->n_input = inputs->len;
  node->input = own (w, g_ptr_array_free (inputs, FALSE));
  outputs[0] = own (w, g_strdup_printf ("%s/%s", block, name));
  node->n_output = 1;
  node->output = outputs;
  node->name = outputs[0];
  node->op_type = (char *) type;
  g_ptr_array_add (w->nodes, node);
  if (added)
    *added = node;
  return outputs[0];
}

/* @values: one number, or a list. */
static void
add_attribute (Writer *w, OnnxNode *node, const char *name, const gint64 *values, guint n,
               gboolean list)
{
  OnnxAttribute *attribute = own (w, g_new (OnnxAttribute, 1));
  OnnxAttribute **all = g_new (OnnxAttribute *, node->n_attribute + 1);

  effvk_onnx__attribute__init (attribute);
  attribute->name = (char *) name;
  attribute->has_type = 1;
  attribute->type = list ? ATTRIBUTE_INTS : ATTRIBUTE_INT;
  if (list)
    {
      attribute->n_ints = n;
      attribute->ints = own (w, g_memdup2 (values, n * sizeof *values));
    }
  else
    {
      attribute->has_i = 1;
      attribute->i = values[0];
    }
  if (node->n_attribute)
    memcpy (all, node->attribute, node->n_attribute * sizeof *all);
  all[node->n_attribute++] = attribute;
  node->attribute = own (w, all);
}

static char *
add_tensor (Writer *w, const char *block, const char *name, const float *values,
            const gint64 *shape, guint rank)
{
  OnnxTensor *tensor = own (w, g_new (OnnxTensor, 1));
  gsize n = 1;

  for (guint i = 0; i < rank; i++)
    n *= (gsize) shape[i];
  effvk_onnx__tensor__init (tensor);
  tensor->n_dims = rank;
  tensor->dims = own (w, g_memdup2 (shape, rank * sizeof *shape));
  tensor->has_data_type = 1;
  tensor->data_type = TYPE_FLOAT;
  tensor->name = own (w, block ? g_strdup_printf ("%s/%s", block, name) : g_strdup (name));
  tensor->has_raw_data = 1;
  tensor->raw_data.len = n * sizeof (float);
  tensor->raw_data.data = own (w, g_memdup2 (values, n * sizeof (float)));
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
  for (gsize i = 0; i < n; i++)
    {
      guint32 bits;
      memcpy (&bits, tensor->raw_data.data + 4 * i, 4);
      bits = GUINT32_TO_LE (bits);
      memcpy (tensor->raw_data.data + 4 * i, &bits, 4);
    }
#endif
  g_ptr_array_add (w->tensors, tensor);
  return tensor->name;
}

static const char *
add_activation (Writer *w, const char *block, const char *name, const char *x)
{
  g_autofree char *gate = g_strconcat (name, "/sigmoid", NULL);
  g_autofree char *product = g_strconcat (name, "/act", NULL);

  if (w->arch->activation == EFFVK_ACTIVATION_RELU6)
    return add_node (w, "Clip", block, product, NULL, x, "zero", "six", NULL);
  if (w->arch->activation == EFFVK_ACTIVATION_RELU)
    return add_node (w, "Relu", block, product, NULL, x, NULL);
  return add_node (w, "Mul", block, product, NULL, x,
                   add_node (w, "Sigmoid", block, gate, NULL, x, NULL), NULL);
}

/* What runs through the network: a tensor and its height and width. */
typedef struct
{
  const char *value;
  guint height, width;
} Flow;

static void
add_conv (Writer *w, Flow *x, EffvkLayer layer, guint index, const char *block, const char *name,
          guint stride)
{
  g_auto (EffvkWeights) weights = { 0 };
  g_autofree char *weight_name = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (name, ".bias", NULL);
  EffvkPadding padding = w->arch->padding;
  OnnxNode *node;

  effvk_model_get_weights (w->model, layer, index, &weights);
  {
    guint kernel = weights.kernel;
    guint height = effvk_arch_conv_output (x->height, kernel, stride, padding);
    guint width = effvk_arch_conv_output (x->width, kernel, stride, padding);
    gint64 top = effvk_arch_conv_pad_before (x->height, kernel, stride, padding);
    gint64 left = effvk_arch_conv_pad_before (x->width, kernel, stride, padding);
    /* As much as the last output needs; symmetric padding is the same on both sides. */
    gint64 bottom = padding == EFFVK_PADDING_SYMMETRIC
                        ? top
                        : MAX ((gint64) ((height - 1) * stride + kernel) - x->height - top, 0);
    gint64 right = padding == EFFVK_PADDING_SYMMETRIC
                       ? left
                       : MAX ((gint64) ((width - 1) * stride + kernel) - x->width - left, 0);
    const gint64 shape[] = { weights.out, weights.in, kernel, kernel };
    const gint64 kernels[] = { kernel, kernel }, strides[] = { stride, stride };
    const gint64 pads[] = { top, left, bottom, right };
    const gint64 group = layer == EFFVK_LAYER_DEPTHWISE ? weights.out : 1;

    x->value = add_node (w, "Conv", block, name, &node, x->value,
                         add_tensor (w, block, weight_name, weights.weight, shape, 4),
                         add_tensor (w, block, bias_name, weights.bias, shape, 1), NULL);
    add_attribute (w, node, "group", &group, 1, FALSE);
    add_attribute (w, node, "kernel_shape", kernels, 2, TRUE);
    add_attribute (w, node, "pads", pads, 4, TRUE);
    add_attribute (w, node, "strides", strides, 2, TRUE);
    x->height = height;
    x->width = width;
  }
}

static void
add_conv_act (Writer *w, Flow *x, EffvkLayer layer, guint index, const char *block,
              const char *name, guint stride)
{
  add_conv (w, x, layer, index, block, name, stride);
  x->value = add_activation (w, block, name, x->value);
}

static void
add_squeeze_excite (Writer *w, Flow *x, guint index, const char *block)
{
  Flow gate = { .height = 1, .width = 1 };

  gate.value = add_node (w, "GlobalAveragePool", block, "squeeze/pool", NULL, x->value, NULL);
  add_conv_act (w, &gate, EFFVK_LAYER_SQUEEZE, index, block, "squeeze", 1);
  add_conv (w, &gate, EFFVK_LAYER_EXCITE, index, block, "excite", 1);
  gate.value = add_node (w, "Sigmoid", block, "excite/gate", NULL, gate.value, NULL);
  x->value = add_node (w, "Mul", block, "excite/scale", NULL, x->value, gate.value, NULL);
}

static void
add_block (Writer *w, Flow *x, guint index)
{
  const EffvkBlock *block = &g_array_index (w->arch->blocks, EffvkBlock, index);
  const char *name = own (w, g_strdup_printf ("block%u", index));
  const char *before = x->value;

  if (block->kind == EFFVK_BLOCK_FUSED)
    add_conv_act (w, x, EFFVK_LAYER_FUSED, index, name, "fused", block->stride);
  else
    {
      if (block->expanded != block->in)
        add_conv_act (w, x, EFFVK_LAYER_EXPAND, index, name, "expand", 1);
      add_conv_act (w, x, EFFVK_LAYER_DEPTHWISE, index, name, "depthwise", block->stride);
      if (block->squeezed)
        add_squeeze_excite (w, x, index, name);
    }
  if (block->kind == EFFVK_BLOCK_MBCONV || block->expanded != block->in)
    add_conv (w, x, EFFVK_LAYER_PROJECT, index, name, "project", 1);
  if (block->residual)
    x->value = add_node (w, "Add", name, "add", NULL, x->value, before, NULL);
}

static void
add_head (Writer *w, Flow *x)
{
  g_auto (EffvkWeights) weights = { 0 };
  const gint64 transposed = 1, axis = 1;
  OnnxNode *node;

  add_conv_act (w, x, EFFVK_LAYER_HEAD, 0, "head", "conv", 1);
  x->value = add_node (w, "GlobalAveragePool", "head", "pool", NULL, x->value, NULL);
  x->value = add_node (w, "Flatten", "head", "flat", &node, x->value, NULL);
  add_attribute (w, node, "axis", &axis, 1, FALSE);
  effvk_model_get_weights (w->model, EFFVK_LAYER_CLASSIFIER, 0, &weights);
  {
    const gint64 shape[] = { weights.out, weights.in };

    x->value = add_node (w, "Gemm", "head", "logits", &node, x->value,
                         add_tensor (w, "head", "classifier.weight", weights.weight, shape, 2),
                         add_tensor (w, "head", "classifier.bias", weights.bias, shape, 1), NULL);
    add_attribute (w, node, "transB", &transposed, 1, FALSE);
  }
}

/* A tensor of floats whose first dimension, the batch, is open. */
static EffvkOnnx__ValueInfo *
describe (Writer *w, const char *name, const gint64 *shape, guint rank)
{
  EffvkOnnx__ValueInfo *info = own (w, g_new (EffvkOnnx__ValueInfo, 1));
  EffvkOnnx__Dimension **dims = own (w, g_new (EffvkOnnx__Dimension *, rank));

  effvk_onnx__value_info__init (info);
  info->name = (char *) name;
  info->type = own (w, g_new (EffvkOnnx__Type, 1));
  effvk_onnx__type__init (info->type);
  info->type->tensor_type = own (w, g_new (EffvkOnnx__TensorType, 1));
  effvk_onnx__tensor_type__init (info->type->tensor_type);
  info->type->tensor_type->has_elem_type = 1;
  info->type->tensor_type->elem_type = TYPE_FLOAT;
  info->type->tensor_type->shape = own (w, g_new (EffvkOnnx__Shape, 1));
  effvk_onnx__shape__init (info->type->tensor_type->shape);
  info->type->tensor_type->shape->n_dim = rank;
  info->type->tensor_type->shape->dim = dims;
  for (guint i = 0; i < rank; i++)
    {
      dims[i] = own (w, g_new (EffvkOnnx__Dimension, 1));
      effvk_onnx__dimension__init (dims[i]);
      dims[i]->has_dim_value = shape[i] > 0;
      dims[i]->dim_value = shape[i];
    }
  return info;
}

static guint8 *
pack (Writer *w, const char *output, gsize *size, GError **error)
{
  gboolean labelled = w->model->sources.labels != EFFVK_SOURCE_DEFAULT;
  g_autofree char *recipe
      = effvk_metadata_to_json (w->arch, &w->model->recipe, labelled ? w->model->labels : NULL,
                                &w->model->taught);
  const gint64 input_shape[] = { 0, w->arch->in_channels, w->arch->height, w->arch->width };
  const gint64 output_shape[] = { 0, w->arch->classes };
  EffvkOnnx__ValueInfo *in = describe (w, "input", input_shape, 4);
  EffvkOnnx__ValueInfo *out = describe (w, output, output_shape, 2);
  EffvkOnnx__Graph graph = EFFVK_ONNX__GRAPH__INIT;
  EffvkOnnx__OperatorSet operators = EFFVK_ONNX__OPERATOR_SET__INIT, *all_operators = &operators;
  EffvkOnnx__Entry entry = EFFVK_ONNX__ENTRY__INIT, *entries = &entry;
  EffvkOnnx__Model message = EFFVK_ONNX__MODEL__INIT;
  guint8 *data;

  graph.name = w->arch->variant;
  graph.n_node = w->nodes->len;
  graph.node = (OnnxNode **) w->nodes->pdata;
  graph.n_initializer = w->tensors->len;
  graph.initializer = (OnnxTensor **) w->tensors->pdata;
  graph.n_input = graph.n_output = 1;
  graph.input = &in;
  graph.output = &out;
  operators.domain = (char *) "";
  operators.has_version = 1;
  operators.version = OPERATORS;
  entry.key = (char *) "effvk";
  entry.value = recipe;
  message.has_ir_version = 1;
  message.ir_version = IR_VERSION;
  message.producer_name = (char *) "effvk";
  message.graph = &graph;
  message.n_opset_import = 1;
  message.opset_import = &all_operators;
  message.n_metadata_props = 1;
  message.metadata_props = &entries;

  *size = effvk_onnx__model__get_packed_size (&message);
  data = *size <= MAX_BYTES ? g_try_malloc (*size) : NULL;
  if (!data)
    {
      g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_UNSUPPORTED,
                   "expected a model of at most %" G_GSIZE_FORMAT
                   " bytes, that memory holds, to write as ONNX, found %" G_GSIZE_FORMAT,
                   MAX_BYTES, *size);
      return NULL;
    }
  effvk_onnx__model__pack (&message, data);
  return data;
}

gboolean
effvk_model_save_onnx (EffvkModel *model, const char *path, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model) && path != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  static const float zero = 0, six = 6;
  const EffvkArch *arch;
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new (), tensors = g_ptr_array_new ();
  g_autofree guint8 *data = NULL;
  EffvkOutput output;
  gsize size;

  arch = effvk_model_get_arch (model);
  Writer w = { model, arch, owned, nodes, tensors };
  Flow x = { "input", arch->height, arch->width };

  if (arch->activation == EFFVK_ACTIVATION_RELU6)
    {
      add_tensor (&w, NULL, "zero", &zero, NULL, 0);
      add_tensor (&w, NULL, "six", &six, NULL, 0);
    }
  add_conv_act (&w, &x, EFFVK_LAYER_STEM, 0, "stem", "conv", arch->stem_stride);
  for (guint i = 0; i < arch->blocks->len; i++)
    add_block (&w, &x, i);
  add_head (&w, &x);
  data = pack (&w, x.value, &size, error);
  if (!data || !effvk_output_open (&output, path, error))
    return FALSE;
  if (!effvk_output_write (&output, data, size, error))
    {
      effvk_output_abandon (&output);
      return FALSE;
    }
  return effvk_output_finish (&output, error);
}
