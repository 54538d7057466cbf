#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/: recording while a label is seen, in C and Python, and reading metadata without effvk's headers. Prints TAP.

Reads RECORD_ON_LABEL, the C program, from the environment."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
from effvktool import check, equal, run_tests  # noqa: E402

EXAMPLES = os.path.join(HERE, "..", "..", "examples")
READ = [sys.executable, os.path.join(EXAMPLES, "read_metadata.py")]
PROGRAMS = {"C": [os.environ["RECORD_ON_LABEL"]], "Python": [sys.executable, os.path.join(EXAMPLES, "record_on_label.py")]}
PART = "videotestsrc num-buffers={} pattern={} ! video/x-raw,format=I420,width=160,height=120,framerate=5/1 ! c."
FIVE = 5  # frames a second


def run(command, *arguments, status=0):
    done = subprocess.run([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=250,
                          check=False)
    equal(done.returncode, status, f"status of {command[-1]}: {done.stdout}{done.stderr}")
    return done


def source(folder, *parts):
    """The beginning of a pipeline: a file with patterns, each for so many seconds, one after the other."""
    file = os.path.join(folder, "source.avi")
    line = " ".join(PART.format(seconds * FIVE, pattern) for pattern, seconds in parts)
    run(["gst-launch-1.0", "-q"], *f"{line} concat name=c ! jpegenc ! avimux ! filesink location={file}".split())
    return f"filesrc location={file} ! decodebin"


def states(file):
    """What a recording shows, frame by frame."""
    pipeline = f"filesrc location={file} ! matroskademux ! vp8dec ! effvkclassify device=cpu ! fakesink name=seen"
    return [json.loads(line)["classes"]["labels"][0] for line in run(READ, pipeline).stdout.splitlines()]


def records(program):
    folder = tempfile.mkdtemp(prefix="effvk-record-")
    try:
        line = source(folder, ("smpte", 8), ("black", 2), ("smpte", 9), ("black", 1), ("smpte", 7))
        done = run(program, "black", line, os.path.join(folder, "seen%02d.webm"))
        equal(re.findall("records|waits", done.stdout), ["records", "waits"] * 2, "what the program says")
        equal(sorted(os.listdir(folder)), ["seen00.webm", "seen01.webm", "source.avi"], "files")
        for name, seconds in (("seen00.webm", 2), ("seen01.webm", 1)):
            shown = states(os.path.join(folder, name))
            print(f"# {name}: {len(shown)} frames")
            first = shown.index("black")
            # From a keyframe, of which there is one every 5 seconds, at least 3 before; and 2 after it.
            check(3 * FIVE <= first <= 8 * FIVE, f"{name}: {first} frames before the label")
            check(seconds * FIVE - 1 <= shown.count("black") <= seconds * FIVE + 1, f"{name}: {shown}")
            check(len(shown) - first >= (seconds + 2) * FIVE - 1, f"{name}: it ends too early: {shown}")
        run(program, "black", source(folder, ("smpte", 1)), os.path.join(folder, "never%02d.webm"))
        check(not [name for name in os.listdir(folder) if name.startswith("never")], "a file of nothing")
    finally:
        shutil.rmtree(folder)
    check("no element" in run(program, "black", "nosuchsource", "x", status=1).stderr, "a wrong source")
    check(run(program, status=2).stderr.startswith("usage: "), "no usage")


def records_while_a_label_is_seen_in_c():
    records(PROGRAMS["C"])


def records_while_a_label_is_seen_in_python():
    records(PROGRAMS["Python"])


def reads_metadata_without_headers():
    source_and_classifier = ("videotestsrc num-buffers=2 pattern=smpte ! video/x-raw,width=160,height=120 ! "
                             "effvkclassify device=cpu top-k=3 attach-heatmap=true attach-embedding=true {} ! fakesink name=seen")
    lines = [json.loads(line) for line in run(READ, source_and_classifier.format("")).stdout.splitlines()]
    equal(len(lines), 2, "lines")
    for line in lines:
        classes = line["classes"]
        equal(classes["labels"][0], "color-bars", "label")
        equal([len(classes[name]) for name in ("labels", "indices", "scores", "heatmap-area")], [3, 3, 3, 4], "lengths")
        equal(len(classes["heatmap"]), classes["heatmap-width"] * classes["heatmap-height"], "cells of the heat map")
        equal([len(embedding) for embedding in line["embedding"]["embeddings"]], [line["embedding"]["size"]], "features")
    found = run(READ, source_and_classifier.format("regions=\"left=0,0,0.5,1\" inference-region=regions")).stdout
    thing, = json.loads(found.splitlines()[0])["classes"]["objects"]
    equal((thing["type"], thing["x"], thing["width"], len(thing["labels"])), ("left", 0, 0.5, 3), "the region")
    check("no element that is called" in run(READ, "fakesrc num-buffers=1 ! fakesink", status=1).stderr, "no element seen")
    run(READ, status=2)


run_tests([records_while_a_label_is_seen_in_c, records_while_a_label_is_seen_in_python, reads_metadata_without_headers])
