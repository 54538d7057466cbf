#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Teaching in the element: examples/teach_live.py is driven as a user would, embeddings are attached, and the
threshold that a taught model has is used.

usage: test-teach.py EXAMPLES BACKBONE: prints TAP.
"""

import os
import subprocess
import shutil
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[1])

import gi  # noqa: E402

gi.require_version("Gst", "1.0")
gi.require_version("GLib", "2.0")
from gi.repository import GLib, Gst  # noqa: E402

from teach_live import TeachLive  # noqa: E402

BACKBONE = sys.argv[2]
TOOL = os.environ["EFFVK_TOOL"]
folder = tempfile.mkdtemp(prefix="effvk-teach-live-")


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def turn(teach, until, what, seconds=120):
    """Lets the main loop run until something is true."""
    end = time.monotonic() + seconds
    context = GLib.MainContext.default()
    while not until():
        check(time.monotonic() < end, f"{what}: waited {seconds} s; counts {teach.counts}, label {teach.label}")
        check(teach.status == 0, f"{what}: an error was posted")
        context.iteration(False)
        time.sleep(0.005)


def two_scenes_are_taught():
    """Two scenes, three examples each; right labels afterwards, no frame lost."""
    output = os.path.join(folder, "taught.safetensors")
    teach = TeachLive(
        "videotestsrc name=scene is-live=true pattern=smpte ! video/x-raw,width=160,height=120,framerate=10/1 ! "
        "identity name=before", BACKBONE, ["bars", "ball"], output, sink="fakesink name=sink sync=false")
    before, after, swapped_at = [], [], []
    scene = teach.pipeline.get_by_name("scene")
    teach.pipeline.get_by_name("before").get_static_pad("src").add_probe(
        Gst.PadProbeType.BUFFER, lambda pad, info: before.append(info.get_buffer().pts) or Gst.PadProbeReturn.OK)
    teach.classify.get_static_pad("src").add_probe(
        Gst.PadProbeType.BUFFER, lambda pad, info: after.append(info.get_buffer().pts) or Gst.PadProbeReturn.OK)
    check(not teach.key("x") and not teach.key("3") and not teach.key("0"), "keys that mean nothing")
    teach.pipeline.set_state(Gst.State.PLAYING)
    turn(teach, lambda: len(after) > 2, "the first frames")

    for key, pattern, label in (("1", "smpte", "bars"), ("2", "ball", "ball")):
        Gst.util_set_object_arg(scene, "pattern", pattern)
        seen = len(after)
        turn(teach, lambda: len(after) > seen + 8, "the new scene")
        for _ in range(3):
            check(teach.key(key), "the key was not taken")
        turn(teach, lambda: teach.counts.get(label) == 3, f"examples of {label}")
    turn(teach, lambda: teach.taught and not teach.fitting and not teach.again, "the first model")
    swapped_at.append(len(after))

    for pattern, label in (("smpte", "bars"), ("ball", "ball"), ("smpte", "bars")):
        Gst.util_set_object_arg(scene, "pattern", pattern)
        seen = len(after)
        turn(teach, lambda: len(after) > seen + 8, "the scene again")
        turn(teach, lambda: teach.label == label, f"the label of {label}", 30)
    check("1: bars (3)" in teach.state() and "now: bars" in teach.state(), teach.state())
    teach.pipeline.send_event(Gst.Event.new_eos())
    done = []
    teach.loop.quit = lambda: done.append(True)
    turn(teach, lambda: done, "the end")
    teach.pipeline.set_state(Gst.State.NULL)
    check(before == after, f"{len(before)} frames went in, {len(after)} came out")
    check(swapped_at[0] < len(after), "no frame after the swap")
    for name in ("taught.safetensors", "taught.embeddings.safetensors"):
        check(os.path.exists(os.path.join(folder, name)), f"{name} was not written")


def what_was_taught_runs_elsewhere():
    """By the command: the file has the classes, and more can be added to it."""
    inspected = subprocess.run([TOOL, "inspect", "--json", os.path.join(folder, "taught.safetensors")],
                               capture_output=True, text=True, check=True).stdout
    check('"bars":3' in inspected and '"ball":3' in inspected, inspected)


def embeddings_are_attached():
    pipeline = Gst.parse_launch(
        "videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48 ! effvkclassify name=classify "
        "attach-embedding=true post-messages=false ! fakesink name=sink")
    pipeline.get_by_name("classify").props.model_file = BACKBONE
    found = []

    def look(pad, info):
        meta = info.get_buffer().get_custom_meta("EffvkEmbeddingMeta")
        structure = meta.get_structure() if meta else None
        found.append((structure.get_value("size"), [len(e.get_data()) for e in structure.get_value("embeddings")])
                     if structure else None)
        return Gst.PadProbeReturn.OK

    pipeline.get_by_name("classify").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, look)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(120 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    check(message and message.type == Gst.MessageType.EOS, "no end")
    check(len(found) == 3 and all(found), f"{found}")
    size = found[0][0]
    check(size > 100 and all(f == (size, [4 * size]) for f in found), f"{found}")


def a_taught_models_threshold():
    """What it does not know is unknown, unless the property says otherwise."""
    model = os.path.join(folder, "sure.safetensors")
    shutil.copy(os.path.join(folder, "taught.safetensors"), model)
    for threshold, unknown in ((None, True), (0.0, False)):
        pipeline = Gst.parse_launch(
            "videotestsrc num-buffers=1 pattern=black ! video/x-raw,width=64,height=48 ! effvkclassify "
            "name=classify ! fakesink")
        classify = pipeline.get_by_name("classify")
        classify.props.model_file = model
        # A threshold that nothing reaches stands for a picture that is like nothing it knows.
        classify.props.model_overrides = '{"unknown_threshold": 1.0}'
        if threshold is not None:
            classify.props.unknown_threshold = threshold
        pipeline.set_state(Gst.State.PLAYING)
        label = None
        while True:
            message = pipeline.get_bus().timed_pop_filtered(
                120 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR | Gst.MessageType.ELEMENT)
            check(message and message.type != Gst.MessageType.ERROR, "no answer")
            if message.type == Gst.MessageType.EOS:
                break
            structure = message.get_structure()
            if structure.get_name() == "effvkclassify":
                label = structure.get_value("classes")[0].get_value("label")
        pipeline.set_state(Gst.State.NULL)
        check((label == "unknown") == unknown, f"unknown-threshold {threshold}: {label}")


def a_program_teaches():
    """The library's teacher, from Python."""
    gi.require_version("Effvk", "1.0")
    from gi.repository import Effvk
    backbone = Effvk.Model.new_from_file(BACKBONE)
    teacher = Effvk.Teacher.new(Effvk.Device.new("auto"), backbone)
    for i in range(4):
        for label, pixel in (("dark", 20 + i), ("bright", 230 + i)):
            data = GLib.Bytes.new(bytes([pixel, (pixel + 7 * i) % 256, pixel]) * 64 * 48)
            image = Effvk.Image.new_from_bytes(Effvk.Format.RGB, 64, 48, data)
            check(teacher.add(image, label), "not added")
    shares = []
    model = teacher.fit(None, shares.append)
    check([model.get_label(i) for i in range(2)] == ["bright", "dark"], "labels")
    check(teacher.get_report()["accuracy"] == 1, f"{teacher.get_report()}")
    check(shares and max(shares) == 1, "no progress")
    check(teacher.get_embeddings().get_n_views(0) == 4, "views")
    try:
        Effvk.Teacher.new(None, backbone).fit(None, None)
    except GLib.GError as error:
        check("no picture" in error.message and error.code == int(Effvk.TeacherError.TOO_FEW), f"{error}")
    else:
        check(False, "taught without pictures")


def what_is_missing_is_said():
    """Without a file or embeddings there is no example, and nothing to fit."""
    classify = Gst.ElementFactory.make("effvkclassify")
    check(not classify.emit("teach-example", "a"), "an example without embeddings")
    check(not classify.emit("teach-fit"), "a fit without examples")
    classify.props.teach_file = os.path.join(folder, "x.safetensors")
    check(classify.emit("teach-example", "a"), "the example was not taken")
    check(not classify.emit("teach-example", ""), "an empty label was taken")


def main():
    Gst.init(None)
    tests = [what_is_missing_is_said, a_program_teaches, two_scenes_are_taught, what_was_taught_runs_elsewhere,
             embeddings_are_attached, a_taught_models_threshold]
    failed = False
    print(f"1..{len(tests)}", flush=True)
    try:
        for number, test in enumerate(tests, 1):
            try:
                test()
                print(f"ok {number} - {test.__name__.replace('_', ' ')}", flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                failed = True
                print(f"not ok {number} - {test.__name__.replace('_', ' ')}", flush=True)
                for line in str(error).splitlines():
                    print(f"# {line}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
