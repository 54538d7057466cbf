#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the confusion matrix of effvk's own model over the test frames of make_dataset.py, which of given
pictures and videos it does not call "picture", and how many of the pictures it calls "combing" when they are combed.
It is effvk that runs, on whole frames."""
import argparse
import collections
import glob
import json
import os
import subprocess
import sys
import tempfile

from recipe import INPUT

IMAGES = (".jpg", ".jpeg", ".png", ".webp")


def classify(args, paths, options=()):
    """(path, pts, label, score) of every frame."""
    command = [args.effvk, "classify", "--json", "--top-k", "1", *options]
    command += ["--model", args.model] if args.model else []
    answers = []
    for first in range(0, len(paths), 500):  # a command line has its limit
        done = subprocess.run([*command, *paths[first:first + 500]], stdout=subprocess.PIPE,
                              check=True)
        for line in done.stdout.splitlines():
            answer = json.loads(line)
            best = answer["classes"][0]
            answers.append((answer["source"], answer["pts"], best["label"], best["score"]))
    return answers


def print_matrix(labels, matrix):
    width = max(map(len, labels))
    print(" " * width + "  " + " ".join(f"{name[:7]:>7}" for name in labels) + "     right")
    for true in labels:
        row = [matrix[true, called] for called in labels]
        cells = " ".join(f"{n or '.':>7}" for n in row)
        print(f"{true:{width}}  {cells}  {100 * matrix[true, true] / max(1, sum(row)):6.2f} %")
    right = sum(matrix[name, name] for name in labels)
    print(f"right: {right} of {sum(matrix.values())}, {100 * right / sum(matrix.values()):.2f} %")


def write_sheet(wrong, path):
    """The frames that were got wrong, as small pictures, in the order of the list."""
    from PIL import Image

    columns, (height, width) = 12, INPUT
    sheet = Image.new("RGB", (columns * width, -(-len(wrong) // columns) * height))
    for i, name in enumerate(wrong):
        with Image.open(name) as image:
            sheet.paste(image.convert("RGB").resize((width, height)),
                        (i % columns * width, i // columns * height))
    sheet.save(path)


def write_combed(path, height, folder):
    """The picture as a 4:3 frame of that many lines, the second field 3 % of the width further."""
    import numpy as np
    from PIL import Image

    width = height * 4 // 3
    with Image.open(path) as image:
        frame = np.array(image.convert("RGB").resize((width, height), Image.BICUBIC))
    frame[1::2] = np.roll(frame[1::2], width * 3 // 100, axis=1)
    combed = os.path.join(folder, os.path.basename(path) + ".png")
    Image.fromarray(frame).save(combed, compress_level=1)
    return combed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--effvk", default="effvk", help="the command (default: effvk)")
    parser.add_argument("--model", help="a .safetensors file (default: the one that effvk has)")
    parser.add_argument("--test", help="folder that make_dataset.py --split test wrote")
    parser.add_argument("--pictures", nargs="*", default=[],
                        help="images, and videos of which every second is looked at")
    parser.add_argument("--combing", nargs="*", type=int, default=[], metavar="LINES",
                        help="comb the images among them, as frames of so many lines, and look at these as well")
    parser.add_argument("--wrong", help="PNG to write: the test frames that were got wrong")
    args = parser.parse_args()
    if args.test:
        paths = sorted(glob.glob(os.path.join(args.test, "*.png")))
        if not paths:
            sys.exit(f"{args.test}: there are no test frames")
        matrix, wrong = collections.Counter(), []
        for path, _, called, score in classify(args, paths):
            true = os.path.basename(path).rsplit("_", 1)[0]
            matrix[true, called] += 1
            if true != called:
                wrong.append(path)
                print(f"{os.path.basename(path)}: {called} {score:.3f}")
        labels = list(dict.fromkeys(true for true, _ in sorted(matrix)))
        labels += sorted({called for _, called in matrix} - set(labels))
        print_matrix(labels, matrix)
        if args.wrong and wrong:
            write_sheet(wrong, args.wrong)
    images = [path for path in args.pictures if path.lower().endswith(IMAGES)]
    videos = [path for path in args.pictures if path not in images]
    for what, answers in (("images", classify(args, images) if images else []),
                          ("seconds of videos",
                           classify(args, videos, ["--interval", "1"]) if videos else [])):
        for path, pts, called, score in answers:
            if called != "picture":
                at = "" if pts is None else f" at {pts / 1e9:.1f} s"
                print(f"{os.path.basename(path)}{at}: {called} {score:.3f}")
        right = sum(called == "picture" for _, _, called, _ in answers)
        if answers:
            print(f'{what} called "picture": {right} of {len(answers)}, '
                  f"{100 * right / len(answers):.2f} %")
    for height in args.combing if images else []:
        with tempfile.TemporaryDirectory() as folder:
            called = collections.Counter(label for *_, label, _ in classify(
                args, [write_combed(path, height, folder) for path in images]))
        print(f'combed at {height} lines: ' + ", ".join(f'"{label}" {n}' for label, n in called.most_common()))


if __name__ == "__main__":
    main()
