# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stations write on frames: text and logos."""
import glob

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dice import Dice

FONTS = sorted(glob.glob("/usr/share/fonts/truetype/dejavu/*.ttf"))
WORDS = {"train": ["NO SIGNAL", "PLEASE STAND BY", "Technical difficulties", "OFFLINE", "No input",
                   "We will be right back", "STARTING SOON", "Signal lost", "CAMERA 1",
                   "Video unavailable", "Connecting...", "Channel off air", "NO VIDEO", "LIVE",
                   "Check the cable", "Programme resumes shortly", "Intermission", "TEST", "SOURCE 2"],
         "validation": ["NO SIGNAL", "Please wait", "Loss of video", "Off air", "CAMERA 4",
                        "Waiting for signal", "Be right back", "Sin señal", "INPUT 3", "PAUSE"],
         "test": ["NO SIGNAL", "Stream is offline", "Video loss", "Back in five minutes",
                  "STAND BY", "No source selected", "Kein Signal", "Aucun signal", "HDMI 1",
                  "Waiting for the host", "BREAK", "Transmission interrupted"]}


class Captions(Dice):
    def __init__(self, seed, split):
        super().__init__(seed)
        self.split = split

    def color(self, low=0, high=255):
        return tuple(int(v) for v in self.rng.integers(low, high + 1, 3))

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
