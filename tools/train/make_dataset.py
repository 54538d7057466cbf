#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the signal model's data set from scratch: see README.md beside this file."""
import argparse
import glob
import io
import itertools
import os
import time

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageFilter

import codec
from dice import Dice
from recipe import LABELS, SIZE

# Damage is visible where, at the network's size, a tenth of the 5x5 blocks is off by 28 levels or more
# from every undamaged frame of the clip. A damaged frame with less is used by no split.
VISIBLE, BLOCK, OFF = 0.1, 5, 28
FONTS = sorted(glob.glob("/usr/share/fonts/truetype/dejavu/*.ttf"))
SIZES = [(320, 240), (352, 288), (426, 240), (480, 360), (500, 375), (640, 360), (640, 480),
         (720, 576), (720, 480), (854, 480), (768, 432), (1280, 720), (1920, 1080)]
SIZE_WEIGHTS = np.array([3, 3, 2, 3, 3, 4, 3, 1, 2, 1, 1, 0.8, 0.2])
TEST_SIZES = [(384, 288), (400, 300), (640, 360), (640, 480), (704, 576), (800, 600), (960, 540),
              (1024, 576), (1280, 720)]
# Clips in each round, and images taken of each: more of the classes that are told apart by detail.
ROUND = {"picture": (12, 2), "corruption": (6, 3), "combing": (4, 2), "blur": (3, 2), "noise": (1, 2)}
ROUND_OTHERS = (2, 2)
# Packages of photographs alone, of which there are fewer than of what is painted or drawn: each is taken
# three times as often.
PHOTOGRAPHS = ("gcompris-", "kalzium-", "kphotoalbum-", "lomiri-", "tuxpaint-data-")
WORDS = {"train": ["NO SIGNAL", "PLEASE STAND BY", "Technical difficulties", "OFFLINE", "No input",
                   "We will be right back", "STARTING SOON", "Signal lost", "CAMERA 1",
                   "Video unavailable", "Connecting...", "Channel off air", "NO VIDEO", "LIVE",
                   "Check the cable", "Programme resumes shortly", "Intermission", "TEST", "SOURCE 2"],
         "validation": ["NO SIGNAL", "Please wait", "Loss of video", "Off air", "CAMERA 4",
                        "Waiting for signal", "Be right back", "Sin señal", "INPUT 3", "PAUSE"],
         "test": ["NO SIGNAL", "Stream is offline", "Video loss", "Back in five minutes",
                  "STAND BY", "No source selected", "Kein Signal", "Aucun signal", "HDMI 1",
                  "Waiting for the host", "BREAK", "Transmission interrupted"]}


class Maker(Dice):
    def __init__(self, seed, split, pictures):
        super().__init__(seed)
        self.split = split
        self.plain = 0.4  # how often things lie or stand before something plain
        self.upright = 0.25  # how often these are made, with edges along rows and columns
        pictures = [np.load(path, mmap_mode="r") for path in pictures
                    for _ in range(3 if os.path.basename(path).startswith(PHOTOGRAPHS) else 1)]
        self.pictures = [p for p in pictures if p.shape[2] == 3]
        self.cutouts = [p for p in pictures if p.shape[2] == 4]

    def color(self, low=0, high=255):
        return tuple(int(v) for v in self.rng.integers(low, high + 1, 3))

    def dimensions(self):
        if self.split == "test":
            return self.pick(TEST_SIZES)
        return SIZES[int(self.rng.choice(len(SIZES), p=SIZE_WEIGHTS / SIZE_WEIGHTS.sum()))]

    # pictures
    def clip(self, width, height, frames, motion=1.0, detail=0.0, zoom=0.35):
        """A camera's move over a picture, as frames; crops without enough detail are not taken."""
        for _ in range(20):
            source = self.pick(self.pictures)
            sh, sw = source.shape[:2]
            share = 1.0 if self.chance(0.35) else self.uniform(zoom, 1.0)
            ch = min(sh, sw * height / width * self.uniform(0.85, 1.15)) * share
            cw = min(sw, ch * width / height)
            x, y = self.uniform(0, sw - cw), self.uniform(0, sh - ch)
            crop = np.asarray(source[int(y):int(y + ch), int(x):int(x + cw)])
            small = np.asarray(Image.fromarray(crop).resize((128, 128), Image.BILINEAR)
                               .convert("L"), np.float32)
            edges = (np.abs(np.diff(small, axis=0)).mean() + np.abs(np.diff(small, axis=1)).mean())
            fine = np.abs(4 * small[1:-1, 1:-1] - small[2:, 1:-1] - small[:-2, 1:-1]
                          - small[1:-1, 2:] - small[1:-1, :-2])
            # In focus is also what is sharp in one place, on a plain ground or before a soft one.
            sharp = fine.mean() > max(4.0, detail) and edges > max(3.0, detail)
            if small.std() > 8 and (sharp or not detail and np.percentile(fine, 98) > 20):
                break
        dx, dy = self.uniform(-1, 1) * 0.01 * motion * cw, self.uniform(-1, 1) * 0.004 * motion * ch
        grow = 1 + self.uniform(-1, 1) * 0.004 * motion
        image, out = Image.fromarray(np.asarray(source)), []
        for i in range(frames):
            w, h = cw * grow ** i, ch * grow ** i
            w, h = min(w, sw), min(h, sh)
            px = min(max(0, x + dx * i), sw - w)
            py = min(max(0, y + dy * i), sh - h)
            out.append(image.resize((width, height), Image.BICUBIC, (px, py, px + w, py + h)))
        if self.chance(0.5):
            out = [frame.transpose(Image.FLIP_LEFT_RIGHT) for frame in out]
        if not detail and self.chance(self.plain):
            out = self.on_plain_ground(out)
        if not detail and self.chance(0.15):
            out = self.arranged(out)
        return [np.asarray(frame) for frame in self.grade(out)]

    def arranged(self, frames):
        """What stations make of pictures: bars beside them, a picture in the picture, a caption's band."""
        width, height = frames[0].size
        ground = self.color(0, 20) if self.chance(0.6) else self.color()
        kind = self.pick(["bars", "inset", "band", "border"])
        x, y, w, h = 0, 0, width, height  # where the picture lies
        over, at, opacity = None, (0, 0), 1.0
        if kind == "bars":
            share = self.uniform(0.6, 0.95)
            w, h = (int(width * share), height) if self.chance(0.5) else (width, int(height * share))
            x, y = (width - w) // 2, (height - h) // 2
        elif kind == "border":
            edge = max(1, int(self.uniform(0.003, 0.05) * width))
            x, y, w, h = edge, edge, width - 2 * edge, height - 2 * edge
        elif kind == "inset":
            over = self.image(self.pictures)
            if self.chance(0.5):  # two beside each other
                x, y, w, h = 0, height // 4, width // 2, height // 2
                at, size = (w, y), (width - w, h)
            else:
                share = self.uniform(0.2, 0.45)
                size = max(8, int(width * share)), max(8, int(height * share))
                at = tuple(int(self.uniform(0.04, 0.96) * (a - b)) for a, b in
                           zip((width, height), size))
            over = over.resize(size, Image.BILINEAR)
        else:
            at = 0, int(height * self.uniform(0.65, 0.85))
            over = Image.new("RGB", (width, max(8, int(height * self.uniform(0.08, 0.2)))),
                             self.color())
            self.text(over, 1, big=True)
            opacity = self.uniform(0.5, 1)
        out = []
        for frame in frames:
            image = Image.new("RGB", (width, height), ground)
            image.paste(frame.resize((w, h), Image.BILINEAR), (x, y))
            if over:
                under = image.crop((*at, at[0] + over.width, at[1] + over.height))
                image.paste(Image.blend(under, over, opacity), at)
            out.append(image)
        return out

    def on_plain_ground(self, frames):
        """A thing before a wall, on a table or before what is out of focus: a cut-out or a part of the
        picture, with its shadow."""
        width, height = frames[0].size
        light = self.soft_ground(width, height) if self.chance(0.3) else \
            self.plain_ground(width, height)
        if self.chance(0.2):
            mask, things = self.sheets(width, height)
        elif self.chance(self.upright):
            mask, things = self.upright_things(width, height)
        elif self.chance(0.65) and self.cutouts:
            mask, things = self.placed_cutouts(width, height)
        else:
            mask, things = self.shapes(width, height), None
        shade = mask.filter(ImageFilter.GaussianBlur(width * self.uniform(0.01, 0.04)))
        mask = np.asarray(mask.filter(ImageFilter.GaussianBlur(width * 0.001)), np.float32)[..., None]
        mask /= 255
        light = light * (1 - self.uniform(0.1, 0.5) * np.asarray(shade, np.float32)[..., None] / 255)
        light = light + self.rng.normal(0, self.uniform(0.5, 4), (height, width, 1))
        drift = self.integer(-2, 2)
        out = []
        for i, frame in enumerate(frames):
            thing = np.asarray(things if things is not None else frame, np.float32)
            frame = np.clip(light * (1 - mask) + thing * mask, 0, 255).astype(np.uint8)
            out.append(Image.fromarray(np.roll(frame, drift * i, axis=1)))
        return out

    def plain_ground(self, width, height):
        """A softly lit wall, or a table before it, smooth or with a grain."""
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        x, y = x / width, y / height
        ground = np.array(self.color(10, 250), np.float32)
        if self.chance(0.5):  # walls are mostly grey
            ground = ground.mean() + 0.2 * (ground - ground.mean())
        light = 1 - self.uniform(0, 0.45) * np.hypot(x - self.uniform(0, 1), y - self.uniform(0, 1))
        light = light[..., None] * ground
        if self.chance(0.65):  # a table, mostly nearly level: an edge across the frame that is no lost slice
            slope = self.uniform(-0.15, 0.15) * (1 if self.chance(0.4) else 0.25)
            edge = self.uniform(0.4, 0.85) + slope * x
            table = np.array(self.color(30, 250), np.float32) * 0.5 + ground * 0.5
            if self.chance(0.5):
                table = np.full(3, self.uniform(60, 250), np.float32) * self.rng.uniform(0.93, 1.07, 3)
            light = np.where((y > edge)[..., None], light / ground.clip(1) * table, light)
        if self.chance(0.25):  # where the wall ends, or a door
            side = self.uniform(0.02, 0.3) + self.uniform(-0.03, 0.03) * y
            beyond = (x < side) if self.chance(0.5) else (x > 1 - side)
            light = np.where(beyond[..., None], light * self.uniform(0.05, 0.8), light)
        if self.chance(0.3):  # wood, cloth, sand
            small = self.rng.normal(0, 1, (self.integer(4, height // 2), self.integer(4, width // 2)))
            grain = Image.fromarray(small.astype(np.float32)).resize((width, height), Image.BICUBIC)
            light = light * (1 + self.uniform(0.02, 0.15) * np.asarray(grain)[..., None])
        return light

    def image(self, among):
        return Image.fromarray(np.asarray(self.pick(among)))

    def soft_ground(self, width, height):
        source = self.image(self.pictures)
        source = source.resize((width // 4, height // 4), Image.BILINEAR)
        source = source.filter(ImageFilter.GaussianBlur(width // 4 * self.uniform(0.02, 0.08)))
        return np.asarray(source.resize((width, height), Image.BICUBIC), np.float32)

    def shapes(self, width, height):
        mask = Image.new("L", (width, height))
        draw = ImageDraw.Draw(mask)
        for _ in range(self.integer(1, 3)):
            w, h = width * self.uniform(0.12, 0.4), height * self.uniform(0.15, 0.45)
            cx, cy = width * self.uniform(0.2, 0.8), height * self.uniform(0.2, 0.8)
            angle, corners = self.uniform(0, 6.3), self.pick([4, 5, 7, 40])
            points = []
            for k in range(corners):
                a = 2 * np.pi * k / corners
                r = 1 if corners == 40 else self.uniform(0.6, 1.2)
                px, py = w * r * np.cos(a), h * r * np.sin(a)
                points.append((cx + px * np.cos(angle) - py * np.sin(angle),
                               cy + px * np.sin(angle) + py * np.cos(angle)))
            draw.polygon(points, fill=255)
        return mask

    @staticmethod
    def lay(things, mask, thing, at, seen):
        """Over the others; seen is how opaque it is where it is at all: 0 to 255, or an image of that."""
        things.paste(thing.convert("RGB"), at, thing.getchannel("A"))
        mask.paste(seen, at, thing.getchannel("A"))

    def sheets(self, width, height):
        """Paper, card and cloth on one another: large faces of one colour with straight edges, some printed."""
        things, mask = Image.new("RGB", (width, height)), Image.new("L", (width, height))
        alike = self.color(60, 250) if self.chance(0.5) else None  # a folded one: the same in other light
        for _ in range(self.integer(1, 9)):
            sheet = self.sheet(width, height, alike)
            at = tuple(int(self.uniform(0, 1) * side - part / 2) for side, part in zip((width, height), sheet.size))
            shade = Image.new("L", (width, height))
            shade.paste(sheet.getchannel("A"), (at[0] + int(0.01 * width), at[1] + int(0.01 * width)))
            shade = shade.filter(ImageFilter.GaussianBlur(width * self.uniform(0.002, 0.02)))
            things = Image.composite(Image.new("RGB", (width, height)), things, shade.point(lambda v: v // 3))
            self.lay(things, mask, sheet, at, sheet.getchannel("A"))
        return mask, things

    def sheet(self, width, height, color):
        w, h = (int(max(8, side * self.uniform(0.15, 0.9))) for side in (width, height))
        color = color or (self.color() if self.chance(0.5) else (self.integer(120, 255),) * 3)
        across, down = np.linspace(-1, 1, w)[None, :, None], np.linspace(-1, 1, h)[:, None, None]
        light = self.uniform(0.5, 1.1) + self.uniform(-0.2, 0.2) * across + self.uniform(-0.2, 0.2) * down
        face = np.array(color, np.float32)
        if self.chance(0.3):
            face = np.asarray(self.image(self.pictures).resize((w, h)), np.float32)
        sheet = Image.fromarray(np.clip(face * light, 0, 255).astype(np.uint8))
        if self.chance(0.4):
            self.text(sheet, self.integer(1, 3), big=True, box=self.color())
        outline = Image.new("L", (w, h))
        slack = 0.3 if self.chance(0.6) else 0  # seen from the side, or cut crookedly
        corners = [(abs(x - self.uniform(0, slack)) * w, abs(y - self.uniform(0, slack)) * h)
                   for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
        ImageDraw.Draw(outline).polygon(corners, fill=255)
        sheet.putalpha(outline)
        if self.chance(0.7):
            sheet = sheet.rotate(self.uniform(-60, 60) * self.pick([0.1, 1]), Image.BICUBIC, expand=True)
        return sheet

    def upright_things(self, width, height):
        """Bottles, tins, boxes, books and frames in a row or anywhere: straight edges along the rows and columns
        of pixels are not only a decoder's blocks."""
        things, mask = Image.new("RGB", (width, height)), Image.new("L", (width, height))
        count = self.integer(1, 8)
        base, alike = self.uniform(0.5, 0.98) * height, self.chance(0.5)
        room = width / count
        thing = self.upright_thing(room, height)
        for i in range(count):
            if not alike:
                thing = self.upright_thing(room, height)
            x = room * i + self.uniform(0, 1) * max(0, room - thing.width)
            y = base - thing.height if self.chance(0.8) else self.uniform(-0.2, 1) * height
            self.lay(things, mask, thing, (int(x), int(y)), thing.getchannel("A"))
        return mask, things

    def upright_thing(self, room, height):
        w = max(6, int(room * self.uniform(0.2, 1.0)))
        h = max(8, int(min(height * self.uniform(0.15, 0.8), w * self.uniform(0.6, 5))))
        x = np.linspace(-1, 1, w, dtype=np.float32)[None, :, None]
        if self.chance(0.6):  # round: light from somewhere, and a gleam
            light = 1 - self.uniform(0.2, 0.8) * np.abs(x - self.uniform(-0.6, 0.6)) ** 1.5
            light = light + self.uniform(0, 0.8) * np.exp(-((x - self.uniform(-0.8, 0.8)) * 12) ** 2)
        else:
            light = 1 + self.uniform(-0.3, 0.3) * x
        body = np.broadcast_to(np.array(self.color(20, 255), np.float32), (h, w, 3))
        if self.chance(0.3):
            body = np.asarray(self.image(self.pictures).resize((w, h)), np.float32)
        image = Image.fromarray(np.clip(body * light, 0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(image)
        for _ in range(self.integer(0, 3)):  # labels, what is in it, shelves
            top, size = self.uniform(0, 0.9) * h, self.uniform(0.03, 0.4) * h
            draw.rectangle((0, int(top), w, int(top + size)), self.color())
        alpha, opacity = Image.new("L", (w, h)), int(255 * (self.uniform(0.35, 1) if self.chance(0.4) else 1))
        draw = ImageDraw.Draw(alpha)
        if self.chance(0.5):  # a bottle: shoulders, neck and cap
            neck, shoulder = self.uniform(0.15, 0.5) * w / 2, self.uniform(0.15, 0.45) * h
            bulge = self.uniform(0.3, 1) * shoulder
            draw.rectangle((0, int(shoulder), w, h), opacity)
            draw.ellipse((0, int(shoulder - bulge), w, int(shoulder + bulge)), opacity)
            draw.rectangle((int(w / 2 - neck), 0, int(w / 2 + neck), int(shoulder)), opacity)
            cap = int(self.uniform(0.03, 0.12) * h)
            draw.rectangle((int(w / 2 - neck), 0, int(w / 2 + neck), cap), 255)
            ImageDraw.Draw(image).rectangle((0, 0, w, cap), self.color())
        elif self.chance(0.3):  # a frame or a window
            edge = max(1, int(self.uniform(0.03, 0.2) * min(w, h)))
            draw.rectangle((0, 0, w, h), 255)
            draw.rectangle((edge, edge, w - edge, h - edge), int(self.uniform(0, 0.6) * 255))
        else:
            draw.rounded_rectangle((0, 0, w - 1, h - 1), self.uniform(0, 0.2) * min(w, h), opacity)
        image.putalpha(alpha)
        return image

    def placed_cutouts(self, width, height):
        """Things anywhere, or the same thing several times in a row, which is no damage; some are of glass."""
        things, mask = Image.new("RGB", (width, height)), Image.new("L", (width, height))

        def place(cutout, x, y, opacity):
            self.lay(things, mask, cutout, (int(x), int(y)), int(255 * opacity))

        if self.chance(0.4):
            cutout, count = self.image(self.cutouts), self.integer(2, 6)
            scale = self.uniform(0.25, 0.75) * min(1.2 * width / count / cutout.width,
                                                   height / cutout.height)
            cutout = self.scaled(cutout, scale)
            gap = self.uniform(cutout.width, 0.97 * width / count)
            left = self.uniform(0, width - gap * count)
            y, slope = self.uniform(0.2, 1) * (height - cutout.height), self.uniform(-0.05, 0.05)
            opacity = self.uniform(0.3, 1) if self.chance(0.4) else 1
            for i in range(count):
                place(cutout, left + gap * (i + self.uniform(0, 0.05)), y + slope * gap * i, opacity)
            return mask, things
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            cutout = self.image(self.cutouts)
            cutout = self.scaled(cutout, self.uniform(0.35, 1.1) * min(width / cutout.width,
                                                                       height / cutout.height))
            if self.chance(0.5):
                cutout = cutout.rotate(self.uniform(-40, 40), Image.BICUBIC, expand=True)
            place(cutout, self.uniform(-0.1, 1.1) * (width - cutout.width),
                  self.uniform(-0.1, 1.1) * (height - cutout.height),
                  self.uniform(0.4, 1) if self.chance(0.2) else 1)
        return mask, things

    @staticmethod
    def scaled(image, scale):
        return image.resize((max(8, int(image.width * scale)), max(8, int(image.height * scale))),
                            Image.BICUBIC)

    def grade(self, frames):
        """One look for a whole clip: exposure (down to night), contrast, saturation."""
        gain = self.uniform(0.7, 1.25) if self.chance(0.75) else self.uniform(0.2, 0.6)
        lift = self.uniform(-10, 25) if self.chance(0.6) else 0
        gamma = self.uniform(0.75, 1.35)
        saturation = 0.0 if self.chance(0.1) else self.uniform(0.5, 1.4)
        tint = self.rng.uniform(0.9, 1.1, 3) if self.chance(0.4) else np.ones(3)
        if self.chance(0.06):  # coloured light, under water, a stage
            tint = self.rng.uniform(0.35, 1.2, 3)
        levels = (np.arange(256) / 255) ** gamma
        if self.chance(0.15):  # a flash, hard light, a copy of a copy
            steep = self.uniform(2, 10)
            levels = 1 / (1 + np.exp(-steep * (levels - self.uniform(0.3, 0.7))))
        table = [int(v) for t in tint for v in np.clip(255 * gain * levels * t + lift, 0, 255)]
        radius, percent = self.uniform(0.5, 3), int(self.uniform(50, 400)) if self.chance(0.25) else 0
        out = []
        for frame in frames:
            image = ImageEnhance.Color(Image.fromarray(np.asarray(frame))).enhance(saturation)
            if percent:  # as cameras and those who post pictures do
                image = image.filter(ImageFilter.UnsharpMask(radius, percent, 2))
            out.append(np.asarray(image.point(table)))
        return out

    def text(self, image, count=1, big=False, box=None):
        draw = ImageDraw.Draw(image)
        width, height = image.size
        for _ in range(count):
            words = self.pick(WORDS[self.split])
            if not big and self.chance(0.5):
                words = "%02d:%02d:%02d" % (self.integer(0, 23), self.integer(0, 59),
                                            self.integer(0, 59))
            scale = self.uniform(0.09, 0.2) if big else self.uniform(0.035, 0.07)
            font = ImageFont.truetype(self.pick(FONTS), max(8, int(height * scale)))
            x0, y0, x1, y1 = draw.textbbox((0, 0), words, font=font)
            if big and x1 > width * 0.94:
                font = ImageFont.truetype(font.path, max(8, int(font.size * width * 0.9 / x1)))
                x0, y0, x1, y1 = draw.textbbox((0, 0), words, font=font)
            if big:
                x = (width - x1) / 2 + self.uniform(-0.1, 0.1) * (width - x1)
                y = self.uniform(0.15, 0.75) * (height - y1)
            else:
                x = self.pick([0.03, 0.5, 0.97]) * (width - x1)
                y = self.pick([0.03, 0.06, 0.9, 0.97]) * (height - y1)
            ink = box or (self.color(180) if self.chance(0.8) else self.color())
            if not big and self.chance(0.3):
                draw.rectangle((x + x0 - 3, y + y0 - 3, x + x1 + 3, y + y1 + 3), self.color(0, 60))
            draw.text((x, y), words, fill=ink, font=font)

    def logo(self, image, scale=(0.06, 0.13), corner=True):
        draw = ImageDraw.Draw(image)
        width, height = image.size
        s = height * self.uniform(*scale)
        if corner:
            x, y = self.pick([0.04 * width, 0.96 * width - s]), \
                self.pick([0.05 * height, 0.95 * height - s])
        else:
            x, y = self.uniform(0.1, 0.9) * (width - s), self.uniform(0.1, 0.9) * (height - s)
        shape = self.pick(["ellipse", "rectangle", "ring"])
        ink = self.color(90)
        if shape == "ring":
            draw.ellipse((x, y, x + s, y + s), outline=ink, width=max(1, int(s / 6)))
        else:
            getattr(draw, shape)((x, y, x + s, y + s), fill=ink)
        if self.chance(0.5):
            draw.rectangle((x + s * .3, y + s * .3, x + s * .7, y + s * .7), fill=self.color())

    def overlay(self, frames, logo=0.2, text=0.15):
        """The same station logo and burnt-in text on every frame of a clip."""
        want_logo, want_text = self.chance(logo), self.chance(text)
        if not (want_logo or want_text):
            return frames
        height, width = frames[0].shape[:2]
        layer = Image.new("RGB", (width, height), (1, 2, 3))
        if want_logo:
            self.logo(layer)
        if want_text:
            self.text(layer, self.integer(1, 2))
        layer = np.asarray(layer)
        mask = np.any(layer != (1, 2, 3), axis=2, keepdims=True)
        return [np.where(mask, layer, frame) for frame in frames]

    def grain(self, frames, sigma):
        return [np.clip(frame + self.rng.normal(0, sigma, frame.shape[:2] + (self.pick([1, 3]),)),
                        0, 255).astype(np.uint8) for frame in frames]

    def through_codec(self, frames, harsh=True, share=0.6):
        if not self.chance(share):
            return frames
        height, width = frames[0].shape[:2]
        if height * width > 1000000:
            frames = frames[:2]
        names = ["h264", "mpeg2", "vp8", "jpeg"] + (["theora", "mpeg4"] if self.split == "test" else [])
        name = self.pick(names)
        if name == "jpeg":
            frames = frames[:2]
        out = codec.decode(*codec.encode(frames, name, codec.settings(
            self.rng, width, height, harsh, self.split)), name, width, height)
        return out or frames

    def levels(self, frames):
        """Full range taken for limited, or the other way round."""
        if not self.chance(0.15):
            return frames
        if self.chance(0.5):
            return [(16 + f.astype(np.float32) * 219 / 255).astype(np.uint8) for f in frames]
        return [np.clip((f.astype(np.float32) - 16) * 255 / 219, 0, 255).astype(np.uint8)
                for f in frames]

    def testsrc(self, pattern, width, height, extra=""):
        fmt = self.pick(["RGB", "I420", "NV12", "YUY2"])
        pipeline = (f"videotestsrc num-buffers=2 pattern={pattern} {extra} ! "
                    f"video/x-raw,format={fmt},width={width},height={height} ! videoconvert ! "
                    "video/x-raw,format=RGB ! appsink name=out sync=false")
        bin_ = codec.Gst.parse_launch(pipeline)
        bin_.set_state(codec.Gst.State.PLAYING)
        sink, frames, row = bin_.get_by_name("out"), [], (width * 3 + 3) // 4 * 4
        while True:
            sample = sink.emit("try-pull-sample", codec.TIMEOUT)
            if sample is None:
                break
            data = sample.get_buffer().extract_dup(0, row * height)
            frames.append(np.frombuffer(data, np.uint8).reshape(height, row)[:, :width * 3]
                          .reshape(height, width, 3))
        bin_.set_state(codec.Gst.State.NULL)
        return frames

    # the classes: each returns frames
    def picture(self, w, h):
        frames = self.clip(w, h, 3, zoom=self.pick([0.15, 0.35, 0.6]))
        if self.chance(0.12):
            bar = int((h if self.chance(0.5) else w) * self.uniform(0.06, 0.13))
            frames = [f.copy() for f in frames]
            for f in frames:
                if bar < h * 0.14:
                    f[:bar] = f[h - bar:] = 0
        if self.chance(0.25):
            frames = self.grain(frames, self.uniform(3, 22))
        if self.chance(0.15):
            blur = self.uniform(0.0004, 0.0018) * w
            frames = [np.asarray(Image.fromarray(f).filter(ImageFilter.GaussianBlur(blur)))
                      for f in frames]
        frames = self.overlay(frames, 0.3, 0.3)
        frames = self.levels(frames)
        return self.through_codec(frames) if frames[0].std() > 6 else self.picture(w, h)

    def black(self, w, h):
        level = self.pick([0, 0, 16, self.integer(0, 20)])
        frame = np.full((h, w, 3), level, np.uint8)
        if self.chance(0.15):
            frame = frame + np.array(self.color(0, 8), np.uint8)
        frames = [frame] * 2
        if self.chance(0.4):
            frames = self.grain(frames, self.uniform(0.5, 5))
        return self.through_codec(self.overlay(frames, 0.25, 0.15), share=0.5)

    def flat_color(self, w, h):
        if self.chance(0.25):
            frames = self.testsrc(self.pick(["white", "red", "green", "blue"]), w, h)
        else:
            while True:
                color = np.array((self.integer(40, 255),) * 3 if self.chance(0.3) else self.color())
                greenish = color[1] < 175 and color[0] < 40 and color[2] < 40
                if color.max() > 45 and not greenish:
                    break
            frames = [np.broadcast_to(color.astype(np.uint8), (h, w, 3))] * 2
        if self.chance(0.4):
            frames = self.grain(frames, self.uniform(0.5, 9))
        return self.through_codec(self.levels(self.overlay(frames, 0.25, 0.12)), share=0.5)

    def color_bars(self, w, h):
        if self.chance(0.5):
            frames = self.testsrc(self.pick(["smpte", "smpte75", "smpte100", "smpte-rp-219"]), w, h)
        else:
            v = self.pick([191, 191, 255])
            top = [(v, v, v), (v, v, 0), (0, v, v), (0, v, 0), (v, 0, v), (v, 0, 0), (0, 0, v)]
            if self.chance(0.5):
                top = [(255, 255, 255) if self.chance(0.5) else (v, v, v)] + top[1:] + [(0, 0, 0)]
            if self.chance(0.1):
                top = top[::-1]
            image = Image.new("RGB", (w, h))
            draw = ImageDraw.Draw(image)
            edges = np.linspace(0, w, len(top) + 1)
            end = h if self.chance(0.5) else h * self.uniform(0.6, 0.85)
            for i, c in enumerate(top):
                draw.rectangle((edges[i], 0, edges[i + 1], end), fill=c)
            if end < h:
                mid = end + (h - end) * self.uniform(0, 0.4)
                for i, c in enumerate(top[::-1]):
                    draw.rectangle((edges[i], end, edges[i + 1], mid),
                                   fill=c if i % 2 == 0 else (16, 16, 16))
                if self.chance(0.5):
                    for i, c in enumerate([(0, 33, 76), (255, 255, 255), (50, 0, 106),
                                           (16, 16, 16), (9, 9, 9), (29, 29, 29), (16, 16, 16)]):
                        draw.rectangle((w * i / 7, mid, w * (i + 1) / 7, h), fill=c)
                else:
                    for x in range(16):
                        draw.rectangle((w * x / 16, mid, w * (x + 1) / 16, h), fill=(x * 17,) * 3)
            if self.chance(0.25):
                draw.rectangle((w * .25, h * .4, w * .75, h * .55), fill=(0, 0, 0))
                font = ImageFont.truetype(self.pick(FONTS), int(h * 0.08))
                draw.text((w * .28, h * .42), self.pick(WORDS[self.split])[:12],
                          fill=(255, 255, 255), font=font)
            frames = [np.asarray(image)] * 2
        if self.chance(0.3):
            frames = self.grain(frames, self.uniform(1, 18))
        if self.chance(0.2):
            frames = self.grade(frames)
        return self.through_codec(self.levels(self.overlay(frames, 0.25, 0.25)), share=0.5)

    def test_pattern(self, w, h):
        """Not those that are finer than what the network sees: it sees one colour."""
        while True:
            frames = self.pattern(w, h)
            if self.sample(frames[0], False).std((1, 2)).max() > 12:
                return frames

    def pattern(self, w, h):
        kind = self.integer(0, 9)
        if kind < 4:
            name = self.pick(["checkers-1", "checkers-2", "checkers-4", "checkers-8", "circular",
                              "zone-plate", "gamut", "chroma-zone-plate", "ball", "pinwheel",
                              "spokes", "colors", "bar"])
            extra = ""
            if "zone" in name:
                k = self.integer(5, 60)
                extra = f"kx2={k} ky2={k} kt={self.integer(0, 20)}" if self.chance(0.7) else \
                    f"kx2={self.integer(5, 80)} ky2={self.integer(5, 80)}"
            return self.through_codec(self.overlay(self.testsrc(name, w, h, extra), 0.2, 0.15),
                                      share=0.5)
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        cx, cy = w * self.uniform(.4, .6), h * self.uniform(.4, .6)
        a = np.array((0, 0, 0) if self.chance(0.5) else self.color(0, 120), np.float32)
        b = np.array((255, 255, 255) if self.chance(0.5) else self.color(140), np.float32)
        step = h / self.integer(3, 40)
        if kind == 4:
            m = ((x // step + y // step) % 2)
        elif kind == 5:
            line = max(1.0, step * self.uniform(0.04, 0.15))
            m = ((x % step < line) | (y % step < line)).astype(np.float32)
            if self.chance(0.5):
                r = np.hypot(x - cx, y - cy)
                m = np.maximum(m, np.abs(r - h * self.uniform(.25, .48)) < line * 1.5)
        elif kind == 6:
            r2 = (x - cx) ** 2 + (y - cy) ** 2
            m = 0.5 + 0.5 * np.cos(np.pi * r2 / (h * self.uniform(2, 40)))
        elif kind == 7:
            m = (np.sin(np.arctan2(y - cy, x - cx) * self.integer(4, 40)) > 0).astype(np.float32)
        elif kind == 8:  # multiburst
            m = 0.5 + 0.5 * np.sin(2 * np.pi * x / (w / np.array([8, 20, 40, 80, 120, 160]))[
                np.minimum(5, (x / w * 6).astype(int))])
            if self.chance(0.4):
                m = (m > 0.5).astype(np.float32)
        else:  # an electronic test card: grid, circle, and inserts
            image = Image.new("RGB", (w, h), self.color(60, 130))
            draw = ImageDraw.Draw(image)
            n = self.integer(8, 18)
            for i in range(n + 1):
                draw.line((w * i / n, 0, w * i / n, h), fill=(235, 235, 235), width=max(1, h // 240))
            for i in range(n * h // w + 1):
                draw.line((0, w * i / n, w, w * i / n), fill=(235, 235, 235), width=max(1, h // 240))
            r = h * self.uniform(0.36, 0.48)
            draw.ellipse((w / 2 - r, h / 2 - r, w / 2 + r, h / 2 + r), fill=self.color(0, 90),
                         outline=(255, 255, 255), width=max(1, h // 150))
            inner = r * 0.75
            for k, part in enumerate(self.rng.permutation(3)):
                y0 = h / 2 - inner + 2 * inner * k / 3
                for i in range(8):
                    x0 = w / 2 - r * .66 + r * 1.32 * i / 8
                    c = [(i * 36,) * 3, ((i & 1) * 255, (i >> 1 & 1) * 255, (i >> 2 & 1) * 255),
                         ((i % 2) * 255,) * 3][part]
                    draw.rectangle((x0, y0, x0 + r * 1.32 / 8, y0 + inner * .6), fill=c)
            frames = [np.asarray(image)] * 2
            return self.through_codec(self.overlay(frames, 0.15, 0.3), share=0.5)
        m = m.astype(np.float32)[..., None]
        frames = [(a + (b - a) * m).astype(np.uint8)] * 2
        if self.chance(0.25):
            frames = self.grain(frames, self.uniform(1, 15))
        return self.through_codec(self.levels(self.overlay(frames, 0.2, 0.2)), share=0.5)

    def gradient(self, w, h):
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        kind = self.integer(0, 5)
        if kind == 0:
            frames = self.testsrc("gradient", w, h)
        else:
            m = [x / w, y / h, (x / w + y / h) / 2, np.hypot(x - w / 2, y - h / 2) / (h * .9),
                 (x / w + 1 - y / h) / 2][kind - 1]
            if self.chance(0.4):
                m = 1 - m
            if self.chance(0.15):
                m = np.abs(2 * m - 1)
            if self.chance(0.2):
                steps = self.integer(9, 32)
                m = np.floor(np.clip(m, 0, 0.999) * steps) / (steps - 1)
            grey = self.chance(0.5)
            while True:
                a = np.array((self.integer(0, 255),) * 3 if grey else self.color(), np.float32)
                b = np.array((self.integer(0, 255),) * 3 if grey else self.color(), np.float32)
                if np.abs(a - b).max() > 90:
                    break
            frames = [np.clip(a + (b - a) * np.clip(m, 0, 1)[..., None], 0, 255)
                      .astype(np.uint8)] * 2
        if self.chance(0.35):
            frames = self.grain(frames, self.uniform(0.5, 8))
        return self.through_codec(self.levels(self.overlay(frames, 0.2, 0.15)), share=0.5)

    def noise(self, w, h):
        if self.chance(0.25):
            return self.through_codec(self.testsrc("snow", w, h), share=0.6)
        grain = self.pick([1, 1, 2, 3, 4])
        planes = self.pick([1, 1, 3])
        frames = []
        base = self.clip(w, h, 2) if self.chance(0.25) else None
        kind, middle, sigma = self.integer(0, 2), self.uniform(70, 170), self.uniform(45, 110)
        for i in range(2):
            shape = (h // grain + 1, w // grain + 1, planes)
            n = self.rng.normal(middle, sigma, shape) if kind == 0 else \
                self.rng.uniform(0, 255, shape) if kind == 1 else \
                255.0 * (self.rng.random(shape) < middle / 255)
            n = np.clip(n, 0, 255).astype(np.float32)
            n = n.repeat(grain, 0).repeat(self.pick([grain, grain + 1]), 1)[:h, :w]
            if n.shape[1] < w:
                n = np.pad(n, ((0, 0), (0, w - n.shape[1]), (0, 0)), mode="wrap")
            if base is not None:
                n = 0.78 * n + 0.22 * base[i]
            frames.append(np.broadcast_to(n, (h, w, 3)).astype(np.uint8))
        return self.through_codec(self.overlay(frames, 0.1, 0.15), share=0.6)

    @staticmethod
    def means(frame, n):
        h, w = frame.shape[0] // n * n, frame.shape[1] // n * n
        return frame[:h, :w].reshape(h // n, n, w // n, n, 3).mean((1, 3), dtype=np.float32)

    def blocks(self, frame):
        return self.means(self.sample(frame, False).transpose(1, 2, 0), BLOCK)

    @staticmethod
    def broken(means, clean):
        """How far each block is off, beyond another tint or contrast of the whole picture."""
        off = np.zeros(means.shape[:2])
        for c in range(3):
            slope, shift = np.polyfit(clean[..., c].ravel(), means[..., c].ravel(), 1)
            fitted = np.abs(means[..., c] - slope * clean[..., c] - shift)
            off = np.maximum(off, np.minimum(fitted, np.abs(means[..., c] - clean[..., c])))
        return off

    def corruption(self, w, h):
        return self.corrupted(w, h)[0]

    def corrupted(self, w, h):
        """Real decoders on damaged streams; kept where the damage shows. The second answer is of the same
        stream undamaged."""
        while True:
            frames = self.overlay(self.clip(w, h, 8, motion=self.uniform(0.5, 4)), 0.2, 0.2)
            name = self.pick(["h264", "mpeg2", "vp8", "jpeg"])
            settings = codec.settings(self.rng, w, h, False, self.split)
            settings["gop"] = 100 if name != "jpeg" else 1
            caps, packets = codec.encode(frames[:4] if name == "jpeg" else frames, name, settings)
            whole = codec.decode(caps, packets, name, w, h) if packets else []
            clean, keep = [self.blocks(frame) for frame in whole], []
            for _ in range(4 if clean else 0):
                for frame in codec.decode(caps, codec.damage(self.rng, packets), name, w, h):
                    # What is lost and filled from the frame before is no damage to be seen: each block may
                    # be of any frame. Means, as a motion vector that is off by little shows none.
                    means = self.blocks(frame)
                    off = np.min([self.broken(means, c) for c in clean], axis=0)
                    if frame.std() > 12 and (off > OFF).mean() > VISIBLE:
                        keep.append(frame)
                if len(keep) >= 6:
                    break
            if keep:
                return [keep[i] for i in self.rng.permutation(len(keep))[:6]], whole

    def wrong_planes(self, w, h):
        w, h = w // 2 * 2, h // 2 * 2
        kind = self.integer(0, 5)
        out = []
        for frame in self.overlay(self.clip(w, h, 2), 0.2, 0.2):
            x = frame.astype(np.float32)
            luma = x @ np.array([.299, .587, .114], np.float32)
            u = 128 + (x[..., 2] - luma) * 0.564
            v = 128 + (x[..., 0] - luma) * 0.713
            y = 16 + luma * 219 / 255 if self.chance(0.5) else luma
            if kind == 0:  # both chroma planes missing: green
                u, v = u * 0, v * 0
            elif kind == 1:
                u, v = u * 0 + 255, v * 0 + 255
            elif kind == 2:
                u, v = (u * 0, v) if self.chance(0.5) else (u, v * 0)
            elif kind == 3:
                u, v = (u * 0 + 255, v) if self.chance(0.5) else (u, v * 0 + 255)
            elif kind == 4:  # nothing decoded: all three planes are zero
                n = self.uniform(0, 12)
                y, u, v = y * 0 + n, u * 0 + self.uniform(0, 10), v * 0 + self.uniform(0, 10)
            else:  # luma bytes read as chroma
                u, v = y[:, ::-1] if self.chance(0.3) else y, y[::-1]
            r, b = y + 1.403 * (v - 128), y + 1.773 * (u - 128)
            g = y - 0.344 * (u - 128) - 0.714 * (v - 128)
            out.append(np.clip(np.stack([r, g, b], 2), 0, 255).astype(np.uint8))
        return self.through_codec(out, harsh=False, share=0.5)

    def combing(self, w, h):
        """Two fields of different times in one frame; kept where a line differs from its neighbours
        more than it does in the clean picture, at the network's size."""
        for attempt in itertools.count(1):
            if attempt % 4 == 0:  # in some sizes, little is seen of it
                w, h = self.dimensions()
            frame = self.clip(w, h, 1, motion=0, detail=4.0)[0]
            shift = self.pick([-1, 1]) * max(4, int(w * self.uniform(0.012, 0.055)))
            moved = np.roll(frame, shift, axis=1)
            if self.chance(0.4):  # only what moves is combed
                y0, x0 = int(h * self.uniform(0, .3)), int(w * self.uniform(0, .3))
                y1, x1 = int(h * self.uniform(.65, 1)), int(w * self.uniform(.65, 1))
                part = frame.copy()
                part[y0:y1, x0:x1] = moved[y0:y1, x0:x1]
                moved = part
            out = frame.copy()
            out[1::2] = moved[1::2]
            if self.lines(out) > 1.35 * self.lines(frame) + 2.5:
                frames = self.overlay([out, out], 0.25, 0.25)
                return self.through_codec(self.levels(frames), harsh=False, share=0.5)

    def lines(self, frame):
        x = self.sample(frame, False).astype(np.float32)
        return np.abs(2 * x[:, 1:-1] - x[:, :-2] - x[:, 2:]).mean()

    def blur(self, w, h):
        for _ in range(8):
            frames = self.blurred(w, h)
            if np.abs(np.diff(self.means(frames[0], w // 64), axis=1)).mean() > 2.5:
                break
        if self.chance(0.3):
            frames = self.grain(frames, self.uniform(1, 8))
        return self.through_codec(self.levels(self.overlay(frames, 0.25, 0.25)), share=0.5)

    def blurred(self, w, h):
        frames = self.clip(w, h, 2, detail=6.0)
        radius = w * np.exp(self.uniform(np.log(0.0075), np.log(0.03)))
        kind = self.pick([ImageFilter.GaussianBlur, ImageFilter.BoxBlur])
        scale = 1.0 if kind is ImageFilter.GaussianBlur else 1.7
        out = []
        for frame in frames:
            image = Image.fromarray(frame).filter(kind(radius * scale))
            if scale > 1:  # twice a box and turned: near a disc
                image = image.rotate(45, expand=True, resample=Image.BILINEAR)
                image = image.filter(kind(radius * 0.8)).rotate(-45, resample=Image.BILINEAR)
                left, top = (image.width - w) // 2, (image.height - h) // 2
                image = image.crop((left, top, left + w, top + h))
            out.append(np.asarray(image))
        return out

    def slate(self, w, h):
        kind = self.rng.random()
        if kind < 0.5:
            base = np.broadcast_to(np.array((0, 0, 0) if self.chance(0.3) else self.color(0, 150),
                                            np.uint8), (h, w, 3))
        elif kind < 0.6:
            base = np.broadcast_to(np.array(self.color(170), np.uint8), (h, w, 3))
        elif kind < 0.9:
            a, b = np.array(self.color(0, 130)), np.array(self.color(0, 150))
            m = np.linspace(0, 1, h)[:, None, None] * np.ones((1, w, 1))
            base = a + (b - a) * m
        else:
            base = np.asarray(Image.fromarray(self.clip(w, h, 1)[0]).filter(
                ImageFilter.GaussianBlur(w * 0.03))) * 0.35
        image = Image.fromarray(np.array(base, np.uint8))
        ink = None
        if np.mean(base) > 130:
            ink = self.color(0, 70)
        elif self.chance(0.6):
            ink = self.pick([(255, 255, 255), (255, 255, 0), (230, 230, 230), (255, 80, 60)])
        if self.chance(0.45):
            self.logo(image, (0.12, 0.35), corner=self.chance(0.3))
        self.text(image, self.integer(1, 3) if self.chance(0.4) else 1, big=True, box=ink)
        if self.chance(0.3):
            self.text(image, 1)
        frames = [np.asarray(image)] * 2
        if self.chance(0.2):
            frames = self.grain(frames, self.uniform(1, 10))
        return self.through_codec(self.levels(frames), share=0.5)

    def sample(self, frame, crop):
        """To the network's size as the product does it: squashed, bilinear, no antialiasing."""
        height, width = frame.shape[:2]
        if crop:
            share = self.uniform(0.85, 1.0)
            h, w = int(height * share), int(width * share)
            y, x = self.integer(0, height - h), self.integer(0, width - w)
            frame = frame[y:y + h, x:x + w]
        y0, y1, wy = self.taps(frame.shape[0])
        x0, x1, wx = self.taps(frame.shape[1])
        wy, wx = wy[:, None, None], wx[:, None]
        rows = frame[y0] * (1 - wy) + frame[y1] * wy
        return np.rint(rows[:, x0] * (1 - wx) + rows[:, x1] * wx).astype(np.uint8).transpose(2, 0, 1)

    @staticmethod
    def taps(length):
        """The two that each of SIZE places along a side lies between, and how near it is to the second."""
        at = np.maximum((np.arange(SIZE, dtype=np.float32) + 0.5) * length / SIZE - 0.5, 0)
        low = np.minimum(at.astype(int), length - 1)
        return low, np.minimum(low + 1, length - 1), at - low

    def frames(self, label):
        return getattr(self, LABELS[label].replace("-", "_"))(*self.dimensions_for(LABELS[label]))

    def dimensions_for(self, name):
        w, h = self.dimensions()
        return (640, 360) if name == "corruption" and w > 900 else (w, h)

    def some(self, frames, count):
        """Another crop of the same frame is sampled at other places."""
        order = self.rng.permutation(len(frames))
        return [self.sample(frames[order[i % len(order)]], i > 0) for i in range(count)]

    def make(self, label):
        """(label, image) pairs. Beside the broken frames go those that they were, as pictures."""
        name = LABELS[label]
        count = ROUND.get(name, ROUND_OTHERS)[1]
        if name != "corruption":
            return [(label, image) for image in self.some(self.frames(label), count)]
        broken, whole = self.corrupted(*self.dimensions_for(name))
        return [(label, image) for image in self.some(broken, min(count, len(broken)))] + \
            [(LABELS.index("picture"), image) for image in self.some(whole, 1)]


def pack(image):
    """A file in memory: PNG where that is small, as of what is drawn, else JPEG that loses nothing
    that one can see (and no chroma samples)."""
    image, file = Image.fromarray(image.transpose(1, 2, 0)), io.BytesIO()
    image.save(file, "PNG", compress_level=4)
    if file.tell() > 6000:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=92, subsampling=0)
    return np.frombuffer(file.getvalue(), np.uint8)


def make_training(maker, rounds, path):
    made = []
    for _ in range(rounds):
        for label, name in enumerate(LABELS):
            for _ in range(ROUND.get(name, ROUND_OTHERS)[0]):
                made += maker.make(label)
    files = [pack(image) for _, image in made]
    with open(path + ".new", "wb") as file:
        np.savez(file, files=np.concatenate(files), ends=np.cumsum([len(f) for f in files]),
                 labels=np.array([label for label, _ in made], np.uint8))
    os.replace(path + ".new", path)
    return len(made)


def make_test(maker, rounds, folder):
    os.makedirs(folder, exist_ok=True)
    count = 0
    for i in range(rounds):
        for label, name in enumerate(LABELS):
            frames = maker.frames(label)
            for k in maker.rng.permutation(len(frames))[:2]:
                Image.fromarray(frames[k]).save(os.path.join(folder, f"{name}_{i:03d}-{k}.png"),
                                                compress_level=1)
                count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", required=True, help="folder made by pictures.py")
    parser.add_argument("--split", choices=["train", "validation", "test"], required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--output", required=True,
                        help="test: a folder for PNGs of whole frames; else the .npz to write")
    args = parser.parse_args()
    start = time.time()
    pictures = sorted(glob.glob(os.path.join(args.pictures, args.split, "*.npy")))
    first = {"train": 0, "test": 1000000, "validation": 2000000}[args.split]
    maker = Maker(args.seed + first, args.split, pictures)
    make = make_test if args.split == "test" else make_training
    count = make(maker, args.rounds, args.output)
    print(f"{args.output}: {count} images, {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
