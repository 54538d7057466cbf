# SPDX-License-Identifier: LGPL-2.1-or-later
"""The family's members in PyTorch, by the papers' tables and compound scaling, with torchvision's names of
tensors; and what tests need around them: random weights, inputs, files.

TensorFlow's padding is a Pad node of its own before a convolution without padding, as ports of its
weights write it.
"""

import collections
import io
import json
import math
import struct
import warnings

import numpy
import torch
from torch import nn
from torch.nn import functional

Stage = collections.namedtuple("Stage", "expand kernel stride out repeats fused", defaults=[False])


def table(*rows):
    return [Stage(*row) for row in rows]


STAGES = table((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
               (6, 5, 2, 192, 4), (6, 3, 1, 320, 1))
V2_STAGES = table((1, 3, 1, 16, 1, True), (4, 3, 2, 32, 2, True), (4, 3, 2, 48, 2, True), (4, 3, 2, 96, 3),
                  (6, 3, 1, 112, 5), (6, 3, 2, 192, 8))
XL_STAGES = table((1, 3, 1, 32, 4, True), (4, 3, 2, 64, 8, True), (4, 3, 2, 96, 8, True), (4, 3, 2, 192, 16),
                  (6, 3, 1, 256, 24), (6, 3, 2, 512, 32), (6, 3, 1, 640, 8))
EDGE_STAGES = table((4, 3, 1, 24, 1, True), (8, 3, 2, 32, 2, True), (8, 3, 2, 48, 4, True), (8, 5, 2, 96, 5),
                    (8, 5, 1, 144, 4), (8, 5, 2, 192, 2))
# Width and depth of those that torchvision does not define.
SCALES = {"b8": (2.2, 3.6),
          "lite1": (1.0, 1.1), "lite2": (1.1, 1.2), "lite3": (1.2, 1.4), "lite4": (1.4, 1.8),
          "v2_b1": (1.0, 1.1), "v2_b2": (1.1, 1.2), "v2_b3": (1.2, 1.4),
          "em": (1.0, 1.1), "el": (1.2, 1.4)}


def family_of(member):
    for name in "lite", "v2", "e":
        if member.startswith(name):
            return name
    return "b"


def plan(member):
    """Compound scaling: channels of the stem, stages, channels of the head. Lite's ends stay B0's, and V2's
    channels may lose more than a tenth by rounding."""
    width, depth = SCALES.get(member, (1.0, 1.0))
    family = family_of(member)

    def channels(n):
        rounded = max(8, int(n * width + 4) // 8 * 8)
        return rounded + 8 if family != "v2" and rounded < 0.9 * n * width else rounded

    rows = {"v2": V2_STAGES, "e": EDGE_STAGES}.get(family, STAGES)
    if member == "v2_xl":
        rows = XL_STAGES
    stages = []
    for number, row in enumerate(rows):
        fixed = family == "lite" and number in (0, len(rows) - 1)
        repeats = row.repeats if fixed else math.ceil(round(row.repeats * depth, 9))
        stages.append(row._replace(out=channels(row.out), repeats=repeats))
    return (32, stages, 1280) if family == "lite" else (channels(32), stages, channels(1280))


class ConvSame(nn.Conv2d):
    """Padded as TensorFlow's SAME, for the size that it is called with."""

    def forward(self, x):
        pads = []
        for size in (x.shape[3], x.shape[2]):
            kernel, stride = self.kernel_size[0], self.stride[0]
            total = max((-(-int(size) // stride) - 1) * stride + kernel - int(size), 0)
            pads += [total // 2, total - total // 2]
        return functional.conv2d(functional.pad(x, pads), self.weight, self.bias, self.stride, 0,
                                 self.dilation, self.groups)


def layer(config, n_in, n_out, kernel, stride=1, groups=1, active=True):
    if config["same"] and kernel > 1:
        conv = ConvSame(n_in, n_out, kernel, stride, groups=groups, bias=False)
    else:
        conv = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    modules = [conv, nn.BatchNorm2d(n_out, eps=config["eps"])]
    return nn.Sequential(*modules, *([config["activation"]()] if active else []))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        gate = functional.silu(self.fc1(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(gate))


class Block(nn.Module):
    """widened: what the expansion is of, where that is not the input."""

    def __init__(self, config, n_in, stage, stride, widened=None, residual=True):
        super().__init__()
        wide = (widened or n_in) * stage.expand
        if stage.fused:
            layers = [layer(config, n_in, wide if stage.expand > 1 else stage.out, stage.kernel, stride)]
        else:
            layers = [layer(config, n_in, wide, 1)] if stage.expand > 1 else []
            layers.append(layer(config, wide, wide, stage.kernel, stride, groups=wide))
            if config["squeeze"]:
                layers.append(SqueezeExcite(wide, max(1, n_in // 4)))
        if not stage.fused or stage.expand > 1:
            layers.append(layer(config, wide, stage.out, 1, active=False))
        self.block = nn.Sequential(*layers)
        self.residual = residual and stride == 1 and n_in == stage.out

    def forward(self, x):
        return x + self.block(x) if self.residual else self.block(x)


class Network(nn.Module):
    """scaled: as plan () gives it, for another size than the member's."""

    def __init__(self, member, classes, in_channels=3, same=True, eps=1e-3, scaled=None):
        super().__init__()
        family = family_of(member)
        self.activation = {"lite": "relu6", "e": "relu"}.get(family, "silu")
        config = {"same": same, "eps": eps, "squeeze": family in ("b", "v2"),
                  "activation": {"relu6": nn.ReLU6, "relu": nn.ReLU, "silu": nn.SiLU}[self.activation]}
        channels, rows, head = scaled or plan(member)
        stages = [layer(config, in_channels, channels, 3, 2)]
        for number, row in enumerate(rows):
            blocks = []
            # EdgeTPU's first stage expands from its output's channels, and adds no input.
            edge = family == "e" and number == 0
            for i in range(row.repeats):
                blocks.append(Block(config, channels, row, 1 if i else row.stride, row.out if edge else None,
                                    not edge))
                channels = row.out
            stages.append(nn.Sequential(*blocks))
        stages.append(layer(config, channels, head, 1))
        self.features = nn.Sequential(*stages)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(head, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(functional.adaptive_avg_pool2d(self.features(x), 1), 1))


def make_inputs(n, size):
    """Smooth patterns under noise, [n,channels,height,width]: inputs whose logits differ."""
    smooth = functional.interpolate(torch.randn(n, size[0], 5, 5) * 1.5, size=size[1:],
                                    mode="bicubic", align_corners=False)
    return smooth + 0.3 * torch.randn(n, *size)


def randomise(model, size):
    """Everything random, and statistics gathered from inputs, so that activations are sane.

    The last batch norm of a residual branch is small: an untrained network of many equal branches
    multiplies every rounding error, and comparing two of them would compare noise.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    branches = [m.block for m in model.modules()
                if getattr(m, "residual", getattr(m, "use_res_connect", False))]
    last = {[m for m in branch.modules() if isinstance(m, nn.BatchNorm2d)][-1] for branch in branches}
    model.eval()
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(*((0.1, 0.3) if norm in last else (0.7, 1.3)))
            norm.bias.normal_(0, 0.3)
            norm.momentum = None  # a plain average over the batches
            norm.train()
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
                module.bias.normal_(0, 0.3)
        for _ in range(2):
            model(make_inputs(6, size))
        model.eval()
        for norm in norms:
            norm.momentum = 0.1
            spread = norm.running_var.sqrt()
            norm.running_mean += 0.2 * spread * torch.randn_like(spread)
            norm.running_var *= torch.empty_like(spread).uniform_(0.7, 1.4)


def state(model):
    return [(name, value.numpy()) for name, value in model.state_dict().items()
            if not name.endswith("num_batches_tracked")]


def write_safetensors(path, tensors, recipe, dtype="F32"):
    """Tensors are (name, float32 array) pairs; recipe goes to the header, as effvk reads it."""
    convert = {"F32": lambda a: a.astype("<f4"), "F16": lambda a: a.astype("<f2"),
               # The upper half, for numbers that it holds.
               "BF16": lambda a: (a.astype("<f4").view("<u4") >> 16).astype("<u2")}[dtype]
    header = {"__metadata__": {"effvk": json.dumps(recipe)}}
    offset, size = 0, 4 if dtype == "F32" else 2
    for name, array in tensors:
        header[name] = {"dtype": dtype, "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.size * size]}
        offset += array.size * size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, array in tensors:
            file.write(convert(array).tobytes())


def export_onnx(model, size, **options):
    """The bytes of an ONNX file."""
    if int(torch.__version__.split(".")[0]) >= 2:
        import onnx  # pylint: disable=import-outside-toplevel,unused-import # torch does, without saying so
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.zeros(1, *size), buffer, **options)
    return buffer.getvalue()


# Protocol buffers, as far as tests change files: a message is a list of (field, wire type, value).


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def parse(data):
    fields, at = [], 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            size = number() if size is None else size
            value = data[at:at + size]
            at += size
        fields.append((key >> 3, key & 7, value))
    return fields


def serialise(fields):
    out = []
    for field, wire, value in fields:
        out.append(varint(field << 3 | wire))
        if wire == 0:
            out.append(varint(value))
        else:
            out.append((varint(len(value)) if wire == 2 else b"") + value)
    return b"".join(out)


MODEL_GRAPH, MODEL_METADATA, GRAPH_INITIALIZER, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW = 7, 14, 5, 2, 8, 9
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14
FLOAT, FLOAT16 = 1, 10


def onnx_map_initializers(data, change):
    """The model with every initializer's fields replaced by change (fields)."""
    return serialise([
        (f, w, serialise([(g, x, serialise(change(parse(u))) if g == GRAPH_INITIALIZER else u)
                          for g, x, u in parse(v)]) if f == MODEL_GRAPH else v)
        for f, w, v in parse(data)])


def onnx_to_half(data):
    def change(fields):
        if (TENSOR_TYPE, 0, FLOAT) not in fields:
            return fields
        return [(f, w, FLOAT16 if f == TENSOR_TYPE else
                 numpy.frombuffer(v, "<f4").astype("<f2").tobytes() if f == TENSOR_RAW else v)
                for f, w, v in fields]
    return onnx_map_initializers(data, change)


def onnx_to_external(data, location):
    """The model with its initializers' data elsewhere, and that data."""
    blob = bytearray()

    def change(fields):
        raw = [v for f, _, v in fields if f == TENSOR_RAW]
        if not raw:
            return fields
        entries = [("location", location), ("offset", str(len(blob))), ("length", str(len(raw[0])))]
        blob.extend(raw[0])
        kept = [field for field in fields if field[0] != TENSOR_RAW]
        for key, value in entries:
            entry = serialise([(1, 2, key.encode()), (2, 2, value.encode())])
            kept.append((TENSOR_EXTERNAL, 2, entry))
        return kept + [(TENSOR_LOCATION, 0, 1)]
    return onnx_map_initializers(data, change), bytes(blob)


def onnx_add_metadata(path, recipe):
    entry = serialise([(1, 2, b"effvk"), (2, 2, json.dumps(recipe).encode())])
    with open(path, "ab") as file:
        file.write(serialise([(MODEL_METADATA, 2, entry)]))
