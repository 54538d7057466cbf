#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""TFLite files give the same logits as the safetensors file of the same, dequantised weights.

Lite, EdgeTPU and Keras' B0 with random weights: float, fp16, int8 with a scale a channel, uint8 with one a
tensor. The files are written by unit/make_tflite.py, for want of TensorFlow.

usage: test-tflite.py NET-RUN: prints TAP. EFFVK_TEST_SEED=N repeats a seed. EFFVK_TOOL is the effvk command.
"""

import json
import os
import subprocess
import sys

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
import netrun  # pylint: disable=wrong-import-position

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
    ("b0 of Keras, int8", "b0", (3, 64, 64), "int8", True),
    ("lite1", "lite1", (3, 40, 48), None, False),
    ("lite2, int8", "lite2", (3, 40, 48), "int8", False),
    ("lite3", "lite3", (3, 40, 48), None, False),
    ("lite4, int8", "lite4", (3, 40, 48), "int8", False),
    ("em, int8", "em", (3, 64, 64), "int8", False),
]


def inspect(path, *options):
    done = subprocess.run([os.environ["EFFVK_TOOL"], "inspect", "--json", *options, path], stdout=subprocess.PIPE,
                          check=True)
    return json.loads(done.stdout)


def check_normalisation(path, found):
    """What is before the stem is the recipe: x * a - b, times c."""
    said = inspect(path)["input"]
    a, b, c = (numpy.broadcast_to(values, 3).astype(float) for values in found)
    if not numpy.allclose(said["mean"], b / (255 * a), rtol=1e-5) \
            or not numpy.allclose(said["std"], 1 / (255 * a * c), rtol=1e-5):
        raise netrun.Failure(f"expected the normalisation {found}, found {said}")


def check(program, folder, case):
    _, name, size, quantised, keras = case
    path = {n: os.path.join(folder, "case." + n) for n in ("tflite", "safetensors", "in")}
    model = family.Network(name, CLASSES, same=True, eps=1e-3)
    family.randomise(model, size)
    converter = make_tflite.Converter(model, size, quantised, keras)
    with open(path["tflite"], "wb") as file:
        file.write(converter.finish())
    recipe = {"padding": "same", "bn_eps": 1e-3, "input_size": list(size),
              "activation": model.activation}
    family.write_safetensors(path["safetensors"], converter.state, recipe)
    inputs = family.make_inputs(2, size)
    netrun.write_inputs(path["in"], inputs)
    want, _ = netrun.run(program, path["safetensors"], path["in"])
    got, _ = netrun.run(program, path["tflite"], path["in"])
    if keras:
        check_normalisation(path["tflite"], converter.normalisation)
    said = inspect(path["tflite"]).get("quantisation")
    if (said is not None) != (quantised in ("int8", "uint8")):
        raise netrun.Failure(f"quantisation: {said}")
    netrun.check_difference(got, want, 1e-5)
    with torch.no_grad():
        netrun.check_difference(got, model(inputs).double().numpy(),
                                {None: 1e-4, "float16": 2e-2}.get(quantised, 0.25),
                                "torch's before quantisation")


NAMES = [f"thing {i}" for i in range(CLASSES)]
TEXT = "\n".join(NAMES).encode() + b"\n"
OTHER = b"not the labels\n"


def labels_of(path):
    """What effvk says of the file's labels: first, last and their source; or its error."""
    done = subprocess.run([os.environ["EFFVK_TOOL"], "inspect", "--json", path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return done.stderr.strip()
    said = json.loads(done.stdout)
    return said["labels"]["first"], said["labels"]["last"], said["sources"]["labels"]


def expect_labels(path, data, *words):
    """words: of the error; without any, NAMES are the labels; None: there are none."""
    with open(path, "wb") as file:
        file.write(data)
    found = labels_of(path)
    wanted = {(): (NAMES[0], NAMES[-1], "metadata"), (None,): ("class 0", f"class {CLASSES - 1}", "default")}
    if words in wanted and found != wanted[words]:
        raise netrun.Failure(f"expected {wanted[words]}, found {found}")
    if words not in wanted and not (isinstance(found, str) and all(word in found for word in words)
                                    and len(found.splitlines()) == 1):
        raise netrun.Failure(f"expected {words}, found {found}")


def check_labels(folder):
    """Labels in a zip archive behind the file, that the metadata name or that can only be they."""
    path, size = os.path.join(folder, "labels.tflite"), (3, 32, 32)
    model = family.Network("lite0", CLASSES, same=True, eps=1e-3)
    family.randomise(model, size)

    def make(metadata=None):
        return make_tflite.Converter(model, size).finish(metadata)

    about, files = make_tflite.metadata_of, make_tflite.with_files
    kind, deflated = make_tflite.LABELS, make_tflite.zipfile.ZIP_DEFLATED
    plain = make()
    for place in "output", "graph", "model":
        named = make(about([("values.txt", make_tflite.VALUE_LABELS, ""), ("de.txt", kind, "de"),
                            ("names.txt", kind, ""), ("fr.txt", kind, "fr")], place))
        for compression in make_tflite.zipfile.ZIP_STORED, deflated:
            expect_labels(path, files(named, {"values.txt": OTHER, "de.txt": OTHER, "names.txt": TEXT,
                                              "fr.txt": OTHER}, compression))
    expect_labels(path, files(make(about([("de.txt", kind, "de")])), {"de.txt": TEXT}))
    # Nothing names them.
    expect_labels(path, files(plain, {"classes.txt": TEXT}, deflated))
    expect_labels(path, files(plain, {"readme.txt": OTHER, "assets/LabelMap.txt": TEXT}))
    expect_labels(path, files(plain, {"a.txt": OTHER, "b.txt": TEXT}), None)
    expect_labels(path, files(plain, {"readme.txt": OTHER}), None)
    expect_labels(path, plain, None)
    expect_labels(path, plain + files(b"", {"labels.txt": TEXT}))  # its offsets begin at the archive
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"architecture": "efficientnet_lite0", "label_names": ["x"] * CLASSES}, file)
    expect_labels(path, files(plain, {"labels.txt": TEXT}))  # go before those of a config.json
    os.unlink(os.path.join(folder, "config.json"))

    named = make(about([("names.txt", kind, "")]))
    expect_labels(path, named, "names.txt", "zip archive behind the model")
    expect_labels(path, files(named, {"others.txt": TEXT}), "names.txt", "zip archive behind")
    expect_labels(path, files(named, {"names.txt": OTHER}), f"expected {CLASSES} labels", "found 1")
    bomb = files(named, {"names.txt": b"\n" * (64 << 20)}, deflated)
    expect_labels(path, bomb, "names.txt", "at most 16 MiB")
    lying = bytearray(bomb)  # it says that it is small
    for signature, at in (b"PK\3\4", 22), (b"PK\1\2", 24):
        place = lying.rfind(signature) + at
        lying[place:place + 4] = (1000).to_bytes(4, "little")
    expect_labels(path, lying, "names.txt", "whole")
    secret = bytearray(files(named, {"names.txt": TEXT}))
    secret[secret.rfind(b"PK\1\2") + 8] |= 1
    expect_labels(path, secret, "names.txt", "not encrypted")
    whole = files(named, {"names.txt": TEXT})
    for cut in 1, 10, 22, 40, 60:
        expect_labels(path, whole[:-cut], "names.txt")


def check_outputs(folder):
    """Features, logits and scores: the first that is an EfficientNet's is taken, or the one that is named."""
    path, size = os.path.join(folder, "outputs.tflite"), (3, 32, 32)
    model = family.Network("lite0", CLASSES, same=True, eps=1e-3)
    family.randomise(model, size)
    for order, options, taken, source in ((("features", "logits", "value"), (), "logits", "default"),
                                          (("value", "features", "logits"), (), "scores", "tensors"),
                                          (("features", "logits", "value"), ("--output", "scores"), "scores", "tensors"),
                                          (("value", "logits"), ("--output", "logits"), "logits", "default")):
        converter = make_tflite.Converter(model, size)
        values = {"features": converter.features, "logits": converter.logits, "value": converter.writer.value}
        with open(path, "wb") as file:
            file.write(converter.finish(outputs=[values[name] for name in order]))
        said = inspect(path, *options)
        if said.get("graph_output") != taken or said["sources"]["output.activation"] != source:
            raise netrun.Failure(f"{order}, {options}: took {said.get('graph_output')}, "
                                 f"{said['sources']['output.activation']}")


def main():
    torch.manual_seed(netrun.SEED)
    torch.set_num_threads(1)  # more of them wait for each other, spinning, beside other tests
    others = [("labels behind the file", check_labels), ("several outputs", check_outputs)]
    netrun.run_cases(CASES + others, lambda folder, case: case[1](folder) if len(case) == 2
                     else check(sys.argv[1], folder, case))


if __name__ == "__main__":
    main()
