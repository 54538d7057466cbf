#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU time that each element takes for a frame, in ms.

Each row is a gst-launch-1.0 with the element and one without, each with a short and a long run: the difference leaves out the
start and the other elements. The label is steady: the network runs once, and later frames carry its classes. The median of
--rounds, with the lowest and the highest.

usage: bench-elements.py [--frames N] [--rounds N] [--size WxH] [--format FORMAT]
"""

import argparse
import os
import statistics
import subprocess
import sys

SEEN = "effvkclassify device=cpu post-messages=false top-k=3 inference-interval=100000000 skipped=last deadline=0 qos=false"
# What the element is measured behind, the element, and what takes its frames. fakevideosink takes compositions.
ROWS = {
    "effvkclassify, of a frame that it skips": ("", SEEN),
    "effvkoverlay, label, blended": (SEEN, "effvkoverlay show=label"),
    "effvkoverlay, panel (label and bars), blended": (SEEN, "effvkoverlay show=label+bars"),
    "effvkoverlay, panel and strip, blended": (SEEN, "effvkoverlay show=label+bars+strip"),
    "effvkoverlay, panel, as a composition": (SEEN, "effvkoverlay show=label+bars", "fakevideosink sync=false"),
    "effvkpublish, a record of each frame": (SEEN, "effvkpublish location=file:/dev/null what=frames"),
    "effvkpublish, changes": (SEEN, "effvkpublish location=file:/dev/null what=changes"),
    "effvkgate, open": (SEEN, "effvkgate drop=nothing"),
    "effvkgate, closed": (SEEN, "effvkgate pass=nothing"),
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--frames", type=int, default=2000, help="of the long run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--format", default="NV12")
    return parser.parse_args()


def cpu_time(options, name, elements, frames):
    """Of the whole process, seconds."""
    width, height = options.size.split("x")
    caps = f"video/x-raw,format={options.format},width={width},height={height},framerate=30/1"
    # Whoever writes into frames gets one of its own each time; else one frame comes again and again.
    writes = "blended" in name
    source = f"videotestsrc pattern=black num-buffers={frames if writes else 1} ! {caps}"
    source += "" if writes else f" ! imagefreeze num-buffers={frames}"
    line = " ! ".join(filter(None, [source, *elements]))
    process = subprocess.Popen(["gst-launch-1.0", "--no-fault", "-q", *line.split()])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(line)
    return usage.ru_utime + usage.ru_stime


def per_frame(options, name, elements):
    short = options.frames // 10
    more = cpu_time(options, name, elements, options.frames) - cpu_time(options, name, elements, short)
    return 1000 * more / (options.frames - short)


def main():
    options = parse()
    times = {name: [] for name in ROWS}
    for _ in range(options.rounds):
        for name, (before, element, *sink) in ROWS.items():
            sink = sink[0] if sink else "fakesink"
            times[name].append(per_frame(options, name, [before, element, sink]) - per_frame(options, name, [before, sink]))
    for name, found in times.items():
        print(f"{name:50} {statistics.median(found):7.3f} ms ({min(found):.3f} to {max(found):.3f})")


if __name__ == "__main__":
    main()
