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


def launch(line, **environment):
    """What gst-launch-1.0 answers to a line of its language."""
    return subprocess.run(
        f"exec gst-launch-1.0 -m {line}", shell=True, capture_output=True, text=True, timeout=300,
        env={**os.environ, **environment},
    )


def documented_line(heading):
    """The gst-launch-1.0 line below a heading of docs/pipelines.md."""
    with open(os.path.join(TOP, "docs", "pipelines.md")) as file:
        section = file.read().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.search(r"gst-launch-1.0 -m(.*?)\n```", section, re.S).group(1).replace("\\\n", " ")


def test_many_streams():
    """The documented line for elements that share a network, of which the last starts first, and others like it."""
    line = re.sub(r"filesrc location=\S+ ! decodebin", "videotestsrc num-buffers=4",
                  documented_line("Many streams, one network"))
    line = line.replace("! videoconvert", "! video/x-raw,width=64,height=48 ! videoconvert")
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "m.safetensors")
        run(os.environ["EFFVK_TOOL"], "init", "--variant", "phi=-4", "--classes", "7", model)
        first, second, rest = line.split("effvkclassify ")
        for name, options in {
            "as it is": ("", ""),
            "with the model on the first element": (f"model-file={model} device=cpu", "precision=fp32"),
            "with the model on the last element": ("precision=fp32 device=cpu", f"model-file={model}"),
        }.items():
            done = launch(f"{first}effvkclassify {options[0]} {second}effvkclassify {options[1]} {rest}")
            frames = collections.Counter(re.findall(r'from element "(one|two)" .*: effvkclassify,', done.stdout))
            models = set(re.findall(r"model=\(string\)([^,;]*)", done.stdout))
            print("#", dict(frames), models, done.stderr[-300:].replace("\n", " "))
            report(done.returncode == 0 and sorted(frames.values()) == [4, 4] and len(models) == 1,
                   f"the line for many streams, {name}")
        done = launch(f"{first}effvkclassify device=cpu {second}effvkclassify device=gpu {rest}")
        report(done.returncode != 0 and re.search(
            r":(one|two) sets device=[cg]pu, \S*:(one|two) sets device=[cg]pu", done.stdout + done.stderr
        ) is not None, "two elements that contradict each other are both named")


def test_debug():
    """The log tells what happens at level 4, and at level 6 of every frame."""
    line = ("videotestsrc num-buffers=4 ! video/x-raw,format=RGB,width=64,height=48 ! "
            "effvkclassify device=cpu inference-interval=3 ! fakesink")
    for level in (4, 6):
        done = launch(line, GST_DEBUG=f"effvk*:{level}", GST_DEBUG_NO_COLOR="1", GST_DEBUG_FILE="")
        log = [text for text in done.stderr.splitlines() if "effvk" in text]
        frames = [text for text in log if "the frame of 0:00:0" in text]
        for text in log[:12]:
            print("#", text[:200])
        if level == 4:
            words = [r"caps video/x-raw.*memory that the CPU maps", r"frames: the (CPU copies|device reads) them",
                     r"the network: \S+ on .*fp(32|16), batches of 1", r"the pipeline is not live"]
            report(all(any(re.search(word, text) for text in log) for word in words) and not frames,
                   "GST_DEBUG=effvk*:4 tells caps, memory, network and latency")
        else:
            report(len([text for text in frames if "is classified" in text]) == 2
                   and len([text for text in frames if "not its turn (inference-interval)" in text]) == 2
                   and len([text for text in frames if "is answered: 1 results" in text]) == 2,
                   "GST_DEBUG=effvk*:6 tells every frame")


def test_inspect():
    element = run("gst-inspect-1.0", "effvkclassify").stdout
    for name in ("meta-mode", "attach-logits", "model-instance-id", "model-file"):
        flags = re.search(rf"^  {name} .*?\n\s*flags: (.*)$", element, re.M | re.S)
        report(flags is not None and "changeable in NULL, READY, PAUSED or PLAYING" in flags.group(1).splitlines()[0],
               f"{name} may be set at any time")
    report("arxiv" not in run("gst-inspect-1.0", "effvk").stdout, "the plugin's origin is no paper")


test_videos()
test_examples()
test_many_streams()
test_debug()
test_inspect()
print(f"1..{len(results)}")
sys.exit(not all(results))
