# SPDX-License-Identifier: LGPL-2.1-or-later
"""What computers show: windows, documents, tables, charts, forms, instruments. Their straight edges and faces of one
colour are none of a decoder's."""
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from captions import FONTS
from grounds import Grounds

SYLLABLES = "an be co da el fi ga hu in jo ka lu mo ne or pa qui re sto ta um ver wo xi yl za".split()


class Look:
    """The colours, the font and the size of one program."""

    def __init__(self, dice, height):
        dark = dice.chance(0.4)
        tint = dice.rng.uniform(-12, 12, 3)
        shade = np.array([22.0, 40, 62] if dark else [252.0, 232, 205]) + dice.uniform(-15, 15)
        self.page, self.ground, self.edge = (tuple(int(v) for v in np.clip(s + tint, 0, 255)) for s in shade)
        self.ink = (225, 225, 225) if dark else (30, 30, 30)
        self.accent, self.other = dice.color(), dice.color()
        self.line = max(8, int(height / dice.uniform(20, 60)))
        self.font = ImageFont.truetype(dice.pick(FONTS), max(7, int(self.line * 0.7)))


class Screens(Grounds):
    def screen(self, width, height):
        """One program that fills it, or several windows on a desktop."""
        image = Image.new("RGB", (width, height), self.color())
        if self.chance(0.5):
            image.paste(self.photograph(width, height))
        if self.chance(0.6):
            self.window(image, (0, 0, width, height))
        else:
            for _ in range(self.integer(1, 4)):
                w, h = (int(side * self.uniform(0.3, 0.8)) for side in (width, height))
                x, y = self.integer(0, width - w), self.integer(0, height - h)
                self.window(image, (x, y, x + w, y + h))
        if self.chance(0.4):  # the bar of the desktop
            look, at = Look(self, height), self.pick([0, 1])
            top = int((height - 1.6 * look.line) * at)
            self.toolbar(image, (0, top, width, top + int(1.6 * look.line)), look)
        return image

    def window(self, image, box):
        """Title, menu, tools and what it shows."""
        look = Look(self, image.height)
        draw = ImageDraw.Draw(image)
        x0, y0, x1, y1 = box
        draw.rectangle(box, look.ground, look.edge)
        for bar, chance in ((self.title, 0.7), (self.menu, 0.5), (self.toolbar, 0.6)):
            high = int(look.line * self.uniform(1.1, 2))
            if self.chance(chance) and y0 + 3 * high < y1:
                bar(image, (x0, y0, x1, y0 + high), look)
                y0 += high
        self.divide(image, (x0 + 1, y0 + 1, x1 - 1, y1 - 1), look, 0)

    def divide(self, image, box, look, depth):
        """Panes beside or below one another; a pane shows one thing."""
        x0, y0, x1, y1 = box
        least = 6 * look.line
        ways = [way for way, size in enumerate((x1 - x0, y1 - y0)) if size > 2 * least]
        if depth < 3 and ways and self.chance(0.75 - 0.2 * depth):
            way = self.pick(ways)
            low, high = (x0, x1) if way == 0 else (y0, y1)
            at = self.integer(low + least, high - least)
            gap = self.pick([0, 1, 2, look.line // 2])
            halves = ((x0, y0, at, y1), (at + gap, y0, x1, y1)) if way == 0 else \
                ((x0, y0, x1, at), (x0, at + gap, x1, y1))
            for half in halves:
                self.divide(image, half, look, depth + 1)
            return
        draw = ImageDraw.Draw(image)
        draw.rectangle(box, self.pick([look.page, look.page, look.ground]), self.pick([None, look.edge]))
        margin = self.pick([2, look.line // 2, look.line])
        inner = x0 + margin, y0 + margin, x1 - margin, y1 - margin
        if inner[2] - inner[0] > 2 * look.line < inner[3] - inner[1]:
            self.pick([self.paragraphs, self.paragraphs, self.table, self.chart, self.form, self.icons,
                       self.scale, self.shown])(image, inner, look)

    def words(self, room, look):
        """Text without meaning that fits."""
        text = ""
        while True:
            word = "".join(self.pick(SYLLABLES) for _ in range(self.integer(1, 4)))
            if look.font.getlength(text + word) > room:
                return text
            text += word + " "

    def write(self, draw, x, y, room, look, ink=None):
        draw.text((x, y), self.words(room, look), ink or look.ink, look.font)

    # bars
    def title(self, image, box, look):
        draw, (x0, y0, x1, y1) = ImageDraw.Draw(image), box
        draw.rectangle(box, self.pick([look.accent, look.edge]))
        self.write(draw, self.pick([x0 + 8, (x0 + x1) // 2]), y0 + 2, self.uniform(0.1, 0.4) * (x1 - x0), look)
        for i in range(1, 4):
            r = (y1 - y0) // 4
            draw.ellipse((x1 - 4 * i * r - r, y0 + r, x1 - 4 * i * r + r, y0 + 3 * r),
                         self.pick([self.color(), look.ink]))

    def menu(self, image, box, look):
        draw, (x, y0, x1, _) = ImageDraw.Draw(image), box
        for _ in range(self.integer(3, 9)):
            room = self.uniform(2, 5) * look.line
            if x + room > x1:
                break
            self.write(draw, x + 5, y0 + 1, room, look)
            x += int(room) + 6

    def toolbar(self, image, box, look):
        x0, y0, x1, y1 = box
        ImageDraw.Draw(image).rectangle(box, self.pick([look.ground, look.edge]))
        step = max(6, y1 - y0)
        for x in range(x0 + 2, x0 + int((x1 - x0) * self.uniform(0.2, 1)) - step, step):
            if self.chance(0.85):
                self.icon(image, (x + step // 8, y0 + step // 8, x + 7 * step // 8, y0 + 7 * step // 8), look)

    def icon(self, image, box, look):
        draw, (x0, y0, x1, y1) = ImageDraw.Draw(image), box
        if x1 - x0 < 4 or y1 - y0 < 4:
            return
        ink = self.pick([look.ink, look.accent, look.other, self.color()])
        kind = self.integer(0, 3)
        if kind == 0:
            draw.rectangle(box, ink)
        elif kind == 1:
            draw.ellipse(box, ink, look.edge)
        elif kind == 2:
            draw.polygon([(x0, y1), ((x0 + x1) / 2, y0), (x1, y1)], ink)
        else:
            image.paste(self.photograph(x1 - x0, y1 - y0), (x0, y0))

    # what a pane shows
    def paragraphs(self, image, box, look):
        """A document, a program's source or a list, some of it marked."""
        draw, (x0, y, x1, y1) = ImageDraw.Draw(image), box
        code, full = self.chance(0.3), self.uniform(0.4, 1)
        inks = [look.ink, look.accent, look.other] if code else [look.ink]
        while y + look.line < y1:
            indent = self.integer(0, 4) * look.line if code else 0
            if self.chance(0.04):
                draw.rectangle((x0, y, x1, y + look.line), look.accent)
            if self.chance(0.9):
                room = (x1 - x0 - indent) * self.uniform(0.1 if code else 0.7, 1) * full
                self.write(draw, x0 + indent, y, room, look, self.pick(inks))
            y += look.line

    def table(self, image, box, look):
        draw, (x0, y0, x1, y1) = ImageDraw.Draw(image), box
        high, wide = int(look.line * self.uniform(1, 1.6)), int(look.line * self.uniform(2.5, 8))
        lines, filled, banded = self.chance(0.6), self.uniform(0.3, 1), self.chance(0.4)
        if self.chance(0.7):
            draw.rectangle((x0, y0, x1, y0 + high), self.pick([look.edge, look.accent]))
        for row, y in enumerate(range(y0, y1 - high, high)):
            if banded and row % 2:
                draw.rectangle((x0, y, x1, y + high), look.ground)
            for x in range(x0, x1 - wide, wide):
                if self.chance(filled):
                    text = str(self.integer(0, 99999)) if self.chance(0.6) else self.words(wide - 6, look)
                    draw.text((x + 3, y + 1), text, look.ink, look.font)
            if lines:
                draw.line((x0, y, x1, y), look.edge)
        for x in range(x0, x1, wide) if lines else ():
            draw.line((x, y0, x, y1), look.edge)

    def chart(self, image, box, look):
        draw, (x0, y0, x1, y1) = ImageDraw.Draw(image), box
        wide, high = x1 - x0, y1 - y0
        for k in range(1, self.integer(2, 8)):
            draw.line((x0, y0 + high * k / 8, x1, y0 + high * k / 8), look.edge)
        draw.line((x0, y0, x0, y1), look.ink, 2)
        draw.line((x0, y1, x1, y1), look.ink, 2)
        kind = self.pick(["lines", "bars", "dots", "pie", "areas"])
        for _ in range(self.integer(1, 4)):
            ink, count = self.color(), self.integer(4, 60)
            heights = np.cumsum(self.rng.normal(0, 1, count))
            heights = (heights - heights.min()) / max(0.1, np.ptp(heights)) * self.uniform(0.3, 0.9) * high
            points = [(x0 + wide * (i + 0.5) / count, y1 - v) for i, v in enumerate(heights)]
            if kind == "lines":
                draw.line(points, ink, self.integer(1, 4))
            elif kind == "areas":
                draw.polygon([(points[0][0], y1), *points, (points[-1][0], y1)], ink)
            elif kind == "bars":
                for x, y in points[:20]:
                    draw.rectangle((x, y, x + 0.6 * wide / count, y1), ink)
            elif kind == "dots":
                for x, y in points:
                    draw.ellipse((x - 3, y - 3, x + 3, y + 3), ink)
            else:
                r, turn = 0.4 * min(wide, high), self.uniform(0, 360)
                draw.pieslice((x0 + wide / 2 - r, y0 + high / 2 - r, x0 + wide / 2 + r, y0 + high / 2 + r), turn,
                              turn + self.uniform(40, 200), ink, look.page)
        self.write(draw, x0 + wide // 3, y0, wide / 3, look)

    def form(self, image, box, look):
        """Labels, fields, switches and buttons."""
        draw, (x0, y, x1, y1) = ImageDraw.Draw(image), box
        middle, step = x0 + int((x1 - x0) * self.uniform(0.25, 0.5)), int(look.line * self.uniform(1.3, 2.2))
        while y + step < y1:
            self.write(draw, x0, y, (middle - x0) * self.uniform(0.4, 0.95), look)
            field = middle, y, x1 - int(self.uniform(0, 0.4) * (x1 - middle)), y + look.line
            kind = self.integer(0, 3)
            if kind == 0:
                draw.rectangle(field, look.page, look.edge)
                self.write(draw, middle + 4, y, (field[2] - middle) * 0.7, look)
            elif kind == 1:
                draw.rectangle((middle, y, middle + look.line, y + look.line), self.pick([look.page, look.accent]),
                               look.edge)
            elif kind == 2:
                draw.line((middle, y + look.line // 2, x1, y + look.line // 2), look.edge, 3)
                self.icon(image, (middle + look.line, y + 2, middle + 2 * look.line - 4, y + look.line - 2), look)
            else:
                draw.rounded_rectangle(field, look.line // 4, self.pick([look.ground, look.accent]), look.edge)
                self.write(draw, middle + 8, y, (field[2] - middle) * 0.6, look)
            y += step

    def icons(self, image, box, look):
        """Files, songs or people with their names."""
        draw, (x0, y0, x1, y1) = ImageDraw.Draw(image), box
        size = int(look.line * self.uniform(2, 6))
        for y in range(y0, y1 - size - look.line, size + 2 * look.line):
            for x in range(x0, x1 - size, size + look.line):
                self.icon(image, (x, y, x + size, y + size), look)
                self.write(draw, x, y + size, size, look)

    def scale(self, image, box, look):
        """A ruler or a dial, with marks and numbers."""
        draw, (x0, y0, x1, y1) = ImageDraw.Draw(image), box
        count = self.integer(10, 80)
        if self.chance(0.6):
            for y in range(y0, y1 - 2 * look.line, int(look.line * self.uniform(2, 5))):
                marks = np.arange(count) / count
                if self.chance(0.3):
                    marks = np.log10(1 + 9 * marks)
                for k, x in enumerate(x0 + (x1 - x0) * marks):
                    draw.line((x, y, x, y + look.line * (0.8 if k % 5 == 0 else 0.4)), look.ink)
                    if k % 10 == 0:
                        draw.text((x, y + look.line), str(k), look.ink, look.font)
            return
        r, cx, cy = min(x1 - x0, y1 - y0) / 2, (x0 + x1) / 2, (y0 + y1) / 2
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), self.color(), look.ink, 3)
        for k in range(count):
            dx, dy = np.cos(6.283 * k / count), np.sin(6.283 * k / count)
            draw.line((cx + 0.8 * r * dx, cy + 0.8 * r * dy, cx + 0.95 * r * dx, cy + 0.95 * r * dy), look.ink, 2)
        turn = self.uniform(0, 6.28)
        draw.line((cx, cy, cx + 0.7 * r * np.cos(turn), cy + 0.7 * r * np.sin(turn)), look.accent, 4)

    def shown(self, image, box, look):
        """A picture in a program."""
        x0, y0, x1, y1 = box
        image.paste(self.photograph(x1 - x0, y1 - y0), (x0, y0))
