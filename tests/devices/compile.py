# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles networks for GPUs that are not there, with Mesa's drivers. Prints TAP.

usage: compile.py null EFFVK LAYER_FOLDER
       compile.py shims EFFVK [--page] [GPU...]

null   AMD's driver opens without hardware (RADV_FORCE_FAMILY), and our layer (tests/layer/null-layer.c) claims
       memory and does not run anything. On any Debian.
shims  Debian sid's mesa-drm-shim stands in for the kernel's drivers of AMD, Apple, Qualcomm and NVIDIA.
       tests/devices/sid.sh runs it.

What is checked: every pipeline of every plan compiles, none spills registers, and each leaves room for as
many subgroups as docs/kernels-compiled.md explains. Nothing runs: kernels are no-ops there, so answers and
times mean nothing. --page prints docs/kernels-compiled.md, and TAP on stderr.
"""

import collections
import glob
import json
import os
import subprocess
import sys
import tempfile

NETWORKS = ["builtin", "b0", "v2-s"]
ICDS = "/usr/share/vulkan/icd.d/"
SHIMS = glob.glob("/usr/lib/*/libamdgpu_noop_drm_shim.so")

Gpu = collections.namedtuple("Gpu", "name title driver shim variables")

# By Mesa's names; the first that the driver knows counts.
FAMILIES = [["polaris10"], ["vega10"], ["navi10"], ["navi21"], ["navi31", "gfx1100"], ["gfx1201"]]

SHIMMED = [
    Gpu("polaris10", "AMD Polaris 10 (GFX8)", "radeon", "amdgpu", {"AMDGPU_GPU_ID": "polaris10"}),
    Gpu("vega10", "AMD Vega 10 (GFX9)", "radeon", "amdgpu", {"AMDGPU_GPU_ID": "vega10"}),
    Gpu("navi10", "AMD Navi 10 (GFX10)", "radeon", "amdgpu", {"AMDGPU_GPU_ID": "navi10"}),
    Gpu("navi21", "AMD Navi 21 (GFX10.3)", "radeon", "amdgpu", {"AMDGPU_GPU_ID": "navi21"}),
    Gpu("navi31", "AMD Navi 31 (GFX11)", "radeon", "amdgpu", {"AMDGPU_GPU_ID": "navi31"}),
    Gpu("gfx1201", "AMD GFX1201 (GFX12)", "radeon", "amdgpu", {"AMDGPU_GPU_ID": "gfx1201"}),
    Gpu("m1", "Apple M1", "asahi", "asahi", {}),
    Gpu("adreno-630", "Qualcomm Adreno 630", "freedreno", "freedreno", {"FD_GPU_ID": "630"}),
    Gpu("adreno-660", "Qualcomm Adreno 660", "freedreno", "freedreno", {"FD_GPU_ID": "660"}),
    Gpu("adreno-740", "Qualcomm Adreno 740", "freedreno", "freedreno", {"FD_GPU_ID": "740"}),
    Gpu("turing", "NVIDIA Turing", "nouveau", "nouveau", {"NOUVEAU_CHIPSET": "0x164"}),
    Gpu("ampere", "NVIDIA Ampere", "nouveau", "nouveau", {"NOUVEAU_CHIPSET": "0x174"}),
    Gpu("ada", "NVIDIA Ada", "nouveau", "nouveau", {"NOUVEAU_CHIPSET": "0x194"}),
]

# What drivers call the same thing.
FIGURES = collections.OrderedDict([
    ("registers", ["VGPRs", "GPRs", "Registers used", "Number of GPRs"]),
    ("spills", ["Spilled VGPRs", "Spills", "STP Count", "Spills to memory"]),
    ("scratch", ["Scratch size", "Scratch", "SLM size"]),
    ("shared", ["LDS size"]),
    ("occupancy", ["Subgroups per SIMD", "Threads", "Max Waves Per Core", "Max warps/SM"]),
    ("instructions", ["Instructions", "Instruction Count", "Instruction count"]),
])
HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
# What compilers make of the kernels

`tests/devices/sid.sh --page >docs/kernels-compiled.md` makes this page. Mesa's drivers compile the built-in network,
B0 and V2-S, in fp32 and fp16, for GPUs that are not there: Debian sid's `mesa-drm-shim` stands in for the kernel's
drivers. Nothing runs there. `effvk bench --executables` asks the driver what it made.

Each figure is the worst of all pipelines of a kernel: the most registers, the least occupancy.

- **registers**: of an invocation. AMD: vector registers. Qualcomm: full ones, of four values each.
- **spills**, **scratch**: values or bytes that did not fit the registers.
- **shared**: bytes of a workgroup, where the driver tells.
- **occupancy**: AMD: subgroups of a SIMD. Apple: invocations of a core, of 1,024. Qualcomm: waves of a core. NVIDIA: warps
  of a multiprocessor.
- **instructions**: in the program, not as they run.

On GCN (GFX8, GFX9) a SIMD has room for one subgroup of the head in fp32. Others would hide how long memory takes; the
head does so itself, as an invocation has 32 loads of 16 bytes in flight, which is what the registers are for. For one
image its workgroups are also too few to share compute units: one for 16 channels, 80 in B0.

Only the compiler for Adreno 630 spills, in three kernels in fp32. `precision=auto` takes fp16 there, which does not.
"""

# With fewer subgroups nothing else runs while one waits for memory.
LEAST_OCCUPANCY = 2
# Where a kernel has less, and what a compiler spills: the page above says why.
EXPLAINED = {("polaris10", "head tile"), ("vega10", "head tile")}
SPILLED = {("adreno-630", kernel, "fp32") for kernel in ("expand-depthwise tile", "head tile", "pointwise split")}


def null_environment(layers, family):
    manifest = glob.glob(ICDS + "radeon_icd*.json")[0]
    return dict(os.environ, RADV_FORCE_FAMILY=family, VK_DRIVER_FILES=manifest, VK_ICD_FILENAMES=manifest,
                VK_ADD_LAYER_PATH=layers, NODEVICE_SELECT="1", VK_INSTANCE_LAYERS="VK_LAYER_EFFVK_null",
                EFFVK_CACHE_DIR="", EFFVK_VALIDATION="0", MESA_SHADER_CACHE_DISABLE="true")


def shim_environment(gpu):
    manifest = glob.glob(ICDS + gpu.driver + "_icd*.json")[0]
    shim = os.path.join(os.path.dirname(SHIMS[0]), f"lib{gpu.shim}_noop_drm_shim.so")
    return dict(os.environ, LD_PRELOAD=shim, VK_DRIVER_FILES=manifest, VK_ICD_FILENAMES=manifest,
                NODEVICE_SELECT="1", EFFVK_CACHE_DIR="", EFFVK_VALIDATION="0",
                MESA_SHADER_CACHE_DISABLE="true", **gpu.variables)


def find_family(effvk, layers, names):
    """The name that the driver knows and its environment, or (the first name, None)."""
    for name in names:
        env = null_environment(layers, name)
        listed = subprocess.run([effvk, "devices", "--json"], env=env, capture_output=True, text=True,
                                check=False)
        if listed.returncode == 0 and "Null hardware" in listed.stdout:
            return name, env
    return names[0], None


def bench(effvk, env, *arguments):
    """What effvk bench prints."""
    said = subprocess.run([effvk, "bench", *arguments], env=env, capture_output=True, text=True, check=False)
    if said.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {said.stderr.strip()[-300:]}")
    return said.stdout


def read_figures(statistics):
    """Of one executable, by our names; without those that the driver does not tell."""
    return {figure: statistics[name] for figure, names in FIGURES.items() for name in names
            if name in statistics}


def compile_networks(effvk, env, folder):
    """What the compiler says of every executable: (op and kernel, precision, figures); and the driver."""
    executables, driver = [], ""
    for network in NETWORKS:
        model = []
        if network != "builtin":
            path = os.path.join(folder, network + ".safetensors")
            if not os.path.exists(path):
                subprocess.run([effvk, "init", "--variant", network, path], check=True, capture_output=True)
            model = ["--model", path]
        for precision in ("fp32", "fp16"):
            told = json.loads(bench(effvk, env, "--executables", "--json", "--precision", precision, *model))
            driver = told["driver"]
            for pipeline in told["pipelines"]:
                for executable in pipeline["executables"]:
                    executables.append((f"{pipeline['op']} {pipeline['kernel']}", precision,
                                        read_figures(executable["statistics"])))
    return executables, driver


def is_old(driver):
    words = driver.partition("Mesa ")[2].split(".")
    return words[0].isdigit() and int(words[0]) < 25


def check(name, executables, driver):
    """What is wrong with them, or ""."""
    if not executables or any("registers" not in figures for _, _, figures in executables):
        return "the compiler tells nothing"
    spills = sorted({f"{kernel} {precision}" for kernel, precision, figures in executables
                     if (figures["spills"] or figures.get("scratch"))
                     and (name, kernel, precision) not in SPILLED})
    if spills and not is_old(driver):
        return "registers are spilled by " + ", ".join(spills)
    alone = sorted({kernel for kernel, _, figures in executables if figures["occupancy"] < LEAST_OCCUPANCY
                    and (name, kernel) not in EXPLAINED})
    return f"a SIMD has room for one subgroup of {', '.join(alone)}" if alone and not is_old(driver) else ""


def worst(figure, values):
    values = [v for v in values if v is not None]
    return "–" if not values else f"{(min if figure == 'occupancy' else max)(values):.0f}"


def make_section(title, driver, executables):
    """A GPU's kernels: of each figure the worst of all pipelines that the networks make of it."""
    lines = [f"## {title}", "", f"By {driver}.", "", "| kernel | " + " | ".join(FIGURES) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    for kernel in sorted({(kernel, precision) for kernel, precision, _ in executables}):
        mine = [figures for name, precision, figures in executables if (name, precision) == kernel]
        lines.append(f"| {' '.join(kernel)} | "
                     + " | ".join(worst(figure, [m.get(figure) for m in mine]) for figure in FIGURES) + " |")
    return "\n".join(lines) + "\n"


def check_matrix(effvk):
    """What is wrong with the kernels on matrix units, which this Mesa has in software, or ""."""
    env = dict(os.environ, VK_DRIVER_FILES=ICDS + "lvp_icd.json", VK_ICD_FILENAMES=ICDS + "lvp_icd.json",
               NODEVICE_SELECT="1", EFFVK_CACHE_DIR="")
    said = subprocess.run([effvk, "selftest", "--device", "cpu", "--precision", "fp16", "--shapes", "4", "--replays",
                           "0"], env=env, capture_output=True, text=True, check=False)
    tested = {line.split()[0] for line in said.stdout.splitlines() if line.split()[1:2] == ["matrix"]}
    if said.returncode:
        return said.stdout[-500:] + said.stderr[-300:]
    return "" if tested == {"expand-depthwise", "head", "pointwise"} else f"only {sorted(tested)} were tested"


def list_gpus(mode, effvk, arguments):
    """Of each GPU its name, title and environment, which is None where the driver does not know it."""
    if mode == "shims":
        wanted = [a for a in arguments if a != "--page"]
        return [(gpu.name, gpu.title, shim_environment(gpu)) for gpu in SHIMMED
                if not wanted or gpu.name in wanted]
    found = [find_family(effvk, arguments[0], names) for names in FAMILIES]
    return [(name, name, env) for name, env in found]


def main():
    mode, effvk, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
    page = "--page" in arguments
    tap = sys.stderr if page else sys.stdout
    sections, failed = [HEAD], False

    if not (SHIMS if mode == "shims" else glob.glob(ICDS + "radeon_icd*.json")):
        print("1..0 # SKIP " + ("mesa-drm-shim" if mode == "shims" else "RADV") + " is not here")
        return 0
    gpus = list_gpus(mode, effvk, arguments)
    matrix = mode == "shims"
    print(f"1..{len(gpus) + matrix}", file=tap, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, title, env) in enumerate(gpus, 1):
            if not env:
                print(f"ok {number} - {name} # SKIP this Mesa does not know it", file=tap)
                continue
            executables = []
            try:
                executables, driver = compile_networks(effvk, env, folder)
                sections.append(make_section(title, driver, executables))
                wrong = check(name, executables, driver)
                bench(effvk, env, "--frames", "2")  # ends, whatever the clocks of the device say
            except (RuntimeError, subprocess.CalledProcessError) as error:
                wrong = str(error)
            failed = failed or bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {len(executables)} executables", file=tap, flush=True)
            if wrong:
                print(f"# {wrong}", file=tap, flush=True)
    if page:
        print("\n".join(sections), end="", flush=True)
    if matrix:
        wrong = check_matrix(effvk)
        failed = failed or bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {len(gpus) + 1} - self-test on matrix units, in software", file=tap)
        for line in wrong.splitlines():
            print(f"# {line}", file=tap)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
