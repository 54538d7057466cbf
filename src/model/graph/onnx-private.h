/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/formats.h"
#include "model/graph/onnx.pb-c.h"

typedef EffvkOnnx__Tensor OnnxTensor;
typedef EffvkOnnx__Node OnnxNode;
typedef EffvkOnnx__Attribute OnnxAttribute;

/* Adds @tensor to the graph's constants; NULL with @error set when it is malformed. */
EffvkConstant *effvk_onnx_add_tensor (EffvkGraph *graph, const OnnxTensor *tensor, const char *name,
                                      GError **error);

/* Computes a node of small integers, all of whose inputs are constants: exporters compute paddings
 * so. NULL when it is not such a node; then it computes something else. */
EffvkConstant *effvk_onnx_evaluate (EffvkGraph *graph, const OnnxNode *node,
                                    EffvkConstant *const *inputs, guint n_inputs);

const OnnxAttribute *effvk_onnx_attribute (const OnnxNode *node, const char *name);
gint64 effvk_onnx_int (const OnnxNode *node, const char *name, gint64 otherwise);

/* Quantised graphs: QuantizeLinear and DequantizeLinear, which are passed over. Constants behind
 * DequantizeLinear are what they stand for. */
typedef struct _EffvkOnnxQ EffvkOnnxQ;
EffvkOnnxQ *effvk_onnx_q_new (void);
void effvk_onnx_q_free (EffvkOnnxQ *q);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkOnnxQ, effvk_onnx_q_free)

/* To be told of every node, in order. */
void effvk_onnx_note_node (EffvkOnnxQ *q, const EffvkNode *node);
gboolean effvk_onnx_is_q (const OnnxNode *in);
/* The value that stands for the output of such a node, whose inputs @node has. EFFVK_GRAPH_NONE
 * where the node cannot be passed over. Where the file is damaged, @error is set as well. */
guint effvk_onnx_pass_q (EffvkOnnxQ *q, EffvkGraph *graph, const OnnxNode *in,
                         const EffvkNode *node, GError **error);
/* At the end: which activation it is that a quantisation stands for. */
void effvk_onnx_settle_clips (EffvkOnnxQ *q, EffvkGraph *graph);
