#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kernel that documents and headers name exists. Prints TAP.

Each OP=KERNEL in README.md, docs/ and the headers, and each row of architecture.md's table of ops, is
looked up in the tables of src/ops.
"""

import glob
import os
import re
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
TABLE = re.compile(r"const EffvkKernel effvk_(\w+)_kernels\[\]\s*=\s*\{(.*?)\n?\};", re.DOTALL)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def find_kernels():
    """{op: its kernels, in the order of its table}"""
    tables = {}
    for path in glob.glob(os.path.join(ROOT, "src/ops/*.c")):
        for op, rows in TABLE.findall(read(path)):
            tables[op.replace("_", "-")] = re.findall(r'\{\s*"([\w-]+)"', rows)
    return tables


def named(kernels):
    """(where, op, kernel) of each OP=KERNEL."""
    pair = re.compile(r"(?<![\w-])(" + "|".join(sorted(kernels, key=len, reverse=True)) + r")=([\w-]+)")
    for pattern in ("README.md", "CHANGELOG.md", "docs/**/*", "include/**/*.h", "src/**/*.h"):
        for path in glob.glob(os.path.join(ROOT, pattern), recursive=True):
            if os.path.isfile(path) and path.endswith((".md", ".h", ".1")):
                for op, kernel in pair.findall(read(path).replace(r"\-", "-")):
                    yield os.path.relpath(path, ROOT), op, kernel


def table_of_ops(kernels):
    """What architecture.md's table has otherwise."""
    rows = {cells[1].strip(): re.findall(r"`([\w-]+)`", cells[3])
            for cells in (line.split("|") for line in read("docs/architecture.md").split("\n"))
            if len(cells) == 5 and cells[1].strip() in kernels}
    return [f"docs/architecture.md: {op}: expected {', '.join(kernels[op])}, found {', '.join(rows.get(op, []))}"
            for op in sorted(kernels) if sorted(rows.get(op, [])) != sorted(kernels[op])]


def report(number, name, bad):
    for line in bad:
        print(f"# {line}")
    print(f"{'not ok' if bad else 'ok'} {number} - {name}")
    return bool(bad)


def main():
    kernels = find_kernels()
    pairs = list(named(kernels))
    bad = [f"{path}: {op}={kernel}: expected one of {', '.join(kernels[op])}"
           for path, op, kernel in pairs if kernel not in kernels[op]]
    print("1..3")
    failed = report(1, "kernels and what names them are found",
                    [] if len(kernels) >= 9 and len(pairs) >= 4 else [f"{kernels}, {pairs}"])
    failed |= report(2, "each OP=KERNEL exists", bad)
    failed |= report(3, "the table of ops", table_of_ops(kernels))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
