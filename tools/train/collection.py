# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pictures, cut-outs and textures that pictures.py unpacked."""
import os

import numpy as np
from PIL import Image

from captions import Captions

# Packages of photographs alone, of which there are fewer than of what is painted or drawn: each is taken
# three times as often.
PHOTOGRAPHS = ("darknet-", "gcompris-", "gnome-", "kalzium-", "kphotoalbum-", "lomiri-", "opencv-", "palapeli-",
               "qtbase5-", "tuxpaint-data-", "wand-")
# Packages of what surfaces are made of.
TEXTURES = ("ufoai-",)


class Collection(Captions):
    def __init__(self, seed, split, pictures):
        super().__init__(seed, split)
        loaded = [(os.path.basename(path), np.load(path, mmap_mode="r")) for path in pictures]
        often = [(name, p) for name, p in loaded for _ in range(3 if name.startswith(PHOTOGRAPHS) else 1)]
        self.textures = [p for name, p in loaded if p.shape[2] == 3 and name.startswith(TEXTURES)]
        self.pictures = [p for name, p in often if p.shape[2] == 3 and not name.startswith(TEXTURES)]
        self.cutouts = [p for _, p in often if p.shape[2] == 4]

    def image(self, among):
        return Image.fromarray(np.asarray(self.pick(among)))

    def photograph(self, width, height):
        return self.image(self.pictures).resize((max(1, width), max(1, height)), Image.BILINEAR)
