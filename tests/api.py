#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every public declaration has documentation that is complete. Prints TAP.

A function's comment says what it does, tells each parameter, what is returned and who owns it, the
domain of its errors, and since when it is there. What the introspection data says is checked too,
where its path is given.

usage: api.py [Effvk-1.0.gir]
"""

import glob
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
FUNCTION = re.compile(r"(?:/\*\*\n(?P<doc>(?: \*.*\n)*?) \*/\n)?"
                      r"EFFVK_API (?P<type>[\w *]+?[ *]+)(?P<name>effvk_\w+)\s*\((?P<parameters>[^;]*)\)"
                      r"[^;()]*;")
CORE = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"


def parts(doc):
    """What a comment has: its parameters, its description, what is returned, and since when."""
    lines = [line[3:] for line in doc.splitlines()[1:]]
    parameters, text, what = {}, {"": [], "returns": [], "since": []}, "head"
    for line in lines:
        if match := re.match(r"@(\w+):\s*(.*)", line) if what in ("head", "parameter") else None:
            what, name = "parameter", match[1]
            parameters[name] = match[2]
        elif match := re.match(r"(Returns|Since):\s*(.*)", line):
            what = match[1].lower()
            text[what].append(match[2])
        elif not line:
            what = "" if what in ("head", "parameter") else what
        elif what == "parameter":
            parameters[name] += " " + line
        else:
            text[what if what in text else ""].append(line)
    return parameters, {key: " ".join(value) for key, value in text.items()}


def complaints(function):
    """What the comment of a declared function lacks."""
    name, doc = function["name"], function["doc"]
    if name.endswith("_get_type"):
        return []
    if not doc:
        return [f"{name}: no documentation"]
    bad = []
    parameters, text = parts(doc)
    if doc.splitlines()[0].split(":")[0] != f" * {name}":
        bad.append(f"{name}: its comment is of {doc.splitlines()[0][3:]}")
    for parameter in filter(None, re.split(r",\s*", " ".join(function["parameters"].split()))):
        parameter = re.search(r"(\w+)(?:\[\])?$", parameter)[1]
        if parameter not in ("void", *parameters):
            bad.append(f"{name}: @{parameter} is not told")
    returned = "".join(function["type"].split())
    if not text[""] and "skip" not in doc.splitlines()[0]:
        bad.append(f"{name}: nothing says what it does")
    if (returned == "void") == bool(text["returns"]):
        bad.append(f"{name}: 'Returns:' and the type {returned} do not go together")
    if returned.endswith("*") and not re.search(r"\(transfer \w+\)|^(?:const )?gpointer", text["returns"]):
        bad.append(f"{name}: nothing says who owns what is returned")
    if "error" in parameters and "ERROR" not in parameters["error"]:
        bad.append(f"{name}: the domain of its errors is not told")
    if not re.match(r"\d+\.\d+$", text["since"]):
        bad.append(f"{name}: no 'Since:'")
    return bad


def headers():
    bad, n = [], 0
    for path in sorted(glob.glob(os.path.join(ROOT, "include/effvk/*.h*"))):
        with open(path, encoding="utf-8") as file:
            for function in FUNCTION.finditer(file.read()):
                n += 1
                bad += [f"{os.path.basename(path)}: {what}" for what in complaints(function)]
    return bad + ([] if n > 100 else [f"only {n} functions were found"])


# What is asked of a parameter of each type.
CHECKS = {"EffvkClassifier": "EFFVK_IS_CLASSIFIER", "EffvkClassifierOptions": "EFFVK_IS_CLASSIFIER_OPTIONS",
          "EffvkDevice": "EFFVK_IS_DEVICE", "EffvkModel": "EFFVK_IS_MODEL", "EffvkSmoother": "EFFVK_IS_SMOOTHER",
          "EffvkResult": None, "EffvkImage": None, "EffvkFrameMemory": None, "EffvkDeviceInfo": None,
          "GBytes": None, "GPtrArray": None}
# Where no image is an error that the caller is told, as it may come of a constructor that failed.
TOLD = ("effvk_classifier_submit", "effvk_classifier_submit_regions", "effvk_classifier_classify",
        "effvk_classifier_profile")


def unchecked(function, body):
    """The parameters of a function that its body does not check first."""
    parameters, _ = parts(function["doc"])
    for text in function["parameters"].split(","):
        match = re.match(r"(?:const )?(\w+) (\*+)(\w+)$", " ".join(text.split()))
        if not match or "(nullable)" in parameters.get(match[3], ""):
            continue
        kind, stars, name = match.groups()
        if stars == "*" and kind in CHECKS and not (kind == "EffvkImage" and function["name"] in TOLD):
            wanted = f"{CHECKS[kind]} ({name})" if CHECKS[kind] else f"{name} != NULL"
        elif stars == "**" and kind == "GError":
            wanted = "error == NULL || *error == NULL"
        else:
            continue
        if not re.search(r"g_return_(?:val_)?if_fail \([^;]*" + re.escape(wanted), body):
            yield f"{function['name']}: does not check {wanted}"


def preconditions():
    """Public functions that take what they are given unseen."""
    bodies, bad, n = {}, [], 0
    for path in glob.glob(os.path.join(ROOT, "src/**/*.c"), recursive=True):
        with open(path, encoding="utf-8") as file:
            bodies.update(re.findall(r"^(effvk_\w+) \([^)]*\)\n\{\n((?:.*\n)*?)\}$", file.read(), re.MULTILINE))
    for path in sorted(glob.glob(os.path.join(ROOT, "include/effvk/*.h"))):
        with open(path, encoding="utf-8") as file:
            for function in FUNCTION.finditer(file.read()):
                if function["doc"] and function["name"] in bodies:
                    n += 1
                    bad += unchecked(function, bodies[function["name"]])
    return bad + ([] if n > 100 else [f"only {n} functions were found"])


def introspected(path):
    """Types, values, properties and functions without a description."""
    bad = []
    root = ElementTree.parse(path).getroot()
    for kind in ("class", "record", "enumeration", "bitfield", "callback", "property", "member",
                 "function", "method", "constructor", "signal"):
        for node in root.iter(CORE + kind):
            name = node.get(C + "identifier") or node.get(C + "type") or node.get("name")
            if name.endswith(("Class", "Private", "_get_type")):
                continue
            if node.find(CORE + "doc") is None:
                bad.append(f"{kind} {name}: no documentation")
            elif kind not in ("member", "property", "signal") and not node.get("version"):
                bad.append(f"{kind} {name}: no 'Since:'")
    return bad


def declared(text):
    """What complaints() says of one declaration."""
    return complaints(FUNCTION.search(text))


def itself():
    """The check finds what it is for."""
    good = ("/**\n * effvk_a:\n * @b: a thing\n * @error: return location of a #GError in the "
            "%EFFVK_DEVICE_ERROR domain\n *\n * Does it.\n *\n * Returns: (transfer full): it\n *\n"
            " * Since: 0.1\n */\nEFFVK_API char *effvk_a (EffvkB *b, GError **error);\n")
    bad = [f"complains of what is complete: {declared(good)}"] if declared(good) else []
    for lacks in (" * @b: a thing\n", " * Does it.\n", " *\n * Returns: (transfer full): it\n",
                  "(transfer full): ", " in the %EFFVK_DEVICE_ERROR domain", " *\n * Since: 0.1\n",
                  good[: good.index("EFFVK_API")]):
        if not declared(good.replace(lacks, "").replace("a #GError" + lacks, "a #GError")):
            bad.append(f"does not miss {lacks!r}")
    return bad


def main():
    points = [("the check finds what it is for", itself()), ("the headers", headers()),
              ("parameters are checked", preconditions())]
    if len(sys.argv) > 1:
        points.append(("the introspection data", introspected(sys.argv[1])))
    print(f"1..{len(points)}")
    for number, (what, bad) in enumerate(points, 1):
        for line in bad:
            print(f"# {line}")
        print(f"{'not ok' if bad else 'ok'} {number} - {what}")
    return any(bad for _, bad in points)


if __name__ == "__main__":
    sys.exit(main())
