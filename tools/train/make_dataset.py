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
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import codec
from captions import FONTS, WORDS
from clips import Clips
from recipe import LABELS, SIZE

# Damage is visible where, at the network's size, a tenth of the 6x6 blocks is off by 28 levels or more
# from every undamaged frame of the clip. A damaged frame with less is used by no split.
VISIBLE, BLOCK, OFF = 0.1, 6, 28
# Clips in each round, and images taken of each: more of the classes that are told apart by detail.
ROUND = {"picture": (14, 2), "corruption": (12, 3), "combing": (4, 2), "wrong-planes": (4, 2), "blur": (3, 2)}
ROUND_OTHERS = (1, 2)
SCREEN_SHARE = 0.12  # of the pictures


class Maker(Clips):
    """One method a class: each returns frames."""

    def picture(self, w, h):
        if self.split == "train" and self.chance(SCREEN_SHARE):  # what they are tested with is real
            frames = [np.asarray(self.screen(w, h))] * 3
            return self.through_codec(self.grade(frames) if self.chance(0.4) else frames)
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
        codecs = ["h264", "mpeg2", "vp8", "jpeg"]
        if self.split == "train":  # of those that are learned worst, the most, though MPEG-2's damage seldom shows
            codecs = [self.pick(codecs + ["mpeg2", "jpeg"])]
        while True:
            # What is drawn has the faces of one colour and the straight bands that lost slices have.
            frames = self.overlay(self.clip(w, h, 8, motion=self.uniform(0.5, 4), drawn=False), 0.2, 0.2)
            name = self.pick(codecs)
            settings = codec.settings(self.rng, w, h, False, self.split)
            settings["gop"] = 100 if name != "jpeg" else 1
            caps, packets = codec.encode(frames[:4] if name == "jpeg" else frames, name, settings)
            whole = codec.decode(caps, packets, name, w, h)
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
            if self.lines(out) > 1.15 * self.lines(frame) + 1.2:
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
        (y0, y1, wy), (x0, x1, wx) = (self.taps(*sides) for sides in zip(frame.shape, SIZE))
        wy, wx = wy[:, None, None], wx[:, None]
        rows = frame[y0] * (1 - wy) + frame[y1] * wy
        return np.rint(rows[:, x0] * (1 - wx) + rows[:, x1] * wx).astype(np.uint8).transpose(2, 0, 1)

    @staticmethod
    def taps(length, places):
        """The two that each of the places along a side lies between, and how near it is to the second."""
        at = np.maximum((np.arange(places, dtype=np.float32) + 0.5) * length / places - 0.5, 0)
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
