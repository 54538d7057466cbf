# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the core of the suites on another device than the machine's own. Prints TAP.

usage: run.py (--profile FILE | --swiftshader) NAME=COMMAND...

--profile      the machine's device looks like the one that FILE describes, see README.md
--swiftshader  with the driver in the folder EFFVK_SWIFTSHADER, or skipped (tests/lib/swiftshader.sh)

COMMAND is a program and its arguments, with blanks between. The validation layers are on, and a
message of theirs is a failure.
"""

import argparse
import os
import subprocess
import sys


MANIFEST = os.path.join(os.environ.get("EFFVK_SWIFTSHADER", ""), "vk_swiftshader_icd.json")


def make_environment(options):
    env = dict(os.environ, EFFVK_VALIDATION="1", G_DEBUG="fatal-warnings", EFFVK_CACHE_DIR="",
               EFFVK_TEST_DEVICE="auto")
    if options.swiftshader:
        env["VK_DRIVER_FILES"] = env["VK_ICD_FILENAMES"] = MANIFEST
        env["NODEVICE_SELECT"] = "1"
    if options.profile:
        # Validation is above the layer, so that it sees the other device.
        env["VK_ADD_LAYER_PATH"] = os.environ["PROFILE_LAYER_PATH"]
        env["VK_INSTANCE_LAYERS"] = "VK_LAYER_KHRONOS_validation:VK_LAYER_EFFVK_profile"
        env["EFFVK_PROFILE"] = options.profile
        env["NODEVICE_SELECT"] = "1"
    return env


def run(command, env):
    """Whether it succeeds, and what it says."""
    done = subprocess.run(command.split(), env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode == 0, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile")
    parser.add_argument("--swiftshader", action="store_true")
    parser.add_argument("commands", nargs="+")
    options = parser.parse_args()

    if options.swiftshader and not os.path.isfile(MANIFEST):
        print("1..0 # SKIP SwiftShader is not here (EFFVK_SWIFTSHADER)")
        return 0
    env = make_environment(options)
    failed = False
    print(f"1..{len(options.commands)}")
    for number, command in enumerate(options.commands, 1):
        name, _, command = command.partition("=")
        passed, said = run(command, env)
        failed = failed or not passed
        print(f"{'ok' if passed else 'not ok'} {number} - {name}", flush=True)
        for line in [] if passed else said.splitlines()[-40:]:
            print(f"# {line}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
