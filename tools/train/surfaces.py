# SPDX-License-Identifier: LGPL-2.1-or-later
"""Walls, floors, boxes, mats and water, seen close or at an angle: their joints, ribs and waves lie along the rows
and columns of pixels as a decoder's blocks do."""
import numpy as np
from PIL import Image

from collection import Collection


class Surfaces(Collection):
    def surface(self, width, height):
        """One, or two faces of a box, as [H,W,3] of 0 to 255."""
        if self.chance(0.7):
            return self.lit(self.face(width, height))
        first, second = self.face(width, height), self.face(width, height)
        if self.chance(0.4):  # printed
            first = np.asarray(self.photograph(width, height), np.float32)
        across = self.across(width, height)
        first, second = first * self.uniform(0.4, 1.1), second * self.uniform(0.4, 1.1)
        box = np.where((across > 0)[..., None], first, second)
        if self.chance(0.5):  # the edge: worn, or a gap in which it is dark, in some part of it
            edge = np.abs(across) < self.uniform(0.002, 0.03)
            along = np.linspace(0, 1, width)[None] if self.chance(0.7) else np.linspace(0, 1, height)[:, None]
            start, length = self.uniform(0, 0.8), self.uniform(0.1, 1)
            edge = edge & (along > start) & (along < start + length)
            box = np.where(edge[..., None], box * self.pick([0.1, 0.3, 1.5]), box)
        return self.lit(box)

    def across(self, width, height):
        """How far every pixel is from a line, mostly one nearly along the rows or columns, in widths."""
        angle = self.uniform(-0.12, 0.12) + self.pick([0, np.pi / 2]) if self.chance(0.75) else self.uniform(0, np.pi)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32) / width
        middle = self.uniform(0.2, 0.8), self.uniform(0.2, 0.8) * height / width
        return (y - middle[1]) * np.cos(angle) - (x - middle[0]) * np.sin(angle)

    def lit(self, face):
        """With light from a side, and something's shadow on it."""
        height, width = face.shape[:2]
        light = 1 + self.uniform(0, 0.8) * self.across(width, height)
        if self.chance(0.4):
            edge = self.across(width, height) / self.uniform(0.002, 0.15)
            light = light * (1 - self.uniform(0.2, 0.75) / (1 + np.exp(-edge.clip(-30, 30))))
        return (face * light[..., None]).clip(0, 255)

    def face(self, width, height):
        kind = self.rng.random()
        if kind < 0.2:
            return self.water(width, height)
        return self.seen(self.ribs() if kind < 0.45 else np.asarray(self.pick(self.textures)), width, height)

    def seen(self, tile, width, height):
        """Tiles laid over a plane that the camera is turned and, mostly, tilted over."""
        sides = tile.shape[0], tile.shape[1]
        scale = sides[1] * np.exp(self.uniform(np.log(0.4), np.log(6)))  # of the tile's pixels in a width
        turn = self.pick([0, np.pi / 2]) + self.uniform(-0.05, 0.05) if self.chance(0.5) else self.uniform(0, np.pi)
        tilt, lean = (self.uniform(0, 1.7), self.uniform(-0.6, 0.6)) if self.chance(0.65) else (0, 0)
        # Twice as fine as it is to be, and averaged: far tiles are small.
        y, x = np.mgrid[0:2 * height, 0:2 * width].astype(np.float32) / (2 * width)
        x, y = x - 0.5, y - 0.5 * height / width
        far = scale / (1 + tilt * y + lean * x).clip(0.05)
        x, y = x * far, y * far
        u = x * np.cos(turn) - y * np.sin(turn) + self.uniform(0, sides[1])
        v = x * np.sin(turn) + y * np.cos(turn) + self.uniform(0, sides[0])
        face = tile[v.astype(np.int32) % sides[0], u.astype(np.int32) % sides[1]]
        return face.reshape(height, 2, width, 2, 3).mean((1, 3), dtype=np.float32)

    def ribs(self):
        """Slats, blinds, corrugated card, a mat's rods: each a little different, some bound by threads."""
        count, size = self.integer(6, 40), 480
        at = np.arange(size) * count / size
        rib = at.astype(int)
        shape = self.pick([lambda t, gap: 0.5 + 0.5 * np.sin(2 * np.pi * t), lambda t, gap: t < gap,
                           lambda t, gap: t ** 0.5])
        profile = np.asarray(shape(at % 1, self.uniform(0.5, 0.95)), np.float32) * self.uniform(0.05, 1)
        profile, each = profile[:, None, None], self.rng.normal(1, self.uniform(0, 0.2), count)[rib][:, None, None]
        tile = (1 - profile.max() + profile) * each * np.array(self.color(60, 255))
        if self.chance(0.3):
            other = self.rng.random(count)[rib] < 0.4
            tile = np.where(other[:, None, None], each * np.array(self.color(20, 255)), tile)
        tile = np.repeat(tile, size, axis=1)
        tile *= 1 + self.uniform(0.01, 0.12) * self.waves(size, size, 0.02, 0.3)[..., None]
        if self.chance(0.4):
            thread = self.integer(2, 6)
            for _ in range(self.integer(1, 5)):
                left = self.integer(0, size - thread)
                tile[:, left:left + thread] = np.array(self.color(60, 255)) * (0.5 + 0.5 * profile)
        return tile.clip(0, 255)

    def waves(self, width, height, across, down):
        """Noise as long as the shares of the width and height, about -2 to 2."""
        noise = self.rng.normal(0, 1, (max(2, int(1 / down)), max(2, int(1 / across)))).astype(np.float32)
        return np.asarray(Image.fromarray(noise).resize((width, height), Image.BICUBIC))

    def water(self, width, height):
        """The sea, a lake or a wet street: waves that are lower the farther off they are, some glittering."""
        level = np.zeros((height, width), np.float32)
        horizon = self.uniform(-0.4, 0.3) * height
        y = np.arange(height, dtype=np.float32)[:, None]
        depth = ((y - horizon) / (height - horizon)).clip(0.02)  # 1 is nearest
        for _ in range(self.integer(2, 4)):
            size = self.uniform(0.008, 0.08)
            waves = self.waves(2 * width, 4 * height, size / 2, size * self.uniform(0.1, 0.4) / 4)
            v = (height / depth).astype(np.int32) % (4 * height)
            u = (np.arange(width)[None] / (0.3 + depth) + width).astype(np.int32) % (2 * width)
            level += waves[v, u]
        level /= level.std()
        steep = self.uniform(0.4, 6) if self.chance(0.6) else 0.4
        level = 1 / (1 + np.exp(-steep * (level - self.uniform(-0.5, 2)).clip(-10, 10)))
        low, high = np.array(self.color(0, 120), np.float32), np.array(self.color(120, 255), np.float32)
        if self.chance(0.5):  # mostly grey
            low, high = (c.mean() + 0.25 * (c - c.mean()) for c in (low, high))
        water = low + (high - low) * level[..., None]
        if horizon > 0:
            sky = high * self.uniform(0.7, 1.2) + self.uniform(-30, 10) * np.linspace(1, 0, height)[:, None, None]
            water = np.where((y < horizon)[..., None], sky, water)
        return water.clip(0, 255)
