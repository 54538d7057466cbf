#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every link of a site leads to a page and an anchor that are there, and nothing is fetched from elsewhere. Prints TAP.

usage: check.py FOLDER [MAKE…]     MAKE…: a command that makes the folder first
"""

import html.parser
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

FETCHED = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src", "video": "src"}
# A style sheet that names another place. What stands between quotes and brackets is an address.
ELSEWHERE = re.compile(r"""url\(\s*["']?(?:https?:)?//|@import\s+["'](?:https?:)?//""")


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.fetched = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("id", "name"):
            if attributes.get(name):
                self.anchors.add(attributes[name])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag in FETCHED and attributes.get(FETCHED[tag]) and "canonical" not in (attributes.get("rel") or ""):
            self.fetched.append(attributes[FETCHED[tag]])


def complaints(folder):
    """What is wrong: (links that lead nowhere, what is fetched from elsewhere), and how many pages and links there are."""
    pages, dead, elsewhere, n = {}, [], [], 0
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if name.endswith((".html", ".css")):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                if ELSEWHERE.search(text):
                    elsewhere.append(f"{os.path.relpath(path, folder)}: a style names another place")
                if name.endswith(".html"):
                    pages[path] = Page(text)
    for path, page in pages.items():
        short = os.path.relpath(path, folder)
        elsewhere += [f"{short}: {target}" for target in page.fetched if re.match(r"(\w+:)?//", target)]
        for target in page.links + page.fetched:
            address, anchor = urllib.parse.urldefrag(target)
            if re.match(r"\w[\w+.-]*:|//", target):
                continue
            n += 1
            aim = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(address))) if address else path
            if os.path.isdir(aim):
                aim = os.path.join(aim, "index.html")
            if not os.path.exists(aim):
                dead.append(f"{short}: {target} is not there")
            elif anchor and aim in pages and urllib.parse.unquote(anchor) not in pages[aim].anchors:
                dead.append(f"{short}: {target}: no such anchor")
    return dead, elsewhere, len(pages), n


def itself():
    """The check finds what it is for."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("a.html", '<h1 id="x">A</h1><a href="b.html#y">1</a><a href="b.html#z">2</a><a href="c.html">'),
                           ("b.html", '<p id="y"><a href="a.html#x">4</a><img src="https://example.org/a.png">')):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        dead, elsewhere, pages, links = complaints(folder)
    found = (len(dead), len(elsewhere), pages, links)
    return [] if found == (2, 1, 2, 4) else [f"expected 2, 1, 2, 4, found {found}: {dead} {elsewhere}"]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    if sys.argv[2:]:
        subprocess.run(sys.argv[2:], check=True)
    dead, elsewhere, pages, links = complaints(sys.argv[1])
    points = [("the check finds what it is for", itself()), ("links lead somewhere", dead),
              ("nothing comes from elsewhere", elsewhere),
              ("there are pages and links", [] if pages > 30 and links > 300 else [f"{pages} pages, {links} links"])]
    print(f"1..{len(points)}")
    for number, (name, bad) in enumerate(points, 1):
        for line in bad[:50]:
            print(f"# {line}")
        print(f"{'not ok' if bad else 'ok'} {number} - {name}")
    print(f"# {pages} pages, {links} links inside")
    return any(bad for _, bad in points)


if __name__ == "__main__":
    sys.exit(main())
