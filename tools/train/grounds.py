# SPDX-License-Identifier: LGPL-2.1-or-later
"""Things before a wall, on a table or before what is out of focus: drawn, cut-outs, or parts of pictures."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from surfaces import Surfaces


class Grounds(Surfaces):
    @staticmethod
    def scaled(image, scale):
        return image.resize((max(8, int(image.width * scale)), max(8, int(image.height * scale))),
                            Image.BICUBIC)

    @staticmethod
    def lay(things, mask, thing, at, seen):
        """Over the others; seen is how opaque it is where it is at all: 0 to 255, or an image of that."""
        things.paste(thing.convert("RGB"), at, thing.getchannel("A"))
        mask.paste(seen, at, thing.getchannel("A"))

    def on_plain_ground(self, frames):
        """A thing before a wall, on a table or before what is out of focus: a cut-out or a part of the
        picture, with its shadow."""
        width, height = frames[0].size
        if self.textures and self.chance(0.3):
            light = self.surface(width, height)
        elif self.chance(0.3):
            light = self.soft_ground(width, height)
        else:
            light = self.plain_ground(width, height)
        if self.chance(0.2):
            mask, things = self.sheets(width, height)
        elif self.chance(0.25):
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

    def material(self, width, height, color):
        """Printed with a picture, of what surfaces are made of, or of one colour, as [H,W,3]."""
        if self.chance(0.3):
            return np.asarray(self.image(self.pictures).resize((width, height)), np.float32)
        if self.textures and self.chance(0.4):
            return self.surface(width, height)
        return np.full((height, width, 3), color, np.float32)

    def sheet(self, width, height, color):
        w, h = (int(max(8, side * self.uniform(0.15, 0.9))) for side in (width, height))
        color = color or (self.color() if self.chance(0.5) else (self.integer(120, 255),) * 3)
        across, down = np.linspace(-1, 1, w)[None, :, None], np.linspace(-1, 1, h)[:, None, None]
        light = self.uniform(0.5, 1.1) + self.uniform(-0.2, 0.2) * across + self.uniform(-0.2, 0.2) * down
        sheet = Image.fromarray(np.clip(self.material(w, h, color) * light, 0, 255).astype(np.uint8))
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
        body = self.material(w, h, self.color(20, 255))
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
