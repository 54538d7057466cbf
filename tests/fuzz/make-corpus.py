#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the seeds of tests/fuzz/corpus: networks of a sixty-fourth of B0's width, and hostile ones.

usage: make-corpus.py [FOLDER]. Needs python3-torch and python3-onnx. The files that it makes are in the repository.
"""

import os
import struct
import sys
import zipfile

import onnx
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "unit")]
import family  # pylint: disable=wrong-import-position
import make_tflite  # pylint: disable=wrong-import-position
import naming  # pylint: disable=wrong-import-position
import quantiser  # pylint: disable=wrong-import-position

SIZE, CLASSES = (3, 32, 32), 3


def tiny(stages):
    return 2, [stage._replace(out=max(2, round(stage.out / 64)), repeats=2 if number == 1 else 1)
               for number, stage in enumerate(stages)], 20


TINY = {"scaled": tiny(family.STAGES)}
TYPES = {"timm": "F16", "lukemelas": "BF16", "transformers": "F16"}
PREFIXES = {"transformers": "model."}
DIMS = GRAPH_NODE = 1


def short_names(data):
    """Value and node names of a few letters, so that the seeds are small."""
    names = {}

    def short(name):
        return names.setdefault(name, b"v%x" % len(names)) if name else name

    def node(fields):
        return [(f, w, short(v) if f in (1, 2, 3) else v) for f, w, v in fields]

    def graph(fields):
        out = []
        for f, w, v in fields:
            if f == GRAPH_NODE:
                v = family.serialise(node(family.parse(v)))
            elif f in (family.GRAPH_INITIALIZER, 11, 12):
                which = family.TENSOR_NAME if f == family.GRAPH_INITIALIZER else 1
                v = family.serialise([(g, x, short(u) if g == which else u)
                                      for g, x, u in family.parse(v)])
            out.append((f, w, v))
        return out

    return change_graph(data, graph)


def change_graph(data, change):
    return family.serialise([
        (f, w, family.serialise(change(family.parse(v))) if f == family.MODEL_GRAPH else v)
        for f, w, v in family.parse(data)])


def reverse_nodes(fields):
    """Every node before those that it takes its inputs from."""
    nodes = [field for field in fields if field[0] == GRAPH_NODE]
    return nodes[::-1] + [field for field in fields if field[0] != GRAPH_NODE]


def huge_dims(fields):
    """2^40 numbers in every tensor: raw dimensions, without the data."""
    kept = [field for field in fields if field[0] != DIMS]
    return [(DIMS, 0, 1 << 20), (DIMS, 0, 1 << 20)] + kept


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "corpus")

    def write(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)

    torch.manual_seed(1)
    lite = family.Network("lite0", CLASSES, **TINY)
    family.randomise(lite, SIZE)
    b0 = family.Network("b0", CLASSES, same=False, **TINY)
    family.randomise(b0, SIZE)
    recipe = {"padding": "same", "bn_eps": 1e-3, "activation": "relu6", "input_size": list(SIZE),
              "label_names": ["cat", "dog", "tree"]}
    family.write_safetensors(os.path.join(folder, "safetensors", "lite.safetensors"),
                             family.state(lite), recipe)
    for scheme, dtype in TYPES.items():
        family.write_safetensors(os.path.join(folder, "safetensors", f"b0-{scheme}.safetensors"),
                                 [(PREFIXES.get(scheme, "") + naming.rename(name, scheme, TINY["scaled"][1]), value)
                                  for name, value in family.state(b0)], {}, dtype)

    folded = short_names(family.export_onnx(lite, SIZE, opset_version=11))
    write("onnx/lite.onnx", folded)
    many = torch.nn.Sequential(lite, torch.nn.Sigmoid()).eval()
    write("onnx/lite-fp16-sigmoid.onnx",
          family.onnx_to_half(short_names(family.export_onnx(many, SIZE, opset_version=11))))
    write("onnx/b0.onnx", short_names(family.export_onnx(b0, SIZE, opset_version=13,
                                                         training=torch.onnx.TrainingMode.PRESERVE)))
    quantised = onnx.load_from_string(folded)
    quantiser.Quantiser(quantised, True, True, True)
    write("onnx/lite-qdq.onnx", quantised.SerializeToString())
    outside, data = family.onnx_to_external(folded, "weights.bin")
    write("onnx/external.onnx", outside)
    write("weights.bin", data)
    write("external/beside", struct.pack("<H", len(data)) + outside)
    write("external/cut", struct.pack("<H", 1000) + outside)
    write("external/elsewhere", struct.pack("<H", len(data)) + outside.replace(b"weights.bin", b"../ghts.bin"))
    write("onnx/cycle.onnx", change_graph(outside, reverse_nodes))
    write("onnx/huge.onnx", family.onnx_map_initializers(outside, huge_dims))

    write("tflite/lite.tflite", make_tflite.Converter(lite, SIZE).finish())
    for kind in "int8", "float16":
        write(f"tflite/lite-{kind}.tflite", make_tflite.Converter(lite, SIZE, kind).finish())
    labels, named = b"cat\ndog\ntree\n", [("labels.txt", make_tflite.LABELS, "")]
    write("tflite/lite-labels.tflite", make_tflite.with_files(
        make_tflite.Converter(lite, SIZE).finish(make_tflite.metadata_of(named)), {"labels.txt": labels},
        zipfile.ZIP_DEFLATED))
    write("tflite/lite-zip.tflite", make_tflite.with_files(
        make_tflite.Converter(lite, SIZE, "int8").finish(), {"readme.txt": b"?", "labels.txt": labels}))
    write("tflite/lite-uint8-sigmoid.tflite",
          make_tflite.Converter(lite, SIZE, "uint8", output=make_tflite.LOGISTIC).finish())
    keras = family.Network("b0", CLASSES, **TINY)
    family.randomise(keras, SIZE)
    write("tflite/b0-keras.tflite", make_tflite.Converter(keras, SIZE, None, True).finish())
    write("tflite/b0-keras-int8.tflite", make_tflite.Converter(keras, SIZE, "int8", True).finish())

    v2 = family.Network("v2_b0", CLASSES, scaled=tiny(family.V2_STAGES))
    family.randomise(v2, SIZE)
    family.write_safetensors(os.path.join(folder, "safetensors", "v2.safetensors"), family.state(v2), {})

    one = family.Network("lite0", 1, **TINY) # two classes, told apart by one logit
    family.randomise(one, SIZE)
    family.write_safetensors(os.path.join(folder, "safetensors", "one.safetensors"), family.state(one), {})
    write("onnx/one.onnx", short_names(family.export_onnx(one, SIZE, opset_version=11)))
    write("onnx/one-softmax.onnx",
          short_names(family.export_onnx(torch.nn.Sequential(one, torch.nn.Softmax(1)).eval(), SIZE,
                                         opset_version=11)))
    write("tflite/one.tflite", make_tflite.Converter(one, SIZE, output=None).finish())

    write("labels/three.txt", b"\x03\0cat\ndog\ntree\n")
    write("labels/crlf.txt", b"\x02\0\xef\xbb\xbfcat\r\ndog\r\n")
    write("labels/list.json", b'\x03\0["cat", "dog", "tr\\u00e9e"]')
    write("labels/map.json", b'\x02\0{"0": "cat", "1": "dog"}')
    write("labels/latin1.txt", b"\x01\0tr\xe9e\n")


if __name__ == "__main__":
    main()
