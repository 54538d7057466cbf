#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX files as other tools than torch's exporter write them: SiLU as one node, quantised graphs, inputs of
interleaved pixels that the graph normalises, several outputs. Each gives the logits of the plain file that it
was made of.

usage: test-onnx-files.py NET-RUN: prints TAP. EFFVK_TOOL is the effvk command.
"""

import json
import os
import subprocess
import sys

CLASSES = 11

try:
    import numpy
    import torch
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    print(f"1..0 # SKIP {error.name} is not installed (python3-{error.name})")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import family  # pylint: disable=wrong-import-position
import netrun  # pylint: disable=wrong-import-position
from quantiser import Quantiser, constant  # pylint: disable=wrong-import-position

NET_RUN, TOOL = sys.argv[1], os.environ["EFFVK_TOOL"]
MEAN, STD = numpy.array([0.485, 0.456, 0.406], "f4"), numpy.array([0.229, 0.224, 0.225], "f4")


class Plain:
    """A network as torch exports it, and its logits."""

    cache = {}

    def __init__(self, folder, kind):
        self.size = (3, 64, 64)
        self.network = family.Network(kind, CLASSES, same=True, eps=1e-3)
        family.randomise(self.network, self.size)
        self.data = family.export_onnx(self.network, self.size, opset_version=13)
        self.path = os.path.join(folder, kind + ".onnx")
        self.inputs = os.path.join(folder, kind + ".f32")
        netrun.write_inputs(self.inputs, family.make_inputs(2, self.size))
        with open(self.path, "wb") as file:
            file.write(self.data)
        self.logits, _ = netrun.run(NET_RUN, self.path, self.inputs)

    @classmethod
    def get(cls, folder, kind):
        if kind not in cls.cache:
            cls.cache[kind] = cls(folder, kind)
        return cls.cache[kind]

    def model(self):
        return onnx.load_from_string(self.data)

    def check(self, folder, model, limit=1e-5, want=None):
        path = write(folder, model)
        logits, _ = netrun.run(NET_RUN, path, self.inputs)
        netrun.check_difference(logits, self.logits if want is None else want, limit)
        return path


def write(folder, model):
    path = os.path.join(folder, "case.onnx")
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    return path


def inspect(path, *options):
    done = subprocess.run([TOOL, "inspect", "--json", *options, path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip()


def refused(path, *words, options=()):
    found = inspect(path, *options)
    if not isinstance(found, str) or any(word not in found for word in words):
        raise netrun.Failure(f"expected {words}, found {found}")


def rewire(model, nodes):
    del model.graph.node[:]
    model.graph.node.extend(nodes)


# SiLU as one node


def joined_silu(model, **node):
    """Sigmoid and the product of it with its own input, as one node."""
    sigmoids = {n.output[0]: n for n in model.graph.node if n.op_type == "Sigmoid"}
    nodes, joined = [], set()
    for n in model.graph.node:
        for gate in n.input if n.op_type == "Mul" else ():
            if gate in sigmoids and sigmoids[gate].input[0] in n.input:
                nodes.append(helper.make_node(inputs=[sigmoids[gate].input[0]], outputs=n.output, **node))
                joined.add(gate)
                break
        else:
            nodes.append(n)
    rewire(model, [n for n in nodes if n.output[0] not in joined])
    if len(joined) < 20:
        raise netrun.Failure("the test no longer finds SiLU in what torch exports")
    return model


def one_node_for_silu(folder):
    plain = Plain.get(folder, "b0")
    plain.check(folder, joined_silu(plain.model(), op_type="Swish"))
    plain.check(folder, joined_silu(plain.model(), op_type="Swish", alpha=1.0))
    plain.check(folder, joined_silu(plain.model(), op_type="QuickGelu", domain="com.microsoft", alpha=1.0))
    for node in ({"op_type": "Swish", "alpha": 1.702}, {"op_type": "QuickGelu", "domain": "com.microsoft"},
                 {"op_type": "QuickGelu", "alpha": 1.0}, {"op_type": "Swish", "domain": "com.example"}):
        refused(write(folder, joined_silu(plain.model(), **node)), f"({node['op_type']})", "SiLU")


# Quantised graphs


def with_weights(model, arrays):
    """The plain model with the weights that the quantised file stands for."""
    for tensor in model.graph.initializer:
        if tensor.name in arrays:
            tensor.CopyFrom(numpy_helper.from_array(arrays[tensor.name], tensor.name))
    return model


def quantised_graphs(folder):
    for kind, channels, signed, drop in (("b0", True, True, False), ("b0", False, False, False),
                                         ("lite0", True, False, False), ("lite0", True, True, True),
                                         ("lite0", False, False, True)):
        plain = Plain.get(folder, kind)
        quantiser = Quantiser(plain.model(), channels, signed, drop)
        if drop and len(quantiser.clipped) < 20:
            raise netrun.Failure("the test no longer finds ReLU6 in what torch exports")
        path = write(folder, with_weights(plain.model(), quantiser.plain))
        want, _ = netrun.run(NET_RUN, path, plain.inputs)
        if "quantisation" in inspect(path):
            raise netrun.Failure("a plain file is said to be quantised")
        path = plain.check(folder, quantiser.model, want=want)
        netrun.check_difference(want, plain.logits, 0.3, "logits of the weights before")
        said = inspect(path)
        if said.get("quantisation") != "weights are dequantised, activations are not rounded" \
                or said["architecture"]["activation"] != ("relu6" if kind == "lite0" else "silu"):
            raise netrun.Failure(f"inspect: {said.get('quantisation')}, {said['architecture']['activation']}")

    # What changes numbers is not passed over, and damage is refused.
    def changed(change):
        quantiser = Quantiser(Plain.get(folder, "lite0").model(), True, True, False)
        change(quantiser.model.graph)
        return write(folder, quantiser.model)

    def scales(graph, n):
        tensor = next(t for t in graph.initializer if t.name.endswith("weight_scale"))
        tensor.CopyFrom(numpy_helper.from_array(numpy.ones(n, "f4"), tensor.name))

    def lone(graph):
        first = [n for n in graph.node if n.op_type == "QuantizeLinear"][-1]
        second = next(n for n in graph.node if n.op_type == "DequantizeLinear" and n.input[0] == first.output[0])
        second.input[0] = first.input[0]

    def blocks(graph):
        node = next(n for n in graph.node if n.output[0].endswith("weight_dq"))
        node.attribute.append(helper.make_attribute("block_size", 16))

    refused(changed(lambda g: scales(g, 7)), "a scale for each channel")
    refused(changed(lone), "(DequantizeLinear)")
    refused(changed(blocks), "constant weights", "dequantised")


# Pixels that are interleaved, and normalised by the graph


def normalised(plain, before, scale):
    """Interleaved pixels from 0 to 255 (scale 255) or to 1, normalised before or behind the Transpose."""
    model = plain.model()
    graph, first = model.graph, model.graph.input[0].name
    shape = [1, 1, 1, 3] if before else [1, 3, 1, 1]
    mean = constant(model, "mean", (scale * MEAN).reshape(shape))
    std = constant(model, "std", (scale * STD).reshape(shape))
    names = ["pixels", "a", "b", first] if before else ["pixels", "planes", "a", first]
    steps = [("Sub", [mean]), ("Div", [std]), ("Transpose", [])]
    if not before:
        steps = steps[2:] + steps[:2]
    nodes = [helper.make_node(kind, [source, *more], [target], **({"perm": [0, 3, 1, 2]} if not more else {}))
             for (kind, more), source, target in zip(steps, names, names[1:])]
    rewire(model, nodes + list(graph.node))
    graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", TensorProto.FLOAT,
                                                          [1, plain.size[1], plain.size[2], 3]))
    return model


def interleaved_pixels(folder):
    plain = Plain.get(folder, "b0")
    for before in True, False:
        for scale in 255, 1:
            path = plain.check(folder, normalised(plain, before, numpy.float32(scale)))
            said = inspect(path)["input"]
            if not numpy.allclose(said["mean"], MEAN, atol=1e-5) or not numpy.allclose(said["std"], STD, atol=1e-5) \
                    or (said["width"], said["height"]) != (64, 64):
                raise netrun.Failure(f"{before}, {scale}: expected {MEAN} and {STD}, found {said}")


# Several outputs


def several_outputs(folder):
    """Logits among features and probabilities: taken by what they are, or by name."""
    plain = Plain.get(folder, "b0")

    def make(order):
        model = plain.model()
        gemm = next(n for n in model.graph.node if n.op_type == "Gemm")
        logits = model.graph.output[0].name
        nodes = list(model.graph.node) + [
            helper.make_node("Identity", [gemm.input[0]], ["features"]),
            helper.make_node("Softmax", [logits], ["probabilities"], axis=1),
            helper.make_node("ReduceMax", [gemm.input[0]], ["largest"], axes=[1])]
        rewire(model, nodes)
        shapes = {"features": [1, 1280], "largest": [1, 1], "probabilities": [1, CLASSES], "logits": [1, CLASSES]}
        names = {"logits": logits}
        del model.graph.output[:]
        model.graph.output.extend(helper.make_tensor_value_info(names.get(n, n), TensorProto.FLOAT, shapes[n])
                                  for n in order)
        return model, logits

    for order in (["features", "logits"], ["logits", "features"], ["largest", "features", "logits"]):
        model, logits = make(order)
        path = plain.check(folder, model)
        said = inspect(path)
        if said.get("graph_output") != logits or said["sources"]["output.activation"] != "default":
            raise netrun.Failure(f"{order}: took {said.get('graph_output')}")
    model, logits = make(["features", "probabilities", "logits"])
    path = plain.check(folder, model)
    for options, output, source in (((), "probabilities", "tensors"), (("--output", logits), logits, "default"),
                                    (("--overrides", json.dumps({"output": logits})), logits, "default"),
                                    (("--output", "probabilities", "--overrides", '{"padding": "same"}'),
                                     "probabilities", "tensors")):
        said = inspect(path, *options)
        if said["graph_output"] != output or said["sources"]["output.activation"] != source:
            raise netrun.Failure(f"{options}: took {said['graph_output']}, {said['sources']['output.activation']}")
    refused(path, "no output \"nothing\"", "features", "probabilities", options=("--output", "nothing"))
    refused(path, "the classifier", options=("--output", "features"))
    if "graph_output" in inspect(plain.path):
        raise netrun.Failure("one output is said to be one of several")
    weights = os.path.join(folder, "plain.safetensors")
    family.write_safetensors(weights, family.state(plain.network), {})
    refused(weights, "found a safetensors file", options=("--output", "logits"))


TESTS = [one_node_for_silu, quantised_graphs, interleaved_pixels, several_outputs]


def main():
    torch.manual_seed(netrun.SEED)
    torch.set_num_threads(1)  # more of them wait for each other, spinning, beside other tests
    netrun.run_cases([(test.__name__.replace("_", " "), test) for test in TESTS],
                     lambda folder, case: case[1](folder))


if __name__ == "__main__":
    main()
