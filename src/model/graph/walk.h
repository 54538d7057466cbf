/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/graph/graph.h"

/* Steps through a graph, from the input towards the output. A step finds the node that consumes a
 * value, or a convolution or dense layer with what follows it. Nodes come after their inputs, so a
 * walk ends. */

typedef struct
{
  const EffvkGraph *graph;
  EffvkGraphFacts *facts;
  GArray *layers;
  guint value; /* where the walk stands */
  guint64 channels;
  gint64 height, width; /* there; 0 when the file leaves the size open */
  GError **error;
} EffvkWalk;

/* A convolution or dense layer with what follows it. */
typedef struct
{
  const EffvkNode *node;
  guint index, batch_norm, add;
  EffvkActivation activation;
  gint64 pads[4];
  gboolean padded; /* by a node of its own */
  guint value;     /* the output */
} EffvkStep;

const EffvkNode *effvk_walk_node_at (const EffvkWalk *walk, guint index);
guint effvk_walk_consumers (const EffvkWalk *walk, guint value, const guint **list);
gboolean effvk_walk_refuse_node (const EffvkWalk *walk, guint index, const char *expected);
/* At @value, none of the nodes fits. */
gboolean effvk_walk_refuse (const EffvkWalk *walk, guint value, const char *expected);
/* The only consumer of @value when it is of @kind, else EFFVK_GRAPH_NONE. */
guint effvk_walk_sole (const EffvkWalk *walk, guint value, EffvkNodeKind kind);
gboolean effvk_walk_takes (const EffvkNode *node, guint a, guint b);
/* @value feeds a node of @first and one of @second, and nothing else. */
gboolean effvk_walk_forks (const EffvkWalk *walk, guint value, EffvkNodeKind first,
                           EffvkNodeKind second, guint *a, guint *b);
/* Reads the convolution at node @index, a Pad before it and batch norm and activation after it. */
gboolean effvk_walk_read_conv (const EffvkWalk *walk, guint index, EffvkStep *step);
gboolean effvk_walk_is_depthwise (const EffvkWalk *walk, const EffvkNode *node);
/* Takes the step: the walk stands behind it. */
gboolean effvk_walk_take (EffvkWalk *walk, EffvkLayer kind, guint block, const EffvkStep *step);
gboolean effvk_walk_check_activation (EffvkWalk *walk, const EffvkStep *step);
/* Of what consumes the walk's value, the convolution; @other is the rest, at most one node. */
gboolean effvk_walk_next_conv (EffvkWalk *walk, guint *conv, guint *other, const char *expected);
gboolean effvk_walk_follow_conv (EffvkWalk *walk, EffvkStep *step, const char *expected);
/* Past the nodes that only change how a pooled tensor is counted. */
void effvk_walk_skip_reshape (const EffvkWalk *walk, guint *value);
/* Of a pooled tensor: a 1x1 convolution, Gemm, or MatMul and Add. */
gboolean effvk_walk_read_dense (EffvkWalk *walk, EffvkStep *step, const char *expected);
gboolean effvk_walk_check_mean (const EffvkWalk *walk, guint index);
