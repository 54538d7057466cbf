# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what `meson test` ran, subtest by subtest, and prints `N passed, N failed, N skipped`.

usage: summary.py TESTLOG.json MESON_STATUS [KNOWN]

KNOWN lists the tests that may be skipped, one a line: a pattern of "NAME: REASON", as of file names.
A test that is skipped and not in it fails, so that what a machine lacks does not go unseen. A line
such as [debian 12] begins a section that counts only there; see tests/known-skips.txt.
"""

import fnmatch
import json
import os
import re
import sys

POINT = re.compile(
    r"(ok|not ok)\b\s*(?:\d+)?\s*(?:- )?([^#]*)(?:#\s*((?i:skip|todo))\S*\s*(.*))?"
)
PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*(?i:skip)\S*\s*(.*))?$")


def last_words(test):
    """What a test that broke off said at last, or ""."""
    lines = [line.strip() for line in (test.get("stdout") or "").splitlines()]
    bailed = [line for line in lines if line.startswith("Bail out!")]
    errors = [line.strip() for line in (test.get("stderr") or "").splitlines() if line.strip()]
    return (bailed or errors or [""])[-1]


def count(test):
    """The (passed, failed names, skipped (name, reason)) of one entry of meson's log."""
    passed, failed, skipped = 0, [], []
    result, name = test["result"], test["name"]
    explained = ""
    lines = (test.get("stdout") or "").splitlines()

    # Without a plan it is not TAP, and an "ok" in it means nothing.
    for line in lines if any(map(PLAN.match, lines)) else ():
        if point := POINT.match(line):
            what = f"{name}: {point[2].strip()}"
            directive = (point[3] or "").upper()
            if directive == "SKIP":
                skipped.append((what, (point[4] or "").strip()))
            elif point[1] == "ok":
                passed += 1
            elif directive == "TODO":
                skipped.append((what, f"to do: {(point[4] or '').strip()}"))
            else:
                failed.append(what)
        elif (plan := PLAN.match(line)) and plan[1] == "0":
            explained = (plan[2] or "").strip()

    if result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
        if not failed:  # it crashed, hung, or broke off: the points that it reached do not say so
            words = last_words(test)
            failed.append(f"{name}: {result.lower()}, exit status {test.get('returncode')}"
                          + (f": {words}" if words else ""))
    elif result == "SKIP":
        if not skipped:
            lines = lines or (test.get("stderr") or "").splitlines()
            skipped.append((name, explained or (lines[-1].strip() if lines else "")))
    elif not passed and not failed and not skipped:
        passed = 1
    return passed, failed, skipped


def system():
    """This system's name in the list: "debian 12"."""
    try:
        with open(os.environ.get("EFFVK_OS_RELEASE", "/etc/os-release"), encoding="utf-8") as file:
            words = dict(line.strip().split("=", 1) for line in file if "=" in line)
    except OSError:
        words = {}
    return " ".join(words.get(key, "").strip('"') for key in ("ID", "VERSION_ID"))


def read_known(path):
    """The patterns in the file that count here; lines that begin with # are comments."""
    counting = {"everywhere", system()}
    if not os.path.isdir(os.environ.get("EFFVK_SHARED", "")):
        counting.add("without shared data")
    known, section = [], "everywhere"
    with open(path, encoding="utf-8") as file:
        for line in map(str.strip, file):
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif line and not line.startswith("#") and section in counting:
                known.append(line.replace("[", "[[]"))
    return known


def is_known(name, reason, known):
    return any(fnmatch.fnmatchcase(text, pattern)
               for text in (name, f"{name}: {reason}") for pattern in known)


def main():
    log, status = sys.argv[1], int(sys.argv[2])
    known = read_known(sys.argv[3]) if len(sys.argv) > 3 else ["*"]
    passed, failed, skipped = 0, [], []

    if os.path.exists(log):
        with open(log, encoding="utf-8") as lines:
            for line in lines:
                p, f, s = count(json.loads(line))
                passed, failed, skipped = passed + p, failed + f, skipped + s

    for name, reason in skipped:
        print(f"skipped: {name}: {reason or 'no reason given'}")
    failed += [f"{name}: skipped, and {sys.argv[3]} does not have it: {reason or 'no reason given'}"
               for name, reason in skipped if not is_known(name, reason, known)]
    skipped = [(name, reason) for name, reason in skipped if is_known(name, reason, known)]
    for name in failed:
        print(f"failed: {name}")
    broken = not passed and not failed and not skipped
    if broken:
        print("no test ran", file=sys.stderr)
    elif status and not failed:
        print(f"meson test ended with status {status}", file=sys.stderr)
    sys.stderr.flush()
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped", flush=True)
    return 1 if failed or status or broken else 0


if __name__ == "__main__":
    sys.exit(main())
