#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX files that torch exports give the same logits as the safetensors file of the same weights.

Networks with random weights: torchvision's B0 and V2-S, and members of the family by a definition of
our own (lib/family.py) with TensorFlow's padding and ReLU6; exported with batch norm folded and not,
several opsets, fp16 weights, and an open batch. The padding by a node, as ports of TensorFlow's weights
export it, is among them.

usage: test-onnx.py NET-RUN: prints TAP. EFFVK_TEST_SEED=N repeats a seed.
"""

import os
import sys

CLASSES = 37

try:
    import torch
    import torchvision
except ImportError as error:
    print(f"1..0 # SKIP {error.name} is not installed (python3-torchvision)")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import family  # pylint: disable=wrong-import-position
import netrun  # pylint: disable=wrong-import-position

PRESERVE = torch.onnx.TrainingMode.PRESERVE
EVAL = torch.onnx.TrainingMode.EVAL
TORCHVISION = {"b0": 64, "v2_s": 64}

# name, network, torch.onnx.export's options, fp16
CASES = [
    ("b0, folded", "b0", {"opset_version": 11}, False),
    ("b0, batch norm kept", "b0", {"opset_version": 13, "training": PRESERVE}, False),
    ("b0, constants not folded", "b0", {"opset_version": 17, "do_constant_folding": False}, False),
    ("b0, open batch and size", "b0",
     {"opset_version": 14, "input_names": ["x"], "dynamic_axes": {"x": {0: "n", 2: "h", 3: "w"}}}, False),
    ("b0, weights among the inputs", "b0",
     {"opset_version": 11, "keep_initializers_as_inputs": True}, False),
    ("b0 of fp16 weights, batch norm kept", "b0-half", {"opset_version": 13, "training": PRESERVE}, True),
    ("b0 of fp16 weights, folded", "b0-half", {"opset_version": 13}, True),
    ("v2-s", "v2_s", {"opset_version": 15}, False),
    ("lite0, padded by nodes", "lite0-pad", {"opset_version": 11}, False),
    ("lite0, padded by nodes, constants not folded", "lite0-pad",
     {"opset_version": 13, "do_constant_folding": False, "training": PRESERVE}, False),
    ("b0 as TensorFlow's, padded by nodes", "b0-same", {"opset_version": 16}, False),
    ("b0 of grayscale, wide", "b0-gray", {"opset_version": 12}, False),
    ("es, padded by nodes", "es-pad", {"opset_version": 11}, False),
    ("em, batch norm kept", "em-gray", {"opset_version": 13, "training": PRESERVE}, False),
]


def make_network(name):
    """The network, its input's [channels, height, width] and its recipe."""
    half = name.endswith("-half")
    if half or name in TORCHVISION:
        model = getattr(torchvision.models, "efficientnet_" + name.split("-")[0])(num_classes=CLASSES)
        size, recipe = (3, 64, 64), {"padding": "symmetric"}
        recipe["bn_eps"] = 1e-3 if name.startswith("v2") else 1e-5
    else:
        kind, what = name.split("-")
        size = {"pad": (3, 65, 64), "same": (3, 64, 64), "gray": (1, 64, 96)}[what]
        model = family.Network(kind, CLASSES, in_channels=size[0], same=what != "gray", eps=1e-3)
        recipe = {"padding": "symmetric" if what == "gray" else "same", "bn_eps": 1e-3}
    recipe["activation"] = getattr(model, "activation", "silu")
    recipe["input_size"] = list(size)
    family.randomise(model, size)
    if half:  # what fp16 holds, in fp32: the file with batch norm kept then loses nothing
        for value in list(model.parameters()) + list(model.buffers()):
            value.data = value.data.half().to(value.dtype)
    return model, size, recipe


def export(model, size, path, options, half):
    options = dict({"training": EVAL, "do_constant_folding": True}, **options)
    data = family.export_onnx(model, size, **options)
    with open(path, "wb") as file:
        # torch 1.13 has no fp16 convolution on a CPU, so that it cannot trace one: the file is changed.
        file.write(family.onnx_to_half(data) if half else data)


def check(program, folder, case, cache):
    _, name, options, half = case
    if name not in cache:
        model, size, recipe = make_network(name)
        inputs = family.make_inputs(2, size)
        path = os.path.join(folder, name + ".f32")
        netrun.write_inputs(path, inputs)
        weights = os.path.join(folder, name + ".safetensors")
        family.write_safetensors(weights, family.state(model), recipe)
        logits, _ = netrun.run(program, weights, path)
        with torch.no_grad():
            netrun.check_difference(logits, model(inputs).double().numpy(), 1e-4,
                                    "safetensors against torch")
        cache[name] = (model, size, path, logits, recipe)
    model, size, path, logits, recipe = cache[name]
    file = os.path.join(folder, "case.onnx")
    export(model, size, file, options, half)
    if "dynamic_axes" in options:  # the size is then nowhere in the file
        family.onnx_add_metadata(file, recipe)
    got, _ = netrun.run(program, file, path)
    # Folding rounds fp16 weights a second time.
    netrun.check_difference(got, logits, 2e-2 if half and "training" not in options else 1e-5)


def main():
    cache = {}
    torch.manual_seed(netrun.SEED)
    torch.set_num_threads(1)  # more of them wait for each other, spinning, beside other tests
    print(f"# torch {torch.__version__}")
    netrun.run_cases(CASES, lambda folder, case: check(sys.argv[1], folder, case, cache))


if __name__ == "__main__":
    main()
