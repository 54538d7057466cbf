#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""effvk-convert: what PyTorch and Keras wrote gives the logits that the same weights give without it; hostile
files run no code; bad ones give one clear line.

usage: test-convert.py EFFVK-CONVERT NET-RUN: prints TAP. EFFVK_TOOL is the effvk command.
"""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile

try:
    import h5py
    import numpy
    import torch
    import torchvision
except ImportError as error:
    print(f"1..0 # SKIP {error.name} is not installed (python3-{error.name})")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import family  # pylint: disable=wrong-import-position
import netrun  # pylint: disable=wrong-import-position

CONVERT, NET_RUN = sys.argv[1:3]
TOOL = os.environ["EFFVK_TOOL"]
CLASSES, SIZE = 5, (3, 64, 64)
TORCH = {"input_size": list(SIZE), "padding": "symmetric", "bn_eps": 1e-5, "activation": "silu"}
KERAS = {"input_size": list(SIZE), "padding": "same", "bn_eps": 1e-3, "activation": "silu"}


class Converted:
    def __init__(self, folder, file, *options):
        self.path = os.path.join(folder, "converted.safetensors")
        if os.path.exists(self.path):
            os.unlink(self.path)
        done = subprocess.run([CONVERT, *options, file, self.path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        self.status, self.errors = done.returncode, done.stderr

    def ok(self):
        if self.status != 0 or self.errors:
            raise netrun.Failure(f"effvk-convert ended with {self.status}: {self.errors}")
        return self

    def fails(self, *words):
        lines = self.errors.splitlines()
        if self.status != 1 or len(lines) != 1 or not lines[0].startswith("effvk-convert: "):
            raise netrun.Failure(f"expected status 1 and one line, found {self.status}: {self.errors}")
        if os.path.exists(self.path):
            raise netrun.Failure("wrote a file, and failed")
        for word in words:
            if word not in lines[0]:
                raise netrun.Failure(f"expected {word!r} in the error: {lines[0]}")

    def inspect(self):
        done = subprocess.run([TOOL, "inspect", "--json", self.path], stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)


class Reference:
    """A network, its safetensors file, and the logits of that."""

    cache = {}

    def __init__(self, folder, kind):
        if kind == "keras-v2":
            self.model = torchvision.models.efficientnet_v2_s(num_classes=CLASSES)
        elif kind == "keras":
            self.model = family.Network("b0", CLASSES)
        else:
            self.model = torchvision.models.efficientnet_b0(num_classes=CLASSES)
        self.recipe = KERAS if kind.startswith("keras") else TORCH
        family.randomise(self.model, SIZE)
        if kind == "half":  # what the smaller type holds, in the larger: nothing is lost
            for value in list(self.model.parameters()) + list(self.model.buffers()):
                value.data = value.data.bfloat16().half().to(value.dtype)
        self.state = self.model.state_dict()
        self.inputs = os.path.join(folder, kind + ".f32")
        netrun.write_inputs(self.inputs, family.make_inputs(2, SIZE))
        self.path = os.path.join(folder, kind + ".safetensors")
        family.write_safetensors(self.path, family.state(self.model), self.recipe)
        self.logits, _ = netrun.run(NET_RUN, self.path, self.inputs)

    @classmethod
    def get(cls, folder, kind):
        if kind not in cls.cache:
            cls.cache[kind] = cls(folder, kind)
        return cls.cache[kind]

    def check(self, converted, limit=1e-6):
        logits, _ = netrun.run(NET_RUN, converted.ok().path, self.inputs)
        netrun.check_difference(logits, self.logits, limit)


def options(recipe):
    return ["--input-size", "{2}x{1}".format(*recipe["input_size"]), "--padding", recipe["padding"],
            "--bn-eps", str(recipe["bn_eps"])]


def save(folder, value, zipped=True):
    path = os.path.join(folder, "file.pth")
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


# PyTorch


def state_dict(folder, zipped):
    reference = Reference.get(folder, "torch")
    path = save(folder, reference.state, zipped)
    reference.check(Converted(folder, path, *options(reference.recipe)))


def zip_file(folder):
    state_dict(folder, True)


def legacy_file(folder):
    state_dict(folder, False)


def checkpoint(folder):
    """As training scripts write it: in an entry, with a prefix, beside an optimizer and arguments."""
    reference = Reference.get(folder, "torch")
    other = {name: torch.zeros_like(value) for name, value in reference.state.items()}
    optimizer = torch.optim.SGD(reference.model.parameters(), lr=0.1, momentum=0.9)
    wrapped = {"module." + name: value for name, value in reference.state.items()}
    value = {"epoch": 3, "args": subprocess.CompletedProcess([], 0), "optimizer": optimizer.state_dict(),
             "model": other, "model_ema": {"n_averaged": torch.tensor(7), **wrapped},
             "numpy": numpy.float32(2.5)}
    for zipped in True, False:
        path = save(folder, value, zipped)
        reference.check(Converted(folder, path, "--entry", "model_ema", *options(reference.recipe)))
    value["state_dict"] = value.pop("model_ema")
    reference.check(Converted(folder, save(folder, value), *options(reference.recipe)))


def whole_module(folder):
    reference = Reference.get(folder, "torch")
    for zipped in True, False:
        path = save(folder, reference.model, zipped)
        reference.check(Converted(folder, path, *options(reference.recipe)))


def views_of_storages(folder):
    """Tensors that are strided views: their numbers come out in order."""
    reference = Reference.get(folder, "torch")
    state = {name: value.t().contiguous().t() if value.dim() == 2 else value[...]
             for name, value in reference.state.items()}
    both = torch.cat([state["features.0.1.weight"], state["features.0.1.bias"]])
    state["features.0.1.weight"], state["features.0.1.bias"] = both[:32], both[32:]
    reference.check(Converted(folder, save(folder, state), *options(reference.recipe)))


def half_and_bfloat16(folder):
    reference = Reference.get(folder, "half")
    for kind in torch.half, torch.bfloat16, torch.double:
        state = {name: value.to(kind) if value.is_floating_point() else value
                 for name, value in reference.state.items()}
        reference.check(Converted(folder, save(folder, state), *options(reference.recipe)))


def metadata_and_labels(folder):
    reference = Reference.get(folder, "torch")
    path = save(folder, reference.state)
    labels, names = os.path.join(folder, "labels.json"), [f"Säge {i}" for i in range(CLASSES)]
    for text in ("\n".join(names), json.dumps(names), json.dumps({str(i): n for i, n in enumerate(names)}),
                 json.dumps({n: i for i, n in enumerate(names)}),
                 json.dumps({str(i): [f"n{i}", n] for i, n in enumerate(names)})):
        with open(labels, "w", encoding="utf-8") as file:
            file.write(text)
        converted = Converted(folder, path, *options(reference.recipe), "--labels", labels, "--mean", "0.5",
                              "--std", "0.25,0.5,1", "--crop-pct", "0.8", "--interpolation", "bilinear",
                              "--architecture", "saws").ok()
        with open(converted.path, "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        stored = json.loads(header["__metadata__"]["effvk"])["label_names"]
        if stored != names:
            raise netrun.Failure(f"labels: {stored}, from {text}")
    found = converted.inspect()
    wanted = {"mean": [0.5] * 3, "std": [0.25, 0.5, 1], "width": 64, "height": 64, "resize": 80,
              "interpolation": "bilinear"}
    for key, value in wanted.items():
        if found["input"][key] != value:
            raise netrun.Failure(f"{key}: expected {value}, found {found['input'][key]}")
    if found["variant"] != "saws" or "labels" not in found["sources"]:
        raise netrun.Failure(f"variant: {found['variant']}")
    with open(labels, "w", encoding="utf-8") as file:
        file.write("one\ntwo\n")
    Converted(folder, path, "--labels", labels).fails(f"expected {CLASSES} labels", "found 2")
    config = os.path.join(folder, "config.json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"architecture": "efficientnet_saws", "num_classes": CLASSES, "pretrained_cfg": {
            "input_size": [3, 96, 96], "crop_pct": 0.75, "mean": [0.1, 0.2, 0.3], "label_names": names}}, file)
    found = Converted(folder, path, "--config", config, "--input-size", "64x32", "--padding", "same").ok().inspect()
    if (found["input"]["width"], found["input"]["height"], found["input"]["resize"]) != (64, 32, 42) \
            or found["architecture"]["padding"] != "same" or abs(found["input"]["mean"][2] - 0.3) > 1e-6:
        raise netrun.Failure(f"config.json: {found}")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"architecture": "mnasnet_100", "pretrained_cfg": {}}, file)
    Converted(folder, path, "--config", config).fails("expected an EfficientNet", "mnasnet_100")
    os.remove(config)  # which else speaks for every file in the folder


# Keras


def keras_layers(state):
    """(name, class, variables) of what torchvision's names stand for, in Keras' order."""
    numbers = {name: value.numpy() for name, value in state.items() if not name.endswith("tracked")}
    head = max(int(name.split(".")[1]) for name in numbers if name.startswith("features."))

    def conv(name, at, kind="Conv2D"):
        axes, kernel = (2, 3, 1, 0), "kernel"
        if kind == "DepthwiseConv2D":
            axes, kernel = (2, 3, 0, 1), "depthwise_kernel"
        variables = [(kernel, numbers[at + ".weight"].transpose(axes))]
        if at + ".bias" in numbers:
            variables.append(("bias", numbers[at + ".bias"]))
        return name, kind, variables

    def norm(name, at):
        return name, "BatchNormalization", [
            ("gamma", numbers[at + ".weight"]), ("beta", numbers[at + ".bias"]),
            ("moving_mean", numbers[at + ".running_mean"]), ("moving_variance", numbers[at + ".running_var"])]

    layers = [conv("stem_conv", "features.0.0"), norm("stem_bn", "features.0.1")]
    for stage in range(1, head):
        index = 0
        while f"features.{stage}.{index}.block.0.0.weight" in numbers:
            block, at = f"block{stage}{chr(97 + index)}_", f"features.{stage}.{index}.block."
            k, fused = 0, "dwconv"
            shape = numbers[at + "0.0.weight"].shape
            plain = shape[2] > 1 and shape[1] > 1  # fused
            if (shape[2] == 1 or plain) and at + "1.0.weight" in numbers:
                layers += [conv(block + "expand_conv", at + "0.0"), norm(block + "expand_bn", at + "0.1")]
                k = 1
            if not plain:
                fused = "dwconv2" if "features.1.0.block.1.0.weight" not in numbers else "dwconv"
                layers += [conv(block + fused, at + f"{k}.0", "DepthwiseConv2D"), norm(block + "bn", at + f"{k}.1")]
                k += 1
                if at + f"{k}.fc1.weight" in numbers:
                    layers += [conv(block + "se_reduce", at + f"{k}.fc1"), conv(block + "se_expand", at + f"{k}.fc2")]
                    k += 1
            layers += [conv(block + "project_conv", at + f"{k}.0"), norm(block + "project_bn", at + f"{k}.1")]
            index += 1
    layers += [conv("top_conv", f"features.{head}.0"), norm("top_bn", f"features.{head}.1")]
    layers.append(("predictions", "Dense", [("kernel", numbers["classifier.1.weight"].T),
                                            ("bias", numbers["classifier.1.bias"])]))
    return layers


MEAN, VARIANCE = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def preprocessing(v2):
    """The layers before the stem, as keras.applications makes them: (name, class, config, variables)."""
    shape = [None, SIZE[1], SIZE[2], 3]
    layers = [("input_1", "InputLayer", {"batch_shape": shape, "batch_input_shape": shape}, [])]
    if v2:
        return layers + [("rescaling", "Rescaling", {"scale": 1 / 128, "offset": -1}, [])]
    return layers + [
        ("rescaling", "Rescaling", {"scale": 1 / 255, "offset": 0.0}, []),
        ("normalization", "Normalization", {"axis": [-1]},
         [("mean", numpy.array(MEAN, "f4")), ("variance", numpy.array(VARIANCE, "f4"))]),
        ("rescaling_1", "Rescaling", {"scale": [1 / v**0.5 for v in VARIANCE], "offset": 0.0}, [])]


def keras_model(reference, v2, activation="softmax"):
    configs = {"BatchNormalization": {"epsilon": 1e-3}, "Dense": {"activation": activation}}
    return preprocessing(v2) + [(name, kind, configs.get(kind, {}), variables)
                                for name, kind, variables in keras_layers(reference.state)]


def keras_config(layers, name="efficientnet"):
    return {"class_name": "Functional", "config": {"name": name, "layers": [
        {"class_name": kind, "config": {"name": layer, **config}} for layer, kind, config, _ in layers]}}


def write_layer(group, variables, prefix, suffix=":0"):
    names = []
    for variable, value in variables:
        names.append(f"{prefix}/{variable}{suffix}".encode())
        group.create_dataset(names[-1], data=value)
    return names


def write_h5(path, layers, whole, suffix=":0"):
    with h5py.File(path, "w") as file:
        weights = file
        if whole:
            file.attrs["model_config"] = json.dumps(keras_config(layers)).encode()
            weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [name.encode() for name, *_ in layers]
        for name, _, _, variables in layers:
            group = weights.create_group(name)
            group.attrs["weight_names"] = write_layer(group, variables, name, suffix)


def check_keras(reference, converted, v2):
    reference.check(converted)
    found = converted.inspect()["input"]
    mean, std = (numpy.full(3, 128 / 255),) * 2 if v2 else (MEAN, VARIANCE)
    if not numpy.allclose(found["mean"], mean, atol=1e-6) or not numpy.allclose(found["std"], std, atol=1e-6):
        raise netrun.Failure(f"expected mean {mean} and std {std}, found {found}")


def keras_h5(folder):
    path = os.path.join(folder, "file.h5")
    for kind in "keras", "keras-v2":
        reference, v2 = Reference.get(folder, kind), kind == "keras-v2"
        layers = keras_model(reference, v2)
        for suffix in ":0", "":  # Keras 2, Keras 3
            write_h5(path, layers, True, suffix)
            check_keras(reference, Converted(folder, path), v2)


def keras_output_activation(folder):
    """Of the dense layer, or of one after it; weights alone have none."""
    reference, path = Reference.get(folder, "keras"), os.path.join(folder, "file.h5")
    after = [("activation", "Activation", {"activation": "sigmoid"}, [])]

    def check(layers, whole, activation, source):
        write_h5(path, layers, whole)
        found = Converted(folder, path, "--input-size", "64").ok().inspect()
        if found["output"]["activation"] != activation or found["sources"]["output.activation"] != source:
            raise netrun.Failure(f"expected {activation} from {source}, found {found['output']}")

    check(keras_model(reference, False), True, "softmax", "metadata")
    check(keras_model(reference, False, "sigmoid"), True, "sigmoid", "metadata")
    check(keras_model(reference, False, "linear"), True, "softmax", "default")
    check(keras_model(reference, False, "linear") + after, True, "sigmoid", "metadata")
    check(keras_model(reference, False, "sigmoid"), False, "softmax", "default")
    write_h5(path, keras_model(reference, False, "tanh"), True)
    Converted(folder, path).fails("predictions", "softmax, sigmoid or linear", "tanh")


def keras_h5_of_weights(folder):
    path = os.path.join(folder, "file.h5")
    for kind in "keras", "keras-v2":
        reference, v2 = Reference.get(folder, kind), kind == "keras-v2"
        write_h5(path, keras_model(reference, v2), False)
        check_keras(reference, Converted(folder, path, "--input-size", "64"), v2)


def keras_h5_of_a_model_in_a_model(folder):
    """Fine-tuned: the network without its top is one layer of another model."""
    reference = Reference.get(folder, "keras")
    *inner, (_, _, _, dense) = keras_model(reference, False)
    path = os.path.join(folder, "file.h5")
    with h5py.File(path, "w") as file:
        config = keras_config([("input_2", "InputLayer", {}, []), ("dense", "Dense", {}, dense)], "sequential")
        config["config"]["layers"].insert(1, keras_config(inner, "efficientnetb0"))
        file.attrs["model_config"] = json.dumps(config)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"efficientnetb0", b"dense"]
        group = weights.create_group("efficientnetb0")
        group.attrs["weight_names"] = [name for layer, _, _, variables in inner
                                       for name in write_layer(group, variables, layer)]
        group = weights.create_group("dense")
        group.attrs["weight_names"] = write_layer(group, dense, "dense")
    check_keras(reference, Converted(folder, path), False)


def keras_zip(folder):
    path = os.path.join(folder, "file.keras")
    for kind, container in ("keras", "layers"), ("keras-v2", "_layer_checkpoint_dependencies"):
        reference, v2 = Reference.get(folder, kind), kind == "keras-v2"
        layers, used, buffer = keras_model(reference, v2), {}, io.BytesIO()
        snake = {"Conv2D": "conv2d", "DepthwiseConv2D": "depthwise_conv2d", "Dense": "dense",
                 "BatchNormalization": "batch_normalization", "Normalization": "normalization",
                 "InputLayer": "input_layer", "Rescaling": "rescaling"}
        with h5py.File(buffer, "w") as file:
            for _, layer, _, variables in layers:
                number = used[layer] = used.get(layer, -1) + 1
                name = f"{snake[layer]}_{number}" if number else snake[layer]
                group = file.create_group(f"{container}/{name}/vars")
                for i, (_, value) in enumerate(variables):
                    group.create_dataset(str(i), data=value)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", json.dumps(keras_config(layers)))
            archive.writestr("model.weights.h5", buffer.getvalue())
        check_keras(reference, Converted(folder, path), v2)


# Hostile and bad files


class Evil:
    """A pickle that runs a command when it is loaded as Python does."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def evil_pickles(sign):
    """Every way of a pickle to call something."""
    command = f"touch '{sign}'".encode()
    text = b"X" + struct.pack("<I", len(command)) + command
    return {"REDUCE": b"\x80\x02cos\nsystem\n" + text + b"\x85R.",
            "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93" + text + b"\x85R.",
            "INST": b"(" + text + b"ios\nsystem\n.",
            "OBJ": b"\x80\x02(cos\nsystem\n" + text + b"o.",
            "NEWOBJ": b"\x80\x02cos\nsystem\n" + text + b"\x85\x81.",
            "NEWOBJ_EX": b"\x80\x04cos\nsystem\n" + text + b"\x85}\x92.",
            "persistent id": b"\x80\x02cos\nsystem\nQ.",
            "BUILD": b"\x80\x02ccollections\nOrderedDict\n)R}X\x0a\x00\x00\x00__reduce__cos\nsystem\nsb."}


def write_zip(path, data):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")


def hostile_pickles_run_nothing(folder):
    reference = Reference.get(folder, "torch")
    sign, path = os.path.join(folder, "sign"), os.path.join(folder, "evil.pth")
    # The test has to be able to see it.
    pickle.loads(pickle.dumps(Evil(sign)))
    if not os.path.exists(sign):
        raise netrun.Failure("the test is blind: Python's own reader ran no command")
    os.unlink(sign)
    for name, data in evil_pickles(sign).items():
        write_zip(path, data)
        Converted(folder, path).fails("expected an EfficientNet")
        legacy = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {})) + data \
            + pickle.dumps([], 2)
        with open(path, "wb") as file:
            file.write(legacy if data[:1] == b"\x80" else b"\x80\x02" + data)
        Converted(folder, path).fails()
        with open(path, "wb") as file:
            file.write(data)
        Converted(folder, path).fails()
        if os.path.exists(sign):
            raise netrun.Failure(f"{name} ran a command")
    # Beside a network, such a thing is passed over; and in place of a tensor it is refused.
    for zipped in True, False:
        path = save(folder, {"state_dict": reference.state, "args": Evil(sign)}, zipped)
        reference.check(Converted(folder, path, *options(reference.recipe)))
        path = save(folder, {**reference.state, "features.0.0.bias": Evil(sign)}, zipped)
        Converted(folder, path).fails("features.0.0.bias", "expected a tensor", "system")
        if os.path.exists(sign):
            raise netrun.Failure("a checkpoint ran a command")


def tensors_beyond_their_storages(folder):
    reference = Reference.get(folder, "torch")
    data = io.BytesIO()
    torch.save({"features.0.0.weight": reference.state["features.0.0.weight"]}, data)
    with zipfile.ZipFile(data) as archive:
        members = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    # 32 channels of 27 numbers: 864 in the storage, strides of 27.
    shape = b"(K K\x03K\x03K\x03t"
    if shape not in members["data.pkl"]:
        raise netrun.Failure("the test no longer knows how torch writes a shape")
    for bad in b"(K!K\x03K\x03K\x03t", b"(J\xff\xff\xff\x7fK\x03K\x03K\x03t", b"(J\xff\xff\xff\xffK\x03K\x03K\x03t":
        path = os.path.join(folder, "file.pth")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr("archive/" + name, content.replace(shape, bad))
        Converted(folder, path).fails("features.0.0.weight")


def bad_files_give_one_line(folder):
    reference = Reference.get(folder, "torch")
    path, bad = save(folder, reference.state, False), os.path.join(folder, "bad")

    def check(data, *words):
        with open(bad, "wb") as file:
            file.write(data)
        Converted(folder, bad).fails(*words)

    with open(path, "rb") as file:
        legacy = file.read()
    with open(save(folder, reference.state), "rb") as file:
        zipped = file.read()
    write_h5(path, keras_model(Reference.get(folder, "keras"), False), True)
    with open(path, "rb") as file:
        keras = file.read()
    check(b"", "found neither")
    check(b"hello", "found neither")
    for whole in legacy, zipped, keras:
        for part in 9, 100, 3000, len(whole) // 2, len(whole) - 1000:
            check(whole[:part])
    check(pickle.dumps({"a": 1}, 2), "1001")
    memo = b"\x80\x02Nr\xff\xff\xff\xff."  # where a table by index would take 32 GiB
    write_zip(bad, memo)
    Converted(folder, bad).fails("expected an EfficientNet")
    nested = b"\x80\x02" + b"(" * 100000 + b"t" * 100000 + b"."
    write_zip(bad, nested)
    Converted(folder, bad).fails("expected an EfficientNet")
    write_zip(bad, b"\x80\x02}X\x01\x00\x00\x00aK\x01s.")
    Converted(folder, bad).fails("found 'a'")
    Converted(folder, os.path.join(folder, "nowhere")).fails("nowhere", "No such file")
    Converted(folder, folder).fails("directory")
    Converted(folder, save(folder, {"state_dict": reference.state}), "--entry", "model").fails('in "model"')


def keras_files_that_are_not(folder):
    path = os.path.join(folder, "file.h5")
    layers = keras_model(Reference.get(folder, "keras"), False)

    def check(change, *words):
        write_h5(path, layers, True)
        with h5py.File(path, "r+") as file:
            change(file["model_weights"], file)
        Converted(folder, path).fails(*words)

    def link(weights, _):
        del weights["stem_conv/stem_conv/kernel:0"]
        weights["stem_conv/stem_conv/kernel:0"] = h5py.ExternalLink("/etc/other.h5", "/a")

    def elsewhere(weights, _):
        del weights["stem_conv/stem_conv/kernel:0"]
        weights.create_dataset("stem_conv/stem_conv/kernel:0", (3, 3, 3, 32), "f4",
                               external=[("/etc/passwd", 0, 3456)])

    def huge(weights, _):
        del weights["stem_conv/stem_conv/kernel:0"]
        weights.create_dataset("stem_conv/stem_conv/kernel:0", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))

    def integers(weights, _):
        del weights["stem_conv/stem_conv/kernel:0"]
        weights["stem_conv/stem_conv/kernel:0"] = numpy.zeros((3, 3, 3, 32), "i4")

    def missing(weights, _):
        del weights["stem_conv/stem_conv/kernel:0"]

    def config(_, file):
        file.attrs["model_config"] = b"{"

    def topless(weights, file):
        text = json.loads(file.attrs["model_config"])
        text["config"]["layers"].pop()
        file.attrs["model_config"] = json.dumps(text)
        weights.attrs["layer_names"] = weights.attrs["layer_names"][:-1]

    check(link, "kernel:0", "found a link")
    check(elsewhere, "kernel:0", "elsewhere")
    check(huge, "kernel:0", "found more")
    check(integers, "kernel:0", "expected floats")
    check(missing, "kernel:0", "found none")
    check(config, "model_config", "JSON")
    check(topless, "dense layer", "include_top")
    with h5py.File(path, "w") as file:
        file["layers/conv2d/vars/0"] = numpy.zeros(3)
    Converted(folder, path).fails("layer_names", ".keras")


def wrong_usage(folder):
    for arguments in (), ("a",), ("--mean", "1,2", "a", "b"), ("--padding", "valid", "a", "b"):
        done = subprocess.run([CONVERT, *arguments], stderr=subprocess.PIPE, text=True, cwd=folder, check=False)
        if done.returncode != 2 or len(done.stderr.splitlines()) != 1:
            raise netrun.Failure(f"{arguments}: expected status 2 and one line, found {done.returncode}: "
                                 + done.stderr)


TESTS = [zip_file, legacy_file, checkpoint, whole_module, views_of_storages, half_and_bfloat16,
         metadata_and_labels, keras_h5, keras_output_activation, keras_h5_of_weights,
         keras_h5_of_a_model_in_a_model, keras_zip,
         hostile_pickles_run_nothing, tensors_beyond_their_storages, bad_files_give_one_line,
         keras_files_that_are_not, wrong_usage]


def main():
    torch.manual_seed(netrun.SEED)
    torch.set_num_threads(1)  # more of them wait for each other, spinning, beside other tests
    netrun.run_cases([(test.__name__.replace("_", " "), test) for test in TESTS],
                     lambda folder, case: case[1](folder))


if __name__ == "__main__":
    main()
