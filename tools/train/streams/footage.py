# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clean footage: scenes that have a frame at any time, so that fields can be taken from between frames.

A frame is three planes (Y, U, V) of bytes, 4:2:0, limited range."""
import math
import re
import subprocess

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from captions import FONTS, WORDS

PARAGRAPH = ("The line was closed for an hour. Trains stop on the second track. Please keep your ticket. "
             "Doors open on the left. The weather stays dry until the evening, then rain comes from the west. "
             "Tables and figures are at the end. Results of the third quarter are shown below. ")
LONGEST = 12.0  # seconds of a real clip that are kept in memory


def planes_of(image):
    """An RGB image of even size as planes."""
    y, u, v = image.convert("YCbCr").split()
    half = (image.width // 2, image.height // 2)
    y = np.asarray(y, np.float32) * (219 / 255) + 16
    chroma = [(np.asarray(c.resize(half, Image.BILINEAR), np.float32) - 128) * (224 / 255) + 128 for c in (u, v)]
    return tuple(np.rint(p).astype(np.uint8) for p in (y, *chroma))


def black(width, height, level=16):
    return (np.full((height, width), level, np.uint8), np.full((height // 2, width // 2), 128, np.uint8),
            np.full((height // 2, width // 2), 128, np.uint8))


def mix(a, b, share):
    """From a (share 0) to b (share 1)."""
    return tuple(np.rint(p + (q.astype(np.float32) - p) * share).astype(np.uint8) for p, q in zip(a, b))


class Noise:
    """Noise that is another one each time, cheaply: a tile at random offsets."""

    def __init__(self, rng, width, height):
        self.rng, self.size = rng, (height, width)
        self.tile = rng.normal(0, 1, (height + 64, width + 64)).astype(np.float32)

    def add(self, luma, sigma):
        y, x = self.rng.integers(0, 64, 2)
        noise = self.tile[y:y + luma.shape[0], x:x + luma.shape[1]]
        return np.clip(np.rint(luma + noise * sigma), 0, 255).astype(np.uint8)


class Scene:
    moves = True  # whether the whole picture moves enough for fields to be seen

    def frame(self, t):
        raise NotImplementedError


class Pan(Scene):
    """A camera's move over a photograph."""

    def __init__(self, dice, path, width, height):
        with Image.open(path) as image:
            image.draft("RGB", (1920, 1080))
            image = image.convert("RGB")
        image.thumbnail((1600, 1200), Image.LANCZOS)
        self.size = (width, height)
        self.planes = [Image.fromarray(p) for p in planes_of(
            image.crop((0, 0, image.width // 2 * 2, image.height // 2 * 2)))]
        sw, sh = self.planes[0].size
        zoom = dice.uniform(0.5, 0.9)
        self.w = min(sw, sh * width / height) * zoom
        self.h = self.w * height / width
        self.room = (sw - self.w, sh - self.h)
        # pixels of the picture a second, as a share of the view; there and back again
        self.speed = [self.w * dice.uniform(0.05, 0.35) * dice.pick([-1, 1]), self.h * dice.uniform(0.0, 0.06)]
        self.from_ = [dice.uniform(0, room) for room in self.room]
        self.breath = dice.uniform(0, 0.12)
        self.noise = Noise(dice.rng, width, height)
        self.sigma = dice.uniform(0.3, 2.5)

    def frame(self, t):
        at = []
        for start, speed, room in zip(self.from_, self.speed, self.room):
            there = (start + speed * t) % (2 * room) if room > 1 else 0
            at.append(min(there, 2 * room - there))
        grow = 1 - self.breath * (0.5 - 0.5 * math.cos(t * 0.4))
        box = [at[0], at[1], at[0] + self.w * grow, at[1] + self.h * grow]
        out = []
        for i, plane in enumerate(self.planes):
            scale = 1 if i == 0 else 0.5
            size = self.size if i == 0 else (self.size[0] // 2, self.size[1] // 2)
            edge = (plane.width, plane.height)
            out.append(np.asarray(plane.resize(size, Image.BILINEAR, [
                min(b * scale, edge[j % 2]) for j, b in enumerate(box)])))
        return self.noise.add(out[0], self.sigma), out[1], out[2]


class Fixed(Scene):
    """A fixed camera: a view that stands still, the sensor's noise, light that drifts, and now and then something
    that moves through it."""
    moves = False

    def __init__(self, dice, path, other, width, height):
        pan = Pan(dice, path, width, height)
        pan.sigma = 0
        self.view = pan.frame(dice.uniform(0, 3))
        night = dice.chance(0.3)
        self.gain = dice.uniform(0.25, 0.5) if night else dice.uniform(0.7, 1.05)
        self.drift, self.period = dice.uniform(0.0, 0.08), dice.uniform(5, 40)
        self.haze = dice.uniform(20, 60) if dice.chance(0.25) else 0  # fog: less contrast
        self.sigma = dice.uniform(2.5, 6) if night else dice.uniform(0.8, 3.5)
        self.noise = Noise(dice.rng, width, height)
        # Where it is dark a sensor's noise is stronger, once the picture is made brighter for the eye.
        self.sigma = self.sigma * (1.4 - 0.8 * self.view[0].astype(np.float32) / 255)
        side = max(16, int(height * dice.uniform(0.12, 0.35)) // 2 * 2)
        with Image.open(other) as image:
            thing = planes_of(image.convert("RGB").resize((side, side)))
        self.thing, self.side = thing, side
        self.every, self.speed = dice.uniform(6, 20), width * dice.uniform(0.1, 0.4)
        self.row = int(dice.uniform(0.2, 0.95) * (height - side)) // 2 * 2
        self.clock = dice.chance(0.4)

    def frame(self, t):
        planes = [p.copy() for p in self.view]
        height, width = planes[0].shape
        x = int((t % self.every) * self.speed) - self.side
        for i, (plane, thing) in enumerate(zip(planes, self.thing)):
            s = 1 if i == 0 else 2
            left, right = max(0, x // s), min(plane.shape[1], (x + self.side) // s)
            if right > left:
                row = self.row // s
                plane[row:row + thing.shape[0], left:right] = thing[:, left - x // s:right - x // s]
        gain = self.gain * (1 + self.drift * math.sin(2 * math.pi * t / self.period))
        luma = 16 + (planes[0].astype(np.float32) - 16) * gain
        luma = luma + (150 - luma) * (self.haze / 100)
        out = self.noise.add(luma, self.sigma)
        if self.clock:
            stamp(out, t, height // 20)
        return out, planes[1], planes[2]


_glyphs = {}


def stamp(luma, t, size):
    """The time of day in the corner, as cameras write it; drawn once for each text."""
    size = max(9, size)
    text = "2026-12-01 10:%02d:%02d" % (int(t) // 60 % 60, int(t) % 60)
    if (text, size) not in _glyphs:
        font = ImageFont.truetype(FONTS[0], size)
        x0, y0, x1, y1 = font.getbbox(text)
        image = Image.new("L", (x1 + 4, y1 + 4), 16)
        ImageDraw.Draw(image).text((2, 2), text, fill=235, font=font)
        _glyphs[text, size] = np.asarray(image)
    glyphs = _glyphs[text, size]
    h, w = min(glyphs.shape[0], luma.shape[0]), min(glyphs.shape[1], luma.shape[1])
    luma[:h, :w] = glyphs[:h, :w]


class Page(Scene):
    """Text that scrolls on a screen."""

    def __init__(self, dice, side, width, height):
        ink, paper = ((20, 20, 20), (245, 245, 245)) if dice.chance(0.6) else ((220, 220, 210), (24, 26, 34))
        long = Image.new("RGB", (width, height * 3), paper)
        draw, size = ImageDraw.Draw(long), max(10, height // dice.integer(16, 30))
        font = ImageFont.truetype(dice.pick(FONTS), size)
        words = (PARAGRAPH + " ".join(WORDS[side])).split()
        y = size
        while y < long.height - 2 * size:
            line = " ".join(dice.pick(words) for _ in range(dice.integer(3, 12)))
            draw.text((width // 20, y), line[:width * 2 // size], fill=ink, font=font)
            if dice.chance(0.12):
                y += size
                draw.rectangle((width // 20, y, width // 2, y + size * 3), fill=dice.color(60, 230))
                y += size * 3
            y += int(size * 1.4)
        self.long, self.height = planes_of(long), height
        self.speed = height * dice.uniform(0.1, 0.6)
        self.stop = dice.uniform(0, 1.2)  # seconds that it stands still, at each screen's end

    def frame(self, t):
        lines = self.long[0].shape[0]
        period = self.height / self.speed + self.stop
        screens, rest = divmod(t, period)
        at = int(screens * self.height + min(rest * self.speed, self.height)) // 2 * 2
        return tuple(np.take(p, (np.arange(self.height // s) + at // s) % (lines // s), axis=0)
                     for p, s in zip(self.long, (1, 2, 2)))


class Slide(Scene):
    """A slide of a talk or a sign in a station: it stands still, but for its clock."""
    moves = False

    def __init__(self, dice, path, side, width, height):
        ground = dice.color(150, 255) if dice.chance(0.6) else dice.color(0, 70)
        ink = (10, 10, 10) if sum(ground) > 380 else (240, 240, 240)
        image = Image.new("RGB", (width, height), ground)
        draw = ImageDraw.Draw(image)
        title = ImageFont.truetype(dice.pick(FONTS), height // 11)
        body = ImageFont.truetype(dice.pick(FONTS), height // 18)
        words = PARAGRAPH.split()
        draw.text((width // 18, height // 14), " ".join(words[:3]), fill=ink, font=title)
        for row in range(dice.integer(3, 6)):
            text = " ".join(dice.pick(words) for _ in range(4))
            draw.text((width // 16, height // 4 + row * height // 9), text[:28], fill=ink, font=body)
        with Image.open(path) as photograph:
            image.paste(photograph.convert("RGB").resize((width * 2 // 5, height // 2)),
                        (width * 11 // 20, height * 3 // 10))
        self.view, self.size = planes_of(image), height // 14

    def frame(self, t):
        luma = self.view[0].copy()
        stamp(luma, t, self.size)
        return luma, self.view[1], self.view[2]


def probe(path):
    """(width, height, frames a second) of a clip."""
    text = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                           "stream=width,height,r_frame_rate", "-of", "csv=p=0", path],
                          stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout
    width, height, up, down = map(int, re.findall(r"\d+", text)[:4])
    return width, height, up / down


class Clip(Scene):
    """A real clip, from somewhere in it, in a loop; cut and scaled to the stream's shape."""

    def __init__(self, dice, path, width, height, seconds=LONGEST):
        self.rate = min(30.0, probe(path)[2])
        seconds = min(seconds, 3e8 / (width * height * 1.5 * self.rate))
        self.frames = self.read(path, width, height, dice.uniform(0, 25), seconds)
        if len(self.frames) < self.rate:  # shorter than that
            self.frames = self.read(path, width, height, 0, seconds)

    def read(self, path, width, height, start, seconds):
        command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-ss", str(start), "-t", str(seconds),
                   "-i", path, "-vf",
                   f"fps={self.rate},scale={width}:{height}:force_original_aspect_ratio=increase:flags=bilinear,"
                   f"crop={width}:{height}", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
        data = np.frombuffer(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout, np.uint8)
        return split(data, width, height)

    def frame(self, t):
        return self.frames[int(t * self.rate + 1e-6) % len(self.frames)]


def split(data, width, height):
    """Raw 4:2:0 as frames."""
    size, quarter = width * height, width * height // 4
    out = []
    for at in range(0, len(data) - size * 3 // 2 + 1, size * 3 // 2):
        y, u, v = data[at:at + size], data[at + size:at + size + quarter], data[at + size + quarter:at + size * 3 // 2]
        out.append((y.reshape(height, width), u.reshape(height // 2, width // 2),
                    v.reshape(height // 2, width // 2)))
    return out


class Programme(Scene):
    """Scenes one after the other: cut, faded over, or through black."""

    def __init__(self, dice, scenes, seconds):
        self.scenes, self.cuts, at = scenes, [], 0.0
        while at < seconds:
            at += dice.uniform(4, 14)
            self.cuts.append((at, dice.pick(["cut", "cut", "cut", "dissolve", "black"]), dice.uniform(0.3, 1.0)))

    def frame(self, t):
        n = sum(at <= t for at, _, _ in self.cuts)
        scene = self.scenes[n % len(self.scenes)]
        planes = scene.frame(t)
        if n:
            at, kind, length = self.cuts[n - 1]
            if kind == "dissolve" and t < at + length:
                planes = mix(self.scenes[(n - 1) % len(self.scenes)].frame(t), planes, (t - at) / length)
            if kind == "black" and t < at + length:
                planes = mix(black(planes[0].shape[1], planes[0].shape[0]), planes, (t - at) / length)
        if n < len(self.cuts) and self.cuts[n][1] == "black":
            left = (self.cuts[n][0] - t) / self.cuts[n][2]
            if left < 1:
                planes = mix(black(planes[0].shape[1], planes[0].shape[0]), planes, max(0.0, 1 - left))
        return planes

    @property
    def moves(self):
        return all(scene.moves for scene in self.scenes)


def blurred(planes, radius):
    return tuple(np.asarray(Image.fromarray(p).filter(ImageFilter.GaussianBlur(radius * s)))
                 for p, s in zip(planes, (1, 0.5, 0.5)))


def make(kind, dice, material, width, height):
    """A scene of a kind: pan, fixed, page, slide, or clip."""
    if kind == "clip" and material.clips:
        return Clip(dice, dice.pick(material.clips), width, height)
    if kind == "page":
        return Page(dice, material.words, width, height)
    path = dice.pick(material.photographs)
    if kind == "slide":
        return Slide(dice, path, material.words, width, height)
    if kind == "fixed":
        return Fixed(dice, path, dice.pick(material.photographs), width, height)
    return Pan(dice, path, width, height)
