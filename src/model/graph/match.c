/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph/walk.h"

#include "model/names/names.h"

#include <math.h>
#include <string.h>

/* Recognises the stem, the blocks and the head of an EfficientNet on a walk through the graph. */

#define MAX_BLOCKS 1000

static gboolean
match_squeeze (EffvkWalk *walk, EffvkBlock *block, guint index, guint mean, guint scale)
{
  guint before = walk->value, gate;
  gint64 height = walk->height, width = walk->width;
  EffvkStep step;

  if (!effvk_walk_check_mean (walk, mean))
    return FALSE;
  walk->value = effvk_walk_node_at (walk, mean)->output;
  walk->height = walk->width = 1;
  if (!effvk_walk_read_dense (walk, &step, "the first layer of a squeeze-excite")
      || !effvk_walk_take (walk, EFFVK_LAYER_SQUEEZE, index, &step)
      || !effvk_walk_check_activation (walk, &step))
    return FALSE;
  block->squeezed = (guint) walk->channels;
  if (!effvk_walk_read_dense (walk, &step, "the second layer of a squeeze-excite")
      || !effvk_walk_take (walk, EFFVK_LAYER_EXCITE, index, &step))
    return FALSE;
  if (step.activation != EFFVK_ACTIVATION_NONE)
    return effvk_walk_refuse_node (walk, step.index, "no activation but a sigmoid after it");
  gate = effvk_walk_sole (walk, walk->value, EFFVK_NODE_SIGMOID);
  if (gate == EFFVK_GRAPH_NONE)
    return effvk_walk_refuse (walk, walk->value, "a sigmoid, the gate of a squeeze-excite");
  walk->value = effvk_walk_node_at (walk, gate)->output;
  effvk_walk_skip_reshape (walk, &walk->value);
  if (!effvk_walk_takes (effvk_walk_node_at (walk, scale), before, walk->value)
      || effvk_walk_node_at (walk, scale)->fused || walk->channels != block->expanded)
    return effvk_walk_refuse_node (walk, scale,
                                   "the product of channels and their squeeze-excite's gates");
  if (effvk_walk_sole (walk, walk->value, EFFVK_NODE_MUL) != scale)
    return effvk_walk_refuse (walk, walk->value, "a product with the gates and nothing else");
  walk->value = effvk_walk_node_at (walk, scale)->output;
  walk->height = height;
  walk->width = width;
  return TRUE;
}

static gboolean
match_project (EffvkWalk *walk, guint index, const EffvkStep *step)
{
  if (step->node->kernel_h != 1 || step->node->stride_h != 1)
    return effvk_walk_refuse_node (walk, step->index,
                                   "a 1x1 convolution, the projection of a block");
  if (step->activation != EFFVK_ACTIVATION_NONE)
    return effvk_walk_refuse_node (walk, step->index,
                                   "no activation after the projection of a block");
  return effvk_walk_take (walk, EFFVK_LAYER_PROJECT, index, step);
}

/* A kxk convolution with activation, and a 1x1 without, unless the next block begins. */
static gboolean
match_fused (EffvkWalk *walk, EffvkBlock *block, guint index, const EffvkStep *first)
{
  const guint *list;
  EffvkStep step;

  block->kind = EFFVK_BLOCK_FUSED;
  block->expanded = block->in;
  if (!effvk_walk_take (walk, EFFVK_LAYER_FUSED, index, first)
      || !effvk_walk_check_activation (walk, first))
    return FALSE;
  if (effvk_walk_consumers (walk, walk->value, &list) != 1
      || effvk_walk_node_at (walk, list[0])->kind != EFFVK_NODE_CONV)
    return TRUE;
  if (!effvk_walk_read_conv (walk, list[0], &step))
    return FALSE;
  if (step.node->kernel_h != 1 || step.activation != EFFVK_ACTIVATION_NONE)
    return TRUE;
  block->expanded = (guint) walk->channels;
  if (block->expanded == block->in)
    return effvk_walk_refuse_node (walk, first->index, "an expansion of the channels");
  return match_project (walk, index, &step);
}

static gboolean
match_mbconv (EffvkWalk *walk, EffvkBlock *block, guint index, const EffvkStep *first)
{
  EffvkStep step = *first;
  guint mean, scale;

  block->kind = EFFVK_BLOCK_MBCONV;
  if (first->node->kernel_h == 1)
    {
      if (first->node->stride_h != 1)
        return effvk_walk_refuse_node (walk, first->index, "a stride of 1 in a 1x1 convolution");
      if (!effvk_walk_take (walk, EFFVK_LAYER_EXPAND, index, first)
          || !effvk_walk_check_activation (walk, first)
          || !effvk_walk_follow_conv (walk, &step, "a depthwise convolution"))
        return FALSE;
      if (walk->channels == block->in)
        return effvk_walk_refuse_node (walk, first->index, "an expansion of the channels");
    }
  block->expanded = (guint) walk->channels;
  block->kernel = (guint) step.node->kernel_h;
  block->stride = (guint) step.node->stride_h;
  if (!effvk_walk_is_depthwise (walk, step.node) || block->kernel == 1)
    return effvk_walk_refuse_node (walk, step.index, "a depthwise convolution of 3x3 or 5x5");
  if (!effvk_walk_take (walk, EFFVK_LAYER_DEPTHWISE, index, &step)
      || !effvk_walk_check_activation (walk, &step))
    return FALSE;
  if (effvk_walk_forks (walk, walk->value, EFFVK_NODE_MEAN, EFFVK_NODE_MUL, &mean, &scale)
      && !match_squeeze (walk, block, index, mean, scale))
    return FALSE;
  return effvk_walk_follow_conv (walk, &step, "a 1x1 convolution, the projection of a block")
         && match_project (walk, index, &step);
}

/* Equal blocks in a row are a stage: where anything changes, the next begins. */
static void
number_stage (EffvkBlock *block, const GArray *blocks)
{
  const EffvkBlock *last
      = blocks->len ? &g_array_index (blocks, EffvkBlock, blocks->len - 1) : NULL;

  block->stage = last ? last->stage : 1;
  if (last
      && (block->stride != 1 || block->in != block->out || block->kind != last->kind
          || block->kernel != last->kernel || !block->squeezed != !last->squeezed
          || (block->expanded != last->expanded /* EdgeTPU's first stage */
              && (guint64) block->expanded * last->in != (guint64) last->expanded * block->in)))
    block->stage++;
}

static gboolean
match_block (EffvkWalk *walk, const EffvkStep *first, guint other)
{
  GArray *blocks = walk->facts->blocks;
  guint index = blocks->len, before = walk->value;
  EffvkBlock block = { .in = (guint) walk->channels,
                       .kernel = (guint) first->node->kernel_h,
                       .stride = (guint) first->node->stride_h };

  if (index == MAX_BLOCKS)
    return effvk_walk_refuse_node (walk, first->index, "at most 1000 blocks");
  if (first->node->kernel_h > 1 && !effvk_walk_is_depthwise (walk, first->node)
          ? block.kernel != 3 ? !effvk_walk_refuse_node (walk, first->index, "a kernel of 3x3")
                              : !match_fused (walk, &block, index, first)
          : !match_mbconv (walk, &block, index, first))
    return FALSE;
  block.out = (guint) walk->channels;
  block.residual = other != EFFVK_GRAPH_NONE;
  number_stage (&block, blocks);

  if (block.residual && (block.stride != 1 || block.in != block.out))
    return effvk_walk_refuse_node (walk, other,
                                   "no residual around a block that changes the shape");
  if (block.residual)
    {
      guint add = effvk_walk_sole (walk, walk->value, EFFVK_NODE_ADD);
      if (add == EFFVK_GRAPH_NONE)
        return effvk_walk_refuse (walk, walk->value, "the sum of a block's input and output");
      if (add != other || !effvk_walk_takes (effvk_walk_node_at (walk, add), before, walk->value)
          || effvk_walk_node_at (walk, add)->fused != EFFVK_ACTIVATION_NONE)
        return effvk_walk_refuse_node (walk, add, "the sum of a block's input and output");
      walk->value = effvk_walk_node_at (walk, add)->output;
    }
  g_array_append_val (blocks, block);
  return TRUE;
}

/* Scalar, or one number a channel, from a constant of at most three. */
static gboolean
read_three (const EffvkWalk *walk, guint value, double out[3])
{
  const EffvkConstant *constant = effvk_graph_constant (walk->graph, value);
  float numbers[3];

  if (!constant || !constant->data || (constant->n != 1 && constant->n != 3)
      || !effvk_constant_read (walk->graph, constant, numbers, NULL))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    out[i] = numbers[constant->n == 1 ? 0 : i];
  return TRUE;
}

/* What makes numbers of about -3 to 3 of 0..255; a larger factor takes 0..1. */
#define MAX_FACTOR 0.15

/* x * a + b, as mean and deviation of pixels in 0..1. */
static gboolean
settle_normalisation (EffvkWalk *walk, const double a[3], const double b[3])
{
  for (guint i = 0; i < 3; i++)
    {
      double scale = a[i] < MAX_FACTOR ? 255 : 1;
      double std = 1 / (scale * a[i]), mean = -b[i] * std;

      if (!(std > 1e-6 && std < 1e6 && fabs (mean) < 10))
        return effvk_walk_refuse (walk, walk->value,
                                  "a normalisation of 0..255 or of 0..1 before it");
      walk->facts->mean[i] = (float) mean;
      walk->facts->std[i] = (float) std;
    }
  return TRUE;
}

/* Keras' networks begin with the normalisation of 0..255, others with that of 0..1: x * a + b. */
static gboolean
match_normalisation (EffvkWalk *walk)
{
  double a[3] = { 1, 1, 1 }, b[3] = { 0, 0, 0 }, c[3];
  const guint *list;

  while (effvk_walk_consumers (walk, walk->value, &list) == 1)
    {
      const EffvkNode *node = effvk_walk_node_at (walk, list[0]);
      gboolean swapped;
      if (node->kind != EFFVK_NODE_ADD && node->kind != EFFVK_NODE_SUB
          && node->kind != EFFVK_NODE_MUL && node->kind != EFFVK_NODE_DIV)
        break;
      swapped = node->n_inputs == 2 && node->inputs[1] == walk->value;
      if (node->n_inputs != 2 || node->fused != EFFVK_ACTIVATION_NONE
          || !read_three (walk, node->inputs[!swapped], c)
          || (swapped && (node->kind == EFFVK_NODE_SUB || node->kind == EFFVK_NODE_DIV)))
        return effvk_walk_refuse_node (walk, list[0], "a normalisation by constants, one or three");
      for (guint i = 0; i < 3; i++)
        switch (node->kind)
          {
          case EFFVK_NODE_ADD:
            b[i] += c[i];
            break;
          case EFFVK_NODE_SUB:
            b[i] -= c[i];
            break;
          case EFFVK_NODE_MUL:
            a[i] *= c[i];
            b[i] *= c[i];
            break;
          default:
            a[i] /= c[i];
            b[i] /= c[i];
            break;
          }
      walk->facts->normalises = TRUE;
      walk->value = node->output;
    }
  return !walk->facts->normalises || settle_normalisation (walk, a, b);
}

static gboolean
match_stem (EffvkWalk *walk)
{
  EffvkGraphFacts *facts = walk->facts;
  EffvkStep step;

  if (!match_normalisation (walk)
      || !effvk_walk_follow_conv (walk, &step, "a convolution, the stem"))
    return FALSE;
  if (step.node->in != 3 && step.node->in != 1)
    return effvk_walk_refuse_node (walk, step.index, "3 or 1 input channels");
  walk->channels = step.node->in;
  if (step.node->kernel_h != 3 || step.node->stride_h != 2)
    return effvk_walk_refuse_node (walk, step.index, "a 3x3 convolution of stride 2, the stem");
  if (!effvk_walk_take (walk, EFFVK_LAYER_STEM, 0, &step)
      || !effvk_walk_check_activation (walk, &step))
    return FALSE;
  facts->in_channels = (guint) step.node->in;
  facts->stem_kernel = 3;
  facts->stem_stride = 2;
  facts->stem_out = (guint) walk->channels;
  return TRUE;
}

static gboolean
match_head (EffvkWalk *walk, const EffvkStep *head, guint mean)
{
  guint next;
  EffvkStep step;

  if (!effvk_walk_take (walk, EFFVK_LAYER_HEAD, 0, head)
      || !effvk_walk_check_activation (walk, head) || !effvk_walk_check_mean (walk, mean))
    return FALSE;
  walk->facts->head_out = (guint) walk->channels;
  walk->value = effvk_walk_node_at (walk, mean)->output;
  walk->height = walk->width = 1;
  if (!effvk_walk_read_dense (walk, &step, "the classifier"))
    return FALSE;
  if (step.activation != EFFVK_ACTIVATION_NONE)
    return effvk_walk_refuse_node (walk, step.index, "no activation after the classifier");
  if (!effvk_walk_take (walk, EFFVK_LAYER_CLASSIFIER, 0, &step))
    return FALSE;
  walk->facts->classes = (guint) walk->channels;
  effvk_walk_skip_reshape (walk, &walk->value);
  if ((next = effvk_walk_sole (walk, walk->value, EFFVK_NODE_SOFTMAX)) != EFFVK_GRAPH_NONE)
    walk->facts->output = EFFVK_OUTPUT_ACTIVATION_SOFTMAX;
  else if ((next = effvk_walk_sole (walk, walk->value, EFFVK_NODE_SIGMOID)) != EFFVK_GRAPH_NONE)
    walk->facts->output = EFFVK_OUTPUT_ACTIVATION_SIGMOID;
  if (next != EFFVK_GRAPH_NONE)
    walk->value = effvk_walk_node_at (walk, next)->output;
  effvk_walk_skip_reshape (walk, &walk->value);
  if (walk->value != walk->graph->output)
    return effvk_walk_refuse (walk, walk->value, "the network's output");
  return TRUE;
}

gboolean
effvk_graph_match (const EffvkGraph *graph, EffvkGraphFacts *facts, GArray *layers, GError **error)
{
  EffvkWalk walk = { .graph = graph,
                     .facts = facts,
                     .layers = layers,
                     .value = graph->input,
                     .height = (gint64) graph->height,
                     .width = (gint64) graph->width,
                     .error = error };
  guint conv, other;
  EffvkStep step;

  memset (facts, 0, sizeof *facts);
  facts->blocks = g_array_new (FALSE, TRUE, sizeof (EffvkBlock));
  facts->bn_eps = -1;
  facts->symmetric = facts->same = TRUE;
  facts->width = (guint) graph->width;
  facts->height = (guint) graph->height;
  if (!match_stem (&walk))
    return FALSE;
  for (;;)
    {
      if (!effvk_walk_next_conv (&walk, &conv, &other,
                                 "the first convolution of a block, or the head's")
          || !effvk_walk_read_conv (&walk, conv, &step))
        return FALSE;
      guint mean = effvk_walk_sole (&walk, step.value, EFFVK_NODE_MEAN);
      if (mean != EFFVK_GRAPH_NONE && step.node->kernel_h == 1)
        {
          if (!facts->blocks->len || other != EFFVK_GRAPH_NONE)
            return effvk_walk_refuse_node (&walk, mean, "blocks before the head");
          return match_head (&walk, &step, mean);
        }
      if (!match_block (&walk, &step, other))
        return FALSE;
    }
}

void
effvk_graph_facts_clear (EffvkGraphFacts *facts)
{
  g_clear_pointer (&facts->blocks, g_array_unref);
}
