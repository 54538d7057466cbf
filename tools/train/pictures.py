#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fetches Debian packages with photographs and unpacks these, split into train, validation and test.

The training split takes only files that the package's copyright file puts in the public domain or
under CC0, CC-BY, CC-BY-SA, GPL-2, MIT, BSD or Apache-2.0; pictures.tsv in the output says which, one
a line. The other splits' pictures are of other packages, photographers and subjects, and train
nothing. Photographs of things without their ground (cut-outs) keep their transparency, as a fourth
channel. Pictures of programs go to screens/ as PNGs, for evaluate.py --pictures.
"""
import argparse
import csv
import fnmatch
import glob
import io
import os
import re
import struct
import subprocess
import zipfile
import zlib

import numpy as np
from PIL import Image

FREE = (r"public-domain|CC0(-1\.0)?|CC-BY(-SA)?(-\d(\.\d)?)?|GPL-2(\+|\.0-or-later)?( and .*)?|Expat|"
        r"(Apache-2\.0 AND )?BSD-3-Clause|GPL-3\.0\+ or MIT or WTFPL")
# Package: where its pictures lie: mostly photographs, then what games and painters show; no figures.
PACKAGES = {
    "darknet": [f"*/data/{name}.jpg" for name in ("dog", "eagle", "giraffe", "horses", "kite", "person")],
    "endless-sky-data": ["*/images/land/*.jpg", "*/images/scene/*.jpg"],
    "gcompris-qt-data": ["*/activities/categorization/resource/images/*",
                         "*/activities/explore_*", "*/activities/erase/resource/*",
                         "*/activities/details/resource/images/*"],
    "gnome-control-center-data": ["*/pixmaps/faces/*.jpg"],
    "gnome-taquin": ["*/themes/cats/*.jpg"],
    "kalzium-data": ["*/toolpics/*.jpg"],
    "kphotoalbum": ["*/demo/*.jpg"],
    "krank": ["*/unera-backgrounds/*.jpg"],
    "lomiri-wallpapers-16.04": ["*.jpg"],
    "lomiri-wallpapers-20.04": ["*/Fossa*.jpg", "*/Kleiber*.jpg"],
    "mate-backgrounds": ["*/nature/*.jpg"],
    "neverball-data": ["*/shot-*/*.jpg"],
    "opencv-doc": ["*/examples/text/scenetext0*.jpg"] + [f"*/examples/data/{name}.*" for name in (
        "aero1", "aloeL", "apple", "baboon", "blox", "board", "box_in_scene", "building", "butterfly",
        "ela_original", "fruits", "graf1", "home", "left0[147]", "leuvenA", "licenseplate_motion", "orange",
        "right0[28]", "rubberwhale1", "smarties", "squirrel_cls", "stuff", "sudoku")],
    "palapeli-data": ["*/collection/*.jpg"],
    "plasma-workspace-wallpapers": [
        f"*/{name}/contents/images/*" for name in (
            "FallenLeaf", "Path", "DarkestHour", "Autumn", "summer_1am", "EveningGlow", "Grey",
            "Canopee", "ColorfulCups", "OneStandsOut", "ColdRipple", "BytheWater")],
    "pysiogame": [f"*/art4apps/{subject}/*.jpg" for subject in (
        "actions", "jobs", "nature", "people", "sport", "transport")],
    "python3-skimage": [f"*/data/{name}" for name in (
        "astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png",
        "brick.png", "gravel.png", "grass.png")],
    "qtbase5-examples": [f"*/examples/widgets/*/{name}.jpg" for name in (
        "composition/flower", "images/place", "draganddrop/puzzle/example")],
    "scratch": ["*/Media/Backgrounds/*.jpg"],
    "tuxpaint-data": ["*/templates/*.jpg"],
    "tuxpaint-stamps-default": [f"*/stamps/{subject}/*" for subject in (
        "animals", "clothes", "food", "hobbies", "household", "medical", "military", "plants",
        "sports", "symbols/money/*/coins", "town/roadsigns", "vehicles")],
    "ufoai-textures": ["*/base/textures/*"],
    "ukui-wallpapers": ["*/the-mouse.jpg"],
    "wand-doc": [f"*/wand-doc/html/_images/{name}.jpg" for name in (
        "enhancement", "hummingbird", "inca_tern", "seam")],
    "wesnoth-1.16-data": ["*/core/images/portraits/*.png", "*/core/images/story/*.jpg"],
}
# Copyright files that are plain text say this of the pictures.
LICENCES = {"kphotoalbum": "GPL-2+", "krank": "public-domain", "wesnoth-1.16-data": "GPL-2+"}
# Whole packages and photographers that only the test sees.
TEST_PACKAGES = {"lomiri-wallpapers-20.04", "mate-backgrounds", "plasma-workspace-wallpapers",
                 "python3-skimage", "ukui-wallpapers"}
TEST_FILES = ["*-sfiera*", "*-harro*", "*-spfld*", "*-iridium*", "*-striker*",
              "*/explore_farm_animals/*", "*/explore_world_music/*"]
# The same for validation: what decides between settings is neither trained on nor tested with.
VALIDATION_PACKAGES = {"scratch"}
VALIDATION_FILES = ["*/toolpics/e*", "*/toolpics/h*", "*/toolpics/m*", "*/toolpics/p*",
                    "*/land/nasa*", "*/land/myrabella*", "*/land/city1*",
                    "*/explore_world_animals/*", "*/stamps/animals/birds/*", "*/stamps/food/fruit/*",
                    "*/stamps/household/tools/*", "*/portraits/dwarves/*", "*/portraits/orcs/*",
                    "*/shot-tones/*", "*/art4apps/transport/*"]
# No pictures, and a texture whose licence is none of FREE: textures are no test pictures.
SKIP = ["*/cartoon/*", "*/images/alphabets/*", "*/images/numbers/*", "*/images/scene/geoscan*", "*/scene/eso*",
        "*/analogpattern*", "*/demo/qt-logo*",
        "*/faces/legacy/*", "*/textures/*_[gns]m.*", "*/tex_buildings/wall022.png"]
# Manuals that show programs. Nothing is trained on them: the training's screens are drawn.
SCREENS = ["gimp-help-en", "gnome-user-docs", "kdenlive-data", "libreoffice-help-common"]
SPLITS = ("train", "validation", "test")
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp")


def licences(path):
    """(pattern, licence) of a machine-readable copyright file, in its order: the last match counts."""
    found, patterns, field = [], [], ""
    for line in open(path, encoding="utf-8"):
        match = re.match(r"([A-Za-z-]+):\s*(.*)", line)
        if match:
            field, value = match.group(1).lower(), match.group(2)
        elif line.strip() and line[0] in " \t":
            value = line
        else:
            field, patterns = "", []
            continue
        if field == "files":
            patterns += value.split()
        elif field == "license" and match:
            found += [(pattern, value.strip()) for pattern in patterns]
    return found


def licence_of(path, known):
    stem, answer, exact = os.path.splitext(path)[0], "", ""
    for pattern, licence in known:
        end = os.path.splitext(pattern)[0]
        if "*" not in end and stem.endswith("/" + end):
            exact = licence
        # Some name the source's folder, which the package does not have.
        if fnmatch.fnmatch(stem, "*/" + end) or pattern == "*" or \
                "*" not in end and os.path.basename(stem) == os.path.basename(end):
            answer = licence
    return exact or answer


def resources(path):
    """The files in a Qt resource file, as (name, bytes)."""
    with open(path, "rb") as file:
        data = file.read()
    magic, version, tree, blobs, names = struct.unpack(">4sIIII", data[:20])
    if magic != b"qres":
        return
    size = 14 if version < 2 else 22

    def walk(node, prefix):
        at = tree + node * size
        name, flags = struct.unpack(">IH", data[at:at + 6])
        length = struct.unpack(">H", data[names + name:names + name + 2])[0]
        text = data[names + name + 6:names + name + 6 + 2 * length].decode("utf-16-be")
        here = prefix + "/" + text if node else ""
        if flags & 2:
            count, first = struct.unpack(">II", data[at + 6:at + 14])
            for child in range(first, first + count):
                yield from walk(child, here)
        else:
            start = blobs + struct.unpack(">I", data[at + 10:at + 14])[0]
            length = struct.unpack(">I", data[start:start + 4])[0]
            blob = data[start + 4:start + 4 + length]
            if not flags & 4:  # zstd: no picture is kept that way
                yield here, zlib.decompress(blob[4:]) if flags & 1 else blob

    yield from walk(0, "")


def files_of(folder):
    for path in sorted(glob.glob(os.path.join(folder, "**", "*"), recursive=True)):
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        if path.endswith(".rcc"):
            yield from resources(path)
        elif path.endswith(".pk3"):
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    yield os.path.join(os.path.dirname(path), name)[len(folder):], archive.read(name)
        elif path.lower().endswith(EXTENSIONS):
            with open(path, "rb") as file:
                yield path[len(folder):], file.read()


def picture(data):
    """The picture, or the cut-out, or None where it is small or unreadable."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format == "JPEG":
                image.draft("RGB", (1280, 720))
            if "transparency" in image.info:
                image = image.convert("RGBA")
            if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] < 255:
                image = image.crop(image.getchannel("A").getbbox())
            else:
                image = image.convert("RGB")
    except (OSError, ValueError):
        return None
    if min(image.size) < (160 if image.mode == "RGB" else 100):
        return None
    image.thumbnail((1440, 1080), Image.LANCZOS)
    return np.asarray(image)


def screen(data):
    """A whole image of the size and shape of a screen, or None."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width < 600 or image.height < 350 or not 0.9 < image.width / image.height < 2.4:
                return None
            image = image.convert("RGBA")
    except (OSError, ValueError):
        return None
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def split_of(package, name, licence, free):
    def among(packages, patterns):
        return package in packages or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    if among(TEST_PACKAGES, TEST_FILES):
        return "test"
    if among(VALIDATION_PACKAGES, VALIDATION_FILES):
        return "validation"
    return "train" if re.fullmatch(free, licence, re.IGNORECASE) else "test"


def unpacked(root, package):
    folder = os.path.join(root, package)
    if not os.path.isdir(folder):
        # as whoever runs this: apt's own user may not write here
        subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], cwd=root, check=True)
        deb = glob.glob(os.path.join(root, package + "_*.deb"))[0]
        subprocess.run(["dpkg", "-x", deb, folder], check=True)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True)
    parser.add_argument("--licences", default=FREE,
                        help="regular expression of those to train on (default: %(default)s)")
    parser.add_argument("--unpacked", help="folder with the packages unpacked already")
    args = parser.parse_args()
    root = os.path.abspath(args.unpacked or os.path.join(args.output, "packages"))
    os.makedirs(root, exist_ok=True)
    rows = []
    for split in SPLITS:
        os.makedirs(os.path.join(args.output, split), exist_ok=True)
    for package, wanted in PACKAGES.items():
        folder = unpacked(root, package)
        known = licences(os.path.join(folder, "usr/share/doc", package, "copyright"))
        count = dict.fromkeys(SPLITS, 0)
        for name, data in files_of(folder):
            if not name.lower().endswith(EXTENSIONS) or \
                    not any(fnmatch.fnmatch(name, pattern) for pattern in wanted) or \
                    any(fnmatch.fnmatch(name, pattern) for pattern in SKIP):
                continue
            licence = LICENCES.get(package) or licence_of(name, known)
            pixels = picture(data)
            if pixels is None:
                continue
            split = split_of(package, name, licence, args.licences)
            np.save(os.path.join(args.output, split, f"{package}-{count[split]:03d}.npy"), pixels)
            count[split] += 1
            rows.append((split, package, name, licence or "see the package's copyright file"))
        print(package, count, flush=True)
    os.makedirs(os.path.join(args.output, "screens"), exist_ok=True)
    for package in SCREENS:
        found = [image for _, data in files_of(unpacked(root, package)) if (image := screen(data))]
        for i, image in enumerate(found):
            image.save(os.path.join(args.output, "screens", f"{package}-{i:03d}.png"))
        print(package, len(found), "screens", flush=True)
    with open(os.path.join(args.output, "pictures.tsv"), "w", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows(sorted(rows))


if __name__ == "__main__":
    main()
