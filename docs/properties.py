#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes docs/properties.md of what the elements say of themselves.

usage: properties.py write      GST_PLUGIN_PATH names the folder with the plugin
       properties.py check      prints TAP: whether docs/properties.md is what it would write
"""

import os
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GObject, Gst  # noqa: E402

PAGE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "properties.md")
HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
# Properties of the elements

`docs/properties.py write` makes this page of what `gst-inspect-1.0` prints.

A property can be set in any state unless the table says *before start*. "While playing" means that the next
frame sees the change. Times are in nanoseconds.
"""
CHANGEABLE = ((Gst.PARAM_MUTABLE_PLAYING, "while playing"), (Gst.PARAM_MUTABLE_PAUSED, "while paused"),
              (Gst.PARAM_MUTABLE_READY, "before start"))


def nicks_of(spec):
    """Of the values of an enumeration or of flags, by number. PyGObject 3.50 has no Python class of theirs."""
    if GObject.type_is_a(spec.value_type, GObject.TYPE_ENUM):
        known = spec.enum_class
        if hasattr(known, "__enum_values__"):
            return {int(number): value.value_nick for number, value in known.__enum_values__.items()}
        values = (GObject.enum_get_value(known, number) for number in range(known.minimum, known.maximum + 1))
    elif not GObject.type_is_a(spec.value_type, GObject.TYPE_FLAGS):
        return {}
    else:
        known = spec.flags_class
        if hasattr(known, "__flags_values__"):
            return {int(number): value.first_value_nick for number, value in known.__flags_values__.items()}
        values = (GObject.flags_get_first_value(known, 1 << bit) for bit in range(32) if known.mask >> bit & 1)
    return {value.value: value.value_nick for value in values if value}


def default_of(spec):
    """A property's default, as gst-launch takes it."""
    value = getattr(spec, "default_value", None)  # what is boxed has none
    if type(value) is int and GObject.type_is_a(spec.value_type, GObject.TYPE_ENUM):
        return nicks_of(spec)[value]
    if type(value) is int and GObject.type_is_a(spec.value_type, GObject.TYPE_FLAGS):
        return "+".join(nick for number, nick in nicks_of(spec).items() if value & number)
    return shown(value)


def shown(value):
    """A value, as gst-launch takes it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if type(value) is int and value == 2**64 - 1:
        return "-1"
    if hasattr(value, "value_nick"):
        return value.value_nick
    if hasattr(value, "value_nicks"):
        return "+".join(value.value_nicks)
    return str(value)


def kind(spec):
    """The type of a property, in a word."""
    name = GObject.type_name(spec.value_type)
    if GObject.type_is_a(spec.value_type, GObject.TYPE_ENUM):
        return "one of " + ", ".join(f"`{nick}`" for nick in nicks_of(spec).values())
    if GObject.type_is_a(spec.value_type, GObject.TYPE_FLAGS):
        return "some of " + ", ".join(f"`{nick}`" for nick in nicks_of(spec).values()) + ", joined by +"
    return {"gchararray": "string", "gboolean": "boolean", "guint": "number", "gint": "number", "guint64": "number",
            "gint64": "number", "gdouble": "number", "gfloat": "number", "GstStructure": "structure",
            "GstValueArray": "array"}.get(name, name)


def changeable(spec):
    if not spec.flags & GObject.ParamFlags.WRITABLE:
        return "read-only"
    return next((text for flag, text in CHANGEABLE if spec.flags & flag), "before start")


def element(name):
    """The part of the page about one element."""
    made = Gst.ElementFactory.make(name)
    inherited = {spec.name for spec in GObject.list_properties(Gst.Bin)}
    lines = [f"\n## {name}\n", made.get_factory().get_metadata("description") + ".\n",
             "| property | type | default | change | meaning |", "|---|---|---|---|---|"]
    for spec in sorted(made.list_properties(), key=lambda spec: spec.name):
        if spec.name in inherited or spec.owner_type.name.startswith("GstBase"):
            continue
        meaning = (spec.blurb or "").replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{spec.name}` | {kind(spec)} | {default_of(spec)} | {changeable(spec)} | {meaning} |")
    return "\n".join(lines) + "\n"


def page():
    plugin = Gst.Registry.get().find_plugin("effvk")
    if not plugin:
        sys.exit("properties.py: the plugin is not found: set GST_PLUGIN_PATH to its folder")
    names = [feature.get_name() for feature in Gst.Registry.get().get_feature_list_by_plugin("effvk")
             if isinstance(feature, Gst.ElementFactory)]
    return HEAD + "".join(element(name) for name in sorted(names))


def main():
    Gst.init(None)
    if sys.argv[1:] == ["write"]:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(page())
        return 0
    if sys.argv[1:] != ["check"]:
        sys.exit(__doc__)
    with open(PAGE, encoding="utf-8") as file:
        written = file.read().splitlines()
    made = page().splitlines()
    bad = [line for line in made if line not in written] + [f"gone: {line}" for line in written if line not in made]
    print("1..1")
    for line in bad:
        print(f"# {line}")
    print(f"{'not ok' if bad else 'ok'} 1 - docs/properties.md is what the elements say")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
