# SPDX-License-Identifier: LGPL-2.1-or-later
"""Quantises ONNX files as ONNX Runtime's tools do: QuantizeLinear and DequantizeLinear (QDQ)."""

import numpy
from onnx import helper, numpy_helper


def constant(model, name, array):
    model.graph.initializer.append(numpy_helper.from_array(numpy.ascontiguousarray(array), name))
    return name


class Quantiser:
    """Weights of 8 bits with a scale a channel (or one), and activations through eight bits and back."""

    def __init__(self, model, channels, signed, drop_clips):
        self.model, self.channels, self.signed = model, channels, signed
        self.arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.nodes, self.done, self.clipped = [], {}, {}
        if drop_clips:
            outputs = {n.output[0]: n for n in model.graph.node}
            self.clipped = {n.output[0]: n.input[0] for n in model.graph.node
                            if n.op_type == "Clip" and outputs[n.input[0]].op_type == "Conv"}
        self.run()

    def constant(self, name, array):
        return constant(self.model, name, array)

    def weight(self, name, bias):
        """The name of what stands for the weight, and the array that it stands for in the plain file."""
        array = self.arrays[name]
        if bias:
            scale = numpy.full(array.shape[:1], 1e-5, "f4")
            number, zero, axis = numpy.round(array / 1e-5).astype("i4"), numpy.zeros(len(array), "i4"), 0
        else:
            axis = 0
            others = tuple(range(1, array.ndim)) if self.channels else None
            most = numpy.maximum(numpy.abs(array).max(others), 1e-8).astype("f4")
            scale = most / numpy.float32(127)
            by = scale.reshape([-1] + [1] * (array.ndim - 1)) if self.channels else scale
            number = numpy.round(array / by).clip(-127, 127)
            zero = numpy.zeros(scale.shape, "i1")
            number = number.astype("i1")
            if not self.signed:
                number, zero = (number.astype("i4") + 128).astype("u1"), numpy.full(scale.shape, 128, "u1")
        wide = scale.reshape([-1] + [1] * (array.ndim - 1)) if scale.ndim else scale
        meant = ((number.astype("f4") - zero.reshape(wide.shape).astype("f4")) * wide).astype("f4")
        inputs = [self.constant(name + "_q", number), self.constant(name + "_scale", scale)]
        if self.signed is False or bias is False:
            inputs.append(self.constant(name + "_zero", zero))
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [name + "_dq"], axis=axis))
        return name + "_dq", meant

    def activation(self, name, clip):
        """Through eight bits: from zero to six where a clip was dropped, else on both sides of zero."""
        if name in self.done:
            return self.done[name]
        kind, low = ("i1", -128) if self.signed else ("u1", 0)
        scale = self.constant(name + "_scale", numpy.array(6 / 255 if clip else 0.07, "f4"))
        zero = self.constant(name + "_zero", numpy.array(low if clip else low + 120, kind))
        self.nodes += [helper.make_node("QuantizeLinear", [name, scale, zero], [name + "_q"]),
                       helper.make_node("DequantizeLinear", [name + "_q", scale, zero], [name + "_dq"])]
        self.done[name] = name + "_dq"
        return self.done[name]

    def run(self):
        plain = {}
        for node in list(self.model.graph.node):
            if node.output[0] in self.clipped:
                continue
            if node.op_type in ("Conv", "Gemm"):
                source = node.input[0]
                clip = source in self.clipped
                inputs = [self.activation(self.clipped.get(source, source), clip)]
                for i, name in enumerate(list(node.input)[1:]):
                    dequantised, plain[name] = self.weight(name, i == 1)
                    inputs.append(dequantised)
                del node.input[:]
                node.input.extend(inputs)
            else:
                for i, name in enumerate(node.input):
                    if name in self.clipped:
                        node.input[i] = self.activation(self.clipped[name], True)
            self.nodes.append(node)
        kept = [t for t in self.model.graph.initializer if t.name not in plain]
        del self.model.graph.initializer[:]
        self.model.graph.initializer.extend(kept)
        del self.model.graph.node[:]
        self.model.graph.node.extend(self.nodes)
        self.plain = plain
