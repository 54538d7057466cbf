#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the pictures of docs/images/: effvkoverlay on frames of the tree's own picture and of test patterns.

usage: meson devenv -C build docs/pictures.py [FOLDER]
"""

import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "plugin"))
import overlay_frames  # noqa: E402

HANGAR = f"filesrc location={os.path.join(HERE, '..', 'examples', 'hangar.jpg')} ! jpegdec ! videoconvert ! videoscale"
PATTERN = "videotestsrc num-buffers=1 pattern=smpte"
PICTURES = {
    "overlay-frame": (HANGAR, 640, 360, [([("hangar", 0.88), ("airliner", 0.07), ("warplane", 0.03)],)], ""),
    "overlay-regions": (HANGAR, 640, 360,
                        [([("open", 0.93)], "gate", (0.08, 0.3, 0.3, 0.5)),
                         ([("empty", 0.81)], "stand", (0.55, 0.45, 0.4, 0.45))], "font-size=0.05"),
    "overlay-small": (PATTERN, 320, 240, [([("colour bars", 0.97), ("gradient", 0.02)],)], ""),
    "overlay-1080p": (HANGAR, 1920, 1080, [([("hangar", 0.88), ("airliner", 0.07), ("warplane", 0.03)],),
                                           ([("open", 0.93)], "gate", (0.08, 0.3, 0.3, 0.5))], ""),
    "overlay-portrait": (HANGAR, 360, 640, [([("a label that is far too long for the width of this picture", 0.77),
                                              ("hangar", 0.11)],)], "place=bottom"),
    "overlay-scripts": (PATTERN, 640, 360, [([("מוסך מטוסים", 0.61), ("حظيرة الطائرات", 0.22), ("飞机库", 0.11)],),
                                            ([("飞机", 0.7)], "机", (0.7, 0.4, 0.25, 0.3))], "font-size=0.06"),
    # Where effvk's own model saw color bars in a picture.
    "overlay-heatmap": (f"{HANGAR} ! video/x-raw,width=640,height=360 ! mix. videotestsrc num-buffers=1 pattern=smpte ! "
                        "video/x-raw,width=400,height=360 ! mix. compositor name=mix sink_1::xpos=240 ! "
                        "videoconvert ! capsfilter caps=video/x-raw,format=RGB", 640, 360, [], "", "effvkclassify device=cpu attach-heatmap=true !"),
}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "images")
    os.makedirs(folder, exist_ok=True)
    overlay_frames.Gst.init(None)
    for name, (source, width, height, *drawn) in PICTURES.items():
        pixels = overlay_frames.draw(source, width, height, *drawn)
        overlay_frames.write_jpeg(os.path.join(folder, name + ".jpg"), width, height, pixels)
        print(name)


if __name__ == "__main__":
    main()
