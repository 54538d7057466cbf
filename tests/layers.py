#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails when a layer looks up: reads the #include lines of all C files.

    faces        plugin/ tools/ examples/   only <effvk/...> and what is their own
    interface    include/effvk/             only other public headers, and GLib
    teach        src/teach/                 the classifier by its public interface, and models
    classifier   src/*.c, src/*.h           the classifier, results
    selftest     src/selftest/              knows ops, not networks
    net          src/net/
    ops          src/ops/
    tune         src/tune/
    model, vk    src/model/, src/vk/        neither knows the other
    base         src/base/

A layer may include what is below it and itself. Headers of src/ are included as "layer/file.h".
The public headers that only hold types may be used from everywhere; the others belong to the layer
that implements them.

usage: layers.py [ROOT]: prints TAP.
"""

import os
import re
import sys

FACES = ("plugin", "tools", "examples")

# What each layer of src/ may include of src/, besides itself.
BELOW = {
    "teach": {"classifier", "model", "base"},
    "classifier": {"selftest", "net", "ops", "tune", "model", "vk", "base"},
    "selftest": {"ops", "tune", "vk", "base"},
    "net": {"ops", "tune", "model", "vk", "base"},
    "ops": {"tune", "vk", "base"},
    "tune": {"vk", "base"},
    "model": {"base"},
    "vk": {"base"},
    "base": set(),
}
# An op is told its shape and its recipe in the terms of the model, in headers of plain data.
PLAIN_DATA = {"model/arch.h", "model/recipe.h"}
ALLOWED_FILES = {"ops": PLAIN_DATA, "selftest": PLAIN_DATA}

# Public headers, by the layer that implements them. The rest are types for all.
OWNERS = {
    "effvk-embeddings.h": "teach",
    "effvk-teacher.h": "teach",
    "effvk-classifier.h": "classifier",
    "effvk-selftest.h": "selftest",
    "effvk-smoother.h": "classifier",
    "effvk.h": "teach",
    "effvk-model.h": "model",
    "effvk-device.h": "vk",
    "effvk-frame-memory.h": "vk",
    "effvk-vulkan.h": "vk",
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*(?:include|import)[ \t]*([<"])([^>"]+)[>"]', re.M)
COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S
)
VULKAN_CALL = re.compile(r"\b(?:device->vk\.|vk[A-Z])\w*[ \t]*\(")
OUTSIDE = {  # what no file of src/ or include/ may know
    "gst/": "GStreamer",
}


def layer_of(path):
    """The layer of a path below src/: "vk/device.c" is "vk", "classifier.c" is "classifier"."""
    if "/" not in path:
        return "classifier"
    first = path.split("/")[0]
    return first if first in BELOW else None


def blank(match):
    """Spaces for a comment or a string, with its line breaks, so that lines keep their numbers."""
    return re.sub(r"[^\n]", " ", match[0])


def blank_comment(match):
    return match[0] if match[0][0] in "\"'" else blank(match)


def check_src(path, kind, included):
    layer = layer_of(path)
    if layer is None:
        return f"src/{path} belongs to no layer"
    allowed = BELOW[layer] | {layer}
    if kind == '"':
        if included in ALLOWED_FILES.get(layer, ()):
            return None
        if included == "constants.h" or included.endswith(".spv.h"):  # shaders/, what is generated of it
            return None if layer == "ops" else f'{layer} must not know shaders: "{included}"'
        if "/" not in included and layer != "classifier":
            return f'"{included}" is not named relative to src/, as "{layer}/{included}"'
        target = layer_of(included)
        if target is None:
            return f'"{included}" belongs to no layer'
        if target not in allowed:
            return f'{layer} must not know {target}: "{included}"'
    elif included.startswith("effvk/"):
        owner = OWNERS.get(included[len("effvk/"):])
        if owner is not None and owner not in allowed:
            return f"{layer} must not know {owner}: <{included}>"
    elif included == "volk.h" or included.startswith("vulkan/"):
        if "vk" not in allowed:
            return f"{layer} must not know Vulkan: <{included}>"
    return None


def check_face(path, kind, included):
    if included.startswith(("volk", "vulkan/")):
        return f"a face must not know Vulkan: {included}"
    if kind == "<":
        return None
    folder = os.path.dirname(path)
    target = os.path.normpath(os.path.join(folder, included))
    first = included.split("/")[0]
    if included.startswith("effvk/") or first == "src" or ("/" in included and first in BELOW):
        return f'a face may include only <effvk/...> and its own headers: "{included}"'
    if target.split("/")[0] != path.split("/")[0]:
        return f'a face may include only its own headers, not "{included}"'
    return None


def check_interface(included):
    if included.startswith(("volk", "vulkan/")):
        return f"a public header must not need Vulkan: {included}"
    if not included.startswith(("effvk/", "glib", "gio/")):
        return f"a public header may include only public headers and GLib: {included}"
    return None


def check(path, text):
    """The (line, complaint) pairs of one file; its path is relative to the root, with slashes."""
    found = []
    top, _, rest = path.partition("/")
    uncommented = COMMENT_OR_STRING.sub(blank_comment, text)

    for match in INCLUDE.finditer(uncommented):
        line, (kind, included) = text.count("\n", 0, match.start(1)) + 1, match.groups()
        complaint = None
        if top in ("src", "include"):
            for prefix, name in OUTSIDE.items():
                if included.startswith(prefix):
                    complaint = f"{top}/ must not know {name}: {included}"
        if complaint is None:
            if top == "src":
                complaint = check_src(rest, kind, included)
            elif top == "include":
                # The one header for those who bring their own device.
                if os.path.basename(path) != "effvk-vulkan.h":
                    complaint = check_interface(included)
            elif top in FACES:
                complaint = check_face(path, kind, included)
        if complaint:
            found.append((line, complaint))

    if top in FACES:
        code = COMMENT_OR_STRING.sub(blank, text)
        for match in VULKAN_CALL.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            found.append((line, f"a face calls Vulkan: {match[0]}…)"))
    return found


def files(root):
    for top in ("include", "src") + FACES:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "build")))
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


# (path, text, how many complaints): the check has to see what is wrong, and only that.
SAMPLES = [
    ("src/vk/a.c", '#include "model/model.h"\n', 1),
    ("src/model/a.c", '#include "vk/device.h"\n', 1),
    ("src/model/a.c", "#include <volk.h>\n", 1),
    ("src/base/a.c", '#include "vk/device.h"\n', 1),
    ("src/tune/a.c", '#include "ops/op.h"\n', 1),
    ("src/ops/a.c", '#include "net/plan.h"\n', 1),
    ("src/ops/a.c", '#include "model/model.h"\n', 1),
    ("src/ops/a.c", "#include <effvk/effvk-model.h>\n", 1),
    ("src/net/a.c", '#include "classifier-private.h"\n', 1),
    ("src/vk/a.c", '  #  include "net/plan.h"\n', 1),
    ("src/vk/a.c", '#include "device.h"\n', 1),
    ("src/vk/a.c", '#include "../net/plan.h"\n', 1),
    ("src/stray/a.c", "#include <glib.h>\n", 1),
    ("src/net/a.c", '#include "conv_f32.spv.h"\n', 1),
    ("src/net/a.c", "#include <gst/gst.h>\n", 1),
    ("include/effvk/a.h", "#include <vulkan/vulkan.h>\n", 1),
    ("include/effvk/a.h", '#include "vk/device.h"\n', 1),
    ("plugin/a.c", '#include "vk/device.h"\n', 1),
    ("plugin/a.c", '#include "../src/vk/device.h"\n', 1),
    ("plugin/a.c", "int x = vkQueueSubmit (q, 1, 0, 0);\n", 1),
    ("plugin/a.c", "f ();\n\ndevice->vk.vkCmdDispatch (c, 1, 1, 1);\n", 1),
    ("tools/a.c", "#include <volk.h>\n", 1),
    ("src/net/a.c", '#include "ops/op.h"\n#include "vk/program.h"\n#include <glib.h>\n', 0),
    ("src/ops/a.c", '#include "model/arch.h"\n#include "conv_f32.spv.h"\n', 0),
    ("src/vk/a.c", '#include "vk/device.h"\n#include <volk.h>\n#include <effvk/effvk-device.h>\n', 0),
    ("src/vk/a.c", '/*\n#include "net/plan.h"\n*/\n// #include "net/plan.h"\n', 0),
    ("src/classifier-ring.c", '#include "classifier-private.h"\n#include "net/plan.h"\n', 0),
    ("plugin/a.c", '#include <effvk/effvk.h>\n#include <gst/gst.h>\n#include "b.h"\n', 0),
    ("plugin/a.c", '/* vkFoo () */ g_print ("vkFoo ()"); effvk_bar ();\n', 0),
]


def self_check():
    bad = []
    for path, text, expected in SAMPLES:
        got = check(path, text)
        if len(got) != expected:
            bad.append(f"{path}: {text!r}: {len(got)} complaints instead of {expected}: {got}")
    return bad


def unnamed(root):
    """Files of plugin/ that docs/architecture.md does not name, and those that it names and that are gone."""
    with open(os.path.join(root, "docs", "architecture.md"), encoding="utf-8") as file:
        text = file.read()
    named = set(re.findall(r"`(?:[\w./-]*/)?([\w-]+\.c)`", text))
    there = {os.path.basename(path) for path in files(root) if path.endswith(".c")}
    bad = [f"{path} is not named in docs/architecture.md" for path in files(root)
           if path.startswith("plugin/") and path.count("/") == 2 and path.endswith(".c")
           and os.path.basename(path) not in named]
    return bad + [f"docs/architecture.md names {name}, which is no file" for name in sorted(named - there)]


def point(number, name, complaints):
    print(f"{'not ok' if complaints else 'ok'} {number} - {name}")
    for complaint in complaints:
        print(f"# {complaint}")
    return not complaints


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    by_top, count = {}, 0

    for path in files(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            found = check(path, file.read())
        by_top.setdefault(path.split("/")[0], []).extend(f"{path}:{n}: {what}" for n, what in found)
        count += 1

    tops = sorted(by_top)
    print(f"1..{len(tops) + 3}")
    good = point(1, "the check sees what is wrong in samples", self_check())
    good &= point(2, "there are files to check", [] if count >= 20 else [f"only {count} in {root}"])
    for number, top in enumerate(tops, 3):
        good &= point(number, f"layers of {top}", by_top[top])
    good &= point(len(tops) + 3, "docs/architecture.md names the files of plugin/", unnamed(root))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
