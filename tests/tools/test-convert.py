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
import resource
import stat
import struct
import subprocess
import sys
import time
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
import naming  # pylint: disable=wrong-import-position
import netrun  # pylint: disable=wrong-import-position

CONVERT, NET_RUN = sys.argv[1:3]
TOOL = os.environ["EFFVK_TOOL"]
# Where effvk-convert finds the effvk that reads back what it wrote.
ENVIRONMENT = dict(os.environ, PATH=os.pathsep.join((os.path.dirname(TOOL), os.environ["PATH"])))
CLASSES, SIZE = 5, (3, 64, 64)
TORCH = {"input_size": list(SIZE), "padding": "symmetric", "bn_eps": 1e-5, "activation": "silu"}
KERAS = {"input_size": list(SIZE), "padding": "same", "bn_eps": 1e-3, "activation": "silu"}


class Converted:
    def __init__(self, folder, file, *options):
        self.path = os.path.join(folder, "converted.safetensors")
        if os.path.exists(self.path):
            os.unlink(self.path)
        done = subprocess.run([CONVERT, *options, file, self.path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120, check=False, env=ENVIRONMENT)
        self.status, self.errors, self.output = done.returncode, done.stderr, done.stdout

    def ok(self):
        if self.status != 0 or self.errors:
            raise netrun.Failure(f"effvk-convert ended with {self.status}: {self.errors}")
        return self

    def says(self, *words):
        for word in words:
            if word not in self.ok().output:
                raise netrun.Failure(f"expected {word!r} in: {self.output}")
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
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"architecture": "tinynet_a", "pretrained_cfg": {}}, file)
    Converted(folder, path, "--config", config).says("tinynet_a")
    os.remove(config)  # which else speaks for every file in the folder


def heads(folder):
    """The classifier is the only linear layer, whatever its name; several are refused by name."""
    reference = Reference.get(folder, "torch")

    def with_head(**layers):
        state = {name: value for name, value in reference.state.items() if not name.startswith("classifier")}
        for name, layer in layers.items():
            state.update({f"{name.replace('_', '.')}.{leaf}": value for leaf, value in layer.state_dict().items()})
        return save(folder, state)

    linear = reference.model.classifier[1]
    for name in "classifier", "classifier_0", "classifier_1_0", "fc", "head_fc":
        path = with_head(**{name: linear})
        reference.check(Converted(folder, path, *options(reference.recipe)))
    two = {"classifier_0": torch.nn.Linear(1280, 64), "classifier_3": torch.nn.Linear(64, CLASSES)}
    Converted(folder, with_head(**two)).fails("a head of 2", '"classifier.0.weight" [64, 1280]',
                                              '"classifier.3.weight" [5, 64]')
    Converted(folder, with_head()).fails("the classifier", "found none", "features alone")
    normed = {"classifier_0": torch.nn.BatchNorm1d(1280), "classifier_1": linear}
    Converted(folder, with_head(**normed)).fails("effvk cannot run this network", "classifier.0.")
    # A state_dict as safetensors: effvk reads these itself.
    family.write_safetensors(os.path.join(folder, "head.safetensors"),
                             [(name.replace("classifier.1", "fc"), value)
                              for name, value in family.state(reference.model)], reference.recipe)
    logits, _ = netrun.run(NET_RUN, os.path.join(folder, "head.safetensors"), reference.inputs)
    netrun.check_difference(logits, reference.logits, 1e-6)


def prefixes(folder):
    """What wraps a network, and a backbone in a network of one's own."""
    reference = Reference.get(folder, "torch")
    for prefix in "module.", "model.", "timm_model.", "_orig_mod.", "backbone.", "model._orig_mod.module.":
        state = {prefix + name: value for name, value in reference.state.items()}
        reference.check(Converted(folder, save(folder, state), *options(reference.recipe)))
    state = {name.replace("classifier.1", "fc") if name.startswith("classifier") else "backbone." + name: value
             for name, value in reference.state.items()}
    reference.check(Converted(folder, save(folder, state), *options(reference.recipe)))


def names_of_transformers(folder):
    reference = Reference.get(folder, "torch")
    stages = family.STAGES
    state = {naming.rename(name, "transformers", stages): value for name, value in reference.state.items()
             if not name.endswith("tracked")}
    converted = Converted(folder, save(folder, state), *options(reference.recipe), "--activation", "silu").ok()
    reference.check(converted)
    if converted.inspect()["names"] != "transformers":
        raise netrun.Failure(f"names: {converted.inspect()['names']}")


def two_networks(folder):
    """timm's two entries, and Lightning's two prefixes: which was taken is said, and options choose."""
    reference = Reference.get(folder, "torch")
    other = {name: value * 0.5 if value.is_floating_point() else value for name, value in reference.state.items()}

    def wrapped(prefix, state):
        return {prefix + name: value for name, value in state.items()}

    def check(value, choice, *words):
        converted = Converted(folder, save(folder, value), *choice, *options(reference.recipe))
        reference.check(converted.says(*words))

    timm = {"epoch": 1, "arch": "efficientnet_b0", "state_dict": other, "state_dict_ema": reference.state}
    check(timm, (), 'took entry "state_dict_ema"', "the moving average", "timm", 'takes another: entry "state_dict"')
    timm = {"state_dict": reference.state, "state_dict_ema": other}
    check(timm, ("--entry", "state_dict"))
    lightning = {"state_dict": {**wrapped("model.", other), **wrapped("ema_model.module.", reference.state),
                                "ema_model.n_averaged": torch.tensor(3), "loss.weight": torch.ones(CLASSES)}}
    check(lightning, (), 'prefix "ema_model.module."', "the moving average", 'prefix "model."')
    lightning = {"state_dict": {**wrapped("model.", reference.state), **wrapped("ema_model.module.", other)}}
    for prefix in "model.", "model":
        check(lightning, ("--prefix", prefix))
    check({"state_dict": reference.state, "best": other}, (), 'took entry "state_dict"', "the usual one", '"best"')
    twins = save(folder, {"state_dict": {**wrapped("student.", other), **wrapped("teacher.", other)}})
    Converted(folder, twins).fails("found 2", 'prefix "student."', 'prefix "teacher."', "--prefix")
    Converted(folder, twins, "--prefix", "pupil").fails("no network with --prefix pupil", "student.")

    # The same of a safetensors file, which effvk refuses with the way out.
    path = os.path.join(folder, "twins.safetensors")
    tensors = family.state(reference.model)
    family.write_safetensors(path, [("model." + name, value) for name, value in tensors]
                             + [("ema." + name, value * 0.5) for name, value in tensors], {})
    done = subprocess.run([TOOL, "inspect", path], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 1 or "effvk-convert --prefix" not in done.stderr:
        raise netrun.Failure(f"effvk inspect: {done.returncode}: {done.stderr}")
    reference.check(Converted(folder, path, "--prefix", "model.", *options(reference.recipe)))
    Converted(folder, path, *options(reference.recipe)).says('took prefix "ema."')
    Converted(folder, path, "--entry", "model").fails("--prefix")


class Learner:
    """Stands for fastai's: what has a network in it."""

    def __init__(self, model):
        self.model = model


def files_that_are_something_else(folder):
    """effvk and effvk-convert name them, and say what to do."""
    reference = Reference.get(folder, "torch")

    def check(path, own, *words):
        done = subprocess.run([TOOL, "inspect", path], stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 1 or own not in done.stderr or len(done.stderr.splitlines()) != 1:
            raise netrun.Failure(f"{path}: expected {own!r}, found {done.stderr}")
        if words:
            Converted(folder, path).fails(*words)

    for zipped in True, False:
        check(save(folder, reference.state, zipped),
              "this is a PyTorch checkpoint: effvk-convert FILE OUT.safetensors")
    script = os.path.join(folder, "script.pt")
    torch.jit.trace(reference.model, torch.zeros(1, *SIZE)).save(script)
    check(script, "this is a TorchScript file: load it", "this is a TorchScript file", "torch.jit.load")
    h5_file = os.path.join(folder, "file.h5")
    write_h5(h5_file, keras_model(Reference.get(folder, "keras"), False), True)
    check(h5_file, "this is a Keras (HDF5) file: effvk-convert FILE OUT.safetensors")

    weight = reference.state["features.0.0.weight"]
    quantised = {**reference.state, "features.0.0.weight": torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8)}
    Converted(folder, save(folder, quantised)).fails("features.0.0.weight", "quantised to 8 bits")
    packed = {"features.0.0._packed_params._packed_params": torch.zeros(1), "scale": torch.ones(1)}
    Converted(folder, save(folder, packed)).fails("quantised to 8 bits")
    reference.check(Converted(folder, save(folder, Learner(reference.model)), *options(reference.recipe)))
    Converted(folder, save(folder, Learner(torch.nn.Linear(2, 2)))).fails("expected an EfficientNet", "Learner")
    onnx_file = os.path.join(folder, "file.onnx")
    with open(onnx_file, "wb") as file:
        file.write(b"\x08\x07\x12\x05torch")
    Converted(folder, onnx_file).fails("ONNX", "effvk reads it as it is")


def outputs(folder):
    """What exists and is no regular file is refused and stays; a symlink's target is written; nothing that is
    read is overwritten, and nothing is left behind."""
    reference = Reference.get(folder, "torch")
    path, place = save(folder, reference.state), os.path.join(folder, "outputs")
    os.mkdir(place)

    def run(output, *options_here):
        return subprocess.run([CONVERT, *options_here, path, output], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120, check=False, env=ENVIRONMENT)

    def refused(output, *words):
        before, done = os.lstat(output), run(output)
        after = os.lstat(output)
        if done.returncode != 1 or any(word not in done.stderr for word in words) \
                or (before.st_ino, before.st_mode, before.st_size) != (after.st_ino, after.st_mode, after.st_size):
            raise netrun.Failure(f"{output}: expected {words}, found {done.stderr}")

    fifo, target, link, null = (os.path.join(place, name) for name in ("fifo", "target", "link", "null"))
    os.mkfifo(fifo)
    refused(fifo, "expected a new name or a regular file", "found a FIFO")
    refused(place, "found a directory")
    if os.geteuid() == 0:
        os.mknod(null, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        refused(null, "found a device")
        os.unlink(null)
    refused(path, "is read from")
    os.link(path, link)
    refused(link, "is read from")
    os.unlink(link)
    os.symlink("target", link)
    for present in False, True:
        if present:
            os.chmod(target, 0o640)
        if run(link).returncode != 0 or not os.path.islink(link) or os.path.getsize(target) < 1000:
            raise netrun.Failure("a symlink's target was not written")
    if stat.S_IMODE(os.stat(target).st_mode) != 0o640:
        raise netrun.Failure("the replaced file's permissions are gone")
    os.unlink(link)
    os.symlink("link", link)
    if run(link).returncode != 1:
        raise netrun.Failure("a loop of symlinks was accepted")
    if sorted(os.listdir(place)) != ["fifo", "link", "target"]:
        raise netrun.Failure(f"left behind: {os.listdir(place)}")


def read_back_by_effvk(folder):
    """What effvk would refuse is no result; without an effvk that is said."""
    reference = Reference.get(folder, "torch")
    extra = {**reference.state, "features.1.0.block.7.0.weight": torch.zeros(4, 4, 1, 1)}
    Converted(folder, save(folder, extra)).fails("effvk cannot run this network",
                                                 'unexpected tensor "features.1.0.block.7.0.weight"')
    nan = {**reference.state, "classifier.1.bias": torch.full((CLASSES,), float("nan"))}
    Converted(folder, save(folder, nan)).fails("effvk cannot run this network", "classifier.1.bias", "finite")
    path = save(folder, reference.state)
    Converted(folder, path).says("efficientnet_b0", f"{CLASSES} classes")
    done = subprocess.run([sys.executable, CONVERT, path, os.path.join(folder, "alone.safetensors")],
                          stdout=subprocess.PIPE, text=True, timeout=120, check=True,
                          env=dict(os.environ, PATH="/nonexistent"))
    if "not read back" not in done.stdout:
        raise netrun.Failure(f"found {done.stdout}")


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
    torch.save({name: reference.state[name] for name in ("features.0.0.weight", "classifier.1.weight")}, data)
    with zipfile.ZipFile(data) as archive:
        members = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    # 32 channels of 27 numbers: 864 in the storage, strides of 27.
    shape = b"(K K\x03K\x03K\x03t"
    if shape not in members["data.pkl"]:
        raise netrun.Failure("the test no longer knows how torch writes a shape")
    Converted(folder, save(folder, {})).fails("found nothing")
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
    check(b"", "found none of them")
    check(b"hello", "found none of them")
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
    Converted(folder, save(folder, {"state_dict": reference.state}), "--entry", "model").fails(
        "no network with --entry model", 'found entry "state_dict"')


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


def limited(folder, path, megabytes=1500):
    """Converts under a limit of memory, and measures: (status, errors, KiB, seconds)."""
    limit = megabytes << 20
    start = time.monotonic()
    process = subprocess.Popen([CONVERT, path, os.path.join(folder, "converted.safetensors")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    errors = process.stderr.read()
    process.stderr.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, errors, used.ru_maxrss, time.monotonic() - start


def costs(folder):
    """A small file does not cost much memory nor time."""
    path = os.path.join(folder, "file.h5")
    with h5py.File(path, "w") as file:  # of which only the shape is there
        file.attrs["layer_names"] = [b"stem_conv"]
        group = file.create_group("stem_conv")
        group.attrs["weight_names"] = [b"stem_conv/kernel:0"]
        group.create_dataset("stem_conv/kernel:0", (30000, 30000), "f4", chunks=(1000, 1000))
    if os.path.getsize(path) > 20000:
        raise netrun.Failure("the file is not small")
    status, errors, memory, _ = limited(folder, path)
    # What the kernel counts of a child begins with this program's own size, PyTorch's libraries with it.
    if status != 1 or "found more" not in errors or memory > 1 << 20:
        raise netrun.Failure(f"HDF5 of nothing: status {status}, {memory} KiB: {errors}")
    with open(path, "wb") as file:  # a pickle that makes and drops things for ever
        file.write(b"\x80\x02" + b"]0" * 30000000)
    status, errors, memory, seconds = limited(folder, path)
    if status != 1 or "operations" not in errors or seconds > 100:
        raise netrun.Failure(f"a long pickle: status {status}, {memory} KiB, {seconds} s: {errors}")
    state = {"features.0.0.weight": torch.zeros(32, 3, 3, 3), "classifier.1.weight": torch.zeros(4, 4)}
    shared = torch.zeros(300000)
    state.update({f"features.{i}.weight": shared for i in range(2000)})
    status, errors, memory, _ = limited(folder, save(folder, state))
    if status != 1 or "found more" not in errors:
        raise netrun.Failure(f"numbers named many times: status {status}, {memory} KiB: {errors}")


def odd_hdf5(folder):
    """Attributes and types that Keras does not write, and damaged files: one line, no traceback."""
    path = os.path.join(folder, "file.h5")
    layers = keras_model(Reference.get(folder, "keras"), False)[:8]

    def names(weights, value):
        weights.attrs["layer_names"] = value

    def reference_type(weights, file):
        del weights["stem_conv"].attrs["weight_names"]
        weights["stem_conv"].attrs.create("weight_names", file["model_weights"].ref, dtype=h5py.ref_dtype)

    def compound(weights, _):
        del weights["stem_conv/stem_conv/kernel:0"]
        weights["stem_conv/stem_conv/kernel:0"] = numpy.zeros(3, [("a", "f4"), ("b", "i4")])

    def empty(weights, _):
        del weights["stem_conv/stem_conv/kernel:0"]
        weights["stem_conv/stem_conv/kernel:0"] = h5py.Empty("f4")

    changes = [lambda w, _: names(w, 5), lambda w, _: names(w, "stem_conv"), lambda w, _: names(w, [1, 2, 3]),
               lambda w, _: names(w, h5py.Empty("S4")), lambda w, _: names(w, [b"/", b"", b"..", b"stem_conv/x/y"]),
               lambda w, _: names(w, [b"\xff\xfe"]), reference_type, compound, empty,
               lambda _, f: f.attrs.__setitem__("model_config", 7.5),
               lambda _, f: f.attrs.__setitem__("model_config", b'{"config": {"layers": [{"class_name": "Conv2D", '
                                                b'"config": {"name": ["stem_conv"]}}]}}'),
               lambda _, f: f.attrs.__setitem__("model_config", b"[[[[1]]]]")]
    for change in changes:
        write_h5(path, layers, True)
        with h5py.File(path, "r+") as file:
            change(file["model_weights"], file)
        Converted(folder, path).fails("file.h5")
    write_h5(path, layers, True)
    with open(path, "rb") as file:
        whole = file.read()
    random = numpy.random.default_rng(netrun.SEED)
    for _ in range(25):
        data = bytearray(whole)
        for at in random.integers(0, min(len(data), 20000), 12):
            data[at] ^= int(random.integers(1, 256))
        with open(path, "wb") as file:
            file.write(data)
        converted = Converted(folder, path)
        if "Traceback" in converted.errors or len(converted.errors.splitlines()) > 1:
            raise netrun.Failure(f"a damaged file: {converted.errors}")


def wrong_usage(folder):
    for arguments in (), ("a",), ("--mean", "1,2", "a", "b"), ("--padding", "valid", "a", "b"):
        done = subprocess.run([CONVERT, *arguments], stderr=subprocess.PIPE, text=True, cwd=folder, check=False)
        if done.returncode != 2 or len(done.stderr.splitlines()) != 1:
            raise netrun.Failure(f"{arguments}: expected status 2 and one line, found {done.returncode}: "
                                 + done.stderr)


TESTS = [zip_file, legacy_file, checkpoint, whole_module, views_of_storages, half_and_bfloat16,
         metadata_and_labels, heads, prefixes, names_of_transformers, two_networks,
         files_that_are_something_else, outputs, read_back_by_effvk, keras_h5,
         keras_output_activation, keras_h5_of_weights,
         keras_h5_of_a_model_in_a_model, keras_zip,
         hostile_pickles_run_nothing, tensors_beyond_their_storages, bad_files_give_one_line,
         keras_files_that_are_not, costs, odd_hdf5, wrong_usage]


def main():
    torch.manual_seed(netrun.SEED)
    torch.set_num_threads(1)  # more of them wait for each other, spinning, beside other tests
    netrun.run_cases([(test.__name__.replace("_", " "), test) for test in TESTS],
                     lambda folder, case: case[1](folder))


if __name__ == "__main__":
    main()
