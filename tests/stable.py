#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing that somebody may use goes away or changes. Prints TAP.

tests/stable.txt has what was there at the last release: the library's functions with their types, its structures, the
values of its enumerations, its properties; the elements' properties, their types and the values they know; the
options of the command; the fields of its JSON. What is there now must have all of it. What is new is told, and is
recorded by `write` before a release. CONTRIBUTING.md says how something is replaced.

Nothing is exported but what the headers declare. debian/libeffvk-1.0-0.symbols has it, with the version that brought it.

usage: stable.py check|write BUILD
"""

import glob
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import api

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
RECORD = os.path.join(ROOT, "tests/stable.txt")
SYMBOLS = os.path.join(ROOT, "debian/libeffvk-1.0-0.symbols")
ELEMENTS = ("effvkclassify", "effvkgate", "effvkoverlay", "effvkpublish")
CORE = "{http://www.gtk.org/introspection/core/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"
STRUCT = re.compile(r"^(?:typedef )?struct\s*(?P<tag>\w*)\n\{\n(?P<fields>.*?)^\}\s*(?P<name>\w*);", re.M | re.S)

def words(text):
    """A declaration with single spaces and without the names of parameters."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = " ".join(text.split())
    return re.sub(r"(?<=[ *])(\w+)((?:\[\w*\])?)$", r"\2", text).replace(" *", "*").strip() if text != "void" else text


def headers():
    """Functions and structures, as the headers declare them."""
    for path in sorted(glob.glob(os.path.join(ROOT, "include/effvk/*.h*"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for function in api.FUNCTION.finditer(text):
            parameters = ", ".join(words(part) for part in function["parameters"].split(","))
            yield f"function {function['name']}: {' '.join(function['type'].split()).replace(' *', '*')} ({parameters})"
        for name in re.findall(r"^(?:EFFVK_API )?G_DECLARE_\w+_TYPE \(\w+,\s*(effvk_\w+)", text, re.M):
            yield f"function {name}_get_type: GType (void)"
        for struct in STRUCT.finditer(text):
            fields = [field.strip() for field in re.sub(r"/\*.*?\*/", "", struct["fields"], flags=re.S).split(";")]
            fields = " ".join("; ".join(field for field in fields if field).split())
            yield f"structure {struct['name'] or struct['tag']}: {fields}"


def introspected(build):
    """Values of enumerations, properties and signals of objects."""
    for node in ElementTree.parse(os.path.join(build, "src/Effvk-1.0.gir")).getroot().iter():
        owner = node.get(C + "type")
        for member in node.findall(CORE + "member"):
            yield f"value {member.get(C + 'identifier')}: {member.get('value')}"
        for kind in (CORE + "property", GLIB + "signal"):
            for one in node.findall(kind):
                of = one.find(CORE + "type")
                of = of.get("name") if of is not None else ""
                writable = " writable" if one.get("writable") == "1" else ""
                yield f"{kind.split('}')[1]} {owner}:{one.get('name')}: {of}{writable}".rstrip(": ")


def elements(build):
    """The elements' properties and the values that they know by name, their signals and pads."""
    os.environ["GST_PLUGIN_PATH"] = os.path.join(build, "plugin")
    os.environ["GST_REGISTRY"] = os.path.join(build, "tests/stable-registry.bin")
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import GObject, Gst
    sys.path.insert(0, os.path.join(ROOT, "docs"))
    import properties
    Gst.init(None)
    inherited = {spec.name for spec in GObject.list_properties(Gst.Bin)}
    for name in ELEMENTS:
        made = Gst.ElementFactory.make(name)
        for spec in made.list_properties():
            if spec.name in inherited or spec.owner_type.name.startswith("GstBase"):
                continue
            access = "".join(letter for flag, letter in ((GObject.ParamFlags.READABLE, "r"),
                                                         (GObject.ParamFlags.WRITABLE, "w")) if spec.flags & flag)
            yield f"element-property {name} {spec.name}: {GObject.type_name(spec.value_type)} {access}"
            for nick in properties.nicks_of(spec).values():
                yield f"element-value {name} {spec.name}: {nick}"
        for signal in GObject.signal_list_names(made):
            yield f"element-signal {name} {signal}"
        for template in made.get_pad_template_list():
            yield f"element-pad {name} {template.name_template}"


def options(build):
    """The command's commands and their options."""
    def said(*arguments):
        return subprocess.run([os.path.join(build, "tools/effvk"), *arguments], stdout=subprocess.PIPE, check=True,
                              encoding="utf-8").stdout
    for line in said("--help").split("Commands:\n")[1].split("\n\n")[0].splitlines():
        command = line.split()[0]
        yield f"command {command}"
        for option in re.findall(r"^  ((?:-\w, )?--[\w-]+)", said(command, "--help"), re.M):
            yield f"option {command} {option}"


def schema():
    """The fields of the JSON records, by kind of record. Its version is the number at the end of $id."""
    with open(os.path.join(ROOT, "docs/schema/effvk.schema.json"), encoding="utf-8") as file:
        whole = json.load(file)
    yield f"schema {whole['$id']}"

    def fields(path, node):
        for name, below in node.get("properties", {}).items():
            always = " always" if name in node.get("required", ()) else ""
            kind = below.get("type") or below.get("$ref", "").split("/")[-1] or ""
            kind = "|".join(kind) if isinstance(kind, list) else kind
            yield f"field {path}.{name}: {kind}{always}".rstrip(": ")
            yield from fields(f"{path}.{name}", below)
        if isinstance(node.get("items"), dict):
            yield from fields(path + "[]", node["items"])
    for name, node in whole["$defs"].items():
        yield from fields(name, node)


def exports(build):
    """The symbols that the library exports."""
    listed = subprocess.run(["nm", "-D", "--defined-only", os.path.join(build, "src/libeffvk-1.0.so.0")],
                            stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout
    return {line.split()[-1] for line in listed.splitlines()}


def since(name, docs):
    """The version that brought a function. Of a type's function its type's comment tells."""
    text = docs.get(name) or docs.get("".join(part.capitalize() for part in name[:-len("_get_type")].split("_")), "")
    match = re.search(r"Since: (\d+\.\d+)", text)
    return match[1] + ".0" if match else "UNKNOWN"


def symbols():
    """The lines of debian/libeffvk-1.0-0.symbols."""
    docs = {}
    for path in glob.glob(os.path.join(ROOT, "include/effvk/*.h*")):
        with open(path, encoding="utf-8") as file:
            docs.update(re.findall(r"/\*\*\n \* (\w+):(.*?)\*/", file.read(), re.S))
    yield "libeffvk-1.0.so.0 libeffvk-1.0-0 #MINVER#"
    for name in sorted(line.split()[1].rstrip(":") for line in headers() if line.startswith("function ")):
        yield f" {name}@Base {since(name, docs)}"


def exported(build):
    """Complaints about functions that the headers declare and the library does not export, and the other way round."""
    there = exports(build)
    declared = {line.split()[1].rstrip(":") for line in headers() if line.startswith("function ")}
    return [f"not exported: {name}" for name in sorted(declared - there)] \
        + [f"not declared: {name}" for name in sorted(there - declared)]


def compare(found, recorded):
    """What is recorded and not found. The kinds of lines that are compared are those that were found."""
    found = set(found)
    kinds = {line.split()[0] for line in found}
    gone = [line for line in recorded if line.split()[0] in kinds and line not in found]
    new = sorted(found - set(recorded))
    return [f"is gone or another: {line}" for line in gone], new


def itself():
    """The comparison finds what is for it to find."""
    recorded = ["function a: void (int)", "value B: 1", "option c --d"]
    bad = []
    for found, gone, new in ((recorded, 0, 0), (["function a: void (char)", "value B: 1"], 1, 1),
                             (["value B: 2", "value C: 3"], 1, 2), (["option c --e"], 1, 1)):
        got = compare(found, recorded)
        if (len(got[0]), len(got[1])) != (gone, new):
            bad.append(f"of {found}: {got}")
    return bad


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("check", "write"):
        sys.exit(__doc__.splitlines()[-1])
    build = os.path.realpath(sys.argv[2])
    parts = {"the library's headers": headers(), "its enumerations, properties and signals": introspected(build),
             "the elements": elements(build), "the command": options(build), "the JSON": schema()}
    parts = {name: list(lines) for name, lines in parts.items()}
    if sys.argv[1] == "write":
        for path, lines in ((RECORD, sorted(set(sum(parts.values(), [])))), (SYMBOLS, symbols())):
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in lines)
        return 0
    with open(RECORD, encoding="utf-8") as file:
        recorded = file.read().splitlines()
    with open(SYMBOLS, encoding="utf-8") as file:
        packaged = file.read().splitlines()
    now = list(symbols())
    points = [("the comparison finds what is for it", itself(), []),
              ("what is exported is what is declared", exported(build), []),
              ("Debian's symbols are there", [f"is gone or another: {line}" for line in packaged if line not in now],
               [line for line in now if line not in packaged])]
    points += [(name, *compare(lines, recorded)) for name, lines in parts.items()]
    points.append(("all of the record was compared",
                   [f"nothing is like {line}" for line in recorded
                    if line.split()[0] not in {each.split()[0] for lines in parts.values() for each in lines}], []))
    print(f"1..{len(points)}")
    for number, (name, bad, new) in enumerate(points, 1):
        for line in bad:
            print(f"# {line}")
        print(f"{'not ok' if bad else 'ok'} {number} - {name}")
        if new:
            print(f"# new since the record: {len(new)}")
    return any(bad for _, bad, _ in points)


if __name__ == "__main__":
    sys.exit(main())
