/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/layers.h"

/* A network as a file of operators (ONNX, TFLite) has it, reduced to what an EfficientNet is made
 * of.
 *
 * Readers append values and nodes in execution order: a node's inputs exist before it does, so that
 * the graph has no cycle, whatever the file says. What does not change numbers (Identity, Dropout,
 * Cast, Quantize) makes no node: its output is its input. */

#define EFFVK_GRAPH_MAX_NODES 20000
#define EFFVK_GRAPH_MAX_INPUTS 6
#define EFFVK_GRAPH_MAX_RANK 8
#define EFFVK_GRAPH_NONE G_MAXUINT

typedef enum
{
  EFFVK_ELEMENT_OTHER, /* not read */
  EFFVK_ELEMENT_F32,
  EFFVK_ELEMENT_F16,
  EFFVK_ELEMENT_I8,
  EFFVK_ELEMENT_U8,
  EFFVK_ELEMENT_I32,
  EFFVK_ELEMENT_I64,
} EffvkElement;

guint effvk_element_size (EffvkElement element);
const char *effvk_element_name (EffvkElement element);

/* A constant of the file. Its bytes are little-endian, not aligned, and n elements long. */
typedef struct
{
  char *name;
  EffvkElement element;
  guint rank;
  guint64 shape[EFFVK_GRAPH_MAX_RANK];
  guint64 n;
  const guint8 *data; /* NULL: in another file */
  char *location;     /* the plain name of that file */
  guint64 offset;     /* of the data in it */
  gpointer owned;     /* freed with the tensor */
  /* Quantised: value = scale * (element - zero point); one of each, or one an index of @axis. */
  const guint8 *scales;      /* floats */
  const guint8 *zero_points; /* 64-bit, or NULL for zeros */
  guint64 n_scales;
  guint axis;
} EffvkConstant;

typedef enum
{
  EFFVK_NODE_OTHER,
  EFFVK_NODE_CONV,
  EFFVK_NODE_PAD,
  EFFVK_NODE_BATCH_NORM,
  EFFVK_NODE_SIGMOID,
  EFFVK_NODE_SILU,
  EFFVK_NODE_RELU6,
  EFFVK_NODE_RELU,
  EFFVK_NODE_ADD,
  EFFVK_NODE_SUB,
  EFFVK_NODE_MUL,
  EFFVK_NODE_DIV,
  EFFVK_NODE_MEAN,    /* over height and width */
  EFFVK_NODE_DENSE,   /* with or without bias */
  EFFVK_NODE_RESHAPE, /* moves no number: of a pooled tensor, drops or adds dimensions of one */
  EFFVK_NODE_SOFTMAX,
  EFFVK_NODE_SHAPE, /* reads sizes, not numbers */
} EffvkNodeKind;

typedef enum
{
  EFFVK_WEIGHTS_OIHW,
  EFFVK_WEIGHTS_OHWI, /* TFLite's Conv2D and FullyConnected (1x1) */
  EFFVK_WEIGHTS_HWO,  /* TFLite's DepthwiseConv2D, [1, h, w, channels] */
  EFFVK_WEIGHTS_IO,   /* MatMul */
} EffvkWeightLayout;

typedef struct
{
  EffvkNodeKind kind;
  char *name, *type; /* as the file has them, plain text */
  guint n_inputs;
  guint inputs[EFFVK_GRAPH_MAX_INPUTS]; /* values, or EFFVK_GRAPH_NONE */
  guint output;
  EffvkActivation fused;
  /* Convolution and dense: weight is inputs[1], bias inputs[2]. */
  EffvkWeightLayout layout;
  guint64 out, in, kernel_h, kernel_w; /* in: channels of one group */
  gint64 groups;
  gint64 stride_h, stride_w;
  gboolean same;         /* padded as TensorFlow's SAME; else pads */
  gint64 pads[4];        /* top, left, bottom, right; also of a Pad node */
  double eps;            /* of batch norm, whose inputs are x, gamma, beta, mean, variance */
  gint64 pool_h, pool_w; /* of a mean: the window, or 0 for all there is */
  const char *problem;   /* a convolution like none that effvk runs: what was expected */
} EffvkNode;

typedef struct
{
  char *name;
  EffvkConstant *constant; /* or NULL */
  guint n_consumers, first_consumer;
} EffvkGraphValue;

typedef struct
{
  char *name;
  guint value;
} EffvkGraphOutput;

#define EFFVK_GRAPH_MAX_OUTPUTS 16

typedef struct
{
  GPtrArray *constants;               /* (element-type EffvkConstant) */
  GArray *values;                     /* (element-type EffvkGraphValue) */
  GArray *nodes;                      /* (element-type EffvkNode) */
  guint *consumers;                   /* indices of nodes, in order; made by effvk_graph_finish() */
  guint input;                        /* a value */
  GArray *outputs;                    /* (element-type EffvkGraphOutput) */
  guint output;                       /* the value of the one that is looked at */
  gboolean quantised;                 /* numbers of 8 bits, which are read as what they stand for */
  guint64 in_channels, height, width; /* of the input; 0 where the file leaves it open */
  char *metadata;                     /* the file's own "effvk" object, or NULL */
  GBytes *labels;                     /* a text of the file with the classes' names, or NULL */
  gboolean labels_named;              /* by the file, and not guessed */
  char *folder;                       /* where files with more data may lie; NULL: nowhere */
  GHashTable *claimed; /* file name in the folder to the bytes of it that constants take */
  guint64 size;        /* of the file, and of all that it names */
  gpointer backing;    /* what constants' data points into; NULL: the file's bytes */
  GDestroyNotify backing_free;
} EffvkGraph;

void effvk_graph_init (EffvkGraph *graph);
void effvk_graph_clear (EffvkGraph *graph);
EffvkConstant *effvk_graph_add_constant (EffvkGraph *graph, const char *name);
guint effvk_graph_add_value (EffvkGraph *graph, const char *name, EffvkConstant *constant);
/* The graph takes the node's strings. */
void effvk_graph_add_node (EffvkGraph *graph, EffvkNode *node);
void effvk_graph_add_output (EffvkGraph *graph, const char *name, guint value);
/* Counts consumers, among the nodes that the output depends on; may be called for one output after
 * another. */
void effvk_graph_finish (EffvkGraph *graph);

EffvkConstant *effvk_graph_constant (const EffvkGraph *graph, guint value);

/* Computes n; false when the shape or the element's size overflows @limit bytes. */
gboolean effvk_constant_measure (EffvkConstant *constant, guint64 limit);
/* All elements, dequantised. */
gboolean effvk_constant_read (const EffvkGraph *graph, const EffvkConstant *constant, float *out,
                              GError **error);
/* Element @i of a constant that is in memory. */
double effvk_constant_get (const EffvkConstant *constant, guint64 i);
char *effvk_constant_describe (const EffvkConstant *constant);

/* A short, printable copy of what a file calls something. */
char *effvk_graph_text (const char *text, gsize length);

/* What the graph says that tensors cannot. */
typedef struct
{
  GArray *blocks; /* (element-type EffvkBlock) */
  guint stem_kernel, stem_stride, stem_out, in_channels, head_out, classes;
  guint width, height; /* 0: open */
  EffvkActivation activation;
  EffvkOutputActivation output; /* AUTO: the graph ends in the logits */
  gboolean symmetric, same;     /* what the padding can be */
  double bn_eps;                /* negative: no batch norm was left */
  gboolean normalises;          /* the graph takes 0..255 and normalises itself: */
  float mean[3], std[3];
} EffvkGraphFacts;

/* One layer of the network and the constants that hold it. */
typedef struct
{
  EffvkLayer kind;
  guint block;
  guint node, batch_norm, add; /* nodes; EFFVK_GRAPH_NONE where there is none */
} EffvkMatchedLayer;

/* Finds the network in the graph. The layers are those of effvk_arch_layers(), in that order. */
gboolean effvk_graph_match (const EffvkGraph *graph, EffvkGraphFacts *facts, GArray *layers,
                            GError **error);
/* The same for the output named @wanted, or the first that is an EfficientNet's: its name, or NULL
 * with @error set. @facts is zeroed or of an earlier match. */
const char *effvk_graph_match_output (EffvkGraph *graph, const char *wanted, EffvkGraphFacts *facts,
                                      GArray *layers, GError **error);
void effvk_graph_facts_clear (EffvkGraphFacts *facts);

/* The same network as the bytes of a safetensors file with torchvision's names. */
GBytes *effvk_graph_to_safetensors (const EffvkGraph *graph, const EffvkGraphFacts *facts,
                                    const GArray *layers, GError **error);
