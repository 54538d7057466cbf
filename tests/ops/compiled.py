#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shaders that are in the tree as SPIR-V (shaders/compiled/) are what their sources give. Prints TAP.

With --write they are made anew, by the glslangValidator that is installed."""

import glob
import os
import re
import subprocess
import sys
import tempfile

SHADERS = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", "shaders"))
HEADER = ("// SPDX-License-Identifier: LGPL-2.1-or-later\n"
          "// {source} as SPIR-V: tests/ops/compiled.py --write\n")


def compile_shader(name):
    """The header that glslangValidator makes of a shader; None where it does not know the extension."""
    source = name.removesuffix("_storage_f16").replace("_", "-") + ".comp"
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "header")
        made = subprocess.run(
            ["glslangValidator", "--quiet", "--target-env", "vulkan1.3", "-DTEXEL=0", "-DSTORAGE=STORAGE_F16",
             "--vn", f"effvk_{name}_spv", "-o", output, os.path.join(SHADERS, source)],
            capture_output=True, text=True, check=False)
        if "extension not supported" in made.stdout and "cooperative_matrix" in made.stdout:
            return None
        if made.returncode:
            sys.exit(f"{source}: {made.stdout}{made.stderr}")
        with open(output, encoding="ascii") as file:
            return HEADER.format(source=source) + file.read()


def words(header):
    return re.findall("0x[0-9a-f]{8}", header)


def main():
    names = sorted(os.path.basename(path).removesuffix(".spv.h")
                   for path in glob.glob(os.path.join(SHADERS, "compiled", "*.spv.h")))
    write = sys.argv[1:] == ["--write"]
    failed = not names

    if not write:
        print(f"1..{len(names)}")
    for i, name in enumerate(names, 1):
        path = os.path.join(SHADERS, "compiled", name + ".spv.h")
        made = compile_shader(name)
        if write:
            if made is None:
                sys.exit("this glslangValidator does not know GL_KHR_cooperative_matrix")
            with open(path, "w", encoding="ascii") as file:
                file.write(made)
            continue
        with open(path, encoding="ascii") as file:
            there = file.read()
        # The second word after the magic number is the compiler's version.
        if made is None:
            print(f"ok {i} - {name} # SKIP this glslangValidator does not know GL_KHR_cooperative_matrix")
        elif words(made)[2] != words(there)[2]:
            print(f"ok {i} - {name} # SKIP another glslangValidator made it")
        else:
            same = words(made) == words(there)
            failed = failed or not same
            print(f"{'ok' if same else 'not ok'} {i} - {name}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
