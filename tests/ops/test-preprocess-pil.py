#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Preprocessing against torchvision's transforms of the same pixels, as float tensors and as PIL
images: of real pictures, and of edges, noise and lines of any size. Prints TAP, and the worst error
of each kind over all pictures.

usage: test-preprocess-pil.py PREPROCESS-DUMP
"""

import glob
import os
import subprocess
import sys

# size, resize, interpolation, crop: torchvision's B0, B1 (second weights), V2-S; TensorFlow's way
RECIPES = [
    (224, 256, "bicubic", "center"),
    (240, 255, "bilinear", "center"),
    (384, 384, "bilinear", "center"),
    (224, 224, "bicubic", "squash"),
]
EVERY_RECIPE = 5  # pictures that go through all recipes; the others only through the first
SIZES = [
    (1, 1), (2, 1), (1, 3), (3, 5), (17, 31), (37, 5), (223, 225), (225, 224), (640, 481),
    (1921, 1079), (8192, 3), (3, 8192), (4097, 2001),
]
HUGE = 8192  # once, squared
# Of 255: the mean of the difference, and what so many % of it stay below. The project's bounds are
# 0.5 and 2. PIL rounds after each pass, the horizontal one first, which is effvk's way where the filter
# overshoots; its weights are whole numbers, so that half-way values may round elsewhere. Decoders round
# Y'CbCr and RGB too: the mean is that rounding, and single pixels where a colour leaves the gamut differ
# by more.
EXACT = (0.01, 0.05, 100)
ROUNDED = (0.1, 2.05, 100)
BILINEAR = (0.3, 1.05, 100)
DECODED = (0.75, 5.0, 99)


def skip(why):
    print("1..0 # SKIP " + why)
    sys.exit(0)


try:
    import numpy
    import torch
    from PIL import Image
    from torchvision import transforms
    from torchvision.transforms import functional
except ImportError as error:
    skip(str(error))

torch.set_num_threads(1)
Image.MAX_IMAGE_PIXELS = None
MODES = {
    "bilinear": transforms.InterpolationMode.BILINEAR,
    "bicubic": transforms.InterpolationMode.BICUBIC,
}


def get_size(picture):
    """(width, height) of a PIL image or a tensor [3,H,W]."""
    return picture.size if isinstance(picture, Image.Image) else tuple(picture.shape[:0:-1])


def reference(picture, recipe, antialias=True):
    """[H,W,3] in 0..1 by torchvision, of a PIL image or a float tensor [3,H,W]."""
    size, resize, interpolation, crop = recipe
    shape = resize if crop == "center" else [resize, resize]
    if crop == "border":  # timm's rule: the longer side fits
        width, height = get_size(picture)
        ratio = max(width, height) / resize
        shape = [max(round(height / ratio), 1), max(round(width / ratio), 1)]
    # torch 2.6 takes a tensor that is one pixel wide for one of another layout, and repeats its first
    # row: such a picture is resized on its side.
    lie = crop == "border" and shape[1] == 1 and torch.is_tensor(picture)
    if lie:
        picture, shape = picture.mT, shape[::-1]
    picture = functional.resize(picture, shape, MODES[interpolation], antialias=antialias)
    if lie:
        picture = picture.mT
    if crop == "border":
        width, height = get_size(picture)
        across, down = size - width, size - height
        picture = functional.pad(picture, [across // 2, down // 2, across - across // 2,
                                           down - down // 2])
    else:
        picture = functional.center_crop(picture, size)
    if isinstance(picture, Image.Image):
        picture = functional.to_tensor(picture)
    return picture.clamp(0, 1).permute(1, 2, 0).numpy()


def to_tensor(picture):
    return torch.from_numpy(numpy.array(picture)).permute(2, 0, 1).double() / 255


def subsample(picture):
    """The picture's pixels as I420, and what a decoder makes of them, bringing chroma to full size
    bilinearly: a tensor in float, which may leave the gamut, and a PIL image in 8 bits."""
    width, height = (length // 2 * 2 for length in picture.size)
    ycbcr = picture.crop((0, 0, width, height)).convert("YCbCr").split()
    half = [plane.resize((width // 2, height // 2), Image.Resampling.BOX) for plane in ycbcr[1:]]
    pixels = b"".join(plane.tobytes() for plane in (ycbcr[0], *half))
    luma, blue, red = (
        torch.nn.functional.interpolate(
            torch.from_numpy(numpy.array(plane)).double()[None, None], (height, width),
            mode="bilinear", align_corners=False,
        )[0, 0]
        for plane in (ycbcr[0], *half)
    )
    blue, red = blue - 128, red - 128
    green = luma - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587
    exact = torch.stack([luma + 1.402 * red, green, luma + 1.772 * blue]) / 255
    full = [plane.resize((width, height), Image.Resampling.BILINEAR) for plane in half]
    return (width, height, pixels), exact, Image.merge("YCbCr", (ycbcr[0], *full)).convert("RGB")


def draw(width, height):
    """Edges, lines, a checkerboard and noise: what resizing shows its faults with."""
    y, x = numpy.mgrid[0:height, 0:width]
    noise = numpy.random.default_rng(width * 10007 + height).integers(0, 256, (height, width))
    red = numpy.where((x * 3 // max(width, 1) + y * 3 // max(height, 1)) % 2, 255, 0)
    green = numpy.where((x % 9 == 0) | (y % 11 == 0), 255, 40)
    blue = numpy.where(y * 2 < height, noise, (x + y) % 2 * 255)
    return Image.fromarray(numpy.stack([red, green, blue], axis=2).astype(numpy.uint8), "RGB")


class Tool:
    """preprocess-dump, which opens the device once."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, form, width, height, pixels, recipe, depth, antialias=True):
        words = [form, width, height, *recipe, "antialias" if antialias else "sharp", depth]
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n" + pixels)
        self.process.stdin.flush()
        size = recipe[0]
        data = self.process.stdout.read(size * size * 12)
        if len(data) < size * size * 12:
            sys.exit(f"{words}: preprocess-dump ended with {self.process.wait()}")
        return numpy.frombuffer(data, numpy.float32).reshape(size, size, 3)


class Report:
    """What differs by how much: a TAP line for each kind, at the end."""

    def __init__(self):
        self.kinds = {}

    def compare(self, kind, name, got, expected, bounds):
        difference = numpy.abs(got.astype(numpy.float64) - expected) * 255
        errors = (difference.mean(), numpy.percentile(difference, bounds[2]), difference.max())
        good = errors[0] <= bounds[0] and errors[1] <= bounds[1]
        n, bad, worst, _ = self.kinds.get(kind, (0, [], (0, 0, 0), bounds))
        bad = bad if good else bad + [f"{name}: {[round(e, 4) for e in errors]}"]
        self.kinds[kind] = (n + 1, bad, tuple(map(max, worst, errors)), bounds)

    def print(self):
        for i, (kind, (n, bad, worst, bounds)) in enumerate(self.kinds.items()):
            print(f"{'not ok' if bad else 'ok'} {i + 1} - {kind}")
            print(f"# {n} pictures, of 255 at worst: mean {worst[0]:.4f}, {bounds[2]} % below "
                  f"{worst[1]:.4f}, all below {worst[2]:.4f}")
            for line in bad[:10]:
                print(f"# {line}")
        print(f"1..{len(self.kinds)}")
        return any(bad for _, bad, _, _ in self.kinds.values())


def compare_rgb(tool, report, kind, name, picture, tensor, recipe):
    frame = ("RGB", *picture.size, picture.tobytes(), recipe)
    report.compare(f"{kind}, torchvision's tensors", name, tool(*frame, "float"),
                   reference(tensor, recipe), EXACT)
    report.compare(f"{kind}, PIL, {recipe[2]}", name, tool(*frame, "8bit"),
                   reference(picture, recipe), ROUNDED if recipe[2] == "bicubic" else BILINEAR)


def real(tool, report, files):
    for i, file in enumerate(files):
        picture = Image.open(file).convert("RGB")
        tensor = to_tensor(picture)
        frame, exact, decoded = subsample(picture)
        for recipe in RECIPES if i < EVERY_RECIPE else RECIPES[:1]:
            name = " ".join(map(str, (os.path.basename(file), *recipe)))
            compare_rgb(tool, report, "RGB of photos", name, picture, tensor, recipe)
            report.compare("I420 of photos, in fp64", name,
                           tool("I420", *frame, recipe, "float"), reference(exact, recipe), EXACT)
            if i < EVERY_RECIPE:
                report.compare("I420 of photos, decoded to 8 bits", name,
                               tool("I420", *frame, recipe, "8bit"), reference(decoded, recipe),
                               DECODED)


def drawn(tool, report):
    for size in SIZES + [(HUGE, HUGE)]:
        picture = draw(*size)
        frame = ("RGB", *size, picture.tobytes())
        tensor = to_tensor(picture) if size != (HUGE, HUGE) else None  # 1.6 GB
        for recipe in ((224, 224, "bilinear", "squash"), (224, 256, "bicubic", "center"),
                       (224, 224, "bicubic", "border")):
            if recipe[3] == "center" and max(size) > 40 * min(size):
                continue  # the reference would resize to millions of pixels
            name = " ".join(map(str, (*size, *recipe)))
            report.compare(f"RGB of drawings, PIL, {recipe[2]}", name, tool(*frame, recipe, "8bit"),
                           reference(picture, recipe), ROUNDED if recipe[2] == "bicubic" else BILINEAR)
            if tensor is None:
                continue
            report.compare("RGB of drawings, torchvision's tensors", name,
                           tool(*frame, recipe, "float"), reference(tensor, recipe), EXACT)
            if recipe[2] == "bilinear":  # torchvision's sharp bicubic is another filter
                report.compare("RGB of drawings without antialias", name,
                               tool(*frame, recipe, "float", antialias=False),
                               reference(tensor, recipe, antialias=False), EXACT)


def main():
    tool, report = Tool(sys.argv[1]), Report()
    shared = os.environ.get("EFFVK_SHARED", "")
    files = [file for folder in ("imagenet", "trash")
             for file in sorted(glob.glob(os.path.join(shared, "data/images", folder, "*.*")))]
    drawn(tool, report)
    if shared and files:
        real(tool, report, files)
    else:
        print("# the shared pictures are not here (EFFVK_SHARED): drawings only")
    return report.print()


if __name__ == "__main__":
    sys.exit(main())
