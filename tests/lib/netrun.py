# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of whole networks share: runs of net-run, how far logits are apart, TAP."""

import os
import random
import subprocess
import sys
import tempfile

import numpy

SEED = int(os.environ.get("EFFVK_TEST_SEED", random.randrange(2**31)))


class Skip(Exception):
    """Cannot run here, and why."""


class Failure(Exception):
    """What is wrong."""


def write_inputs(path, inputs):
    """Of torch's [N,C,H,W], as net-run reads them: [N,H,W,C]."""
    inputs.permute(0, 2, 3, 1).contiguous().numpy().tofile(path)


def run(program, model, inputs, precision="fp32", one_by_one=False, timeout=280):
    """The logits, [N,classes] in double precision, of two inputs; and the most memory that it had, in MiB."""
    output = inputs + ".out"
    try:
        done = subprocess.run(
            [program, model, inputs, output, precision, *(["one"] if one_by_one else [])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"net-run took more than {timeout} s") from error
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    if done.returncode != 0:
        raise Failure(f"net-run ended with {done.returncode}: {done.stderr.strip()}")
    logits = numpy.fromfile(output, dtype="=f4").astype(float).reshape(2, -1)
    return logits, int(done.stdout.split()[-1]) / 1024


def cosine(a, b):
    return float(a @ b / numpy.sqrt((a @ a) * (b @ b)))


def nmse(a, b):
    return float(((a - b) ** 2).sum() / (b**2).sum())


def check_difference(got, want, limit, what="logits"):
    """The largest difference, of the largest logit."""
    if got.shape != want.shape:
        raise Failure(f"{what}: expected {want.shape[1]}, found {got.shape[1]}")
    error = numpy.abs(got - want).max() / numpy.abs(want).max()
    print(f"# {what}: largest difference {error:.2e} of the largest logit")
    if not error <= limit:
        raise Failure(f"{what} differ by {error}")
    if numpy.abs(want[0] - want[1]).max() < 0.01 * numpy.abs(want).max():
        raise Failure("the test is blind: both inputs have the same logits")


def run_cases(cases, check):
    """check (folder, case) for each; a case begins with its name. Prints TAP and ends the process."""
    failed = False
    print(f"# seed {SEED}")
    print(f"1..{len(cases)}")
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases, 1):
            try:
                check(folder, case)
                print(f"ok {number} - {case[0]}", flush=True)
            except Skip as reason:
                print(f"ok {number} - {case[0]} # SKIP {reason}", flush=True)
            except ModuleNotFoundError as error:
                print(f"ok {number} - {case[0]} # SKIP python3-{error.name} is not installed", flush=True)
            except Failure as problem:
                failed = True
                print(f"not ok {number} - {case[0]}")
                print("# " + str(problem).replace("\n", "\n# "), flush=True)
    sys.exit(1 if failed else 0)
