# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keras' files of the EfficientNets of keras.applications: .h5, of a model or of its weights, and .keras."""

import io
import os
import re
import zipfile

import numpy

try:
    import h5py
except ImportError:
    h5py = None

from . import MAX_JSON, MAX_NUMBERS, Budget, Problem, is_counts, parse_json

# The network's own resolution, by the channels of the head and the number of blocks.
KERAS_SIZES = {(1280, 16): 224, (1280, 23): 240, (1408, 23): 260, (1536, 26): 300, (1792, 32): 380,
               (2048, 39): 456, (2304, 45): 528, (2560, 55): 600,
               (1280, 21): 224, (1280, 27): 240, (1408, 28): 260, (1536, 32): 300,
               (1280, 40): 384, (1280, 57): 480, (1280, 79): 480}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BATCH_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
              "moving_variance": "running_var"}


def h5_child(group, name, kind):
    """What is in this very file: a link could name another."""
    link = group.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise Problem(f'"{name}": expected data in this file, found a link')
    child = group[name]
    if not isinstance(child, kind):
        raise Problem(f'"{name}": expected a {kind.__name__.lower()}, found a {type(child).__name__.lower()}')
    return child


def h5_walk(group, path, kind):
    parts = path.strip("/").split("/")
    for part in parts[:-1]:
        group = h5_child(group, part, h5py.Group)
        if group is None:
            return None
    return h5_child(group, parts[-1], kind)


def h5_array(name, dataset, budget):
    if dataset.external or dataset.is_virtual:
        raise Problem(f'"{name}": expected data in this file, found data elsewhere')
    if dataset.dtype.kind != "f" or dataset.shape is None:
        raise Problem(f'"{name}": expected floats, found {dataset.dtype}')
    budget.spend(name, dataset.size)
    return numpy.asarray(dataset[()], "<f4")


def h5_strings(group, name):
    """An attribute that is a list of names; Keras splits what is too long for one."""
    parts = [group.attrs[name]] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(group.attrs[f"{name}{len(parts)}"])
    return [s.decode(errors="replace") if isinstance(s, bytes) else str(s) for part in parts for s in part]


def config_layers(config):
    """The layers of a model's configuration, from the input on."""
    config = config.get("config", config) if isinstance(config, dict) else {}
    layers = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(layers, list):
        return []
    return [layer for layer in layers if isinstance(layer, dict)
            and isinstance(layer.get("class_name"), str)]


def layer_config(layer):
    config = layer.get("config")
    return config if isinstance(config, dict) else {}


def layer_name(layer):
    return str(layer_config(layer).get("name") or layer.get("name") or "")


def flat_layers(config, depth=0):
    """Every layer with its configuration; models within models in their place."""
    for layer in config_layers(config):
        if depth < 4 and config_layers(layer):
            yield from flat_layers(layer, depth + 1)
        else:
            yield layer_name(layer), layer["class_name"], layer_config(layer)


def read_h5(file, size):
    """Keras 2's layout, which Keras 3 writes as well: a group a layer, datasets by their variables' names."""
    weights = h5_child(file, "model_weights", h5py.Group) or file
    names = h5_strings(weights, "layer_names")
    if not names:
        raise Problem("expected the attribute layer_names of Keras, found none; Keras 3's .weights.h5 does "
                      "not have the layers' names: save the model as .keras")
    model, order, values, budget = None, [], {}, Budget(size)
    if "model_config" in file.attrs:
        text = file.attrs["model_config"]
        model = parse_json(text, "model_config")
    for name in names:
        group = h5_walk(weights, name, h5py.Group)
        order.append(name)
        for path in h5_strings(group, "weight_names") if group is not None else ():
            dataset = h5_walk(group, path, h5py.Dataset)
            if dataset is None:
                raise Problem(f'expected the dataset "{path}" in the layer "{name}", found none')
            parts = path.split(":")[0].strip("/").split("/")
            layer = parts[-2] if len(parts) > 1 else name
            values.setdefault(layer, {})[parts[-1]] = h5_array(path, dataset, budget)
    if model is None:
        order += [name for name in values if name not in order]  # of models within this one
        return [(name, None, {}, values.get(name, {})) for name in order]
    layers = [(name, kind, config, values.pop(name, {})) for name, kind, config in flat_layers(model)]
    return layers + [(name, None, {}, value) for name, value in values.items()]


VARIABLES = {"Conv2D": ("kernel", "bias"), "DepthwiseConv2D": ("depthwise_kernel", "bias"),
             "Dense": ("kernel", "bias"), "Normalization": ("mean", "variance"),
             "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance")}


def snake_case(name):
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def read_group(group, config, budget, depth=0):
    """Keras 3's layout: a layer's group is its class with the number of those before it in the model."""
    layers, used = [], {}
    container = h5_child(group, "layers", h5py.Group) \
        or h5_child(group, "_layer_checkpoint_dependencies", h5py.Group)
    if container is None:
        raise Problem('expected the group "layers", found none')
    for layer in config_layers(config):
        kind = layer["class_name"]
        snake = snake_case(kind)
        number = used[snake] = used.get(snake, -1) + 1
        child = h5_child(container, f"{snake}_{number}" if number else snake, h5py.Group)
        if depth < 4 and config_layers(layer):
            if child is not None:
                layers += read_group(child, layer, budget, depth + 1)
            continue
        variables = h5_child(child, "vars", h5py.Group) if child is not None else None
        values = {}
        for i, variable in enumerate(VARIABLES.get(kind, ())):
            dataset = h5_child(variables, str(i), h5py.Dataset) if variables is not None else None
            if dataset is not None:
                values[variable] = h5_array(f"{layer_name(layer)}/{variable}", dataset, budget)
        layers.append((layer_name(layer), kind, layer_config(layer), values))
    return layers


def as_channels(value, n=3):
    """A number, or as many as channels, however they are nested."""
    try:
        flat = numpy.asarray(value, float).reshape(-1)
    except (TypeError, ValueError):
        flat = numpy.zeros(0)
    if flat.size not in (1, n) or not numpy.isfinite(flat).all():
        raise Problem(f"the layers that normalise: expected a number or {n}, found {str(value)[:60]}")
    return numpy.resize(flat, n)


def keras_normalisation(layers, fused):
    """(mean, std) of pixels in 0..1, from the layers before the stem, that take 0..255."""
    scale, offset, found, configured = numpy.full(3, 255.0), numpy.zeros(3), False, False
    rescalings = [name for name, *_ in layers if name.startswith("rescaling")]
    for name, kind, config, values in layers:
        if name == "stem_conv" and kind:
            break
        if kind == "Rescaling":
            factor, shift = as_channels(config.get("scale", 1)), as_channels(config.get("offset", 0))
            scale, offset, found, configured = scale * factor, offset * factor + shift, True, True
        elif kind == "Normalization" or (kind is None and "variance" in values):
            mean = as_channels(values.get("mean", config.get("mean", 0)))
            std = numpy.sqrt(as_channels(values.get("variance", config.get("variance", 1))))
            if kind is None:
                scale = scale / 255
                # The ImageNet weights hold deviations as if they were variances; since Keras 2.6 a second
                # rescaling layer behind this one divides by the other square root.
                if len(rescalings) != 1 and numpy.allclose(std * std, STD, rtol=1e-3):
                    std = std * std
            scale, offset, found, configured = scale / std, (offset - mean) / std, True, True
    if not configured and rescalings:
        # A file of weights alone: V2's layers, that have none. Its B have a normalisation as well.
        if fused and any(name.startswith("normalization") for name, *_ in layers):
            return list(MEAN), list(STD)
        scale, offset, found = scale / 128, offset - 1, True
    if not found:
        return None
    if not (scale > 0).all():
        raise Problem("the layers that normalise: expected positive factors")
    return [float(f"{-o / s:.9g}") for o, s in zip(offset, scale)], [float(f"{1 / s:.9g}") for s in scale]


def keras_block(name):
    """block4b_expand_conv: (4, 1, "expand_conv")."""
    match = re.fullmatch(r"block([1-9])([a-z]{1,2})_(\w+)", name)
    if not match:
        return None
    letters = match[2]
    index = ord(letters[-1]) - 97 + (26 * (ord(letters[0]) - 96) if len(letters) == 2 else 0)
    return int(match[1]), index, match[3]


def place_in_block(parts, part):
    """Where torchvision has a layer of Keras' block: [expand or fused,] [depthwise,] [squeeze,] project."""
    depthwise = "dwconv" in parts or "dwconv2" in parts
    expand, squeeze = "expand_conv" in parts, "se_reduce" in parts
    if part in ("expand_conv", "expand_bn"):
        k = 0
    elif part in ("dwconv", "dwconv2", "bn"):
        k = int(expand)
    elif part in ("se_reduce", "se_expand"):
        k = expand + depthwise
    elif part in ("project_conv", "project_bn"):
        k = expand + depthwise + squeeze
    else:
        return None
    if part.startswith("se_"):
        return f"{k}.{'fc1' if part == 'se_reduce' else 'fc2'}"
    return f"{k}.{1 if part.endswith('bn') else 0}"


def take_network(layers):
    weighted = {name: values for name, _, _, values in layers if values}
    if len(weighted) < sum(1 for layer in layers if layer[3]):
        raise Problem("expected one network, found two layers of the same name")
    if "stem_conv" not in weighted:
        raise Problem("expected a layer stem_conv, as EfficientNets of keras.applications have, found "
                      + (", ".join(list(weighted)[:5]) or "no layer with weights"))
    blocks = {}
    for name in weighted:
        block = keras_block(name)
        if block:
            blocks.setdefault(block[:2], set()).add(block[2])
    if not blocks:
        raise Problem("expected layers block1a_…, found none")
    head = max(stage for stage, _ in blocks) + 1
    places = {"stem_conv": "features.0.0", "stem_bn": "features.0.1",
              "top_conv": f"features.{head}.0", "top_bn": f"features.{head}.1"}
    tensors, dense = {}, []
    for name, values in weighted.items():
        block, place = keras_block(name), places.get(name)
        if block:
            within = place_in_block(blocks[block[:2]], block[2])
            place = within and f"features.{block[0]}.{block[1]}.block.{within}"
        if place:
            add_keras_layer(tensors, name, place, values)
        elif "kernel" in values and values["kernel"].ndim == 2:
            dense.append(name)
        elif "variance" not in values:
            raise Problem(f'layer "{name}": expected a layer of an EfficientNet, found '
                          + ", ".join(f"{k} {list(v.shape)}" for k, v in values.items()))
    if len(dense) != 1:
        raise Problem("expected one dense layer after the network, found "
                      + (", ".join(dense) or "none (saved with include_top=False?)"))
    add_keras_layer(tensors, dense[0], "classifier.1", weighted[dense[0]])
    return tensors, {**keras_metadata(layers, weighted, blocks), **output_metadata(layers, dense[0])}


def add_keras_layer(tensors, name, place, values):
    for variable, array in values.items():
        if variable in ("depthwise_kernel", "kernel"):
            if array.ndim == 2:
                array = array.T
            elif array.ndim == 4:  # [height, width, in, out] or, depthwise, [height, width, channels, 1]
                depthwise = variable == "depthwise_kernel" or name.endswith(("dwconv", "dwconv2"))
                array = array.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
            else:
                raise Problem(f'layer "{name}": expected a kernel of 2 or 4 dimensions, found {array.ndim}')
            leaf = "weight"
        elif variable == "bias":
            leaf = "bias"
        elif variable in BATCH_NORM:
            leaf = BATCH_NORM[variable]
        else:
            raise Problem(f'layer "{name}": expected a kernel, a bias or a batch norm, found {variable}')
        tensors[f"{place}.{leaf}"] = ("F32", numpy.ascontiguousarray(array))


def keras_metadata(layers, weighted, blocks):
    fused = not any(part.startswith("dwconv") for part in blocks[min(blocks)])
    metadata = {"padding": "same", "bn_eps": 1e-3, "activation": "silu"}
    channels = weighted["stem_conv"]["kernel"].shape[2]
    for _, kind, config, _ in layers:
        if kind == "BatchNormalization" and isinstance(config.get("epsilon"), float):
            metadata["bn_eps"] = config["epsilon"]
            break
    if channels == 3:
        normalisation = keras_normalisation(layers, fused)
        if normalisation:
            metadata["mean"], metadata["std"] = normalisation
    size = None
    for _, kind, config, _ in layers:
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        if kind == "InputLayer" and isinstance(shape, list) and len(shape) == 4 \
                and is_counts(shape[1:]) and shape[3] == channels:
            size = (shape[1], shape[2])
            break
    if size is None and "top_conv" in weighted:
        own = KERAS_SIZES.get((weighted["top_conv"]["kernel"].shape[-1], len(blocks)))
        size = own and (own, own)
    if size:
        metadata["input_size"] = [channels, *size]
    return metadata


def output_metadata(layers, dense):
    """What the classifier, and the layers after it, make of the logits: linear says nothing of that."""
    names = [name for name, *_ in layers]
    found = {}
    for name, kind, config, _ in layers[names.index(dense):]:
        activation = "softmax" if kind == "Softmax" else config.get("activation", "linear")
        if activation in ("softmax", "sigmoid"):
            found["output_activation"] = activation
        elif activation not in ("linear", None):
            raise Problem(f'layer "{name}": expected the activation softmax, sigmoid or linear, found '
                          + str(activation)[:60])
    return found


def open_h5(source):
    try:
        return h5py.File(source, "r")
    except OSError as error:
        raise Problem(f"not a readable HDF5 file: {error}") from error


def read_member(archive, name, limit):
    info = {member.filename: member for member in archive.infolist()}.get(name)
    if info is None:
        raise Problem(f'expected "{name}" in the zip file of Keras, found none')
    if info.file_size > min(limit, MAX_JSON + 20 * info.compress_size):
        raise Problem(f'"{name}" in the zip file: {info.file_size} bytes are too many')
    return archive.read(info)


def read(path):
    """The tensors of the network by torchvision's names, {name: (type, array)}, and effvk's metadata."""
    if h5py is None:
        raise Problem("Keras files need Python's h5py (Debian: python3-h5py)")
    size = os.path.getsize(path)
    try:
        if not zipfile.is_zipfile(path):
            with open_h5(path) as file:
                return take_network(read_h5(file, size))
        with zipfile.ZipFile(path) as archive:
            config = parse_json(read_member(archive, "config.json", MAX_JSON), "config.json")
            with open_h5(io.BytesIO(read_member(archive, "model.weights.h5", 4 * MAX_NUMBERS))) as file:
                return take_network(read_group(file, config, Budget(size)))
    except Problem:
        raise
    except Exception as error:  # pylint: disable=broad-except # of h5py and HDF5, which raise of every kind
        raise Problem(f"damaged file, or HDF5 that Keras does not write: {error}") from error
