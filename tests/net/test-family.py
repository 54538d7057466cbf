#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Members of the family with random weights against PyTorch: the logits of two inputs each, in fp32 and fp16.

The reference is torchvision where it has the member, also for compound coefficients between its own; the others
are defined in lib/family.py, with TensorFlow's padding. Everything is random: biases, batch norm's weights and its
statistics. As in trained networks, residual branches are weaker than what they are added to; else a rounding
error in the first layer grows a thousandfold on the way, and PyTorch with halves would be as far off as we.
The models are written here, by a writer that shares nothing with effvk's reader.

usage: test-family.py NET-RUN MEMBER[:HEIGHTxWIDTH]...: prints TAP. EFFVK_TEST_SEED=N repeats a seed.
MEMBER is one of SIZES or phi=NUMBER. The size is else the member's own.
"""

import functools
import json
import os
import subprocess
import sys
import time

CLASSES = 1000
# The sizes that the members were published for.
SIZES = {"b0": 224, "b1": 240, "b2": 288, "b3": 300, "b4": 380, "b5": 456, "b6": 528, "b7": 600, "b8": 672,
         "lite0": 224, "lite1": 240, "lite2": 260, "lite3": 280, "lite4": 300,
         "v2_b0": 224, "v2_b1": 240, "v2_b2": 260, "v2_b3": 300, "v2_s": 384, "v2_m": 480, "v2_l": 480,
         "v2_xl": 512, "es": 224, "em": 240, "el": 300}
# What the process of a member at its own size may have needed at most, MiB.
MEMORY = {"b7": 2560}

try:
    import numpy
    import torch
    import torchvision
    from torchvision.models import efficientnet
except ImportError as error:
    print(f"1..0 # SKIP {error.name} is not installed (python3-torchvision)")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import family  # pylint: disable=wrong-import-position
import netrun  # pylint: disable=wrong-import-position


def make_phi(phi):
    """B0 scaled by torchvision, width 1.1^phi and depth 1.2^phi."""
    config = functools.partial(efficientnet.MBConvConfig, width_mult=1.1**phi, depth_mult=1.2**phi)
    channels, setting = 32, []
    for expand, kernel, stride, out, repeats, _ in family.STAGES:
        setting.append(config(expand, kernel, stride, channels, out, repeats))
        channels = out
    return efficientnet.EfficientNet(setting, 0.2, num_classes=CLASSES)


def make_network(member):
    """The network and what the file says of it."""
    if member.startswith("phi="):
        model = make_phi(float(member[4:]))
    elif hasattr(efficientnet, "efficientnet_" + member):
        model = getattr(efficientnet, "efficientnet_" + member)(num_classes=CLASSES)
    else:
        model = family.Network(member, CLASSES)
        return model, {"padding": "same", "activation": model.activation, "bn_eps": 1e-3}
    eps = next(m.eps for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d))
    return model, {"padding": "symmetric", "activation": "silu", "bn_eps": eps}


def prepare(folder, member, size):
    """Writes the model and its inputs; returns PyTorch's logits."""
    model, recipe = make_network(member)
    # Statistics of smaller inputs are as sane, and cost less.
    family.randomise(model, (3, *(min(n, 160) for n in size)))
    inputs = family.make_inputs(2, (3, *size))
    with torch.no_grad():
        logits = model(inputs).double().numpy()
    family.write_safetensors(os.path.join(folder, member), family.state(model),
                             {"input_size": [3, *size], **recipe})
    netrun.write_inputs(os.path.join(folder, member + ".f32"), inputs)
    # Logits that hardly depend on the input would prove nothing.
    between = netrun.cosine(*logits)
    print(f"# {member}: cosine between the two inputs' logits {between:.3f}")
    if between > 0.998:
        raise netrun.Failure("the test is blind: both inputs have the same logits")
    return logits


def compare(logits, expected, precision):
    if logits.shape != expected.shape or not numpy.isfinite(logits).all():
        raise netrun.Failure("logits are not finite, or not as many as classes")
    for i, (got, want) in enumerate(zip(logits, expected)):
        similar, error = netrun.cosine(got, want), netrun.nmse(got, want)
        print(f"# input {i}: cosine {similar:.9f}, NMSE {error:.2e}")
        if not similar > (0.9999 if precision == "fp32" else 0.999):
            raise netrun.Failure(f"input {i}: cosine {similar}")
        if precision == "fp32" and not error < 1e-6:
            raise netrun.Failure(f"input {i}: NMSE {error}")


def check_memory(path, found, run_again):
    """`effvk inspect` says beforehand what it takes; the driver and the layers come on top. So does the driver's
    compiler where it has not met these shaders yet: what a second run takes counts then."""
    if "EFFVK_TOOL" not in os.environ:
        return
    text = subprocess.run([os.environ["EFFVK_TOOL"], "inspect", "--json", path], stdout=subprocess.PIPE,
                          check=True).stdout
    said = json.loads(text)["memory"]["total"] / (1 << 20)
    print(f"# effvk inspect: {said:.0f} MiB")
    most = said * 1.25 + 250
    if found >= most:
        found = run_again()[1]
        print(f"# effvk took {found:.0f} MiB when it ran again")
    if not said * 0.9 < found < most:
        raise netrun.Failure(f"effvk inspect says {said:.0f} MiB, found {found:.0f}")


def check(program, folder, case, expected):
    _, member, size, precision = case
    start = time.monotonic()
    if member not in expected:
        expected.clear()
        for name in os.listdir(folder):  # the large ones are half a gigabyte
            os.unlink(os.path.join(folder, name))
        expected[member] = prepare(folder, member, size)
        print(f"# PyTorch took {time.monotonic() - start:.1f} s")
        start = time.monotonic()
    path = os.path.join(folder, member)
    # A tensor of two large images can be more than a device binds.
    run = functools.partial(netrun.run, program, path, path + ".f32", precision,
                            one_by_one=size[0] * size[1] > 512 * 512)
    logits, memory = run()
    print(f"# effvk took {time.monotonic() - start:.1f} s and {memory:.0f} MiB")
    compare(logits, expected[member], precision)
    if precision == "fp32":
        check_memory(path, memory, run)
    limit = MEMORY.get(member)
    if limit and size == (SIZES[member],) * 2 and memory > limit:
        raise netrun.Failure(f"expected at most {limit} MiB of memory, found {memory:.0f}")


def main():
    cases, expected = [], {}
    for argument in sys.argv[2:]:
        member, _, size = argument.partition(":")
        if size:
            size = tuple(int(n) for n in size.split("x"))
        else:
            size = (SIZES[member],) * 2
        for precision in "fp32", "fp16":
            name = f"{member} at {size[0]}x{size[1]}, {precision}"
            cases.append((name, member, size, precision))
    torch.manual_seed(netrun.SEED)
    torch.set_num_threads(1)  # more of them wait for each other, spinning, beside other tests
    print(f"# torch {torch.__version__}, torchvision {torchvision.__version__}")
    netrun.run_cases(cases, lambda folder, case: check(sys.argv[1], folder, case, expected))


if __name__ == "__main__":
    main()
