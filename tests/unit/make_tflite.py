# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes TFLite files of the networks of lib/family.py, by TFLite's schema: there is no TensorFlow in
Debian. Independent of effvk's reader; batch norm is folded, as TensorFlow's converter does.

What is written is what the converter is known to write, of float and of quantised networks; LiteRT runs the float
ones. It cannot
replace files of the converter's own.
"""

import io
import struct
import zipfile

import numpy

FLOAT32, FLOAT16, INT32, UINT8, INT8 = 0, 1, 2, 3, 9
ADD, AVERAGE_POOL, CONV, DEPTHWISE, DEQUANTIZE, FULLY_CONNECTED = 0, 1, 3, 4, 6, 9
LOGISTIC, MUL, RESHAPE, SOFTMAX, PAD, MEAN, SUB, QUANTIZE = 14, 18, 22, 25, 34, 40, 41, 114
# Which member of the union of options an operator has; none: it has no options.
OPTIONS = {CONV: 1, DEPTHWISE: 2, AVERAGE_POOL: 5, FULLY_CONNECTED: 8, SOFTMAX: 9, ADD: 11, MUL: 21, MEAN: 27,
           SUB: 28}
RELU, RELU6 = 1, 3
SAME, VALID = 0, 1
FORMATS = {"i8": "b", "u8": "B", "i32": "i", "u32": "I", "i64": "q", "f32": "f"}


class Flat:
    """A FlatBuffer, written front to back: an offset points to what is written after it."""

    def __init__(self, identifier=b"TFL3"):
        self.data = bytearray(b"\0\0\0\0" + identifier)
        self.pending = []

    def align(self, size):
        self.data += b"\0" * (-len(self.data) % size)

    def patch(self, at):
        struct.pack_into("<I", self.data, at, len(self.data) - at)

    def table(self, fields):
        """fields: {number: (format, value)}; the position of the table."""
        fields = {n: f for n, f in fields.items() if f is not None}
        layout, size = {}, 4
        for number, (kind, _) in sorted(fields.items()):
            width = struct.calcsize(FORMATS.get(kind, "I"))
            size += -size % width
            layout[number] = size
            size += width
        n_slots = max(fields, default=-1) + 1
        self.align(2)
        if (len(self.data) + 4 + 2 * n_slots) % 4:
            self.data += b"\0\0"
        vtable = len(self.data)
        self.data += struct.pack("<HH", 4 + 2 * n_slots, size)
        for number in range(n_slots):
            self.data += struct.pack("<H", layout.get(number, 0))
        at = len(self.data)
        self.data += struct.pack("<i", at - vtable) + b"\0" * (size - 4)
        for number, (kind, value) in fields.items():
            if kind in FORMATS:
                struct.pack_into("<" + FORMATS[kind], self.data, at + layout[number], value)
            else:
                self.pending.append((at + layout[number], kind, value))
        return at

    def settle(self):
        while self.pending:
            at, kind, value = self.pending.pop(0)
            if kind == "table":
                # The offset is of the table, which follows its vtable.
                struct.pack_into("<I", self.data, at, self.table(value) - at)
            elif kind == "tables":
                self.align(4)
                self.patch(at)
                start = len(self.data) + 4
                self.data += struct.pack("<I", len(value)) + b"\0" * (4 * len(value))
                for i, item in enumerate(value):
                    self.pending.append((start + 4 * i, "table", item))
            elif kind == "bytes":
                self.align(16)
                self.data += b"\0" * 12
                self.patch(at)
                self.data += struct.pack("<I", len(value)) + bytes(value)
            else:  # a vector of "kind[]"
                form = FORMATS[kind[:-2]]
                width = struct.calcsize(form)
                self.align(8)
                self.data += b"\0" * 4
                self.patch(at)
                self.data += struct.pack("<I", len(value)) + struct.pack(f"<{len(value)}{form}", *value)
                self.align(max(4, width))


class Writer:
    def __init__(self, size, quantised=None):
        """quantised: None, "int8" (a scale a channel), "uint8" (one a tensor) or "float16"."""
        self.quantised = quantised
        self.tensors, self.buffers, self.operators, self.codes = [], [{}], [], []
        self.value = self.input = self.activation("input", (1, *size))

    def tensor(self, name, shape, kind, buffer=0, scales=None, zeros=None, axis=0):
        quantization = None
        if scales is not None:
            quantization = ("table", {2: ("f32[]", scales), 3: ("i64[]", zeros), 6: ("i32", axis)})
        self.tensors.append({0: ("i32[]", shape), 1: ("i8", kind), 2: ("u32", buffer),
                             3: ("bytes", name.encode()), 4: quantization})
        return len(self.tensors) - 1

    def activation(self, name, shape):
        if self.quantised in ("int8", "uint8"):
            kind = INT8 if self.quantised == "int8" else UINT8
            return self.tensor(name, shape, kind, 0, [0.05], [3])
        return self.tensor(name, shape, FLOAT32)

    def constant(self, name, array, kind, **quantization):
        self.buffers.append({0: ("bytes", array.tobytes())})
        return self.tensor(name, array.shape, kind, len(self.buffers) - 1, **quantization)

    def operator(self, code, inputs, shape, options=None, name=None):
        if code not in self.codes:
            self.codes.append(code)
        output = self.activation(name or f"value {len(self.tensors)}", shape)
        operator = {0: ("u32", self.codes.index(code)), 1: ("i32[]", inputs), 2: ("i32[]", [output])}
        if code in OPTIONS:
            operator.update({3: ("u8", OPTIONS[code]), 4: ("table", options or {})})
        self.operators.append(operator)
        return output

    def weights(self, name, array, axis=None):
        """Adds the constant, quantised as asked, int8 with a scale for each index of axis; returns it and the
        array that it stands for."""
        if self.quantised is None:
            return self.constant(name, array.astype("<f4"), FLOAT32), array
        if self.quantised == "float16":
            half = array.astype("<f2")
            source = self.constant(name + " of fp16", half, FLOAT16)
            return self.operator(DEQUANTIZE, [source], array.shape, name=name), half.astype("f4")
        if self.quantised == "int8" and axis is not None:
            others = tuple(i for i in range(array.ndim) if i != axis)
            scales = numpy.maximum(numpy.abs(array).max(others), 1e-8).astype("f4") / numpy.float32(127)
            shape = [-1 if i == axis else 1 for i in range(array.ndim)]
            number = numpy.round(array / scales.reshape(shape)).clip(-127, 127).astype("i1")
            constant = self.constant(name, number, INT8, scales=scales.tolist(),
                                     zeros=[0] * len(scales), axis=axis)
            return constant, number.astype("f4") * scales.reshape(shape)
        kind, dtype, lowest = (INT8, "i1", -128) if self.quantised == "int8" else (UINT8, "u1", 0)
        low, high = min(array.min(), 0), max(array.max(), 0)
        scale = numpy.float32((high - low) / 255)
        zero = int(round(-low / scale)) + lowest
        number = (numpy.round(array / scale) + zero).clip(lowest, lowest + 255).astype(dtype)
        constant = self.constant(name, number, kind, scales=[float(scale)], zeros=[zero])
        return constant, (number.astype("f4") - zero) * scale

    def bias(self, name, array):
        if self.quantised in (None, "float16"):
            return self.constant(name, array.astype("<f4"), FLOAT32), array
        scale = numpy.float32(1e-6)
        number = numpy.round(array / scale).astype("<i4")
        return (self.constant(name, number, INT32, scales=[float(scale)], zeros=[0]),
                number.astype("f4") * scale)

    def finish(self, metadata=None, outputs=None):
        """metadata: bytes for the entry TFLITE_METADATA. outputs: values, by default the last one."""
        flat, entries = Flat(), []
        if metadata:
            self.buffers.append({0: ("bytes", metadata)})
            entries = [{0: ("bytes", b"min_runtime_version"), 1: ("u32", 0)},
                       {0: ("bytes", b"TFLITE_METADATA"), 1: ("u32", len(self.buffers) - 1)}]
        codes = [{0: ("i8", min(c, 127)), 2: ("i32", 1), 3: ("i32", c)} for c in self.codes]
        graph = {0: ("tables", self.tensors), 1: ("i32[]", [self.input]),
                 2: ("i32[]", outputs or [self.value]), 3: ("tables", self.operators)}
        root = flat.table({0: ("u32", 3), 1: ("tables", codes), 2: ("tables", [graph]),
                           4: ("tables", self.buffers), 6: ("tables", entries) if entries else None})
        struct.pack_into("<I", flat.data, 0, root)
        flat.settle()
        return bytes(flat.data)


class Converter:
    """Of a family.Network to TFLite. state: what the file stands for, by torchvision's names; normalisation:
    the numbers of Keras' layers in front, as the file has them. output: the last operator; None: there is none."""

    def __init__(self, model, size, quantised=None, keras=False, output=SOFTMAX):
        self.fused = {"relu": RELU, "relu6": RELU6}.get(model.activation, 0)
        self.keras, self.output, self.state = keras, output, []
        channels, self.height, self.width = size
        self.writer = Writer((self.height, self.width, channels), quantised)
        self.channels, self.eps, self.normalisation = channels, 1e-3, []
        if keras:
            self.normalise()
        names = {id(m): name for name, m in model.named_modules()}
        for stage in model.features:
            for item in stage if hasattr(stage[0], "block") else [stage]:
                self.block(item, names) if hasattr(item, "block") else self.layer(item, names)
        self.head(model.classifier[1])

    def shape(self):
        return [1, self.height, self.width, self.channels]

    def op(self, code, inputs, options=None):
        self.writer.value = self.writer.operator(code, inputs, self.shape(), options)

    def normalise(self):
        """Of 0..255, as Keras begins: rescaling, mean, and one over the deviation."""
        writer = self.writer
        for code, values in ((MUL, [1 / 255]), (SUB, [0.485, 0.456, 0.406]),
                             (MUL, [1 / 0.229, 1 / 0.224, 1 / 0.225])):
            constant, meant = writer.weights("normalisation", numpy.array(values, "<f4"))
            self.op(code, [writer.value, constant])
            self.normalisation.append(meant)

    def convolution(self, conv, name, weight, bias, fused=0):
        writer = self.writer
        kernel, stride, depthwise = conv.kernel_size[0], conv.stride[0], conv.groups > 1
        order, axis = ((1, 2, 3, 0), 3) if depthwise else ((0, 2, 3, 1), 0)
        constant, meant = writer.weights(name + ".weight", numpy.ascontiguousarray(
            weight.transpose(order)), axis)
        back = numpy.ascontiguousarray(meant.transpose(numpy.argsort(order)))
        bias_constant, bias_meant = writer.bias(name + ".bias", bias)
        padding = SAME
        if self.keras and stride > 1:
            pads = numpy.array([[0, 0], [(kernel - 1) // 2, kernel // 2] if self.height % 2 else
                                [kernel // 2 - 1, kernel // 2],
                                [kernel // 2 - 1 + self.width % 2, kernel // 2], [0, 0]], "<i4")
            constant_pads = writer.constant("pads", pads, INT32)
            self.op(PAD, [writer.value, constant_pads])
            padding = VALID
        self.height, self.width = -(-self.height // stride), -(-self.width // stride)
        self.channels = weight.shape[0]
        options = {0: ("i8", padding), 1: ("i32", stride), 2: ("i32", stride)}
        options.update({3: ("i32", 1), 4: ("i8", fused)} if depthwise else {3: ("i8", fused)})
        self.op(DEPTHWISE if depthwise else CONV, [writer.value, constant, bias_constant], options)
        return back, bias_meant

    def silu(self):
        before = self.writer.value
        self.op(LOGISTIC, [before])
        self.op(MUL, [before, self.writer.value])

    def layer(self, layer, names):
        conv, norm, name = layer[0], layer[1], names[id(layer)]
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().double()
        weight = (conv.weight.detach().double() * scale.reshape(-1, 1, 1, 1)).float().numpy()
        bias = (norm.bias.double() - norm.running_mean.double() * scale).detach().float().numpy()
        active = len(layer) > 2
        weight, bias = self.convolution(conv, name, weight, bias, self.fused if active else 0)
        ones = numpy.ones(len(bias), "f4")
        self.state += [(name + ".0.weight", weight), (name + ".1.weight", ones),
                       (name + ".1.bias", bias), (name + ".1.running_mean", 0 * ones),
                       (name + ".1.running_var", (ones - self.eps).astype("f4"))]
        if active and not self.fused:
            self.silu()

    def squeeze_excite(self, module, name):
        writer, before, shape = self.writer, self.writer.value, self.shape()
        self.height = self.width = 1
        axes = writer.constant("axes", numpy.array([1, 2], "<i4"), INT32)
        self.op(MEAN, [before, axes], {0: ("i8", 1)})
        for number, conv in (("1", module.fc1), ("2", module.fc2)):
            weight, bias = self.convolution(conv, f"{name}.fc{number}", conv.weight.detach().numpy(),
                                            conv.bias.detach().numpy())
            self.state += [(f"{name}.fc{number}.weight", weight), (f"{name}.fc{number}.bias", bias)]
            if number == "1":
                self.silu()
        self.op(LOGISTIC, [writer.value])
        _, self.height, self.width, self.channels = shape
        self.op(MUL, [before, writer.value])

    def block(self, block, names):
        before = self.writer.value
        for item in block.block:
            if hasattr(item, "fc1"):
                self.squeeze_excite(item, names[id(item)])
            else:
                self.layer(item, names)
        if block.residual:
            self.op(ADD, [self.writer.value, before])

    def head(self, linear):
        writer = self.writer
        if self.fused:
            options = {0: ("i8", VALID), 1: ("i32", 1), 2: ("i32", 1), 3: ("i32", self.width),
                       4: ("i32", self.height)}
            self.height = self.width = 1
            self.op(AVERAGE_POOL, [writer.value], options)
            flat = writer.constant("shape", numpy.array([-1, self.channels], "<i4"), INT32)
            writer.value = writer.operator(RESHAPE, [writer.value, flat], [1, self.channels])
        else:
            axes = writer.constant("axes", numpy.array([1, 2], "<i4"), INT32)
            writer.value = writer.operator(MEAN, [writer.value, axes], [1, self.channels])
        self.features = writer.value
        weight, meant = writer.weights("classifier.weight", linear.weight.detach().numpy(), 0)
        bias, bias_meant = writer.bias("classifier.bias", linear.bias.detach().numpy())
        self.state += [("classifier.1.weight", meant), ("classifier.1.bias", bias_meant)]
        shape = [1, linear.out_features]
        self.logits = writer.value = writer.operator(FULLY_CONNECTED, [writer.value, weight, bias], shape,
                                                     name="logits")
        if self.output is not None:
            writer.value = writer.operator(self.output, [writer.value], shape,
                                           {0: ("f32", 1.0)} if self.output == SOFTMAX else None, "scores")

    def finish(self, metadata=None, outputs=None):
        return self.writer.finish(metadata, outputs)


LABELS, VALUE_LABELS = 2, 3


def metadata_of(files, place="output"):
    """TensorFlow Lite's metadata that names files: (name, type, locale) of the output, the graph or the model."""
    flat = Flat(b"M001")
    tables = ("tables", [{0: ("bytes", name.encode()), 2: ("i8", kind),
                          3: ("bytes", locale.encode()) if locale else None} for name, kind, locale in files])
    output = {0: ("bytes", b"probability"), 6: tables if place == "output" else None}
    graph = {2: ("tables", [{0: ("bytes", b"image")}]), 3: ("tables", [output]), 4: tables if place == "graph" else None}
    root = flat.table({0: ("bytes", b"EfficientNet"), 3: ("tables", [graph]), 6: tables if place == "model" else None})
    struct.pack_into("<I", flat.data, 0, root)
    flat.settle()
    return bytes(flat.data)


def with_files(data, files, compression=zipfile.ZIP_STORED):
    """files, {name: bytes}, zipped behind the model, as TensorFlow Lite's metadata writer does."""
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
