#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the documentation as a site of plain files: the guides, a page for each element, the library's reference.

Nothing on it comes from elsewhere: no script, no font, no picture. Files of the tree that a guide links to are copied.

usage: make.py REFERENCE FOLDER     REFERENCE is what gi-docgen has made; GST_PLUGIN_PATH names the plugin's folder
"""

import html
import os
import posixpath
import re
import shutil
import sys

import markdown
from elements import element_pages

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
GUIDES = {
    "Start": ["README.md", "docs/pipelines.md", "docs/metadata.md", "docs/teach.md", "docs/serve.md",
              "docs/deploy.md"],
    "Models": ["docs/models.md", "docs/model-files.md", "models/README.md"],
    "Devices": ["docs/devices.md", "docs/memory.md", "docs/kernels-compiled.md"],
    "Figures": ["docs/benchmarks.md", "docs/performance.md"],
    "Project": ["docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "tests/fuzz/README.md"],
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} - effvk</title>
<link rel="stylesheet" href="{up}style.css">
</head>
<body>
<nav>
{menu}
</nav>
<main>
{body}
</main>
</body>
</html>
"""
LINK = re.compile(r'(?P<before><(?:a|img) [^>]*?(?:href|src)=")(?P<target>[^"]+)"')


def slug(text, separator):
    """The anchor of a heading, as the places that show Markdown make it."""
    return re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", separator)


def to_html(text):
    return markdown.markdown(text, extensions=["tables", "fenced_code", "toc", "sane_lists"],
                             extension_configs={"toc": {"slugify": slug}})


def place(path):
    """Where a guide of the tree is on the site."""
    if path == "README.md":
        return "index.html"
    return re.sub(r"(README)?\.md$", lambda match: "index.html" if match[1] else ".html", path)


def title_of(text, path):
    match = re.search(r"^# (.*)$", text, re.M)
    return match[1].replace("`", "") if match else os.path.basename(path)


def unplaced():
    """Guides of docs/ that no group of the menu has."""
    there = {"docs/" + name for name in os.listdir(os.path.join(ROOT, "docs")) if name.endswith(".md")}
    return sorted(there - set(sum(GUIDES.values(), [])) - {"docs/properties.md"})


class Site:
    """A folder that becomes the site."""

    def __init__(self, folder):
        self.folder = folder
        self.texts = {}
        for path in sum(GUIDES.values(), []):
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                self.texts[path] = file.read()

    def menu(self, page, elements):
        """What stands beside each page."""
        groups = [(name, [(place(path), title_of(self.texts[path], path)) for path in paths])
                  for name, paths in GUIDES.items()]
        groups.insert(1, ("Elements", [(f"elements/{name}.html", name) for name in elements]
                          + [("docs/properties.html", "All properties")]))
        groups.insert(2, ("Library", [("reference/index.html", "Reference")]))
        lines = []
        for name, entries in groups:
            lines.append(f"<h2>{html.escape(name)}</h2>\n<ul>")
            for target, title in entries:
                here = ' aria-current="page"' if target == page else ""
                lines.append(f'<li><a href="{self.relative(target, page)}"{here}>{html.escape(title)}</a></li>')
            lines.append("</ul>")
        return "\n".join(lines)

    @staticmethod
    def relative(target, page):
        return posixpath.relpath(target, posixpath.dirname(page) or ".")

    def write(self, page, title, body, elements):
        path = os.path.join(self.folder, page)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(PAGE.format(title=html.escape(title), up="../" * page.count("/"), body=body,
                                   menu=self.menu(page, elements)))

    def copy(self, path, elements):
        """A file of the tree that is linked to, or a folder: then a page that lists its files. Where it is."""
        source = os.path.join(ROOT, path)
        if not os.path.isdir(source):
            os.makedirs(os.path.dirname(os.path.join(self.folder, path)), exist_ok=True)
            shutil.copyfile(source, os.path.join(self.folder, path))
            return path
        names = []
        for folder, folders, files in os.walk(source):
            folders[:] = sorted(name for name in folders if not name.startswith(("__", ".")))
            names += [os.path.relpath(os.path.join(folder, name), source) for name in sorted(files)
                      if name != "meson.build"]
        for name in names:
            self.copy(os.path.join(path, name), elements)
        page = posixpath.join(os.path.normpath(path), "index.html")
        entries = "\n".join(f'<li><a href="{name}">{html.escape(name)}</a></li>' for name in names)
        self.write(page, path, f"<h1>{html.escape(path)}</h1>\n<ul>\n{entries}\n</ul>", elements)
        return page

    def guide(self, path, elements):
        """Writes the page of a guide. Its links lead to the site's own pages and copies."""
        page = place(path)

        def link(match):
            target, _, anchor = match["target"].partition("#")
            if not target or re.match(r"\w+:", target):
                return match[0]
            aim = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
            if aim in self.texts or aim == "docs/properties.md":
                aim = place(aim)
            else:
                aim = self.copy(aim, elements)
            return f'{match["before"]}{self.relative(aim, page)}{"#" + anchor if anchor else ""}"'
        text = self.texts[path]
        self.write(page, title_of(text, path), LINK.sub(link, to_html(text)), elements)

    def reference(self, source):
        """The library's reference. gi-docgen takes the constructors that take each other's place for functions."""
        folder = os.path.join(self.folder, "reference")
        shutil.copytree(source, folder)

        def link(match):
            constructor = "ctor." + match[1]
            return f'"{constructor}"' if os.path.exists(os.path.join(folder, constructor)) else match[0]
        for name in os.listdir(folder):
            if name.startswith("ctor."):
                with open(os.path.join(folder, name), "r+", encoding="utf-8") as file:
                    text = re.sub(r'"type_func\.([^"]*)"', link, file.read())
                    file.seek(0)
                    file.truncate()
                    file.write(text)

    def make(self, reference):
        self.reference(os.path.join(reference, "Effvk-1.0"))
        shutil.copyfile(os.path.join(HERE, "style.css"), os.path.join(self.folder, "style.css"))
        pages = element_pages(ROOT)
        for name, text in pages.items():
            self.write(f"elements/{name}.html", name, to_html(text), pages)
        for path in self.texts:
            self.guide(path, pages)
        with open(os.path.join(ROOT, "docs/properties.md"), encoding="utf-8") as file:
            self.write("docs/properties.html", "Properties", to_html(file.read()), pages)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip().splitlines()[-1])
    if unplaced():
        sys.exit(f"no group of GUIDES in docs/site/make.py has {', '.join(unplaced())}")
    reference, folder = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    Site(folder).make(reference)
    return 0


if __name__ == "__main__":
    sys.exit(main())
