#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Heat maps of effvkclassify against PyTorch's class activation maps: three networks with random weights; of the frame, of an
object that a detector found, and of a named region. Each is as large as the network's input, so that nothing is resized.

EFFVK_TEST_SEED=N repeats a seed. Prints TAP."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstVideo", "1.0")
    from gi.repository import Gst, GstVideo
    import numpy
    import torch
    from torch.nn import functional
except (ImportError, ValueError) as problem:
    print(f"1..0 # SKIP {problem}")
    sys.exit(0)

import family  # noqa: E402
import netrun  # noqa: E402

CLASSES, CELLS = 12, 4
SIZE = 32 * CELLS
LEAST = 0.9999  # the cosine that counts as equal
NETWORKS = [("b0",), ("v2_b0",), ("lite0",)]


def expected(model, pixels):
    """The best class of an image [height,width,3] of bytes, its map, and how near the map of another class is to it. None
    where two classes are nearly as good."""
    image = torch.from_numpy(pixels.astype("f4") / 255).permute(2, 0, 1)[None]
    with torch.no_grad():
        activations = model.features((image - 0.5) / 0.25)[0]  # [channels,height,width]
        rows = model.classifier[1].weight
        logits = model((image - 0.5) / 0.25)[0]
        best, second = (int(i) for i in logits.topk(2).indices)
        maps = torch.einsum("kc,chw->khw", rows, activations).double().numpy().reshape(CLASSES, -1)
    if logits[best] - logits[second] < 0.02 * logits.abs().max():
        return None
    other = max(netrun.cosine(maps[best], maps[i]) for i in range(CLASSES) if i != best)
    return best, maps[best], other


def draw(model, height, width, parts):
    """Smooth shapes of any colour, and what is expected of each part (x, y) of them."""
    for _ in range(50):
        colors = functional.interpolate(torch.rand(1, 3, 9, 9), size=(height, width), mode="bicubic", align_corners=False)
        pixels = (colors[0].permute(1, 2, 0).clamp(0, 1) * 255).byte().numpy()
        references = [expected(model, numpy.ascontiguousarray(pixels[y:y + SIZE, x:x + SIZE])) for x, y in parts]
        if all(references):
            return pixels, references
    raise netrun.Failure("the network is never sure")


def classify(model, pixels, properties="", detection=None):
    """The structure of the custom meta of a frame."""
    height, width = pixels.shape[:2]
    pipeline = Gst.parse_launch(
        f"appsrc name=source format=time ! effvkclassify device=cpu model-file={model} precision=fp32 "
        f"attach-heatmap=true meta-mode=custom {properties} ! appsink name=sink sync=false")
    buffer = Gst.Buffer.new_wrapped(pixels.tobytes())
    buffer.pts = 0
    if detection:
        GstVideo.buffer_add_video_region_of_interest_meta(buffer, "thing", *detection)
    source = pipeline.get_by_name("source")
    source.set_property("caps", Gst.Caps.from_string(
        f"video/x-raw,format=RGB,width={width},height={height},framerate=1/1"))
    pipeline.set_state(Gst.State.PLAYING)
    source.emit("push-buffer", buffer)
    source.emit("end-of-stream")
    sample = pipeline.get_by_name("sink").emit("pull-sample")
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if sample is None:
        raise netrun.Failure(message.parse_error()[0].message if message else "no frame came")
    return sample.get_buffer().get_custom_meta("EffvkClassificationMeta").get_structure()


def compare(what, structure, reference):
    best, cells, other = reference
    if list(structure.get_value("heatmap-area")) != [0, 0, 1, 1]:
        raise netrun.Failure(f"{what}: the map covers {list(structure.get_value('heatmap-area'))}")
    size = structure.get_value("heatmap-width"), structure.get_value("heatmap-height")
    if size != (CELLS, CELLS):
        raise netrun.Failure(f"{what}: the map has {size} cells")
    if structure.get_value("indices")[0] != best:
        raise netrun.Failure(f"{what}: the class is {structure.get_value('indices')[0]}, PyTorch's is {best}")
    found = numpy.frombuffer(structure.get_value("heatmap").get_data(), "=f4").astype(float)
    cosine = netrun.cosine(found, cells)
    print(f"# {what}: cosine {cosine:.7f}; the nearest map of another class {other:.4f}")
    if other > LEAST:
        raise netrun.Failure(f"{what}: the test is blind: another class has the same map")
    if not cosine > LEAST:
        raise netrun.Failure(f"{what}: cosine {cosine}")
    if not netrun.nmse(found, cells) < 2 * (1 - LEAST):
        raise netrun.Failure(f"{what}: the squared error is {netrun.nmse(found, cells)} of the squared cells")


def check(folder, case):
    member = case[0]
    torch.manual_seed(netrun.SEED)
    model = family.Network(member, CLASSES)
    family.randomise(model, (3, SIZE, SIZE))
    path = os.path.join(folder, member + ".safetensors")
    family.write_safetensors(path, family.state(model), {
        "input_size": [3, SIZE, SIZE], "crop_pct": 1.0, "crop_mode": "squash", "interpolation": "bilinear",
        "mean": [0.5] * 3, "std": [0.25] * 3, "padding": "same", "activation": model.activation, "bn_eps": 1e-3})

    pixels, references = draw(model, SIZE, SIZE, [(0, 0)])
    compare("frame", classify(path, pixels), references[0])

    found, named = (16, 8), (SIZE + 44, 24)
    pixels, references = draw(model, SIZE + 40, 2 * SIZE + 60, (found, named))
    regions = "regions=\"gate={}px,{}px,{}px,{}px\"".format(*named, SIZE, SIZE)
    structure = classify(path, pixels, "inference-region=roi-list " + regions, (*found, SIZE, SIZE))
    objects = {thing.get_value("type"): thing for thing in structure.get_value("objects")}
    compare("object", objects["thing"], references[0])
    compare("region", objects["gate"], references[1])


if __name__ == "__main__":
    Gst.init(None)
    torch.set_num_threads(2)
    netrun.run_cases(NETWORKS, check)
