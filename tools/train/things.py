# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random things for POV-Ray: surfaces, bottles, boxes, plants, people, cars. Lengths in metres, y is up."""
import os

import numpy as np
from PIL import Image

from dice import Dice


def vector(*values):
    return "<" + ", ".join(f"{v:.4g}" for v in values) + ">"


def box(low, high, texture):
    return f"box {{ {vector(*low)}, {vector(*high)} {texture} }}"


def sphere(middle, radius, texture):
    return f"sphere {{ {vector(*middle)}, {radius:.4g} {texture} }}"


def cylinder(foot, top, radius, texture):
    return f"cylinder {{ {vector(*foot)}, {vector(*top)}, {radius:.4g} {texture} }}"


def upright(low, high, radius, texture):
    return cylinder((0, low, 0), (0, high, 0), radius, texture)


def cone(low, wide, high, narrow, texture):
    return f"cone {{ {vector(*low)}, {wide:.4g}, {vector(*high)}, {narrow:.4g} {texture} }}"


def limb(a, wide, b, narrow, texture):
    return f"sphere_sweep {{ linear_spline 2 {vector(*a)}, {wide} {vector(*b)}, {narrow} {texture} }}"


def side(low, high, corners, change, texture):
    """A body whose side is the polygon, from z = low to high."""
    points = [*corners, corners[0]]
    return (f"prism {{ linear_sweep linear_spline {low}, {high}, {len(points)}, "
            + ", ".join(vector(*p) for p in points) + f" rotate x*-90 {change} {texture} }}")


def union(parts, change):
    return f"union {{ {' '.join(parts)} {change} }}"


def plain(color, finish=""):
    return f"pigment {{ rgb {vector(*color)} }} {finish}"


class Things(Dice):
    """Each thing is a list of objects, with its foot at the origin; r: half its width, h: its height."""

    def __init__(self, seed, photographs, folder):
        super().__init__([seed, 7])
        self.photographs, self.folder, self.images = photographs, folder, 0

    # surfaces
    def color(self, low=0.02, high=0.9, grey=0.6):
        c = self.rng.uniform(low, high, 3)
        return c.mean() + (c - c.mean()) * (0.1 if self.chance(grey) else 1)

    def finish(self):
        gloss = self.uniform(0, 0.6) ** 2 * 2
        return (f"finish {{ ambient 0.08 diffuse 0.75 specular {gloss:.2f} roughness {self.uniform(0.005, 0.1):.3f}"
                f" reflection {0.25 * gloss if self.chance(0.3) else 0:.2f} }}")

    def paint(self):
        return f"texture {{ {plain(self.color(), self.finish())} }}"

    def pattern(self, scale):
        a, b = self.color(), self.color()
        b = a + (b - a) * self.uniform(0.1, 0.7)
        kind = self.pick(["wood", "granite", "bozo", "agate", "checker", "brick", "hexagon", "wrinkles"])
        if kind in ("checker", "hexagon", "brick"):
            colors = (a, b, a * self.uniform(0.8, 1.1))[:3 if kind == "hexagon" else 2]
            body = f"{kind} " + ", ".join(f"rgb {vector(*c)}" for c in colors)
            body += f" scale {scale * (0.15 if kind == 'brick' else 1):.3g}"
        else:
            body = f"{kind} color_map {{ [0 rgb {vector(*a)}] [1 rgb {vector(*b)}] }} scale {scale:.3g}"
            if kind == "wood":
                body += " turbulence 0.08"
        turn = self.pick([0, 0, 90, self.uniform(0, 180)])
        return f"texture {{ pigment {{ {body} rotate y*{turn:.0f} }} {self.finish()} }}"

    def surface(self, scale):
        return self.pattern(scale) if self.chance(0.4) else self.paint()

    def glass(self):
        r, g, b = 1 - self.rng.uniform(0, 1, 3) * self.uniform(0.02, 0.5)
        return (f"texture {{ pigment {{ rgb {vector(r, g, b)} filter {self.uniform(0.75, 0.95):.2f} }}"
                " finish { specular 0.9 roughness 0.003 ambient 0.02 diffuse 0.1"
                f" reflection {self.uniform(0.03, 0.15):.2f} }} }}"
                f" interior {{ ior {self.uniform(1.02, 1.35):.2f} }}")

    def photograph(self, x, y, z, width, height):
        """A part of one, upright, facing the camera."""
        source = np.load(self.pick(self.photographs), mmap_mode="r")
        h, w = source.shape[:2]
        ch, cw = int(h * self.uniform(0.3, 1)), int(w * self.uniform(0.3, 1))
        top, left = self.integer(0, h - ch), self.integer(0, w - cw)
        path = os.path.join(self.folder, f"{self.images}.png")
        self.images += 1
        Image.fromarray(np.asarray(source[top:top + ch, left:left + cw])).resize((400, 400)).save(path)
        texture = (f'texture {{ pigment {{ image_map {{ png "{path}" once interpolate 2 }} }}'
                   f" finish {{ ambient {self.pick([0.08, 0.08, 0.6])} diffuse 0.7 }} }}")
        return box((0, 0, 0), (1, 1, 0.001),
                   f"{texture} scale {vector(width, height, 1)} translate {vector(x, y, z)}")

    # things
    def bottle(self, r, h):
        """A profile turned around: body, shoulder, neck; what is in it; label and cap."""
        shoulder, neck = self.uniform(0.5, 0.75) * h, self.uniform(0.2, 0.5) * r
        waist = r * self.uniform(0.85, 1)
        points = [(0, 0), (0.85 * r, 0), (r, 0.04 * h), (waist, 0.5 * shoulder), (r, shoulder),
                  (0.75 * r, shoulder + 0.3 * (0.85 * h - shoulder)), (neck, 0.85 * h), (neck, h), (0, h)]
        clear = self.chance(0.6)
        profile = ", ".join(vector(*p) for p in points)
        parts = [f"lathe {{ linear_spline {len(points)} {profile} {self.glass() if clear else self.paint()} }}"]
        if clear and self.chance(0.7):
            parts.append(upright(0.01 * h, self.uniform(0.3, 0.9) * shoulder, 0.93 * waist, self.glass()))
        if self.chance(0.5):
            low = self.uniform(0.1, 0.5) * shoulder
            high = low + self.uniform(0.1, 0.5) * shoulder
            parts.append(upright(low, high, 1.01 * r, f"open {self.surface(0.05)}"))
        parts.append(upright(0.93 * h, 1.02 * h, 1.2 * neck, self.paint()))
        return parts

    def tin(self, r, h):
        parts = [upright(0, h, r, self.surface(0.05))]
        if self.chance(0.5):
            parts.append(f"torus {{ {r:.4g}, {0.05 * r:.4g} translate y*{h:.4g} {self.paint()} }}")
        if self.chance(0.3):  # a handle
            place = vector(r, 0.5 * h, 0)
            parts.append(f"torus {{ {0.4 * h:.4g}, {0.05 * h:.4g} rotate x*90 translate {place} {self.paint()} }}")
        return parts

    def box(self, r, h):
        deep = r * self.uniform(0.3, 1.2)
        parts = [box((-r, 0, -deep), (r, h, deep), self.surface(0.1))]
        if self.chance(0.5):
            share = self.uniform(0.6, 0.98)
            parts.append(self.photograph(-r * share, h * (1 - share) / 2, -deep * 1.01,
                                         2 * r * share, h * share))
        return parts

    def ball(self, r, h):
        r = min(r, h / 2)
        return [sphere((0, r, 0), r, self.surface(0.1))]

    def cup(self, r, h):
        outside = cone((0, 0, 0), 0.7 * r, (0, h, 0), r, "")
        inside = cone((0, 0.05 * h, 0), 0.62 * r, (0, 1.01 * h, 0), 0.92 * r, "")
        return [f"difference {{ {outside} {inside} {self.glass() if self.chance(0.3) else self.surface(0.05)} }}"]

    def plant(self, r, h):
        parts = [cone((0, 0, 0), 0.3 * r, (0, 0.3 * h, 0), 0.45 * r, self.paint())]
        green = np.array([0.1, 0.35, 0.05]) * self.uniform(0.5, 2)
        for _ in range(self.integer(8, 25)):
            top = self.uniform(-r, r), self.uniform(0.5, 1) * h, self.uniform(-r, r)
            leaf = plain(green * self.rng.uniform(0.6, 1.4, 3))
            parts.append(cone((0, 0.3 * h, 0), 0.08 * r, top, 0.002, leaf))
        return parts

    def person(self, h):
        """Legs, trunk, arms and head of rounded parts."""
        skin = f"texture {{ {plain(np.sort(self.color(0.2, 0.7, 0))[::-1])} }}"
        coat, cloth = self.surface(0.1), self.paint()
        step, reach = self.uniform(-0.3, 0.3), self.uniform(-0.4, 0.5)
        parts = [limb((-0.1, 0.9, 0), 0.1, (-0.12, 0.06, step), 0.06, cloth),
                 limb((0.1, 0.9, 0), 0.1, (0.12, 0.06, -step), 0.06, cloth),
                 limb((0, 0.95, 0), 0.17, (0, 1.4, 0), 0.18, coat),
                 limb((-0.22, 1.42, 0), 0.06, (-0.3, 0.9, reach), 0.045, coat),
                 limb((0.22, 1.42, 0), 0.06, (0.3, 0.9, -reach), 0.045, coat),
                 sphere((0, 1.68, 0), 0.12, skin), sphere((0, 1.72, 0.02), 0.125, self.paint())]
        return [union(parts, f"scale {h / 1.8:.3f}")]

    def car(self, h):
        paint, glass = self.paint(), plain((0.03, 0.03, 0.03), "finish { specular 0.6 reflection 0.15 }")
        parts = [box((-2.1, 0.3, -0.85), (2.1, 0.9, 0.85), paint),
                 side(-0.8, 0.8, [(-1.5, 0.9), (-0.9, 1.45), (0.7, 1.45), (1.3, 0.9)], "", paint),
                 side(-0.82, 0.82, [(-1.25, 0.93), (-0.8, 1.38), (0.6, 1.38), (1.05, 0.93)], "", glass)]
        for x in (-1.3, 1.3):
            parts += [cylinder((x, 0.33, -z), (x, 0.33, z), r, plain((grey, grey, grey)))
                      for z, r, grey in ((0.9, 0.33, 0.04), (0.91, 0.2, 0.5))]
        return [union(parts, f"scale {h / 1.5:.3f}")]

    def tree(self, r, h):
        parts = [cone((0, 0, 0), 0.04 * h, (0, 0.6 * h, 0), 0.02 * h, plain((0.2, 0.13, 0.08)))]
        green = np.array([0.08, 0.25, 0.04]) * self.uniform(0.6, 2)
        leaves = (f"pigment {{ bozo color_map {{ [0 rgb {vector(*green)}] [1 rgb {vector(*(0.3 * green))}] }}"
                  " scale 0.1 } normal { bumps 0.8 scale 0.05 }")
        for _ in range(self.integer(15, 40)):
            angle, up = self.uniform(0, 6.28), self.uniform(0.4, 1)
            far = r * np.sqrt(self.uniform(0, 1)) * (1.2 - up)
            middle = far * np.cos(angle), up * h, far * np.sin(angle)
            parts.append(sphere(middle, self.uniform(0.05, 0.14) * h, leaves))
        return parts
