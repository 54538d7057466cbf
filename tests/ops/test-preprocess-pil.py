#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Preprocessing of real pictures against torchvision's transforms of the same pixels, as float
tensors and as PIL images. Prints TAP.

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
PICTURES = 5
# Of 255: the mean of the difference, and what so many % of it stay below. PIL rounds and clamps to
# 8 bits after each pass, decoders round Y'CbCr and RGB too: the mean is that rounding, and single
# pixels where a bicubic filter overshoots or a colour leaves the gamut differ by more.
EXACT = (0.01, 0.05, 100)
ROUNDED = (0.5, 2.0, 99.9)
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

MODES = {
    "bilinear": transforms.InterpolationMode.BILINEAR,
    "bicubic": transforms.InterpolationMode.BICUBIC,
}


def reference(picture, recipe):
    """[H,W,3] in 0..1 by torchvision, of a PIL image or a float tensor [3,H,W]."""
    size, resize, interpolation, crop = recipe
    shape = resize if crop == "center" else [size, size]
    picture = functional.resize(picture, shape, MODES[interpolation], antialias=True)
    if crop == "center":
        picture = functional.center_crop(picture, size)
    if isinstance(picture, Image.Image):
        picture = functional.to_tensor(picture)
    return picture.clamp(0, 1).permute(1, 2, 0).numpy()


def dump(tool, form, width, height, pixels, recipe, depth):
    size = recipe[0]
    command = [tool, form, str(width), str(height), *(str(value) for value in recipe), depth]
    out = subprocess.run(command, input=pixels, stdout=subprocess.PIPE, check=True).stdout
    return numpy.frombuffer(out, numpy.float32).reshape(size, size, 3)


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


def main():
    shared = os.environ.get("EFFVK_SHARED", "")
    files = sorted(glob.glob(os.path.join(shared, "data/images/imagenet/*.JPEG")))[:PICTURES]
    if not shared or not files:
        skip("the shared pictures are not here (EFFVK_SHARED)")
    n = failed = 0

    def compare(kind, name, recipe, got, expected, bounds):
        nonlocal n, failed
        difference = numpy.abs(got.astype(numpy.float64) - expected) * 255
        mean, most = difference.mean(), numpy.percentile(difference, bounds[2])
        good = mean <= bounds[0] and most <= bounds[1]
        n += 1
        failed += not good
        print(f"{'ok' if good else 'not ok'} {n} - {kind} {name} {' '.join(map(str, recipe))}")
        worst = difference.max()
        print(f"# of 255: mean {mean:.4f}, {bounds[2]} % below {most:.3f}, all below {worst:.3f}")

    for file in files:
        name = os.path.basename(file)
        picture = Image.open(file).convert("RGB")
        tensor = torch.from_numpy(numpy.array(picture)).permute(2, 0, 1).double() / 255
        frame, exact, decoded = subsample(picture)
        for recipe in RECIPES:
            got = dump(sys.argv[1], "RGB", *picture.size, picture.tobytes(), recipe, "float")
            compare("RGB, float", name, recipe, got, reference(tensor, recipe), EXACT)
            got = dump(sys.argv[1], "RGB", *picture.size, picture.tobytes(), recipe, "8bit")
            compare("RGB, PIL", name, recipe, got, reference(picture, recipe), ROUNDED)
            got = dump(sys.argv[1], "I420", *frame, recipe, "float")
            compare("I420, float", name, recipe, got, reference(exact, recipe), EXACT)
            got = dump(sys.argv[1], "I420", *frame, recipe, "8bit")
            compare("I420, PIL", name, recipe, got, reference(decoded, recipe), DECODED)
    print(f"1..{n}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
