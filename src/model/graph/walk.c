/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/walk.h"

#include "model/names/names.h"

#include <string.h>

#define MAX_CHANNELS 16384
#define MAX_CLASSES 1000000

const EffvkNode *
effvk_walk_node_at (const EffvkWalk *walk, guint index)
{
  return &g_array_index (walk->graph->nodes, EffvkNode, index);
}

guint
effvk_walk_consumers (const EffvkWalk *walk, guint value, const guint **list)
{
  const EffvkGraphValue *v = &g_array_index (walk->graph->values, EffvkGraphValue, value);
  *list = walk->graph->consumers + v->first_consumer;
  return v->n_consumers;
}

gboolean
effvk_walk_refuse_node (const EffvkWalk *walk, guint index, const char *expected)
{
  const EffvkNode *node = effvk_walk_node_at (walk, index);
  return effvk_unsupported (walk->error, "not an EfficientNet: node \"%s\" (%s): expected %s",
                            node->name, node->type, expected);
}

gboolean
effvk_walk_refuse (const EffvkWalk *walk, guint value, const char *expected)
{
  const guint *list;
  guint n = effvk_walk_consumers (walk, value, &list);

  if (!n)
    return effvk_unsupported (walk->error,
                              "not an EfficientNet: after \"%s\": expected %s, found the end",
                              g_array_index (walk->graph->values, EffvkGraphValue, value).name,
                              expected);
  /* Of several, one that fits nowhere is to blame. */
  for (guint i = 0; i < n; i++)
    if (effvk_walk_node_at (walk, list[i])->kind == EFFVK_NODE_OTHER)
      return effvk_walk_refuse_node (walk, list[i], expected);
  return effvk_walk_refuse_node (walk, list[0], expected);
}

guint
effvk_walk_sole (const EffvkWalk *walk, guint value, EffvkNodeKind kind)
{
  const guint *list;
  guint n = effvk_walk_consumers (walk, value, &list);
  return n == 1 && effvk_walk_node_at (walk, list[0])->kind == kind ? list[0] : EFFVK_GRAPH_NONE;
}

gboolean
effvk_walk_takes (const EffvkNode *node, guint a, guint b)
{
  return node->n_inputs == 2
         && ((node->inputs[0] == a && node->inputs[1] == b)
             || (node->inputs[0] == b && node->inputs[1] == a));
}

gboolean
effvk_walk_forks (const EffvkWalk *walk, guint value, EffvkNodeKind first, EffvkNodeKind second,
                  guint *a, guint *b)
{
  const guint *list;

  if (effvk_walk_consumers (walk, value, &list) != 2)
    return FALSE;
  *a = list[0];
  *b = list[1];
  if (effvk_walk_node_at (walk, *a)->kind != first)
    {
      *a = list[1];
      *b = list[0];
    }
  return effvk_walk_node_at (walk, *a)->kind == first
         && effvk_walk_node_at (walk, *b)->kind == second;
}

static EffvkActivation
activation (const EffvkWalk *walk, guint *value)
{
  static const struct
  {
    EffvkNodeKind kind;
    EffvkActivation activation;
  } single[] = { { EFFVK_NODE_RELU6, EFFVK_ACTIVATION_RELU6 },
                 { EFFVK_NODE_RELU, EFFVK_ACTIVATION_RELU },
                 { EFFVK_NODE_SILU, EFFVK_ACTIVATION_SILU } };
  guint a, b;

  for (guint i = 0; i < G_N_ELEMENTS (single); i++)
    if ((a = effvk_walk_sole (walk, *value, single[i].kind)) != EFFVK_GRAPH_NONE)
      {
        *value = effvk_walk_node_at (walk, a)->output;
        return single[i].activation;
      }
  if (effvk_walk_forks (walk, *value, EFFVK_NODE_SIGMOID, EFFVK_NODE_MUL, &a, &b)
      && effvk_walk_takes (effvk_walk_node_at (walk, b), *value,
                           effvk_walk_node_at (walk, a)->output)
      && effvk_walk_node_at (walk, b)->fused == EFFVK_ACTIVATION_NONE
      && effvk_walk_sole (walk, effvk_walk_node_at (walk, a)->output, EFFVK_NODE_MUL) == b)
    {
      *value = effvk_walk_node_at (walk, b)->output;
      return EFFVK_ACTIVATION_SILU;
    }
  return EFFVK_ACTIVATION_NONE;
}

gboolean
effvk_walk_read_conv (const EffvkWalk *walk, guint index, EffvkStep *step)
{
  const EffvkNode *node = effvk_walk_node_at (walk, index);
  guint next;

  memset (step, 0, sizeof *step);
  step->batch_norm = step->add = EFFVK_GRAPH_NONE;
  if (node->kind == EFFVK_NODE_PAD)
    {
      guint pad = index;
      memcpy (step->pads, node->pads, sizeof step->pads);
      step->padded = TRUE;
      if (node->problem)
        return effvk_walk_refuse_node (walk, index, node->problem);
      index = effvk_walk_sole (walk, node->output, EFFVK_NODE_CONV);
      if (index == EFFVK_GRAPH_NONE)
        return effvk_walk_refuse_node (walk, pad, "padding before a convolution and nothing else");
      node = effvk_walk_node_at (walk, index);
    }
  if (node->problem)
    return effvk_walk_refuse_node (walk, index, node->problem);
  if (step->padded && node->same)
    return effvk_walk_refuse_node (walk, index, "one padding, found two");
  if (!node->same)
    for (guint i = 0; i < 4; i++)
      {
        if (node->pads[i] < 0 || node->pads[i] > 64 || step->pads[i] < 0 || step->pads[i] > 64)
          return effvk_walk_refuse_node (walk, index, "padding of a few pixels");
        step->pads[i] += node->pads[i];
      }
  if (node->kernel_h != node->kernel_w || node->stride_h != node->stride_w || node->stride_h < 1
      || node->stride_h > 2 || (node->kernel_h != 1 && node->kernel_h != 3 && node->kernel_h != 5))
    return effvk_walk_refuse_node (walk, index,
                                   "a square kernel of 1, 3 or 5 pixels and a stride of 1 or 2");
  step->node = node;
  step->index = index;
  step->value = node->output;
  step->activation = node->fused;
  if (step->activation != EFFVK_ACTIVATION_NONE)
    return TRUE;
  next = effvk_walk_sole (walk, step->value, EFFVK_NODE_BATCH_NORM);
  if (next != EFFVK_GRAPH_NONE)
    {
      const EffvkNode *norm = effvk_walk_node_at (walk, next);
      for (guint i = 1; i < 5; i++)
        {
          const EffvkConstant *constant = effvk_graph_constant (walk->graph, norm->inputs[i]);
          if (norm->problem || !constant || constant->n != node->out)
            return effvk_walk_refuse_node (walk, next,
                                           norm->problem
                                               ? norm->problem
                                               : "four constants, each one number a channel");
        }
      step->batch_norm = next;
      step->value = norm->output;
    }
  step->activation = activation (walk, &step->value);
  return TRUE;
}

/* What the padding of a convolution says about that of the network. */
static gboolean
check_padding (EffvkWalk *walk, const EffvkStep *step)
{
  EffvkGraphFacts *facts = walk->facts;
  gint64 kernel = (gint64) step->node->kernel_h, stride = step->node->stride_h;
  gint64 half = (kernel - 1) / 2, *sizes[] = { &walk->height, &walk->width };
  gboolean symmetric = TRUE, same = TRUE;

  for (guint i = 0; i < 2; i++)
    {
      gint64 size = *sizes[i], before = step->pads[i], after = step->pads[i + 2];
      gint64 total = kernel - stride;
      if (size)
        total = MAX (((size + stride - 1) / stride - 1) * stride + kernel - size, 0);
      total = MAX (total, 0);
      if (step->node->same)
        {
          before = total / 2;
          after = total - before;
        }
      symmetric = symmetric && before == half && after == half;
      same = same && (step->node->same || (before == total / 2 && after == total - total / 2));
      if (size)
        {
          if (size + before + after < kernel)
            return effvk_walk_refuse_node (walk, step->index, "an input that its kernel fits into");
          *sizes[i] = (size + before + after - kernel) / stride + 1;
        }
    }
  if (stride > 1 || (!symmetric && !same))
    {
      /* Of an open size, SAME says nothing about pixels. */
      facts->symmetric = facts->symmetric && symmetric && !(step->node->same && !walk->width);
      facts->same = facts->same && same;
    }
  return facts->symmetric || facts->same
         || effvk_walk_refuse_node (
             walk, step->index, "padding that is symmetric in all convolutions, or SAME in all");
}

gboolean
effvk_walk_is_depthwise (const EffvkWalk *walk, const EffvkNode *node)
{
  return node->groups > 1 && (guint64) node->groups == walk->channels && node->in == 1
         && node->out == walk->channels;
}

gboolean
effvk_walk_take (EffvkWalk *walk, EffvkLayer kind, guint block, const EffvkStep *step)
{
  const EffvkNode *node = step->node;
  EffvkMatchedLayer layer = { .kind = kind,
                              .block = block,
                              .node = step->index,
                              .batch_norm = step->batch_norm,
                              .add = step->add };
  guint64 most = kind == EFFVK_LAYER_CLASSIFIER ? MAX_CLASSES : MAX_CHANNELS;

  if (kind == EFFVK_LAYER_DEPTHWISE ? !effvk_walk_is_depthwise (walk, node)
                                    : node->groups != 1 || node->in != walk->channels)
    return effvk_walk_refuse_node (walk, step->index,
                                   "as many input channels as the layer before puts out");
  if (node->out < 1 || node->out > most)
    return effvk_walk_refuse_node (walk, step->index, "at most 16384 channels and 1000000 classes");
  if (node->n_inputs > 2 && node->inputs[2] != EFFVK_GRAPH_NONE)
    {
      const EffvkConstant *bias = effvk_graph_constant (walk->graph, node->inputs[2]);
      if (!bias || bias->n != node->out)
        return effvk_walk_refuse_node (walk, step->index,
                                       "a constant bias of one number a channel");
    }
  if (node->kind == EFFVK_NODE_CONV && !check_padding (walk, step))
    return FALSE;
  if (step->batch_norm != EFFVK_GRAPH_NONE && walk->facts->bn_eps < 0)
    walk->facts->bn_eps = effvk_walk_node_at (walk, step->batch_norm)->eps;
  g_array_append_val (walk->layers, layer);
  walk->channels = node->out;
  walk->value = step->value;
  return TRUE;
}

gboolean
effvk_walk_check_activation (EffvkWalk *walk, const EffvkStep *step)
{
  static const char *const expected[] = { "SiLU, ReLU6 or ReLU", "SiLU", "ReLU6", "ReLU" };
  EffvkGraphFacts *facts = walk->facts;

  if (facts->activation == EFFVK_ACTIVATION_NONE)
    facts->activation = step->activation;
  if (step->activation == facts->activation && facts->activation != EFFVK_ACTIVATION_NONE)
    return TRUE;
  if (step->activation == EFFVK_ACTIVATION_NONE)
    return effvk_walk_refuse (walk, step->value, expected[facts->activation]);
  return effvk_walk_refuse_node (walk, step->index, "the same activation throughout");
}

gboolean
effvk_walk_next_conv (EffvkWalk *walk, guint *conv, guint *other, const char *expected)
{
  const guint *list;
  guint n = effvk_walk_consumers (walk, walk->value, &list);

  *conv = *other = EFFVK_GRAPH_NONE;
  for (guint i = 0; i < n; i++)
    {
      EffvkNodeKind kind = effvk_walk_node_at (walk, list[i])->kind;
      guint *slot = kind == EFFVK_NODE_CONV || kind == EFFVK_NODE_PAD ? conv : other;
      if (*slot != EFFVK_GRAPH_NONE)
        return effvk_walk_refuse (walk, walk->value, expected);
      *slot = list[i];
    }
  return *conv != EFFVK_GRAPH_NONE || effvk_walk_refuse (walk, walk->value, expected);
}

gboolean
effvk_walk_follow_conv (EffvkWalk *walk, EffvkStep *step, const char *expected)
{
  guint conv, other;

  if (!effvk_walk_next_conv (walk, &conv, &other, expected))
    return FALSE;
  if (other != EFFVK_GRAPH_NONE)
    return effvk_walk_refuse_node (walk, other, expected);
  return effvk_walk_read_conv (walk, conv, step);
}

void
effvk_walk_skip_reshape (const EffvkWalk *walk, guint *value)
{
  guint next;
  while ((next = effvk_walk_sole (walk, *value, EFFVK_NODE_RESHAPE)) != EFFVK_GRAPH_NONE)
    *value = effvk_walk_node_at (walk, next)->output;
}

gboolean
effvk_walk_read_dense (EffvkWalk *walk, EffvkStep *step, const char *expected)
{
  guint next, value;

  effvk_walk_skip_reshape (walk, &walk->value);
  value = walk->value;
  next = effvk_walk_sole (walk, value, EFFVK_NODE_CONV);
  if (next != EFFVK_GRAPH_NONE)
    {
      if (!effvk_walk_read_conv (walk, next, step))
        return FALSE;
      if (step->node->kernel_h != 1 || step->batch_norm != EFFVK_GRAPH_NONE)
        return effvk_walk_refuse_node (walk, next, expected);
      return TRUE;
    }
  next = effvk_walk_sole (walk, value, EFFVK_NODE_DENSE);
  if (next == EFFVK_GRAPH_NONE)
    return effvk_walk_refuse (walk, value, expected);
  memset (step, 0, sizeof *step);
  step->node = effvk_walk_node_at (walk, next);
  step->index = next;
  step->batch_norm = step->add = EFFVK_GRAPH_NONE;
  step->value = step->node->output;
  step->activation = step->node->fused;
  if (step->node->problem)
    return effvk_walk_refuse_node (walk, next, step->node->problem);
  next = effvk_walk_sole (walk, step->value, EFFVK_NODE_ADD);
  if (next != EFFVK_GRAPH_NONE && step->node->inputs[2] == EFFVK_GRAPH_NONE)
    {
      const EffvkNode *add = effvk_walk_node_at (walk, next);
      guint bias
          = add->n_inputs == 2 ? add->inputs[add->inputs[0] == step->value] : EFFVK_GRAPH_NONE;
      const EffvkConstant *constant = effvk_graph_constant (walk->graph, bias);
      if (!constant || constant->n != step->node->out || add->fused != EFFVK_ACTIVATION_NONE)
        return effvk_walk_refuse_node (walk, next, "a constant bias of one number a channel");
      step->add = next;
      step->value = add->output;
    }
  if (step->activation == EFFVK_ACTIVATION_NONE)
    step->activation = activation (walk, &step->value);
  return TRUE;
}

gboolean
effvk_walk_check_mean (const EffvkWalk *walk, guint index)
{
  const EffvkNode *node = effvk_walk_node_at (walk, index);

  if (node->problem)
    return effvk_walk_refuse_node (walk, index, node->problem);
  if (node->pool_h && (node->pool_h != walk->height || node->pool_w != walk->width))
    return effvk_walk_refuse_node (walk, index, "the mean of the whole height and width");
  return TRUE;
}
