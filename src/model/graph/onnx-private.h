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
