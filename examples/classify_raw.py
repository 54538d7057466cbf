#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libeffvk alone, without GStreamer: classifies one raw RGB frame.

usage: classify_raw.py MODEL [FRAME.rgb WIDTH HEIGHT]

FRAME.rgb has WIDTH * HEIGHT * 3 bytes; without it a synthetic frame is classified.
"""

import sys

import gi

gi.require_version("Effvk", "1.0")
from gi.repository import Effvk, GLib  # noqa: E402


def make_frame(width, height):
    """A blue sky above green grass."""
    sky, grass = bytes((90, 160, 230)), bytes((60, 150, 50))
    return sky * (width * (height // 2)) + grass * (width * (height - height // 2))


def make_image(pixels, width, height):
    try:
        return Effvk.Image.new_from_bytes(Effvk.Format.RGB, width, height, GLib.Bytes.new(pixels))
    except OverflowError:  # numbers that C does not have
        raise ValueError(f"there is no frame of {width}x{height}") from None


def main(argv):
    if len(argv) not in (2, 5):
        print(__doc__.splitlines()[2], file=sys.stderr)
        return 2
    try:
        width, height = (int(argv[3]), int(argv[4])) if len(argv) == 5 else (320, 240)
        pixels = open(argv[2], "rb").read() if len(argv) == 5 else make_frame(width, height)
        image = make_image(pixels, width, height)
        device = Effvk.Device.new("auto")
        model = Effvk.Model.new_from_file(argv[1])
        classifier = Effvk.Classifier.new(device, model, None)
        result = classifier.classify(image)
    except (GLib.Error, OSError, ValueError) as error:
        print(f"classify_raw.py: {getattr(error, 'message', error)}", file=sys.stderr)
        return 1

    print(f"{model.get_name()} on {device.get_name()}")
    for rank in range(result.get_n_classes()):
        print(f"{100 * result.get_score(rank):6.2f} %  {result.get_label(rank)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
