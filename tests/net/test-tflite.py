#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""TFLite files give the same logits as the safetensors file of the same, dequantised weights.

Lite0 and Keras' B0 with random weights: float, fp16, int8 with a scale a channel, uint8 with one a
tensor. The files are written by unit/make_tflite.py, for want of TensorFlow.

usage: test-tflite.py NET-RUN: prints TAP. EFFVK_TEST_SEED=N repeats a seed.
"""

import os
import random
import subprocess
import sys
import tempfile

SEED = int(os.environ.get("EFFVK_TEST_SEED", random.randrange(2**31)))
CLASSES = 29

try:
    import numpy
    import torch
except ImportError as error:
    print(f"1..0 # SKIP {error.name} is not installed (python3-torch)")
    sys.exit(0)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "unit")]
import family  # pylint: disable=wrong-import-position
import make_tflite  # pylint: disable=wrong-import-position

# name, network, size, quantisation, as Keras pads and normalises
CASES = [
    ("lite0", "lite0", (3, 64, 64), None, False),
    ("lite0, odd and wide", "lite0", (3, 65, 96), None, False),
    ("lite0, int8", "lite0", (3, 64, 64), "int8", False),
    ("lite0, uint8", "lite0", (3, 64, 64), "uint8", False),
    ("lite0, fp16", "lite0", (3, 64, 64), "float16", False),
    ("b0 of Keras", "b0", (3, 64, 64), None, True),
    ("b0 of Keras, odd", "b0", (3, 75, 64), None, True),
    ("b0, int8", "b0", (3, 64, 64), "int8", False),
]


def run_effvk(program, model, inputs, output):
    done = subprocess.run([program, model, inputs, output], stderr=subprocess.PIPE, text=True,
                          timeout=280, check=False)
    if done.returncode == 77:
        return None, "SKIP " + done.stderr.strip()
    if done.returncode != 0:
        return None, f"net-run ended with {done.returncode}: {done.stderr.strip()}"
    return numpy.fromfile(output, dtype="=f4").astype(float).reshape(-1, CLASSES), None


def check(program, folder, case):
    _, name, size, quantised, keras = case
    path = {n: os.path.join(folder, "case." + n) for n in ("tflite", "safetensors", "in", "out")}
    model = family.Network(name, CLASSES, same=True, eps=1e-3)
    family.randomise(model, size)
    converter = make_tflite.Converter(model, size, quantised, keras)
    with open(path["tflite"], "wb") as file:
        file.write(converter.finish())
    recipe = {"padding": "same", "bn_eps": 1e-3, "input_size": list(size),
              "activation": "relu6" if name == "lite0" else "silu"}
    family.write_safetensors(path["safetensors"], converter.state, recipe)
    inputs = family.make_inputs(2, size)
    inputs.permute(0, 2, 3, 1).contiguous().numpy().tofile(path["in"])
    want, problem = run_effvk(program, path["safetensors"], path["in"], path["out"])
    if problem:
        return problem
    got, problem = run_effvk(program, path["tflite"], path["in"], path["out"])
    if problem:
        return problem
    with torch.no_grad():
        exact = model(inputs).double().numpy()
    largest = numpy.abs(want).max()
    error, loss = numpy.abs(got - want).max() / largest, numpy.abs(got - exact).max() / largest
    print(f"# difference from safetensors {error:.2e}, from torch before quantisation {loss:.2e}")
    if not error <= 1e-5:
        return f"logits differ by {error}"
    if not loss <= {None: 1e-4, "float16": 2e-2}.get(quantised, 0.25):
        return f"logits differ from torch's by {loss}"
    if numpy.abs(want[0] - want[1]).max() < 0.01 * largest:
        return "the test is blind: both inputs have the same logits"
    return None


def main():
    failed = False
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    print(f"# seed {SEED}")
    print(f"1..{len(CASES)}")
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES, 1):
            problem = check(sys.argv[1], folder, case)
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
