#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges `effvk monitor` at its defaults on streams with faults at known times, and on clean ones.

Streams are made of photographs and clips (see streams/material.py) and encoded as H.264, HEVC, MPEG-2, VP8, VP9 and
MJPEG. Faults of 3 to 10 s are put into clean stretches. What is found is printed by kind and strength, with the false
alarms, and what ffmpeg's filters find with no more false alarms.

Thresholds are chosen with --side choose, and judged with --side judge: no picture, clip, word or random number is on
both sides. Streams stay in --folder, and are made once for each seed."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from evaluate import classify
from streams import filters, judge, report
from streams.compose import Composer
from streams.material import Material, fetch, find

HOLD = 0.5  # of `effvk monitor`, for records that do not say when a state was decided
QUICK = [dict(size=(426, 240), codec="h264", scene="clip", events=6),
         dict(size=(320, 240), codec="mpeg2", scene="pan", events=6),
         dict(size=(426, 240), codec="vp8", scene="fixed", events=5),
         dict(size=(480, 360), codec="mjpeg", scene="clip", events=0, seconds=40),
         dict(size=(426, 240), codec="h264", scene="programme", events=0, seconds=40)]
CLEAN = 150.0  # seconds of a clean stream
FIRST_CLEAN = 500  # the number of the first one


def monitor(args, path):
    """The records of `effvk monitor --json`, and the seconds of processors that it took."""
    before = os.times()
    command = [args.effvk, "monitor", "--json", *(["--model", args.model] if args.model else []), path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=1200, check=False)
    after = os.times()
    if done.returncode:
        print(f"{path}: {done.stderr.decode(errors='replace').strip()}", file=sys.stderr)
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return records, spent


def streams(args, folder):
    """Makes them, or finds them made."""
    material = Material(args.side, args.shared, args.packages)
    if not material.photographs:
        sys.exit("there are no photographs: name a folder with --shared, or one for Debian's packages with --packages")
    slates = find(os.path.join(args.shared or "", "data"), ["signal/faults/slate/*", "signal/faults/slate-photo/*"])
    slates = [path for i, path in enumerate(slates) if i % 2 == (args.side == "judge")] if args.shared else []
    composer = Composer(folder, args.side, args.seed, material, slates)
    if args.quick:
        plans = list(enumerate(QUICK))
    else:
        plans = [(n, {}) for n in range(args.streams)]
        clean = int(-(-args.clean * 60 // CLEAN))
        plans += [(FIRST_CLEAN + n, {"events": 0, "seconds": CLEAN}) for n in range(clean)]
    began = time.monotonic()
    for i, (number, options) in enumerate(plans):
        yield composer.make(number, **options)
        if not args.quiet:
            print(f"\r{i + 1} of {len(plans)} streams, {time.monotonic() - began:.0f} s", end="", file=sys.stderr)
    if not args.quiet:
        print(file=sys.stderr)


def photographs(args):
    """How many single pictures are no "picture"."""
    paths = [p for p in Material(args.side, args.shared, args.packages).all_photographs
             if p.lower().endswith((".jpg", ".jpeg", ".png", ".webp"))]
    answers = classify(args, paths) if paths else []
    wrong = [(path, label, round(score, 3)) for path, _, label, score in answers
             if label not in judge.GOOD and label not in judge.UNKNOWN]
    return {"pictures": len(answers), "alarms": wrong}


def evaluate(args, folder):
    results = []
    for stream in streams(args, folder):
        if args.make:
            continue
        records, spent = monitor(args, stream.path)
        told = judge.spans(records, stream.duration, HOLD)
        result = {"stream": stream, "spent": spent, "told": told,
                  "judgement": judge.judge(stream.faults, told, stream.duration)}
        if args.filters:
            result["filters"] = filters.run(stream.path, stream.height)
        results.append(result)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--effvk", default="effvk", help="the command (default: effvk)")
    parser.add_argument("--model", help="a .safetensors file (default: the one that effvk has)")
    parser.add_argument("--side", choices=("choose", "judge"), default="choose",
                        help="the material: to choose thresholds with, or to judge what was chosen (default: choose)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: 1)")
    parser.add_argument("--folder", help="where streams are kept (default: they are not)")
    parser.add_argument("--streams", type=int, default=42, help="with faults, about ten in each (default: 42)")
    parser.add_argument("--clean", type=float, default=60, metavar="MINUTES", help="without any (default: 60)")
    parser.add_argument("--shared", default=os.environ.get("EFFVK_SHARED"),
                        help="folder with the real pictures and clips (default: EFFVK_SHARED)")
    parser.add_argument("--packages", metavar="FOLDER",
                        help="Debian packages with more of them, unpacked here; what is missing is downloaded")
    parser.add_argument("--filters", action="store_true", help="ffmpeg's filters as well")
    parser.add_argument("--photographs", action="store_true", help="single pictures as well")
    parser.add_argument("--quick", action="store_true", help="five short streams")
    parser.add_argument("--make", action="store_true", help="only make the streams")
    parser.add_argument("--list", action="store_true", help="print each event that was missed, and each false alarm")
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    parser.add_argument("--quiet", action="store_true", help="say nothing of how far it is")
    args = parser.parse_args()
    if args.packages:
        fetch(args.packages)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or temporary
        os.makedirs(folder, exist_ok=True)
        results = evaluate(args, folder)
    if args.make:
        return
    summary = report.summarise(results, photographs(args) if args.photographs else None)
    summary["command"] = {"side": args.side, "seed": args.seed, "streams": len(results)}
    report.write(summary)
    if args.list:
        report.write_list(results)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump(report.as_json(summary, results), file, indent=1)


if __name__ == "__main__":
    main()
