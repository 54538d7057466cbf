# SPDX-License-Identifier: LGPL-2.1-or-later
"""A device that cannot run the model is passed over for the next, and that is said. Prints TAP.

usage: passed-over.py EFFVK PICTURE

Two drivers are there: SwiftShader, which looks like a GPU that binds 64 KiB of a buffer, and the machine's own
for CPUs. Skipped without SwiftShader (tests/lib/swiftshader.sh) or lavapipe.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

SWIFTSHADER = os.path.join(os.environ.get("EFFVK_SWIFTSHADER", ""), "vk_swiftshader_icd.json")
LAVAPIPE = glob.glob("/usr/share/vulkan/icd.d/lvp_icd*.json")
NAME = "a GPU that binds little"
PROFILE = {"name": NAME, "type": "discrete", "vulkan-minor": 1, "memory": "unified", "subgroup-size": 4,
           "subgroup-operations": False, "portability-subset": False, "extensions": [],
           "limits": {"maxStorageBufferRange": 65536}}
SAID = "cannot run the model"


def make_environment(profile):
    drivers = f"{SWIFTSHADER}:{LAVAPIPE[0]}"
    return dict(os.environ, VK_DRIVER_FILES=drivers, VK_ICD_FILENAMES=drivers, NODEVICE_SELECT="1",
                VK_ADD_LAYER_PATH=os.environ["PROFILE_LAYER_PATH"], VK_INSTANCE_LAYERS="VK_LAYER_EFFVK_profile",
                EFFVK_PROFILE=profile, EFFVK_PROFILE_ONLY="SwiftShader", EFFVK_CACHE_DIR="",
                EFFVK_VALIDATION="0", G_DEBUG="")


def run(env, *command):
    """The exit status, and all that was printed."""
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=200, check=False)
    return done.returncode, done.stdout


def test_ranked(env, effvk, _picture):
    status, said = run(env, effvk, "devices")
    return status == 0 and NAME in said.splitlines()[0], said


def test_command(env, effvk, picture):
    status, said = run(env, effvk, "classify", picture)
    return status == 0 and NAME in said and SAID in said and "picture" in said, said


def test_named(env, effvk, picture):
    """Who asks for that device does not get another."""
    status, said = run(env, effvk, "classify", "--device", "0", picture)
    return status != 0 and "maxStorageBufferRange" in said, said


def test_element(env, _effvk, _picture):
    status, said = run(env, "gst-launch-1.0", "-m", "videotestsrc", "num-buffers=3", "!", "effvkclassify", "!",
                       "fakesink")
    return status == 0 and SAID in said and "label=(string)color-bars" in said, said


TESTS = [test_ranked, test_command, test_named, test_element]


def main():
    effvk, picture = sys.argv[1:]
    failed = False
    if not os.path.isfile(SWIFTSHADER) or not LAVAPIPE:
        print("1..0 # SKIP SwiftShader (EFFVK_SWIFTSHADER) or lavapipe is not here")
        return 0
    print(f"1..{len(TESTS)}")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as profile:
        json.dump(PROFILE, profile)
        profile.flush()
        env = make_environment(profile.name)
        for number, test in enumerate(TESTS, 1):
            passed, said = test(env, effvk, picture)
            failed = failed or not passed
            print(f"{'ok' if passed else 'not ok'} {number} - {test.__name__.removeprefix('test_')}", flush=True)
            for line in [] if passed else said.splitlines()[-30:]:
                print(f"# {line}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
