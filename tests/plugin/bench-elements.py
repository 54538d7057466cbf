#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU time that each element takes for a frame, in ms.

Each row is a pipeline with the element and one without, each in a process of its own. The first frames are not counted, so the
start is left out. The label is steady: the network runs once, and later frames carry its classes. The median of --rounds, with
the lowest and the highest.

usage: bench-elements.py [--frames N] [--rounds N] [--size WxH] [--format FORMAT]
"""

import argparse
import resource
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
    parser.add_argument("--frames", type=int, default=2000, help="that are counted")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--format", default="NV12")
    parser.add_argument("--line", help=argparse.SUPPRESS)  # of a process that measures
    return parser.parse_args()


def cpu_time():
    """Of this process, seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(line, frames):
    """Plays the pipeline; prints the ms that a frame takes after the first ones."""
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst

    Gst.init(None)
    pipeline = Gst.parse_launch(line)
    seen = began = 0

    def count(_pad, _info):
        nonlocal seen, began
        seen += 1
        if seen <= frames // 10:
            return Gst.PadProbeReturn.OK
        began = cpu_time()
        return Gst.PadProbeReturn.REMOVE

    pipeline.get_by_name("start").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, count)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    ended = cpu_time()
    if message.type == Gst.MessageType.ERROR or not began:
        sys.exit(f"{line}: {message.get_structure().to_string()}")
    print(1000 * (ended - began) / frames)
    pipeline.set_state(Gst.State.NULL)


def per_frame(options, elements):
    width, height = options.size.split("x")
    caps = f"video/x-raw,format={options.format},width={width},height={height},framerate=30/1"
    frames = options.frames + options.frames // 10 + 1
    source = f"videotestsrc pattern=black num-buffers={frames} ! {caps} ! identity name=start"
    line = " ! ".join(filter(None, [source, *elements]))
    command = [sys.executable, __file__, "--frames", str(options.frames), "--line", line]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main():
    options = parse()
    if options.line:
        measure(options.line, options.frames)
        return
    times = {name: [] for name in ROWS}
    for _ in range(options.rounds):
        for name, (before, element, *sink) in ROWS.items():
            sink = sink[0] if sink else "fakesink"
            times[name].append(per_frame(options, [before, element, sink]) - per_frame(options, [before, sink]))
    for name, found in times.items():
        print(f"{name:50} {statistics.median(found):7.3f} ms ({min(found):.3f} to {max(found):.3f})")


if __name__ == "__main__":
    main()
