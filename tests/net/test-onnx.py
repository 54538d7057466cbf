#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX files that torch exports give the same logits as the safetensors file of the same weights.

Networks with random weights: torchvision's B0 and V2-S, and members of the family by a definition of
our own (lib/family.py) with TensorFlow's padding and ReLU6; exported with batch norm folded and not,
several opsets, fp16 weights, and an open batch. The padding by a node, as ports of TensorFlow's weights
export it, is among them.

usage: test-onnx.py NET-RUN: prints TAP. EFFVK_TEST_SEED=N repeats a seed.
"""

import io
import os
import random
import subprocess
import sys
import tempfile
import warnings

SEED = int(os.environ.get("EFFVK_TEST_SEED", random.randrange(2**31)))
CLASSES = 37

try:
    import numpy
    import torch
    import torchvision
except ImportError as error:
    print(f"1..0 # SKIP {error.name} is not installed (python3-torchvision)")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import family  # pylint: disable=wrong-import-position

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
    recipe["activation"] = "relu6" if name.startswith("lite") else "silu"
    recipe["input_size"] = list(size)
    family.randomise(model, size)
    if half:  # what fp16 holds, in fp32: the file with batch norm kept then loses nothing
        for value in list(model.parameters()) + list(model.buffers()):
            value.data = value.data.half().to(value.dtype)
    return model, size, recipe


def export(model, size, path, options, half):
    options = dict({"training": EVAL, "do_constant_folding": True}, **options)
    with warnings.catch_warnings(), open(path, "wb") as file:
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        torch.onnx.export(model, torch.zeros(1, *size), buffer, **options)
        # torch 1.13 has no fp16 convolution on a CPU, so that it cannot trace one: the file is changed.
        data = buffer.getvalue()
        file.write(family.onnx_to_half(data) if half else data)


def run_effvk(program, model, inputs, output):
    done = subprocess.run([program, model, inputs, output], stderr=subprocess.PIPE, text=True,
                          timeout=280, check=False)
    if done.returncode == 77:
        return None, "SKIP " + done.stderr.strip()
    if done.returncode != 0:
        return None, f"net-run ended with {done.returncode}: {done.stderr.strip()}"
    return numpy.fromfile(output, dtype="=f4").astype(float).reshape(-1, CLASSES), None


def compare(got, want, limit):
    error = numpy.abs(got - want).max() / numpy.abs(want).max()
    print(f"# largest difference {error:.2e} of the largest logit")
    if not error <= limit:
        return f"logits differ by {error}"
    if numpy.abs(want[0] - want[1]).max() < 0.01 * numpy.abs(want).max():
        return "the test is blind: both inputs have the same logits"
    return None


def check(program, folder, case, cache):
    _, name, options, half = case
    if name not in cache:
        model, size, recipe = make_network(name)
        inputs = family.make_inputs(2, size)
        path = os.path.join(folder, name + ".f32")
        inputs.permute(0, 2, 3, 1).contiguous().numpy().tofile(path)
        weights = os.path.join(folder, name + ".safetensors")
        family.write_safetensors(weights, family.state(model), recipe)
        logits, problem = run_effvk(program, weights, path, path + ".out")
        if problem:
            return problem
        with torch.no_grad():
            problem = compare(logits, model(inputs).double().numpy(), 1e-4)
        if problem:
            return "safetensors against torch: " + problem
        cache[name] = (model, size, path, logits, recipe)
    model, size, path, logits, recipe = cache[name]
    file = os.path.join(folder, "case.onnx")
    export(model, size, file, options, half)
    if "dynamic_axes" in options:  # the size is then nowhere in the file
        family.onnx_add_metadata(file, recipe)
    got, problem = run_effvk(program, file, path, path + ".out")
    # Folding rounds fp16 weights a second time.
    return problem or compare(got, logits, 2e-2 if half and "training" not in options else 1e-5)


def main():
    program = sys.argv[1]
    failed = False
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    print(f"# seed {SEED}, torch {torch.__version__}")
    print(f"1..{len(CASES)}")
    cache = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES, 1):
            problem = check(program, folder, case, cache)
            if problem and problem.startswith("SKIP"):
                print(f"ok {number} - {case[0]} # {problem}")
                continue
            failed |= problem is not None
            print(f"{'not ok' if problem else 'ok'} {number} - {case[0]}")
            if problem:
                print("# " + problem.replace("\n", "\n# "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
