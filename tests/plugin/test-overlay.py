#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What effvkoverlay draws can be read: by OCR (tesseract), in every size of picture; and it stays inside the picture."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
from effvktool import Failure, Skip, check, run_tests  # noqa: E402

SIZES = [(320, 240), (640, 360), (1920, 1080), (1080, 1920)]
BLACK = "videotestsrc num-buffers=%d pattern=black"


def read(width, height, pixels):
    """The text in a picture, by OCR; small pictures are enlarged for it."""
    if not shutil.which("tesseract"):
        raise Skip("there is no tesseract")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frame.ppm")
        times = max(1, 1280 // min(width, height) // 1)
        rows = [pixels[y * width * 3:(y + 1) * width * 3] for y in range(height)]
        # dark on light, which tesseract reads best
        large = b"".join(b"".join(bytes(255 - v for v in row[x * 3:x * 3 + 3]) * times for x in range(width)) * times
                         for row in rows)
        overlay_frames.write_ppm(path, width * times, height * times, large)
        return subprocess.run(["tesseract", path, "-", "--psm", "11"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=True).stdout.decode()


def label_is_read():
    for width, height in SIZES[:3:2]:
        pixels = overlay_frames.draw(BLACK % 1, width, height, [([("Elephant", 0.91), ("Walrus", 0.06)],)],
                                     "background=0xff000000 font-size=0.08")
        text = read(width, height, pixels)
        for word in ("Elephant", "Walrus", "%"):
            check(word in text, f"{width}x{height}: {word} is not in {text!r}")


def object_is_read():
    width, height = 640, 360
    pixels = overlay_frames.draw(BLACK % 1, width, height,
                                 [([("open", 0.75)], "gate", (0.2, 0.4, 0.5, 0.4))],
                                 "box-color=0xff000000 font-size=0.08")
    text = read(width, height, pixels)
    for word in ("gate", "open", "%"):
        check(word in text, f"{word} is not in {text!r}")


def threshold_hides():
    pixels = overlay_frames.draw(BLACK % 1, 320, 240, [([("Elephant", 0.3)],)], "threshold=0.5")
    check(max(pixels) < 60, "a class below the threshold is drawn")


def every_size_and_label_fits():
    """Whatever the label and the picture, something is drawn, and the element goes on."""
    labels = ["x" * 400, "שלום עולם", "جرب هذا النص الطويل", "交通信号灯", "é\u0301\u200b", "a\nb\tc\x01", " ", ""]
    for width, height in SIZES + [(16, 16), (2, 2), (17, 333)]:
        for label in labels:
            for place in ("top-left", "bottom-right"):
                pixels = overlay_frames.draw(
                    BLACK % 1, width, height,
                    [([(label, 0.9)],), ([(label, 0.5)], label or "t", (0.9, 0.0, 0.3, 0.3))],
                    f"place={place} show=label+bars+objects+age+strip+fps+model")
                check(len(pixels) == width * height * 3, f"{width}x{height}: {len(pixels)} bytes")
                check(width < 16 or any(v > 100 for v in pixels), f"{width}x{height} {label!r}: nothing is drawn")


def boxes_are_where_the_objects_are():
    width, height = 640, 480
    pixels = overlay_frames.draw(BLACK % 1, width, height, [([], "car", (0.25, 0.5, 0.25, 0.25))],
                                 "box-color=0xffff0000 show=objects")
    for x, y, inside in ((160, 300, True), (319, 300, True), (200, 240, True), (200, 359, True), (240, 300, False),
                         (150, 300, False), (330, 300, False), (240, 370, False)):
        red = pixels[(y * width + x) * 3]
        check((red > 100) == inside, f"at {x},{y} the red is {red}")


def nothing_seen_nothing_drawn():
    plain = overlay_frames.draw("videotestsrc num-buffers=1 pattern=snow", 320, 240, [])
    check(len(set(plain)) > 16, "the frame itself is gone")
    black = overlay_frames.draw(BLACK % 1, 320, 240, [])
    check(max(black) < 60, "something is drawn on a frame of which nothing is known")


def raw_formats_are_blended():
    for name in ("I420", "NV12", "YUY2", "UYVY", "RGB", "BGRx", "RGBA", "AYUV", "GRAY8", "Y42B", "Y444", "P010_10LE"):
        try:
            pixels = overlay_frames.draw(f"{BLACK % 1} ! capsfilter caps=video/x-raw,format={name}", 320, 240, [([("cat", 0.9)],)])
        except RuntimeError as error:
            raise Failure(f"{name}: {error}") from error
        check(any(v > 150 for v in pixels), f"{name}: nothing is drawn")


if __name__ == "__main__":
    try:
        import overlay_frames
    except (ImportError, ValueError) as error:
        print(f"1..0 # SKIP {error}")
        sys.exit(0)
    overlay_frames.Gst.init(None)
    run_tests([label_is_read, object_is_read, threshold_hides, every_size_and_label_fits,
               boxes_are_where_the_objects_are, nothing_seen_nothing_drawn, raw_formats_are_blended])
