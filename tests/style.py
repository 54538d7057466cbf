#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The habits that a program can check: clang-format, 100 columns, SPDX lines, shellcheck. Prints TAP.

usage: style.py [--fix]    --fix formats the C files
"""

import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
COLUMNS = 100
# Versions of clang-format differ in what they make of the same .clang-format.
CLANG_FORMAT = 14


def files(*patterns):
    """The files of the tree, as git knows them or, in a copy without git, as they are."""
    listed = None
    if shutil.which("git"):
        listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z", "--", *patterns],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listed and listed.returncode == 0:
        paths = listed.stdout.decode().split("\0")
    else:
        ends = tuple(pattern.lstrip("*") for pattern in patterns)
        paths = [os.path.relpath(os.path.join(folder, name), ROOT)
                 for folder, _, names in os.walk(ROOT) for name in names if name.endswith(ends)]
        paths = [path for path in paths if not path.startswith(("build", ".git/"))]
    return sorted(path for path in set(paths)
                  if path and os.path.isfile(os.path.join(ROOT, path)) and not path.endswith(".spv.h"))


def lines(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")


def columns():
    return [f"{path}:{number}: {len(line)} columns"
            for path in files("*.c", "*.h", "*.comp", "*.glsl")
            for number, line in enumerate(lines(path), 1) if len(line) > COLUMNS]


def licences():
    return [f"{path}: no SPDX line at its beginning"
            for path in files("*.c", "*.h", "*.comp", "*.glsl", "*.py", "*.sh", "*.build")
            if not any("SPDX-License-Identifier: " in line for line in lines(path)[:5])]


def find_clang_format():
    for name in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
            if re.search(rf"version {CLANG_FORMAT}\.", said):
                return name
    return None


def formatting(fix=False):
    name = find_clang_format()
    if not name:
        return f"SKIP clang-format {CLANG_FORMAT} is not here"
    command = [name, "-i"] if fix else [name, "--dry-run", "-Werror"]
    done = subprocess.run([*command, *files("*.c", "*.h")], cwd=ROOT, stderr=subprocess.PIPE, check=False)
    return sorted(set(re.findall(r"^(\S+:\d+):\d+: error", done.stderr.decode(), re.M)))


def shellcheck():
    if not shutil.which("shellcheck"):
        return "SKIP shellcheck is not here"
    done = subprocess.run(["shellcheck", "-x", "-f", "gcc", *files("*.sh", ".ci/run")], cwd=ROOT,
                          stdout=subprocess.PIPE, check=False)
    return done.stdout.decode().splitlines()


def main():
    if sys.argv[1:] == ["--fix"]:
        formatting(fix=True)
        return 0
    points = [(f"{COLUMNS} columns", columns()), ("SPDX lines", licences()),
              ("clang-format", formatting()), ("shellcheck", shellcheck())]
    print(f"1..{len(points)}")
    failed = 0
    for number, (what, bad) in enumerate(points, 1):
        if isinstance(bad, str):
            print(f"ok {number} - {what} # {bad}")
            continue
        for line in bad:
            print(f"# {line}")
        print(f"{'not ok' if bad else 'ok'} {number} - {what}")
        failed += bool(bad)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
