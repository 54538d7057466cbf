# SPDX-License-Identifier: LGPL-2.1-or-later
"""Safetensors files that effvk does not take as they are: of several networks, or in double precision."""

import json
import math
import os
import struct

import numpy

from . import MAX_JSON, Problem, is_counts, network, parse_json

TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}


def is_safetensors(start):
    return len(start) > 8 and start[4:8] == b"\0\0\0\0" and start[8:9] == b"{"


def check_entry(name, about, size):
    if not isinstance(about, dict) or not is_counts(about.get("shape")) \
            or not is_counts(about.get("data_offsets")) or len(about["data_offsets"]) != 2:
        raise Problem(f'"{name}": expected a shape and two offsets')
    begin, end = about["data_offsets"]
    kind = TYPES.get(about.get("dtype"))
    if kind and end - begin != math.prod(about["shape"]) * numpy.dtype(kind).itemsize or end > size:
        raise Problem(f'"{name}": expected its numbers within the file')


def read(path, entry, prefix):
    """({name: (type, array)}, effvk's metadata, a note)."""
    if entry is not None:
        raise Problem("--entry chooses within a PyTorch checkpoint; this is a safetensors file: use --prefix")
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        if length > MAX_JSON:
            raise Problem(f"expected a header of at most {MAX_JSON} bytes, found {length}")
        table = parse_json(file.read(length), "the header")
        size = os.fstat(file.fileno()).st_size - 8 - length
        if not isinstance(table, dict):
            raise Problem("the header: expected an object")
        extra = table.pop("__metadata__", {})
        for name, about in table.items():
            check_entry(name, about, size)
        chosen, note = network.choose([(None, table)], None, prefix)
        if chosen is None:
            raise Problem("expected an EfficientNet's tensors (one named " + ", ".join(network.LANDMARKS)
                          + f"), found {', '.join(list(table)[:8]) or 'none'}")
        names = network.select(chosen, lambda name: table.get(name, {}).get("shape"))
        tensors = {}
        for short, name in names.items():
            kind, (begin, end) = table[name]["dtype"], table[name]["data_offsets"]
            if kind not in TYPES:
                raise Problem(f'tensor "{name}": expected floats, found {kind}: take the model from before its '
                              "quantisation")
            file.seek(8 + length + begin)
            array = numpy.frombuffer(file.read(end - begin), TYPES[kind]).reshape(table[name]["shape"])
            tensors[short] = ("F32", array.astype("<f4")) if kind == "F64" else (kind, array)
    try:
        metadata = json.loads(extra.get("effvk", "{}"))
    except (ValueError, AttributeError, TypeError, RecursionError):
        metadata = {}
    return tensors, metadata if isinstance(metadata, dict) else {}, note
