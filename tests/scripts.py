#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripts at the top: wrong usage, and the count that tests/run.sh ends with. Prints TAP."""

import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))

# meson's result, its exit status, what the test printed; then passed, failed, skipped.
SAMPLES = [
    ("a plain test", "OK", 0, "", (1, 0, 0)),
    ("a plain test that prints ok", "OK", 0, "ok 1 - no plan, no TAP\n", (1, 0, 0)),
    ("a plain failure", "FAIL", 1, "", (0, 1, 0)),
    ("a crash", "FAIL", -11, "", (0, 1, 0)),
    ("a plain skip", "SKIP", 77, "no GPU\n", (0, 0, 1)),
    ("points", "OK", 0, "1..2\nok 1 - a\n# ok\nok 2 b\n", (2, 0, 0)),
    ("a plan at the end", "OK", 0, "ok 1 a\nok 2 b\n1..2\n", (2, 0, 0)),
    ("a failed point", "FAIL", 1, "1..2\nok 1 - a\nnot ok 2 - b\n", (1, 1, 0)),
    ("a skipped point", "OK", 0, "1..2\nok 1 - a\nok 2 - b # SKIP no GPU\n", (1, 0, 1)),
    ("a point to do", "OK", 0, "1..2\nok 1 - a\nnot ok 2 - b # TODO later\n", (1, 0, 1)),
    ("all skipped", "SKIP", 0, "1..0 # SKIP no models\n", (0, 0, 1)),
    ("broken off", "ERROR", -6, "1..3\nok 1 - a\n", (1, 1, 0)),
    ("hung", "TIMEOUT", -15, "1..3\nok 1 - a\nok 2 - b\n", (2, 1, 0)),
]
FAILED = ("FAIL", "ERROR", "TIMEOUT")


def summary(entries, status, whole=False, known=None, environment=None):
    """The exit status and the last line of tests/lib/summary.py, or all that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "testlog.json")
        if entries is not None:
            with open(log, "w", encoding="utf-8") as file:
                for name, result, returncode, stdout in entries:
                    json.dump(
                        {"name": name, "result": result, "returncode": returncode, "stdout": stdout},
                        file,
                    )
                    file.write("\n")
        done = subprocess.run(
            [sys.executable, os.path.join(ROOT, "tests/lib/summary.py"), log, str(status),
             *([known] if known else [])],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", check=False,
            env=None if environment is None else {**os.environ, **environment},
        )
        return done.returncode, done.stdout if whole else done.stdout.splitlines()[-1]


def line(counts):
    return "{} passed, {} failed, {} skipped".format(*counts)


def summaries():
    bad = []
    for name, result, returncode, stdout, counts in SAMPLES:
        failed = result in FAILED
        got = summary([(name, result, returncode, stdout)], int(failed))
        if got != (int(failed), line(counts)):
            bad.append(f"{name}: expected {line(counts)}, found {got}")
    return bad


def sums():
    bad = []
    entries = [sample[:4] for sample in SAMPLES]
    total = tuple(map(sum, zip(*(sample[4] for sample in SAMPLES))))
    for what, got, expected in (
        ("all samples", summary(entries, 1), (1, line(total))),
        ("no log", summary(None, 0), (1, line((0, 0, 0)))),
        ("no test", summary([], 0), (1, line((0, 0, 0)))),
        ("meson failed, no test did", summary(entries[:1], 2), (1, line((1, 0, 0)))),
    ):
        if got != expected:
            bad.append(f"{what}: expected {expected}, found {got}")
    return bad


def reasons():
    """A test that broke off is named with the last that it said."""
    bailed = ("stress", "ERROR", -5, "1..1\n# a step\nBail out! stream 0: no frame\nits pipeline\n")
    said = summary([bailed], 1, whole=True)[1]
    expected = "failed: stress: error, exit status -5: Bail out! stream 0: no frame"
    return [] if expected in said.splitlines() else [f"expected {expected}, found {said!r}"]


def skips():
    """With a list of what may be skipped, another skip is a failure."""
    bad = []
    skipped = [("a", "SKIP", 0, "1..0 # SKIP no models\n"), ("b", "OK", 0, "1..1\nok 1 - c # SKIP no GPU\n")]
    for known, counts in (
        ("a\nb: *\n", (0, 0, 2)),
        ("# a\nb: c\n", (0, 1, 1)),
        ("", (0, 2, 0)),
        ("*: no GPU\n*: no ?odels\n", (0, 0, 2)),
        ("[everywhere]\na\n[no system]\nb: c\n", (0, 1, 1)),
    ):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(known)
            file.flush()
            got = summary(skipped, 0, known=file.name)
        if got != (int(counts[1] > 0), line(counts)):
            bad.append(f"known {known!r}: expected {line(counts)}, found {got}")
    return bad


def known_skips():
    """Which sections of the tree's list count: by the system, and by whether the data is there."""
    bad = []
    list_of_tree = os.path.join(ROOT, "tests/known-skips.txt")
    analytics = ("p", "OK", 0, "1..1\nok 1 - a # SKIP this GStreamer has no GstAnalytics\n")
    model = ("u", "OK", 0, "1..1\nok 1 - a # SKIP the models are not here (EFFVK_SHARED)\n")
    other = ("o", "OK", 0, "1..1\nok 1 - a # SKIP there is no such thing\n")
    with tempfile.TemporaryDirectory() as folder:
        release = os.path.join(folder, "os-release")
        for version, shared, test, known in (
            (12, folder, analytics, True), (13, folder, analytics, False),
            (12, "", model, True), (12, folder, model, False), (13, "", other, False),
        ):
            with open(release, "w", encoding="utf-8") as file:
                file.write(f'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="{version}"\n')
            said = summary([test], 0, whole=True, known=list_of_tree,
                           environment={"EFFVK_OS_RELEASE": release, "EFFVK_SHARED": shared})[1]
            if (said.splitlines()[-1] == line((0, 0, 1))) != known:
                bad.append(f"Debian {version}, shared {shared!r}: found {said!r}")
            if not known and "tests/known-skips.txt does not have it" not in said:
                bad.append(f"no line names the list: {said!r}")
    return bad


def usage(script, *arguments):
    """A complaint unless SCRIPT ends with status 2 and one line on stderr, before it does anything."""
    done = subprocess.run(
        [os.path.join(ROOT, script), *arguments], cwd="/", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", check=False, timeout=20,
    )
    if done.returncode == 2 and not done.stdout and len(done.stderr.splitlines()) == 1:
        return []
    return [f"{script} {arguments}: status {done.returncode}, {done.stdout!r}, {done.stderr!r}"]


def usages():
    here = os.path.realpath(__file__)
    return (
        usage("quickstart.sh", "one")
        + usage("quickstart.sh", here, here, here, here)
        + usage("quickstart.sh", "--wrong", here)
        + usage("quickstart.sh", "no-such-model", here)
        + usage("quickstart.sh", here, "no-such-video")
        + usage("quickstart.sh", here, "http://localhost/video", "no-such-labels")
        + usage("tests/run.sh", "wrong")
        + usage("tests/run.sh", "--suite")
        + usage("tests/lib/in-root.sh")
        + usage("tests/lib/in-root.sh", "trixie")
        + usage("tests/lib/in-root.sh", "bookworm", "true")
    )


def suites():
    """The suites that tests/run.sh offers are those that there are."""
    text = subprocess.run([os.path.join(ROOT, "tests/run.sh"), "--help"], stdout=subprocess.PIPE,
                          encoding="utf-8", check=True).stdout
    offered = re.findall(r"\w+", re.search(r"--suite NAME +only (.*)", text)[1].replace(" or ", " "))
    found = set()
    for folder, _, files in os.walk(os.path.join(ROOT, "tests")):
        if "meson.build" in files:
            with open(os.path.join(folder, "meson.build"), encoding="utf-8") as file:
                for value in re.findall(r"\bsuite: (\[.*?\]|'\w+')", file.read()):
                    found.update(re.findall(r"\w+", value))
    return [] if found == set(offered) else [f"expected {sorted(found)}, found {sorted(offered)}"]


def main():
    points = (
        ("what meson says of a test is counted right", summaries()),
        ("the counts add up, and no test at all is a failure", sums()),
        ("what broke off is named with its last words", reasons()),
        ("a skip that is not known is a failure", skips()),
        ("which skips are known depends on the system", known_skips()),
        ("wrong usage: status 2 and one line", usages()),
        ("the suites of --suite are those that there are", suites()),
    )
    print(f"1..{len(points)}")
    for number, (name, complaints) in enumerate(points, 1):
        print(f"{'not ok' if complaints else 'ok'} {number} - {name}")
        for complaint in complaints:
            print(f"# {complaint}")
    return int(any(complaints for _, complaints in points))


if __name__ == "__main__":
    sys.exit(main())
