#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renders scenes of random things on tables, on shelves, in rooms and in streets with POV-Ray, as more pictures
of the train split.

Free photographs show landscapes and animals; cameras look at shelves, corridors and car parks, whose straight
edges along the rows and columns of pixels are none of a decoder's. The folder is pictures.py's: its photographs
hang on the walls and are printed on boxes.
"""
import argparse
import concurrent.futures
import glob
import os
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image

from things import box, cylinder, plain, side, sphere, Things, union, vector

WIDTH, HEIGHT = 800, 500
WINDOWS = {"dark": plain((0.1, 0.12, 0.15), "finish { reflection 0.3 }"),
           "lit": plain((1, 0.85, 0.5), "finish { ambient 0.9 }")}


class Scene(Things):
    """One scene's description; the camera looks along z."""

    def __init__(self, seed, photographs, folder):
        super().__init__(seed, photographs, folder)
        self.parts = ["#version 3.7;", "global_settings { assumed_gamma 1.0 max_trace_level 8 }"]
        self.pick([self.on_table] * 3 + [self.shelf] * 2 + [self.room] * 3 + [self.street] * 2)()

    def __str__(self):
        return "\n".join(self.parts)

    def add(self, *parts):
        self.parts += parts

    def put(self, thing, x, y, z, turn=None):
        turn = self.uniform(0, 360) if turn is None else turn
        self.add(union(thing, f"rotate y*{turn:.1f} translate {vector(x, y, z)}"))

    def plane(self, axis, at, texture):
        self.add(f"plane {{ {axis}, {at:.4g} {texture} }}")

    def camera(self, height, far, look, level=0.5):
        """Level for some, so that what is upright stays so in the frame."""
        target = height if self.chance(level) else look
        self.add(f"camera {{ location {vector(self.uniform(-0.3, 0.3), height, -far)}"
                 f" look_at {vector(self.uniform(-0.06, 0.06) * far, target, 0)}"
                 f" right x*{WIDTH / HEIGHT:.3f} angle {self.uniform(35, 75):.0f} }}")

    def lamp(self, at, light, how=""):
        self.add(f"light_source {{ {vector(*at)} rgb {vector(*light)} {how} }}")

    def lamps(self, size):
        count = self.integer(1, 3)
        for _ in range(count):
            at = self.uniform(-1, 1) * size, self.uniform(0.8, 1.2) * size, self.uniform(-1.2, 0.3) * size
            light = self.rng.uniform(0.85, 1, 3) * self.uniform(0.5, 1.2) / count
            soft = f"area_light x*{0.2 * size:.2f}, z*{0.2 * size:.2f}, 4, 4 adaptive 1 jitter"
            self.lamp(at, light, soft if self.chance(0.6) else "")

    # places
    def on_table(self):
        """Things in a row, or anywhere, on a table before a wall."""
        self.camera(self.uniform(0.05, 0.6), self.uniform(0.8, 1.6), 0.1)
        self.lamps(2.5)
        wall = self.uniform(0.25, 1.5)
        self.plane("-z", -wall, self.surface(0.3))
        self.plane("y", -0.75, self.surface(0.4))
        left, right = self.uniform(0.7, 4), self.uniform(0.7, 4)
        self.add(box((-left, -0.04, -3), (right, 0, wall), self.surface(0.3)))
        if self.chance(0.3):  # where the wall ends
            self.add(box((-9, -1, wall - 0.3), (-self.uniform(0.3, 1), 4, wall), self.paint()))
        makers = [self.bottle, self.bottle, self.tin, self.box, self.ball, self.cup, self.plant]
        alike, row, count = self.chance(0.5), self.chance(0.6), self.integer(1, 7)
        thing = self.pick(makers)(self.uniform(0.03, 0.08), self.uniform(0.1, 0.35))
        for i in range(count):
            if not alike:
                thing = self.pick(makers)(self.uniform(0.03, 0.1), self.uniform(0.06, 0.4))
            x = (i + 0.5) / count * 1.2 - 0.6 if row else self.uniform(-0.6, 0.6)
            z = 0.05 if row else self.uniform(-0.3, wall - 0.1)
            turn = self.uniform(-10, 10) if self.chance(0.6) else None
            self.put(thing, x + self.uniform(-0.02, 0.02), 0, z, turn)

    def shelf(self):
        """Boards with books, boxes and bottles on them, as in a shop or an archive."""
        rows, columns = self.integer(2, 5), self.integer(1, 4)
        high, wide = self.uniform(0.25, 0.45), self.uniform(0.6, 1.2)
        self.camera(self.uniform(0.3, 0.9) * rows * high, self.uniform(1, 3), rows * high / 2, 0.7)
        self.lamps(3)
        board, deep, left = self.surface(0.2), self.uniform(0.2, 0.5), -wide * columns / 2
        self.plane("-z", -deep - 0.01, self.surface(0.4))
        self.plane("y", -0.1, self.surface(0.4))
        for i in range(columns + 1):
            x = left + i * wide
            self.add(box((x - 0.012, -0.1, 0), (x + 0.012, rows * high, deep), board))
        for j in range(rows + 1):
            self.add(box((left, j * high - 0.012, 0), (-left, j * high + 0.012, deep), board))
        for i in range(columns):
            for j in range(rows):
                self.fill(left + i * wide + 0.03, left + (i + 1) * wide - 0.03, j * high + 0.012, deep / 2,
                          high)

    def fill(self, x, end, y, z, high):
        """A row of things of one kind, of one look or of many."""
        make, alike, thing = self.pick([self.bottle, self.tin, self.box, self.box, self.box]), self.chance(0.5), None
        while self.chance(0.97):
            if thing is None or not alike:
                r = self.uniform(0.012, 0.06) if make == self.box else self.uniform(0.03, 0.06)
                thing = make(r, self.uniform(0.4, 0.9) * high)
            if x + 2 * r > end:
                break
            self.put(thing, x + r, y, z, 0)
            x += 2 * r + (self.uniform(0.001, 0.03) if self.chance(0.8) else self.uniform(0, 0.2))

    def room(self):
        """Walls with pictures, windows, doors and blinds; tables, cupboards and people on the floor."""
        wide, deep, high = self.uniform(2, 5), self.uniform(2, 8), self.uniform(2.4, 4)
        self.camera(self.uniform(1, 0.9 * high), self.uniform(1, 3), 1, 0.4)
        self.lamp((self.uniform(-0.7, 0.7) * wide, high - 0.2, self.uniform(0, 0.7) * deep),
                  self.rng.uniform(0.4, 0.7, 3), "area_light x*0.8, z*0.8, 4, 4 adaptive 1")
        self.lamp((self.uniform(-0.7, 0.7) * wide, high - 0.3, -1), [self.uniform(0.2, 0.5)] * 3)
        wall = self.surface(0.4)
        self.plane("y", 0, self.surface(0.4))
        self.plane("-y", -high, self.paint())
        for axis, at in (("-z", -deep), ("x", -wide), ("-x", -wide), ("z", -4)):
            self.plane(axis, at, wall)
        x = -wide + 0.2
        while x < wide - 0.8:
            width = self.uniform(0.4, 1.4)
            self.furnish(x, width, high, deep)
            x += width + self.uniform(0.05, 1)
        for _ in range(self.integer(0, 4)):
            x, z = self.uniform(-0.8, 0.8) * wide, self.uniform(0.1, 0.8) * deep
            if self.chance(0.4):
                self.put(self.person(self.uniform(1.5, 1.9)), x, 0, z)
            else:
                self.table(x, z)

    def furnish(self, x, width, high, wall):
        """What hangs on a part of the wall or stands before it."""
        kind = self.pick(["picture", "window", "door", "blind", "cupboard", "nothing", "pipe"])
        low, top, z = self.uniform(0.8, 1.4), self.uniform(1.6, high - 0.2), wall - 0.02
        if kind in ("picture", "window"):
            self.add(box((x, low, z - 0.03), (x + width, top, wall), self.paint()),
                     self.photograph(x + 0.04, low + 0.04, z - 0.04, width - 0.08, top - low - 0.08))
        if kind == "window":
            bar = self.paint()
            for k in range(1, self.integer(2, 4)):
                middle = x + width * k / 4
                self.add(box((middle - 0.02, low, z - 0.06), (middle + 0.02, top, z), bar))
            self.add(box((x, low + 0.3, z - 0.06), (x + width, low + 0.34, z), bar))
        elif kind == "door":
            self.add(box((x, 0, z - 0.05), (x + 0.9, 2, wall), self.surface(0.3)),
                     sphere((x + 0.8, 1, z - 0.1), 0.03, self.paint()))
        elif kind == "blind":
            slat, step, across = self.paint(), self.uniform(0.03, 0.12), self.chance(0.5)
            places = [(x, at, x + width, at + 0.7 * step) for at in np.arange(low, top, step)] if across else \
                [(at, low, at + 0.7 * step, top) for at in np.arange(x, x + width, step)]
            for left, bottom, right, upper in places:
                self.add(box((left, bottom, z - 0.05), (right, upper, z - 0.03), slat))
        elif kind == "cupboard":
            tall, front = self.uniform(0.8, 2.2), self.surface(0.2)
            for k in range(self.integer(1, 4)):
                self.add(box((x + width * k / 4, 0.05, z - 0.5), (x + width * (k + 1) / 4 - 0.01, tall, z), front))
        elif kind == "pipe":
            self.add(cylinder((x, 0, z - 0.1), (x, high, z - 0.1), self.uniform(0.03, 0.12), self.paint()))

    def table(self, x, z):
        top, half, leg = self.uniform(0.4, 1), self.uniform(0.3, 0.8), self.paint()
        parts = [box((-half, top - 0.04, -0.4), (half, top, 0.4), self.surface(0.2))]
        parts += [box((a * half - 0.03, 0, b - 0.03), (a * half + 0.03, top, b + 0.03), leg)
                  for a in (-0.9, 0.9) for b in (-0.35, 0.35)]
        self.put(parts, x, 0, z, self.pick([0, 90, self.uniform(0, 90)]))
        for _ in range(self.integer(0, 3)):
            make = self.pick([self.bottle, self.tin, self.box, self.cup, self.plant])
            self.put(make(self.uniform(0.04, 0.15), self.uniform(0.1, 0.4)), x + self.uniform(-0.25, 0.25), top,
                     z + self.uniform(-0.25, 0.25))

    def street(self):
        """Houses with rows of windows, cars, trees and people, by day or at night."""
        night = self.chance(0.2)
        self.camera(self.uniform(1.5, 7), self.uniform(5, 12), 1.5, 0.4)
        self.sky(night)
        self.plane("y", 0, self.pattern(self.uniform(0.2, 1)))
        self.add(box((-100, -1, 6), (100, 0.12, 9), self.pattern(0.5)))
        if self.chance(0.5):
            for x in range(-24, 25, 3):
                self.add(box((x, 0, 3.2), (x + 1.5, 0.005, 3.35), plain((0.8, 0.8, 0.8))))
        x = -25.0
        while x < 25:
            width = self.uniform(4, 12)
            self.house(x, width, self.uniform(9, 12), night)
            x += width + (self.uniform(0, 3) if self.chance(0.4) else 0)
        for _ in range(self.integer(0, 6)):
            self.put(self.car(self.uniform(1.4, 2)), self.uniform(-9, 9), 0,
                     self.pick([1.5, 4.8]) + self.uniform(-0.4, 0.4), self.pick([0, 180]) + self.uniform(-5, 5))
        for _ in range(self.integer(0, 4)):
            self.put(self.tree(self.uniform(1, 2), self.uniform(3, 7)), self.uniform(-10, 10), 0, 7.5)
        for _ in range(self.integer(0, 5)):
            self.put(self.person(self.uniform(1.5, 1.9)), self.uniform(-6, 6), 0.1, self.uniform(-1, 8.5))

    def sky(self, night):
        top = self.rng.uniform(0, 0.05, 3) if night else np.sort(self.rng.uniform(0.2, 0.9, 3))
        low = self.rng.uniform(0, 0.15, 3) if night else self.rng.uniform(0.6, 1, 3)
        clouds = ("" if night else f"pigment {{ bozo turbulence 0.6 scale <0.6, 0.15, 0.6> color_map {{ [0 rgbt 1]"
                  f" [{self.uniform(0.3, 0.8):.2f} rgbt 1] [1 rgb {vector(*low)}] }} }}")
        self.add("sky_sphere { pigment { gradient y color_map {"
                 f" [0 rgb {vector(*low)}] [0.6 rgb {vector(*top)}] }} }} {clouds} }}")
        self.lamp((self.uniform(-60, 60), self.uniform(20, 80), self.uniform(-80, 20)),
                  [0.15 if night else self.uniform(0.6, 1.3)] * 3)
        for _ in range(3 if night else 0):
            self.lamp((self.uniform(-8, 8), 5, self.uniform(0, 12)), (0.6, 0.5, 0.35), "fade_distance 5 fade_power 2")
        if self.chance(0.2):
            self.add(f"fog {{ distance {self.uniform(15, 60):.0f} rgb {vector(*low)} }}")

    def house(self, x, width, z, night):
        floors, wall, frame = self.integer(1, 7), self.surface(0.6), self.paint()
        top = floors * 3.0 + 0.5
        self.add(box((x, 0, z), (x + width, top, z + 8), wall))
        step, w, h = self.uniform(1.2, 2.5), self.uniform(0.5, 1), self.uniform(0.8, 1.8)
        for low in np.arange(floors) * 3 + 0.9:
            for left in np.arange(x + 0.6, x + width - w - 0.3, step):
                pane = WINDOWS["lit" if self.chance(0.4 if night else 0.05) else "dark"]
                self.add(box((left - 0.08, low - 0.08, z - 0.05), (left + w + 0.08, low + h + 0.08, z), frame),
                         box((left, low, z - 0.06), (left + w, low + h, z), pane))
        if self.chance(0.5):
            gable = [(0, 0), (width / 2, self.uniform(1, 3)), (width, 0)]
            self.add(side(0, 8, gable, f"translate {vector(x, top, z + 8)}", self.paint()))


def render(job):
    seed, photographs, output = job
    if os.path.exists(output):
        return
    with tempfile.TemporaryDirectory() as folder:
        scene, image = os.path.join(folder, "scene.pov"), os.path.join(folder, "scene.png")
        with open(scene, "w") as file:
            file.write(str(Scene(seed, photographs, folder)))
        done = subprocess.run(["povray", f"+I{scene}", f"+O{image}", f"+W{WIDTH}", f"+H{HEIGHT}", "+A0.2", "+AM2",
                               "+R3", "-D", "+WT1", "-GA"], capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise RuntimeError(f"scene {seed}: {done.stderr[-2000:]}")
        with open(output + ".new", "wb") as file:
            np.save(file, np.asarray(Image.open(image).convert("RGB")))
        os.replace(output + ".new", output)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", required=True, help="folder made by pictures.py")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    start, folder = time.time(), os.path.join(args.pictures, "train")
    photographs = [path for path in sorted(glob.glob(os.path.join(folder, "*.npy")))
                   if not os.path.basename(path).startswith("scene-")
                   and np.load(path, mmap_mode="r").shape[2] == 3]
    jobs = [(args.seed * 100000 + i, photographs, os.path.join(folder, f"scene-{args.seed}-{i:04d}.npy"))
            for i in range(args.count)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(render, jobs))
    print(f"{folder}: {args.count} scenes, {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
