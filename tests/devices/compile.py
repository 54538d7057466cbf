# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles networks for GPUs that are not there, with Mesa's driver for AMD. Prints TAP.

usage: compile.py EFFVK LAYER_FOLDER [--table]

RADV opens without hardware (RADV_FORCE_FAMILY), and our layer (tests/layer/null-layer.c) claims memory
and does not run anything. What is checked: every pipeline of every plan compiles, and none spills
vector registers, but with Mesa before 25, whose compiler for GFX11 was new. --table prints
registers and occupancy instead, as docs/devices.md has them.
"""

import collections
import glob
import json
import os
import subprocess
import sys
import tempfile

# By Mesa's names; the first that the driver knows counts.
FAMILIES = [["polaris10"], ["vega10"], ["navi10"], ["navi21"], ["navi31", "gfx1100"], ["gfx1201"]]
NETWORKS = ["builtin", "b0", "v2-s"]
MANIFESTS = glob.glob("/usr/share/vulkan/icd.d/radeon_icd*.json")


def make_environment(layers, family):
    return dict(os.environ, RADV_FORCE_FAMILY=family, VK_DRIVER_FILES=MANIFESTS[0],
                VK_ICD_FILENAMES=MANIFESTS[0], VK_ADD_LAYER_PATH=layers, NODEVICE_SELECT="1",
                VK_INSTANCE_LAYERS="VK_LAYER_EFFVK_null", EFFVK_CACHE_DIR="", EFFVK_VALIDATION="0",
                MESA_SHADER_CACHE_DISABLE="true")


def find_family(effvk, layers, names):
    """The name that the driver knows and its environment, or (the first name, None)."""
    for name in names:
        env = make_environment(layers, name)
        listed = subprocess.run([effvk, "devices", "--json"], env=env, capture_output=True, text=True,
                                check=False)
        if listed.returncode == 0 and "Null hardware" in listed.stdout:
            return name, env
    return names[0], None


def compile_networks(effvk, env, folder):
    """What the compiler says of every executable: (op and kernel, statistics); and the driver."""
    executables, driver = [], ""
    for network in NETWORKS:
        model = []
        if network != "builtin":
            path = os.path.join(folder, network + ".safetensors")
            if not os.path.exists(path):
                subprocess.run([effvk, "init", "--variant", network, path], check=True, capture_output=True)
            model = ["--model", path]
        for precision in ("fp32", "fp16"):
            said = subprocess.run([effvk, "bench", "--executables", "--json", "--precision", precision]
                                  + model, env=env, capture_output=True, text=True, check=False)
            if said.returncode:
                raise RuntimeError(f"{network} {precision}: {said.stderr.strip()[-300:]}")
            told = json.loads(said.stdout)
            driver = told["driver"]
            for pipeline in told["pipelines"]:
                for executable in pipeline["executables"]:
                    executables.append((f"{pipeline['op']} {pipeline['kernel']} {precision}",
                                        executable["statistics"]))
    return executables, driver


def is_old(driver):
    words = driver.partition("Mesa ")[2].split(".")
    return words[0].isdigit() and int(words[0]) < 25


def check(executables, driver):
    """What is wrong with them, or ""."""
    if not executables:
        return "the compiler tells nothing"
    spills = sorted({name for name, statistics in executables if statistics.get("Spilled VGPRs")})
    if spills and not is_old(driver):
        return "vector registers are spilled by " + ", ".join(spills)
    return ""


def print_table(columns):
    """Most vector registers and, behind the slash, fewest subgroups a SIMD has room for."""
    kernels = sorted({name for executables in columns.values() for name, _ in executables})
    print("| kernel | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for kernel in kernels:
        cells = []
        for executables in columns.values():
            mine = [statistics for name, statistics in executables if name == kernel]
            cells.append(f"{max(s['VGPRs'] for s in mine):.0f}"
                         f"/{min(s['Subgroups per SIMD'] for s in mine):.0f}"
                         + ("s" if any(s["Spilled VGPRs"] for s in mine) else "") if mine else "")
        print(f"| {kernel} | " + " | ".join(cells) + " |")


def main():
    effvk, layers = sys.argv[1:3]
    table = "--table" in sys.argv
    columns = collections.OrderedDict()
    failed = False

    if not MANIFESTS:
        print("1..0 # SKIP RADV is not here")
        return 0
    if not table:
        print(f"1..{len(FAMILIES)}")
    with tempfile.TemporaryDirectory() as folder:
        for number, names in enumerate(FAMILIES, 1):
            name, env = find_family(effvk, layers, names)
            if not env:
                if not table:
                    print(f"ok {number} - {name} # SKIP this Mesa does not know it")
                continue
            try:
                executables, driver = compile_networks(effvk, env, folder)
                wrong = check(executables, driver)
                columns[name] = executables
            except RuntimeError as error:
                executables, wrong = [], str(error)
            failed = failed or bool(wrong)
            if not table:
                print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {len(executables)} executables",
                      flush=True)
            if wrong:
                print(f"# {wrong}")
    if table:
        print_table(columns)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
