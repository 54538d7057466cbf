#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One B0 with random weights, through every file that can hold it, gives the same logits: safetensors with
torchvision's, timm's and lukemelas' names in three types of numbers, ONNX with batch norm folded and not and with
fp16 weights, and .pth files through effvk-convert.

The weights are what fp16 and bfloat16 hold, so that no file loses anything; folding alone rounds.

usage: test-same.py NET-RUN EFFVK-CONVERT: prints TAP. EFFVK_TEST_SEED=N repeats a seed.
"""

import os
import subprocess
import sys

CLASSES, SIZE = 23, (3, 96, 64)

try:
    import torch
    import torchvision
except ImportError as error:
    print(f"1..0 # SKIP {error.name} is not installed (python3-torchvision)")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import family  # pylint: disable=wrong-import-position
import naming  # pylint: disable=wrong-import-position
import netrun  # pylint: disable=wrong-import-position

NET_RUN, CONVERT = sys.argv[1:3]
RECIPE = {"input_size": list(SIZE), "padding": "symmetric", "bn_eps": 1e-5, "activation": "silu"}

class Network:
    def __init__(self, folder):
        self.model = torchvision.models.efficientnet_b0(num_classes=CLASSES)
        family.randomise(self.model, SIZE)
        for value in list(self.model.parameters()) + list(self.model.buffers()):
            value.data = value.data.bfloat16().half().to(value.dtype)
        inputs = family.make_inputs(2, SIZE)
        self.folder, self.inputs = folder, os.path.join(folder, "inputs.f32")
        netrun.write_inputs(self.inputs, inputs)
        with torch.no_grad():
            self.exact = self.model(inputs).double().numpy()
        self.logits, _ = netrun.run(NET_RUN, self.safetensors("torchvision", "F32"), self.inputs)

    def state(self, scheme):
        return {naming.rename(name, scheme, family.STAGES): value for name, value in self.model.state_dict().items()}

    def safetensors(self, scheme, dtype):
        path = os.path.join(self.folder, "model.safetensors")
        family.write_safetensors(path, [(name, value.numpy()) for name, value in self.state(scheme).items()
                                        if not name.endswith("num_batches_tracked")], RECIPE, dtype)
        return path

    def onnx(self, training, half):
        path = os.path.join(self.folder, "model.onnx")
        data = family.export_onnx(self.model, SIZE, opset_version=13, training=training)
        with open(path, "wb") as file:
            file.write(family.onnx_to_half(data) if half else data)
        return path

    def pth(self, scheme, zipped):
        path = os.path.join(self.folder, "model.pth")
        torch.save(self.state(scheme), path, _use_new_zipfile_serialization=zipped)
        done = subprocess.run([CONVERT, "--input-size", "64x96", "--padding", "symmetric", "--bn-eps", "1e-5",
                               path, path + ".safetensors"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              text=True, check=False)
        if done.returncode != 0:
            raise netrun.Failure(done.stderr.strip())
        return path + ".safetensors"


# name, method, arguments
CASES = [("against torch", None)]
for names in "torchvision", "timm", "lukemelas":
    CASES += [(f"safetensors, {names}'s names, {kind}", "safetensors", names, kind)
              for kind in ("F32", "F16", "BF16")]
CASES += [("onnx, folded", "onnx", torch.onnx.TrainingMode.EVAL, False),
          ("onnx, batch norm kept", "onnx", torch.onnx.TrainingMode.PRESERVE, False),
          ("onnx, fp16", "onnx", torch.onnx.TrainingMode.PRESERVE, True)]
for names in "torchvision", "timm", "lukemelas":
    CASES.append((f"pth, {names}'s names", "pth", names, True))
CASES.append(("pth of the older format", "pth", "torchvision", False))


def check(folder, case, cache):
    if not cache:
        cache.append(Network(folder))
    network = cache[0]
    _, method, *arguments = case
    if method is None:
        netrun.check_difference(network.logits, network.exact, 1e-4)
        return
    logits, _ = netrun.run(NET_RUN, getattr(network, method)(*arguments), network.inputs)
    netrun.check_difference(logits, network.logits, 1e-5)


def main():
    cache = []
    torch.manual_seed(netrun.SEED)
    torch.set_num_threads(1)  # more of them wait for each other, spinning, beside other tests
    netrun.run_cases(CASES, lambda folder, case: check(folder, case, cache))


if __name__ == "__main__":
    main()
