#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast effvkclassify is in a pipeline: with 1 to 3 frames in flight, and with streams that share a network.

Each row is a gst-launch-1.0 with a short and a long run, whose difference leaves the start out; rows are measured in turn,
--rounds times, so that what else the machine does meets all of them. Frames a second of all streams together, the median of
the rounds with the lowest and the highest, and the peak memory of the process.

usage: bench-pipelines.py [--model FILE] [--device SELECTOR] [--frames N] [--rounds N] [--streams N] [--size WxH]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="a model's file; else effvk's own")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--frames", type=int, default=120, help="of the long run, per stream")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--size", default="1280x720")
    return parser.parse_args()


def rows(streams):
    """Name, number of streams, the element's properties."""
    yield from ((f"1 stream, {n} in flight", 1, f"max-in-flight={n}") for n in (1, 2, 3))
    yield f"{streams} streams, a network each", streams, "max-in-flight=3"
    for batch in (1, streams):
        name = f"{streams} streams, one network, batches of {batch}"
        yield name, streams, f"max-in-flight=3 model-instance-id=a batch-size={batch}"


def run(options, streams, properties, frames):
    """Seconds and peak bytes."""
    width, height = options.size.split("x")
    stream = (f"videotestsrc pattern=black num-buffers={frames} ! video/x-raw,format=NV12,width={width},height={height} ! "
              f"effvkclassify post-messages=false device={options.device} {properties}"
              + (f" model-file={options.model}" if options.model else "") + " ! fakesink")
    with tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(["gst-launch-1.0", "-q", *(" ".join([stream] * streams)).split()], stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            sys.exit(errors.read().decode())
    return seconds, usage.ru_maxrss * 1024


def main():
    options = parse()
    table = list(rows(options.streams))
    rates, memory = {name: [] for name, _, _ in table}, {}
    for _ in range(options.rounds):
        for name, streams, properties in table:
            short = options.frames // 6
            few, _ = run(options, streams, properties, short)
            many, memory[name] = run(options, streams, properties, options.frames)
            rates[name].append(streams * (options.frames - short) / max(many - few, 1e-3))
    for name, _, _ in table:
        low, high = min(rates[name]), max(rates[name])
        print(f"{name:44} {statistics.median(rates[name]):7.1f} frames/s ({low:.1f} to {high:.1f}) {memory[name] / 1e6:6.0f} MB")


if __name__ == "__main__":
    main()
