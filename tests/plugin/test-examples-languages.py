#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""examples/: the same raw frame classified from C, Python, JavaScript and Vala; and a window. Prints TAP.

Reads EFFVK_WINDOW and EFFVK_VALA, the programs, and EFFVK_MODEL_FILE from the environment."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
from effvktool import Skip, check, equal, run_tests  # noqa: E402

EXAMPLES = os.path.join(HERE, "..", "..", "examples")
MODEL = os.environ["EFFVK_MODEL_FILE"]
WINDOW = os.environ["EFFVK_WINDOW"]


def example(name):
    return os.path.join(EXAMPLES, name)


def run(*command, status=0, **environment):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100, check=False,
                          env={**os.environ, **environment})
    equal(done.returncode, status, f"status of {command}: {done.stdout}{done.stderr}")
    return done


def classes(*command):
    """The lines of an example: the labels with their probabilities."""
    lines = run(*command, MODEL).stdout.splitlines()[1:]
    check(len(lines) > 1 and all(" %  " in line for line in lines), f"{command}: {lines}")
    return lines


def says_as_python_does(*command):
    equal(classes(*command), classes(sys.executable, example("classify_raw.py")), "classes")
    check("no-such-model" in run(*command, "no-such-model", status=1).stderr, "the error names the file")


def classifies_from_javascript():
    if not shutil.which("gjs"):
        raise Skip("there is no gjs")
    says_as_python_does("gjs", "-m", example("classify_raw.js"))


def classifies_from_vala():
    if "EFFVK_VALA" not in os.environ:
        raise Skip("there is no valac with vapigen")
    says_as_python_does(os.environ["EFFVK_VALA"])


def make_video(folder):
    """Two seconds of color bars, and two of black."""
    path = os.path.join(folder, "video.avi")
    part = "videotestsrc num-buffers=20 pattern={} ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! c."
    run("gst-launch-1.0", "-q", *f"concat name=c ! jpegenc ! avimux ! filesink location={path} {part.format('smpte')} "
        f"{part.format('black')}".split())
    return path


def window_plays():
    with tempfile.TemporaryDirectory() as folder:
        done = run(WINDOW, make_video(folder), MODEL, "fakesink")
    equal(done.stdout.splitlines(), ["color-bars", "black"], "labels")
    check("no-such-video" in run(WINDOW, "no-such-video", "", "fakesink", status=1).stderr, "the error names the file")
    check("no-such-sink" in run(WINDOW, "/dev/video0", "", "no-such-sink", status=1).stderr, "the error names the sink")
    run(WINDOW, status=2)


def wait_for(what, ready):
    for _ in range(200):
        found = ready()
        if found:
            return found
        time.sleep(0.1)
    raise ValueError(f"20 s without {what}")


def window_on_a_screen():
    for program in ("Xvfb", "xdotool"):
        if not shutil.which(program):
            raise Skip(f"there is no {program}")
    if subprocess.run(["gst-inspect-1.0", "--exists", "ximagesink"], check=False).returncode:
        raise Skip("there is no ximagesink (gstreamer1.0-x)")
    reader, writer = os.pipe()
    with subprocess.Popen(["Xvfb", "-displayfd", str(writer), "-nolisten", "tcp", "-screen", "0", "800x600x24"],
                          pass_fds=[writer], stderr=subprocess.DEVNULL) as screen, tempfile.TemporaryDirectory() as folder:
        try:
            os.close(writer)
            with os.fdopen(reader) as file:
                display = {"DISPLAY": ":" + file.readline().strip()}
            with subprocess.Popen([WINDOW, make_video(folder), MODEL, "ximagesink"], stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, **display}) as window:
                number = wait_for("a window", lambda: subprocess.run(
                    ["xdotool", "search", "--onlyvisible", "--name", "."], stdout=subprocess.PIPE, text=True, check=False,
                    env={**os.environ, **display}).stdout.split())[0]
                equal(window.stdout.readline(), "color-bars\n", "the first label")
                for key in ("o", "space", "q"):
                    run("xdotool", "key", "--window", number, key, **display)
                equal(window.wait(20), 0, "status after q")
                # It was paused, so that the end cannot have come before.
                equal(window.stdout.read(), "", "labels after the pause")
        finally:
            screen.terminate()


run_tests([classifies_from_javascript, classifies_from_vala, window_plays, window_on_a_screen])
