# SPDX-License-Identifier: LGPL-2.1-or-later
"""Faults of the picture, before it is encoded. Damage to packets is in packets.py."""
import os
import subprocess

import numpy as np
from PIL import Image

from captions import Captions
from streams.footage import Noise, black, blurred, planes_of, split
from streams.judge import Fault

# What ffmpeg and GStreamer draw themselves.
LAVFI = ("testsrc2=size={w}x{h}:rate={r}", "testsrc=size={w}x{h}:rate={r}", "yuvtestsrc=size={w}x{h}:rate={r}",
         "mandelbrot=size={w}x{h}:rate={r}", "rgbtestsrc=size={w}x{h}:rate={r}",
         "life=size={w}x{h}:rate={r}:mold=10:life_color=#C83232:death_color=#323264",
         "cellauto=size={w}x{h}:rate={r}:rule=110")
GSTREAMER = ("circular", "pinwheel", "spokes", "checkers-8", "zone-plate kx2=20 ky2=20 kt=1", "colors")
BARS = ("smptebars=size={w}x{h}", "smptehdbars=size={w}x{h}", "pal75bars=size={w}x{h}", "pal100bars=size={w}x{h}")
# kind: how much of it, from severe to light. What the numbers are is said where they are used.
LEVELS = {"blur": {"severe": (0.015, 0.03), "medium": (0.008, 0.015), "light": (0.004, 0.007)},
          "flicker": {"severe": (0.25, 0.45), "medium": (0.12, 0.2), "light": (0.05, 0.08)},
          "dark": {"severe": (0.03, 0.08), "medium": (0.1, 0.16), "light": (0.2, 0.3)},
          "letterbox": {"severe": (0.12, 0.2), "medium": (0.07, 0.11), "light": (0.03, 0.05)}}
ODDS = {"severe": 0.5, "medium": 0.35, "light": 0.15}
# Of a combed frame, the share of 16x16 blocks in which lines differ from both neighbours by so many levels more
# than in the clean frame.
COMB, VISIBLE = 6.0, (("severe", 0.25), ("medium", 0.1), ("light", 0.03))


def level_of(strength):
    for level, least in VISIBLE:
        if strength >= least:
            return level
    return "unseen"


def lavfi(source, width, height, rate, seconds):
    """Frames that ffmpeg draws."""
    data = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i",
                           source.format(w=width, h=height, r=rate), "-t", str(seconds), "-pix_fmt", "yuv420p",
                           "-f", "rawvideo", "-"], stdout=subprocess.PIPE, check=True).stdout
    return split(np.frombuffer(data, np.uint8), width, height)


def videotestsrc(pattern, width, height, rate, frames):
    """Frames that GStreamer draws."""
    command = ["gst-launch-1.0", "-q", "videotestsrc", f"num-buffers={frames}", *f"pattern={pattern}".split(), "!",
               f"video/x-raw,format=I420,width={width},height={height},framerate={int(rate)}/1", "!", "fdsink"]
    data = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return split(np.frombuffer(data, np.uint8), width, height)


def comb(luma):
    """How much each 16x16 block's lines differ from both neighbours, in the mean."""
    y = luma.astype(np.float32)
    up, down = y[1:-1] - y[:-2], y[1:-1] - y[2:]
    both = np.where(up * down > 0, np.minimum(np.abs(up), np.abs(down)), 0)
    height, width = (length // 16 * 16 for length in both.shape)
    return both[:height, :width].reshape(height // 16, 16, width // 16, 16).mean((1, 3))


def weave(first, second, top):
    """The lines of two frames in turn."""
    out = []
    for a, b in zip(first, second):
        plane = a.copy()
        plane[int(top)::2] = b[int(top)::2]
        out.append(plane)
    return tuple(out)


class Faults(Captions):
    """Plans and draws faults over a scene. `words` is the split of captions.py that slates are written with."""

    def __init__(self, seed, words, width, height, rate, slates=()):
        super().__init__(seed, words)
        self.width, self.height, self.rate, self.slates = width, height, rate, slates
        self.grain_tile = Noise(self.rng, width, height)
        self.drawn, self.seen, self.still = None, [], None

    def plan(self, kind, start, seconds):
        """A Fault with its level and its strength; begin() draws what it needs."""
        fault = Fault(kind, start, start + seconds)
        if kind in LEVELS:
            names = list(ODDS)
            fault.level = names[int(self.rng.choice(len(names), p=[ODDS[n] for n in names]))]
            fault.strength = round(self.uniform(*LEVELS[kind][fault.level]), 4)
        if kind == "freeze-noise":
            fault.strength = round(self.uniform(0.5, 1.5), 2)  # sigma, in levels
        return fault

    def begin(self, fault):
        """Before the first frame of a fault."""
        w, h, rate = self.width, self.height, self.rate
        self.still, self.seen, self.drawn = None, [], None
        self.phase, self.top = self.uniform(0, 1), self.chance(0.5)
        if fault.kind == "black":
            fault.detail = self.pick(["plain", "noise", "timecode"])
        elif fault.kind == "color-bars":
            fault.detail = self.pick(BARS)
            self.drawn = lavfi(fault.detail, w, h, 1, 1)
        elif fault.kind == "test-pattern":
            fault.detail = self.pick(LAVFI + GSTREAMER)
            seconds = min(3, fault.end - fault.start)
            self.drawn = (lavfi(fault.detail, w, h, rate, seconds) if "=size" in fault.detail else
                          videotestsrc(fault.detail, w, h, rate, int(seconds * rate)))
        elif fault.kind == "slate":
            self.drawn = [self.slate(fault)]
        elif fault.kind == "flat-color":
            color = self.color(0, 255)
            fault.detail = "#%02x%02x%02x" % color
            self.drawn = [planes_of(Image.new("RGB", (w, h), color))]
        elif fault.kind == "combing":
            fault.detail = self.pick(["woven", "woven", "telecined"])
        elif fault.kind == "noise":
            fault.detail = self.pick(["fine", "coarse", "grey"])
        elif fault.kind == "wrong-planes":
            fault.detail = self.pick(["zero", "swapped", "luma"])
        elif fault.kind == "letterbox":
            fault.detail = self.pick(["letterbox", "pillarbox"])

    def slate(self, fault):
        if self.slates and self.chance(0.4):
            path = self.pick(self.slates)
            fault.detail = os.path.basename(path)
            with Image.open(path) as image:
                return planes_of(image.convert("RGB").resize((self.width, self.height)))
        image = Image.new("RGB", (self.width, self.height), self.color(0, 110))
        if self.chance(0.4):
            self.logo(image, (0.15, 0.3), corner=False)
        self.text(image, 1, big=True, box=(240, 240, 240))
        fault.detail = "drawn"
        return planes_of(image)

    def apply(self, fault, scene, planes, index):
        """The frame with the fault in it. index counts the stream's frames."""
        return KINDS[fault.kind](self, fault, scene, planes, index / self.rate, index)

    def finish(self, fault):
        """After the last frame: how much of it could be seen, where that was measured."""
        if fault.kind == "combing":
            fault.strength = round(float(np.median(self.seen)) if self.seen else 0.0, 3)
            fault.level = level_of(fault.strength)

    # What each kind looks like

    def freeze(self, fault, scene, planes, t, index):
        self.still = self.still or planes
        return self.still

    def freeze_noise(self, fault, scene, planes, t, index):
        self.still = self.still or planes
        return (self.grain_tile.add(self.still[0], fault.strength), *self.still[1:])

    def black(self, fault, scene, planes, t, index):
        luma, *chroma = black(self.width, self.height)
        if fault.detail == "noise":
            luma = self.grain_tile.add(luma, 2.0)
        if fault.detail == "timecode":
            image = Image.fromarray(luma)
            self.rng, rng = np.random.default_rng(int(fault.start)), self.rng
            self.text(image, 1, box=235)
            self.rng = rng
            luma = np.asarray(image)
        return (luma, *chroma)

    def shown(self, fault, scene, planes, t, index):
        return self.drawn[index % len(self.drawn)]

    def flat_color(self, fault, scene, planes, t, index):
        luma, *chroma = self.drawn[0]
        return (self.grain_tile.add(luma, 0.6), *chroma)

    def snow(self, fault, scene, planes, t, index):
        h, w = planes[0].shape
        if fault.detail == "coarse":
            luma = self.rng.integers(16, 236, (h // 2, w // 2)).astype(np.uint8).repeat(2, 0).repeat(2, 1)
        else:
            luma = np.clip(self.rng.normal(110, 60, (h, w)), 16, 235).astype(np.uint8)
        chroma = [np.full((h // 2, w // 2), 128, np.uint8)] * 2
        if fault.detail == "fine":
            chroma = [self.rng.integers(90, 166, (h // 2, w // 2)).astype(np.uint8) for _ in range(2)]
        return (luma, *chroma)

    def wrong_planes(self, fault, scene, planes, t, index):
        y, u, v = planes
        if fault.detail == "zero":
            return y, np.zeros_like(u), np.zeros_like(v)
        if fault.detail == "swapped":  # luma's rows where chroma should be
            return y, y[::2, ::2].copy(), v
        return y, y[::2, ::2].copy(), y[1::2, ::2].copy()

    def combing(self, fault, scene, planes, t, index):
        later = scene.frame(t + max(0.5 / self.rate, 1 / getattr(scene, "rate", 1000)))
        if fault.detail == "telecined" and index % 5 not in (2, 3):
            return planes
        woven = weave(planes, later, self.top)
        if index % 3 == 0:
            self.seen.append(float((comb(woven[0]) >= comb(planes[0]) + COMB).mean()))
        return woven

    def blur(self, fault, scene, planes, t, index):
        return blurred(planes, fault.strength * self.width)

    def flicker(self, fault, scene, planes, t, index):
        wave = 1 - fault.strength * (int((t + self.phase) * 8) % 2)
        return (np.clip(16 + (planes[0].astype(np.float32) - 16) * wave, 0, 255).astype(np.uint8), *planes[1:])

    def dark(self, fault, scene, planes, t, index):
        luma = 16 + (planes[0].astype(np.float32) - 16) * fault.strength
        chroma = [(128 + (c.astype(np.float32) - 128) * fault.strength) for c in planes[1:]]
        return (np.rint(luma).astype(np.uint8), *(np.rint(c).astype(np.uint8) for c in chroma))

    def letterbox(self, fault, scene, planes, t, index):
        out = black(self.width, self.height)
        across = fault.detail == "pillarbox"
        for i, (plane, ground) in enumerate(zip(planes, out)):
            h, w = ground.shape
            bar = int((w if across else h) * fault.strength) // 2 * 2
            size = (w - 2 * bar, h) if across else (w, h - 2 * bar)
            small = np.asarray(Image.fromarray(plane).resize(size, Image.BILINEAR))
            if across:
                ground[:, bar:bar + size[0]] = small
            else:
                ground[bar:bar + size[1]] = small
        return out



KINDS = {"freeze": Faults.freeze, "freeze-noise": Faults.freeze_noise, "black": Faults.black,
         "color-bars": Faults.shown, "test-pattern": Faults.shown, "slate": Faults.shown,
         "noise": Faults.snow, "flat-color": Faults.flat_color, "wrong-planes": Faults.wrong_planes,
         "combing": Faults.combing, "blur": Faults.blur, "flicker": Faults.flicker, "dark": Faults.dark,
         "letterbox": Faults.letterbox}
