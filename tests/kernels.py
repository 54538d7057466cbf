#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kernel that documents and headers name exists; so do their constants and storages. Prints TAP.

Each OP=KERNEL in README.md, docs/ and the headers, and each row of architecture.md's table of ops, is
looked up in the tables of src/ops. Specialization constants have the names of shaders/constants.h, in
GLSL and in C. The storage types are the same in C, in GLSL and for the build.
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


def find_constants():
    """{name: id} of shaders/constants.h"""
    return {name: int(value) for name, value in
            re.findall(r"^#define (SPEC_\w+) (\d+)$", read("shaders/constants.h"), re.MULTILINE)}


def constants_of_shader(path, ids):
    """What is wrong with the ids of a shader and what it includes."""
    text = read(path)
    text += "".join(read(f"shaders/{name}") for name in re.findall(r'#include "([\w-]+\.glsl)"', text))
    used = re.findall(r"(?:constant_id|local_size_[xyz]_id) = (\w+)", text)
    bad = [f"{path}: constant {name} is not in shaders/constants.h" for name in used if name not in ids]
    declared = [ids[name] for name in re.findall(r"constant_id = (\w+)", text) if name in ids]
    return bad + [f"{path}: two constants have the id {i}" for i in sorted(set(declared)) if declared.count(i) > 1]


def constants():
    """Constants without a name, and those that only one side has."""
    ids, shaders, c = find_constants(), "", ""
    bad = [] if len(ids) > 50 else [f"found {len(ids)} names in shaders/constants.h"]
    for path in sorted(glob.glob(os.path.join(ROOT, "shaders/*.comp"))):
        bad += constants_of_shader(os.path.relpath(path, ROOT), ids)
    for path in glob.glob(os.path.join(ROOT, "shaders/*.[cg][ol]*")):
        shaders += read(path)
    for path in sorted(glob.glob(os.path.join(ROOT, "src/ops/*.c"))):
        text = read(path)
        c += text
        bad += [f"{os.path.relpath(path, ROOT)}: spec[{index}] has no name"
                for index in re.findall(r"\bspec\[(\w+|\w+\.\w+\+\+)\]", text) if index not in ids]
        bad += [f"{os.path.relpath(path, ROOT)}: n_spec is {number}, a bare number"
                for number in re.findall(r"n_spec = (\d+)", text)]
    for name in ids:
        if "_SHAPE_" in name:  # effvk_matrix_add_shape () puts them behind the others
            if ids[name] != ids[name[:-len("SHAPE_M")] + "MATRIX_N"] + "MNK".index(name[-1]):
                bad.append(f"{name} is {ids[name]}, and not behind the other constants")
        elif not re.search(rf"\b{name}\b", c):
            bad.append(f"{name} is used in no file of src/ops")
        if not name.endswith("_N") and not re.search(rf"\b{name}\b", shaders):
            bad.append(f"{name} is used in no shader")
    return bad


def storages():
    """Where the sets of storage types differ."""
    rows = re.findall(r"^  X \((\w+), (\w+), __VA_ARGS__\)", read("src/vk/storage.h"), re.MULTILINE)
    built = re.findall(r"'(\w+)'", re.search(r"^storages = \[(.*)\]$", read("shaders/meson.build"), re.MULTILINE)[1])
    glsl = re.findall(r"#(?:el)?if STORAGE == STORAGE_(\w+)", read("shaders/storage.glsl"))
    bad = [] if len(rows) >= 2 else [f"src/vk/storage.h: found {rows}"]
    if [suffix for _, suffix in rows] != built:
        bad.append(f"shaders/meson.build has {built}, src/vk/storage.h {rows}")
    if sorted(name for name, _ in rows) != sorted(glsl):
        bad.append(f"shaders/storage.glsl has {glsl}, src/vk/storage.h {rows}")
    return bad


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
    print("1..5")
    failed = report(1, "kernels and what names them are found",
                    [] if len(kernels) >= 9 and len(pairs) >= 4 else [f"{kernels}, {pairs}"])
    failed |= report(2, "each OP=KERNEL exists", bad)
    failed |= report(3, "the table of ops", table_of_ops(kernels))
    failed |= report(4, "specialization constants have names", constants())
    failed |= report(5, "storage types", storages())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
