#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of docs/models.md, as `effvk inspect` describes what `effvk init` makes.

usage: models-table.py EFFVK write            writes the table into docs/models.md
       models-table.py EFFVK check MEMBER...  compares these rows: prints TAP
"""

import json
import os
import subprocess
import sys
import tempfile

DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models.md")
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"
HEAD = ["| member | parameters | MACs, 10⁹ | input | resize, crop | mean; std | padding; ε | weights | run it |",
        "|---|---|---|---|---|---|---|---|---|"]


def torchvision(member, name):
    return "torchvision", f"`effvk-convert efficientnet_{name}-*.pth {member}.safetensors`, `effvk classify " \
                          f"-m {member}.safetensors FILE`"


def timm(member, name):
    return f"[timm/{name}](https://huggingface.co/timm/{name})", \
        f"`hf download timm/{name} --local-dir {member}`, `effvk classify -m {member}/model.safetensors FILE`"


SOURCES = {
    **{f"b{i}": torchvision(f"b{i}", f"b{i}_{'rwightman' if i < 5 else 'lukemelas'}") for i in range(8)},
    "b8": timm("b8", "tf_efficientnet_b8.ra_in1k"),
    "l2": timm("l2", "tf_efficientnet_l2.ns_jft_in1k"),
    **{f"lite{i}": timm(f"lite{i}", f"tf_efficientnet_lite{i}.in1k") for i in range(5)},
    **{f"v2-b{i}": timm(f"v2-b{i}", f"tf_efficientnetv2_b{i}.in1k") for i in range(4)},
    **{f"v2-{c}": torchvision(f"v2-{c}", f"v2_{c}") for c in "sml"},
    "v2-xl": timm("v2-xl", "tf_efficientnetv2_xl.in21k_ft_in1k"),
    **{f"e{c}": timm(f"e{c}", f"tf_efficientnet_e{c}.in1k") for c in "sml"},
}


def channels(values):
    texts = [f"{value:.4g}" for value in values]
    return texts[0] if len(set(texts)) == 1 else ", ".join(texts)


def row(effvk, member):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        subprocess.run([effvk, "init", "--variant", member, path], check=True)
        text = subprocess.run([effvk, "inspect", "--json", path], check=True, stdout=subprocess.PIPE).stdout
    found = json.loads(text)
    size, arch = found["input"], found["architecture"]
    cells = [member.upper() if member[0] != "l" or member == "l2" else member.capitalize(),
             f"{found['parameters']:,}", f"{found['macs'] / 1e9:.2f}",
             f"{size['width']}×{size['height']}",
             f"{size['resize']} {size['interpolation']}, {size['crop']}",
             f"{channels(size['mean'])}; {channels(size['std'])}",
             f"{arch['padding']}; {arch['bn_eps']:g}", *SOURCES[member]]
    return "| " + " | ".join(cells) + " |"


def main():
    effvk, what, *members = sys.argv[1:]
    with open(DOC, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    table, after = rest.split(END)
    if what == "write":
        lines = HEAD + [row(effvk, member) for member in SOURCES]
        with open(DOC, "w", encoding="utf-8") as file:
            file.write(before + BEGIN + "\n".join(lines) + "\n" + END + after)
        return 0
    failed = False
    print(f"1..{len(members)}")
    for number, member in enumerate(members, 1):
        line = row(effvk, member)
        right = line in table.splitlines()
        failed |= not right
        print(f"{'ok' if right else 'not ok'} {number} - {member}", flush=True)
        if not right:
            print(f"# docs/models.md has another row; repeat: docs/models-table.py EFFVK write\n# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
