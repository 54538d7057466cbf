# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clips: a camera over a picture, and what cameras, stations and encoders do to it."""
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

import codec
from screens import Screens

SIZES = [(320, 240), (352, 288), (426, 240), (480, 360), (500, 375), (640, 360), (640, 480),
         (720, 576), (720, 480), (854, 480), (768, 432), (1280, 720), (1920, 1080)]
SIZE_WEIGHTS = np.array([3, 3, 2, 3, 3, 4, 3, 1, 2, 1, 1, 0.8, 0.2])
TEST_SIZES = [(384, 288), (400, 300), (640, 360), (640, 480), (704, 576), (800, 600), (960, 540),
              (1024, 576), (1280, 720)]
SURFACE_SHARE = 0.12  # of what is filmed


class Clips(Screens):
    def dimensions(self):
        if self.split == "test":
            return self.pick(TEST_SIZES)
        return SIZES[int(self.rng.choice(len(SIZES), p=SIZE_WEIGHTS / SIZE_WEIGHTS.sum()))]

    def clip(self, width, height, frames, motion=1.0, detail=0.0, zoom=0.35, drawn=True):
        """A camera's move over a picture, as frames; crops without enough detail are not taken. Some of it may
        be drawn on a plain ground."""
        for _ in range(20):
            if self.textures and self.chance(SURFACE_SHARE):
                source = self.surface(960, 720).astype(np.uint8)
            else:
                source = self.pick(self.pictures)
            if self.split == "train" and self.chance(0.15):  # few photographs must stand for all
                source = np.swapaxes(source, 0, 1)
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
        if drawn and not detail and self.chance(0.4):
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
        sink, frames = bin_.get_by_name("out"), []
        while True:
            sample = sink.emit("try-pull-sample", codec.TIMEOUT)
            if sample is None:
                break
            data = sample.get_buffer().extract_dup(0, codec.row_bytes(width) * height)
            frames.append(codec.pixels(data, width, height))
        bin_.set_state(codec.Gst.State.NULL)
        return frames
