#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""B0 and B1 with random weights against torchvision: the logits of two inputs each.

Weights are torchvision's own initialisation with everything else random too: biases, and batch norm's
weights; its running statistics are gathered from random inputs, so that activations are sane, and then
disturbed. As in trained networks, residual branches are weaker than what they are added to and no channel
is all but constant; else a rounding error in the first layer grows a thousandfold on the way, and PyTorch
with halves would be as far off as we. The models are written here, by a writer that shares nothing
with effvk's reader.

usage: test-torchvision.py NET-RUN: prints TAP. EFFVK_TEST_SEED=N repeats a seed.
"""

import json
import os
import random
import struct
import subprocess
import sys
import tempfile

SEED = int(os.environ.get("EFFVK_TEST_SEED", random.randrange(2**31)))
CASES = [(variant, precision) for variant in ("b0", "b1") for precision in ("fp32", "fp16")]
SIZES = {"b0": 224, "b1": 240}
CLASSES = 1000

try:
    import numpy
    import torch
    import torchvision
except ImportError as error:
    print(f"1..0 # SKIP {error.name} is not installed (python3-torchvision)")
    sys.exit(0)


def write_safetensors(path, tensors, recipe):
    """Tensors are (name, float32 array) pairs; recipe goes to the header, as effvk reads it."""
    header = {"__metadata__": {"effvk": json.dumps(recipe)}}
    offset = 0
    for name, array in tensors:
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, array in tensors:
            file.write(array.astype("<f4").tobytes())


def make_inputs(n, size):
    """Smooth patterns under noise, [n,3,size,size]: inputs whose logits differ."""
    pattern = torch.randn(n, 3, 5, 5) * 1.5
    smooth = torch.nn.functional.interpolate(
        pattern, size=(size, size), mode="bicubic", align_corners=False
    )
    return smooth + 0.3 * torch.randn(n, 3, size, size)


def make_model(variant):
    model = getattr(torchvision.models, "efficientnet_" + variant)(num_classes=CLASSES)
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_(0, 0.3)
            norm.momentum = None  # a plain average over the batches
        for block in model.modules():
            if getattr(block, "use_res_connect", False):
                block.block[-1][1].weight *= 0.4
        for module in model.modules():
            if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)) and module.bias is not None:
                module.bias.normal_(0, 0.3)
        for norm in norms:
            norm.train()
        model.classifier.eval()
        for module in model.modules():
            if isinstance(module, torchvision.ops.StochasticDepth):
                module.eval()
        for _ in range(2):
            model(make_inputs(8, 128))
        model.eval()
        for norm in norms:
            norm.running_var.clamp_(min=0.2 * float(norm.running_var.median()))
            spread = norm.running_var.sqrt()
            norm.running_mean += 0.2 * spread * torch.randn_like(spread)
            norm.running_var *= torch.empty_like(spread).uniform_(0.7, 1.4)
    return model


def cosine(a, b):
    return float(a @ b / numpy.sqrt((a @ a) * (b @ b)))


def nmse(a, b):
    return float(((a - b) ** 2).sum() / (b**2).sum())


def run_effvk(program, folder, variant, precision):
    output = os.path.join(folder, f"{variant}-{precision}.f32")
    done = subprocess.run(
        [program, os.path.join(folder, variant + ".safetensors"),
         os.path.join(folder, variant + ".f32"), output, precision],
        stderr=subprocess.PIPE, text=True, timeout=280, check=False,
    )
    if done.returncode == 77:
        return None, done.stderr.strip()
    if done.returncode != 0:
        return None, f"net-run ended with {done.returncode}: {done.stderr.strip()}"
    return numpy.fromfile(output, dtype="=f4").astype(float).reshape(-1, CLASSES), None


def prepare(folder, variant):
    """Writes the model and its inputs; returns torchvision's logits."""
    size = SIZES[variant]
    model = make_model(variant)
    inputs = make_inputs(2, size)
    with torch.no_grad():
        logits = model(inputs).double().numpy()
    tensors = [
        (name, value.numpy())
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    ]
    recipe = {
        "architecture": "efficientnet_" + variant,
        "input_size": [3, size, size],
        "padding": "symmetric",
        "bn_eps": 1e-5,
        "activation": "silu",
    }
    write_safetensors(os.path.join(folder, variant + ".safetensors"), tensors, recipe)
    inputs.permute(0, 2, 3, 1).contiguous().numpy().tofile(os.path.join(folder, variant + ".f32"))
    return logits


def compare(logits, expected, precision):
    """What is wrong, or None."""
    if not numpy.isfinite(logits).all():
        return "logits are not finite"
    for i, (got, want) in enumerate(zip(logits, expected)):
        similar, error = cosine(got, want), nmse(got, want)
        print(f"# input {i}: cosine {similar:.9f}, NMSE {error:.2e}")
        if similar <= (0.9999 if precision == "fp32" else 0.999):
            return f"input {i}: cosine {similar}"
        if precision == "fp32" and error >= 1e-6:
            return f"input {i}: NMSE {error}"
    return None


def main():
    program = sys.argv[1]
    failed = False
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    print(f"# seed {SEED}, torchvision {torchvision.__version__}")
    print(f"1..{len(CASES)}")
    with tempfile.TemporaryDirectory() as folder:
        expected = {}
        for number, (variant, precision) in enumerate(CASES, 1):
            name = f"{variant} {precision}"
            if variant not in expected:
                expected[variant] = prepare(folder, variant)
                between = cosine(*expected[variant])
                print(f"# {variant}: cosine between the two inputs' logits {between:.3f}")
            logits, problem = run_effvk(program, folder, variant, precision)
            if logits is None and not problem.startswith("net-run"):
                print(f"ok {number} - {name} # SKIP {problem}")
                continue
            if logits is not None:
                problem = compare(logits, expected[variant], precision)
                # Logits that hardly depend on the input would prove nothing.
                if problem is None and between > 0.998:
                    problem = "the test is blind: both inputs have the same logits"
            if problem:
                failed = True
                print(f"not ok {number} - {name}")
                print("# " + problem.replace("\n", "\n# "))
            else:
                print(f"ok {number} - {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
