# SPDX-License-Identifier: LGPL-2.1-or-later
"""A page for each element, in the order of GStreamer's own documentation, of the comment in its source and of what the
element says of itself."""

import glob
import os
import re
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GObject, Gst  # noqa: E402

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from properties import changeable, default_of, kind  # noqa: E402


def section(text):
    """The Markdown of the comment SECTION:element-…, and since when the element is there."""
    comment = re.search(r"/\*\*\n \* SECTION:element-(\w+)\n(.*?)\n \*/", text, re.S)
    if not comment:
        return None, None
    lines = [line[3:] for line in comment[2].splitlines() if not line.startswith(" * @")]
    body = "\n".join(lines).strip()
    body = re.sub(r"^\|\[(?:<!--.*?-->)?\n(.*?)^\]\|", r"```\n\1```\n\n", body, flags=re.M | re.S)
    body = re.sub(r"#GstEffvk\w+::?([\w-]+)", r"[`\1`](#\1)", body)
    return comment[1], body


def caps(template):
    return "\n".join(text.strip() for text in template.get_caps().to_string().split(";"))


def hierarchy(element):
    names, kind_of = [], element.__gtype__
    while kind_of.is_a(GObject.TYPE_OBJECT):
        names.insert(0, kind_of.name)
        kind_of = kind_of.parent
    return "\n".join("    " * depth + name for depth, name in enumerate(names))


def own(element):
    """Its properties and signals that no class above it has."""
    inherited = {spec.name for spec in GObject.list_properties(Gst.Bin)}
    return sorted((spec for spec in element.list_properties()
                   if spec.name not in inherited and not spec.owner_type.name.startswith("GstBase")),
                  key=lambda spec: spec.name)


def signal(element, name):
    query = GObject.signal_query(name, element)
    takes = ", ".join(GObject.type_name(one) for one in query.param_types)
    return f"### {name}\n\n```\n{GObject.type_name(query.return_type)} {name} ({takes})\n```\n"


def element_page(name, body):
    element = Gst.ElementFactory.make(name)
    if not element:
        return None
    factory = element.get_factory()
    plugin = factory.get_plugin()
    lines = [f"# {name}\n", body, "\n## Hierarchy\n", f"```\n{hierarchy(element)}\n```", "\n## Factory details\n",
             "| | |", "|---|---|", f"| Authors | {factory.get_metadata('author')} |",
             f"| Classification | `{factory.get_metadata('klass')}` |", f"| Rank | {factory.get_rank()} |",
             f"| Plugin | {plugin.get_name()} |", f"| Licence | {plugin.get_license()} |", "\n## Pad templates\n"]
    for template in factory.get_static_pad_templates():
        lines += [f"### {template.name_template}\n", f"```\n{caps(template)}\n```\n",
                  f"Presence: {template.presence.value_nick}. Direction: {template.direction.value_nick}.\n"]
    signals = sorted(GObject.signal_list_names(element))
    if signals:
        lines += ["\n## Signals\n", *(signal(element, one) for one in signals)]
    lines.append("\n## Properties\n")
    for spec in own(element):
        default, change = default_of(spec), changeable(spec)
        lines += [f"### {spec.name}\n", f"{spec.blurb}.\n",
                  f"Type: {kind(spec)}. " + ("Read-only." if change == "read-only" else f"Can be set {change}.")
                  + (f" Default: `{default}`." if default else "") + "\n"]
    return "\n".join(lines)


def element_pages(root):
    """The pages in Markdown by the elements' names, of the elements that this build has."""
    Gst.init(None)
    pages = {}
    for path in sorted(glob.glob(os.path.join(root, "plugin/*/effvk*.c"))):
        with open(path, encoding="utf-8") as file:
            name, body = section(file.read())
        page = element_page(name, body) if name else None
        if page:
            pages[name] = page
    if not pages:
        sys.exit("the plugin is not found: set GST_PLUGIN_PATH to its folder")
    return pages
