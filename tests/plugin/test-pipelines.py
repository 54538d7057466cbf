#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real videos through gst-launch-1.0, and the examples: TAP.

Reads from the environment GST_PLUGIN_PATH, GI_TYPELIB_PATH, LD_LIBRARY_PATH (an uninstalled build), EXAMPLES (C programs
that were built, a list with colons), ZONES (one more) and EFFVK_SHARED (real models and videos).
"""

import collections
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("EFFVK_SHARED") or os.path.join(TOP, "..", "shared")
DATA = os.path.join(SHARED, "data")
MODELS = {
    "V2-B0": os.path.join(DATA, "weights", "efficientnet_v2_b0_imagenet1k_keras.safetensors"),
    "Lite0": os.path.join(DATA, "weights", "efficientnet_lite0_imagenet1k.safetensors"),
}
VIDEOS = {"wolf.mp4": "timber wolf", "bottle-detection.mp4": "water bottle"}

results = []


def report(ok, name, skip=None):
    results.append(ok)
    suffix = f" # SKIP {skip}" if skip else ""
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {name}{suffix}", flush=True)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        for line in (done.stdout[-2000:] + done.stderr[-2000:]).splitlines():
            print("#", line)
    return done


def best_label(output):
    """The label that is the best class of most messages."""
    labels = re.findall(r'label=\(string\)("[^"]*"|[^,;]*), index=\(int\)\d+, score=\(double\)[^,]*, classes', output)
    if not labels:
        return None
    print(f"# {len(labels)} messages")
    return collections.Counter(labels).most_common(1)[0][0].strip('"').replace("\\", "")


def test_videos():
    for model, path in MODELS.items():
        for video, label in VIDEOS.items():
            name = f"gst-launch-1.0, {model}, {video}: {label}"
            if not os.path.exists(path):
                report(True, name, "real models and videos are not here (EFFVK_SHARED)")
                continue
            done = run(
                "gst-launch-1.0", "-m", "filesrc", f"location={os.path.join(DATA, 'video', video)}", "!",
                "decodebin", "!", "videoconvert", "!", "videorate", "!", "video/x-raw,framerate=4/1", "!",
                "effvkclassify", f"model-file={path}",
                f"labels-file={os.path.join(DATA, 'images', 'imagenet_classes.txt')}", "!", "fakesink",
            )
            found = best_label(done.stdout)
            print(f"# {found}")
            report(done.returncode == 0 and found == label, name)


def test_examples():
    with tempfile.TemporaryDirectory() as folder:
        model, video = os.path.join(folder, "m.safetensors"), os.path.join(folder, "v.avi")
        made = run(os.environ["EFFVK_TOOL"], "init", "--variant", "phi=-4", "--classes", "7", "--seed", "2", model)
        made = made.returncode or run(
            "gst-launch-1.0", "-q", "videotestsrc", "num-buffers=3", "!", "video/x-raw,width=96,height=64", "!",
            "jpegenc", "!", "avimux", "!", "filesink", f"location={video}",
        ).returncode
        report(made == 0, "a model and a video are made")
        raw = os.path.join(folder, "f.rgb")
        with open(raw, "wb") as file:
            file.write(bytes(range(256)) * (48 * 32 * 3 // 256))

        labels = os.path.join(folder, "labels.txt")
        with open(labels, "w") as file:
            file.write("\n".join(f"kind {i}" for i in range(7)))

        programs = {os.path.basename(p): [p] for p in os.environ["EXAMPLES"].split(":")}
        for script in ("classify_raw.py", "embed_pipeline.py"):
            programs[script] = [sys.executable, os.path.join(TOP, "examples", script)]
        for name, program in programs.items():
            if name.endswith(".py") and not os.environ.get("GI_TYPELIB_PATH"):
                report(True, name, "built without introspection")
                continue
            embeds = name.startswith("embed")
            done = run(*program, model, video) if embeds else run(*program, model, raw, "48", "32")
            lines = [line for line in done.stdout.splitlines() if re.match(r" *[\d.]+ %  \S", line)]
            report(done.returncode == 0 and len(lines) == (15 if embeds else 5), f"{name} prints classes")
            if embeds:
                lines = run(*program, model, video, labels).stdout.splitlines()
                named = [line for line in lines if re.match(r" *[\d.]+ %  kind [0-6]$", line)]
                report(len(named) == 15, f"{name} prints the labels of a file")
            else:
                done = run(*program, model)
                report(done.returncode == 0 and len(done.stdout.splitlines()) == 6, f"{name} makes its own frame")
                short = run(*program, model, raw, "48", "33")
                report(short.returncode == 1 and "48x33" in short.stderr, f"{name} refuses a short frame")
            failed = run(*program, os.path.join(folder, "none"), video)
            report(failed.returncode == 1 if embeds else failed.returncode != 0, f"{name} fails with a missing model")
            report(run(*program).returncode == 2, f"{name} without arguments says how to use it")

        zones = os.environ["ZONES"]
        done = run(zones, model, video, "0,0,48,64", "48,8,40,50")
        found = set(re.findall(r"^0:00:00\.0+  zone ([12]): class [0-6] \(\d+ %\)$", done.stdout, re.M))
        report(done.returncode == 0 and found == {"1", "2"}, "zones prints the label of each zone")
        failed = run(zones, model, os.path.join(folder, "none"), "0,0,8,8")
        report(failed.returncode == 1, "zones fails without a video")
        report(run(zones, model, video, "0,0,8").returncode == 2, "zones says how to use it")


test_videos()
test_examples()
print(f"1..{len(results)}")
sys.exit(not all(results))
