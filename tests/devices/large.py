# SPDX-License-Identifier: LGPL-2.1-or-later
"""The largest networks within the least that Vulkan 1.1 allows. Prints TAP.

usage: large.py EFFVK NET_RUN PROFILE VARIANT...

Each variant's network, with random weights, runs on the machine's device as it is, and where it looks like the
one that PROFILE describes (run.py), as a CPU: a GPU would have to answer sooner than this machine can. The
logits are the same, but for the order of sums.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy

from run import make_environment

# Of the largest logit; kernels differ in the order of their sums.
LIMIT = 1e-3


class Options:
    """As run.py's."""
    swiftshader = False

    def __init__(self, profile):
        self.profile = profile


def logits(net_run, model, image, env):
    output = image + ".out"
    done = subprocess.run([net_run, model, image, output, "fp32", "apart"], env=env, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError(f"net-run ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return numpy.fromfile(output, dtype="=f4").astype(float)


def describe_as_cpu(profile, folder):
    """The path of the same profile, of a CPU."""
    path = os.path.join(folder, "profile.json")
    with open(profile, encoding="utf-8") as file:
        described = json.load(file)
    described["type"] = "cpu"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(described, file)
    return path


def check(effvk, net_run, profile, variant, folder):
    model, image = os.path.join(folder, variant + ".safetensors"), os.path.join(folder, "image")
    subprocess.run([effvk, "init", "--variant", variant, model], check=True, capture_output=True)
    said = subprocess.run([effvk, "inspect", model], check=True, capture_output=True, text=True).stdout
    side = next(int(line.split()[2]) for line in said.splitlines()
                if line.startswith("input height"))
    numpy.random.default_rng(1).uniform(-2, 2, (1, side, side, 3)).astype("=f4").tofile(image)
    plain = dict(os.environ, EFFVK_VALIDATION="0", EFFVK_CACHE_DIR="", EFFVK_TEST_DEVICE="auto")
    want = logits(net_run, model, image, plain)
    got = logits(net_run, model, image, dict(make_environment(Options(profile)), EFFVK_VALIDATION="0",
                                             VK_INSTANCE_LAYERS="VK_LAYER_EFFVK_profile"))
    error = numpy.abs(got - want).max() / numpy.abs(want).max()
    print(f"# {variant} at {side}x{side}: the largest difference is {error:.1e} of the largest logit")
    if not error <= LIMIT or want.max() == want.min():
        raise RuntimeError(f"logits differ by {error}")


def main():
    effvk, net_run, profile, variants = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    failed = False
    print(f"1..{len(variants)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        profile = describe_as_cpu(profile, folder)
        for number, variant in enumerate(variants, 1):
            wrong = ""
            try:
                check(effvk, net_run, profile, variant, folder)
            except (RuntimeError, subprocess.CalledProcessError, StopIteration) as error:
                wrong, failed = str(error), True
            print(f"{'not ok' if wrong else 'ok'} {number} - {variant}", flush=True)
            if wrong:
                print(f"# {wrong}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
