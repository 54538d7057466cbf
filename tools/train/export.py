# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a model as one safetensors file: half-precision tensors and the recipe in its header."""
import json
import os
import struct

import numpy as np
import torch

from network import BN_EPS
from recipe import INPUT, SIZE


def save(model, phi, labels, mean, std, path):
    recipe = {"input_size": [3, *INPUT], "fixed_input_size": False,
              "interpolation": "bilinear", "antialias": False,
              "crop_mode": "squash", "resize_size": min(SIZE), "mean": [mean] * 3, "std": [std] * 3,
              "architecture": f"efficientnet_phi={phi:g}", "num_classes": len(labels),
              "padding": "symmetric", "bn_eps": BN_EPS, "activation": "silu",
              "label_names": labels}
    header = {"__metadata__": {"format": "pt", "effvk": json.dumps(recipe, separators=(",", ":"))}}
    blobs, offset = [], 0
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        half = tensor.detach().contiguous().numpy().astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError(f"{name} does not fit half precision")
        data = half.tobytes()
        header[name] = {"dtype": "F16", "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(data)]}
        blobs.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".new", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    os.replace(path + ".new", path)


def load(path):
    """The recipe and the tensors, as float32."""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
        data = file.read()
    recipe = json.loads(header.pop("__metadata__")["effvk"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        half = np.frombuffer(data[begin:end], np.float16).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(half.astype(np.float32))
    return recipe, tensors
