#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The model that comes with effvk: test signals through the element, and where it is found. TAP.

Reads from the environment GST_PLUGIN_PATH, LD_LIBRARY_PATH (an uninstalled build), EFFVK_TOOL, BUILD_ROOT, and
EFFVK_SHARED for pictures.
"""

import glob
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

folder = tempfile.mkdtemp(prefix="effvk-signal-")
os.environ["EFFVK_CACHE_DIR"] = os.path.join(folder, "cache")  # a pipeline for each signal: built once
os.environ["EFFVK_VALIDATION"] = ""  # other tests have it

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "train"))
from evaluate import write_combed  # noqa: E402

import gi  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)

SIZES = ((320, 240), (1280, 720), (1920, 1080))
ZONES = "kx2=20 ky2=20 kt=1"
# What videotestsrc can do, and the state that it is. Left out: blink and ball, which are black most of the time, and
# checkers-1, checkers-2 and spokes, which decimation to the network's size turns into other patterns.
SIGNALS = {
    "black": ["black"],
    "flat-color": ["white", "red", "green", "blue", "solid-color foreground-color=0xff8040a0"],
    "color-bars": ["smpte", "smpte75", "smpte100", "smpte-rp-219"],
    "test-pattern": ["checkers-4", "checkers-8", "circular", f"zone-plate {ZONES}",
                     f"chroma-zone-plate {ZONES}", "pinwheel", "gamut"],
    "gradient": ["gradient"],
    "noise": ["snow"],
}
CODECS = [("H.264", "x264enc speed-preset=superfast tune=zerolatency bitrate={kilobits} ! avdec_h264"),
          ("VP8", "vp8enc deadline=1 cpu-used=8 target-bitrate={bits} ! avdec_vp8")]

results = []


def report(ok, name, skip=None):
    results.append(ok)
    suffix = f" # SKIP {skip}" if skip else ""
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}{suffix}", flush=True)


def labels(description):
    """The best class of every frame, from the element's messages."""
    pipeline = Gst.parse_launch(description + " ! effvkclassify device=cpu top-k=1 ! fakesink")
    bus, found = pipeline.get_bus(), []
    pipeline.set_state(Gst.State.PLAYING)
    kinds = Gst.MessageType.ELEMENT | Gst.MessageType.ERROR | Gst.MessageType.EOS
    while True:
        message = bus.timed_pop_filtered(120 * Gst.SECOND, kinds)
        if message is None or message.type != Gst.MessageType.ELEMENT:
            break
        if message.get_structure().get_name() == "effvkclassify":
            found.append(message.get_structure().get_string("label"))
    failed = message is None or message.type == Gst.MessageType.ERROR
    if failed:
        print("#", message.parse_error() if message else "no end after two minutes")
    pipeline.set_state(Gst.State.NULL)
    return [] if failed else found


def has(*elements):
    return all(Gst.ElementFactory.find(name) for name in elements)


def test_signals():
    codec = next((c for c in CODECS if has(c[1].split()[0], c[1].split()[-1])), None)
    for state, patterns in SIGNALS.items():
        for pattern in patterns:
            for name, chain in (("raw", None), codec or ("H.264 or VP8", "")):
                wrong = []
                for width, height in SIZES:
                    bits = width * height * 4
                    coded = f" ! {chain.format(bits=bits, kilobits=bits // 1000)}" if chain else ""
                    found = labels(
                        f"videotestsrc num-buffers=3 pattern={pattern} ! video/x-raw,format=I420,"
                        f"width={width},height={height},framerate=25/1{coded} ! videoconvert")
                    if len(found) != 3 or set(found) != {state}:
                        wrong.append(f"{width}x{height}: {', '.join(found)}")
                for line in wrong:
                    print("#", line)
                report(not wrong, f"{pattern.split()[0]}, {name}: {state}",
                       "no encoder" if chain == "" else None)


def follow(pattern, properties=""):
    """What effvkclassify-signal messages say of six seconds of a pattern after two of a moving one, and the label of the
    last frame. 10 frames a second."""
    pipeline = Gst.parse_launch(
        "concat name=all ! effvkclassify device=cpu name=classify " + properties + " ! fakesink name=sink signal-handoffs=true "
        + " ".join(f"videotestsrc num-buffers={n} {what} ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! all."
                   for n, what in ((20, "pattern=ball motion=sweep background-color=0xff406080"), (60, pattern))))
    seen, messages = [], []

    def handoff(_sink, buffer, _pad):
        meta = buffer.get_custom_meta("EffvkClassificationMeta")
        seen.append(meta.get_structure().to_string() if meta else "")

    pipeline.get_by_name("sink").connect("handoff", handoff)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    while True:
        message = bus.timed_pop_filtered(120 * Gst.SECOND,
                                         Gst.MessageType.ELEMENT | Gst.MessageType.ERROR | Gst.MessageType.EOS)
        if message is None or message.type != Gst.MessageType.ELEMENT:
            break
        if message.get_structure().get_name() == "effvkclassify-signal":
            messages.append(message.get_structure().copy())
    if message is None or message.type == Gst.MessageType.ERROR:
        print("#", message.parse_error() if message else "no end after two minutes")
    pipeline.set_state(Gst.State.NULL)
    return messages, seen


def test_follows():
    """Black and bars are told once they have lasted."""
    for pattern, state, delay in (("pattern=black", "black", 2), ("pattern=smpte", "color-bars", 1)):
        messages, seen = follow(pattern, "signal=true")
        raised = [m for m in messages if m.get_boolean("raised")[1]]
        told = [(m.get_string("state"), m.get_uint64("running-time")[1] / 1e9) for m in raised]
        right = [time for name, time in told if name == state]
        print("#", state, told, seen[-1][:200] if seen else None)
        report(len(right) == 1 and abs(right[0] - 2 - delay) <= 0.5, f"{state} is raised after {delay} s")
        report(bool(seen) and f"labels=(string)< {state}" in seen[-1],
               f"{state} is the label")
    messages, seen = follow("pattern=black", "attach-measures=true")
    report(not messages, "without signal nothing is posted")
    report(bool(seen) and "measures=" in seen[-1] and "luma-mean" in seen[-1],
           "attach-measures attaches measures")


def effvk(tool, *arguments, environment):
    return subprocess.run([tool, *arguments], env=environment, capture_output=True, text=True, timeout=300)


def test_default():
    environment = dict(os.environ)
    environment.pop("EFFVK_MODEL", None)
    tool = os.environ["EFFVK_TOOL"]
    picture = os.path.join(folder, "black.rgb")
    with open(picture, "wb") as file:
        file.write(bytes(64 * 48 * 3))
    done = effvk(tool, "classify", "-j", "-d", "cpu", "--raw", "RGB:64x48", picture, environment=environment)
    best = json.loads(done.stdout)["classes"][0]["label"] if done.returncode == 0 else done.stderr
    report(best == "black", f"effvk classify without a model: {best.strip()}")

    environment["EFFVK_MODEL"] = "/nonexistent.safetensors"
    done = effvk(tool, "classify", "-d", "cpu", "--raw", "RGB:64x48", picture, environment=environment)
    report(done.returncode == 1 and "/nonexistent" in done.stderr, "EFFVK_MODEL names another model")


def called(paths):
    """The best class of every image, of effvk classify."""
    done = effvk(os.environ["EFFVK_TOOL"], "classify", "-j", "-k", "1", "-d", "cpu", *paths, environment=os.environ)
    return [json.loads(line)["classes"][0]["label"] for line in done.stdout.splitlines()]


def test_combing():
    """At the heights that interlaced video has. The nearer to an even multiple of the network's rows, the less of it
    is in what is sampled."""
    shared = os.environ.get("EFFVK_SHARED", "")
    pictures = sorted(glob.glob(os.path.join(shared, "data", "images", "imagenet", "*.JPEG")))[::9]
    for height in (480, 576, 1080):
        paths = [write_combed(picture, height, folder) for picture in pictures]
        found = called(paths) if paths else []
        combed = found.count("combing")
        report(len(found) == len(paths) and combed * 6 >= len(paths) * 5,
               f"{combed} of {len(paths)} pictures, combed at {height} lines, are called combing",
               None if paths else "pictures are not here (EFFVK_SHARED)")


PAPER, INK, GREEN = (245, 245, 240), (30, 32, 38), (120, 230, 120)


def words(dice, count):
    return " ".join("".join(dice.choices("abcdefghijklmnoprstuvw", k=dice.randint(1, 9))) for _ in range(count))


def window(draw, dice, box, ground, ink):
    """A title and lines of text."""
    left, top, right, bottom = box
    draw.rectangle(box, ground, ink)
    draw.rectangle((left, top, right, top + 16), tuple((a + b) // 2 for a, b in zip(ground, ink)))
    draw.text((left + 6, top + 3), words(dice, 3), ground)
    for y in range(top + 22, bottom - 12, 13):
        indent = 12 * dice.choice((0, 0, 1, 2))
        draw.text((left + 8 + indent, y), words(dice, dice.randint(1, 20))[:(right - left) // 6 - 8], ink)


def document(draw, dice):
    window(draw, dice, (0, 0, 639, 359), PAPER, INK)


def terminal(draw, dice):
    window(draw, dice, (0, 0, 639, 359), INK, PAPER)


def windows(draw, dice):
    window(draw, dice, (30, 30, 380, 260), PAPER, INK)
    window(draw, dice, (260, 140, 610, 340), INK, GREEN)


def table(draw, dice):
    draw.rectangle((0, 0, 639, 359), PAPER)
    draw.rectangle((0, 0, 639, 40), (200, 205, 210))
    for x in range(0, 640, 64):
        draw.line((x, 40, x, 360), (170, 170, 170))
    for y in range(40, 360, 16):
        draw.line((0, y, 640, y), (170, 170, 170))
        for x in range(0, 640, 64):
            if dice.random() < 0.6:
                draw.text((x + 4, y + 2), str(dice.randint(0, 99999)), INK)


def chart(draw, dice):
    draw.rectangle((0, 0, 639, 359), "white")
    draw.text((250, 6), words(dice, 3), INK)
    draw.line((40, 20, 40, 330, 620, 330), INK)
    for k, x in enumerate(range(56, 600, 46)):
        draw.rectangle((x, 330 - dice.randint(30, 290), x + 34, 330), ((60, 110, 200), (220, 120, 40))[k % 2])
        draw.text((x, 336), words(dice, 1)[:5], INK)


def test_screens():
    """What a desktop shows is a picture: its straight edges are none of a decoder's."""
    for draw in (document, terminal, windows, table, chart):
        screen, paths = Image.new("RGB", (640, 360), (45, 91, 138)), []
        draw(ImageDraw.Draw(screen), random.Random(7))
        for width, height in ((640, 360), (1280, 720), (1920, 1080)):
            paths.append(os.path.join(folder, f"{draw.__name__}-{height}.png"))
            screen.resize((width, height), Image.BICUBIC).save(paths[-1])
        found = called(paths)
        report(found == ["picture"] * len(paths), f"a screen, {draw.__name__}: {', '.join(found)}")


def test_installed():
    name = "an installed tree, moved, finds its model"
    meson = shutil.which("meson")
    if not meson:
        report(True, name, "no meson")
        return
    root = os.path.join(folder, "root")
    done = subprocess.run([meson, "install", "-C", os.environ["BUILD_ROOT"], "--no-rebuild", "--destdir", root],
                          capture_output=True, text=True, timeout=300)
    tools = glob.glob(os.path.join(root, "**", "bin", "effvk"), recursive=True)
    libraries = glob.glob(os.path.join(root, "**", "libeffvk-1.0.so.0"), recursive=True)
    if done.returncode or not tools or not libraries:
        print("#", done.stdout[-500:], done.stderr[-500:])
        report(False, name)
        return
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(libraries[0]))
    environment.pop("EFFVK_MODEL", None)
    picture = os.path.join(folder, "black.rgb")
    done = effvk(tools[0], "classify", "-j", "-d", "cpu", "--raw", "RGB:64x48", picture, environment=environment)
    print("#", done.stderr.strip())
    report(done.returncode == 0 and '"black"' in done.stdout, name)


def cpu_seconds(description):
    """Of a gst-launch-1.0, with the seconds it took."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(["gst-launch-1.0", "-q", *description.split()], capture_output=True, text=True, timeout=120)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - started
    if done.returncode:
        print("#", done.stderr)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.returncode


def test_live():
    source = ("videotestsrc is-live=true num-buffers=150 ! video/x-raw,format=NV12,width=1280,height=720,framerate=30/1"
              " ! {}fakesink sync=true")
    alone, _, failed = cpu_seconds(source.format(""))
    seconds, wall, failed_too = cpu_seconds(source.format("effvkclassify device=cpu ! "))
    cores = (seconds - alone) / wall
    print(f"# {seconds:.2f} CPU s in {wall:.2f} s, {alone:.2f} of them without the element: {cores:.2f} cores")
    report(not failed and not failed_too and cores < 1, "720p at 30 frames a second takes less than a core")


try:
    test_default()
    test_installed()
    test_signals()
    test_follows()
    test_combing()
    test_screens()
    test_live()
finally:
    shutil.rmtree(folder, ignore_errors=True)
print(f"1..{len(results)}")
sys.exit(not all(results))
