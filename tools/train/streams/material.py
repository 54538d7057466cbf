# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real pictures and clips for streams: those of the shared data, and of Debian packages. They are read where they lie.

What thresholds are chosen with ("choose") and what they are judged with ("judge") has no picture, no clip and no words
in common."""
import glob
import os
import subprocess
import zlib

PACKAGES = ("opencv-doc", "mate-backgrounds", "lomiri-wallpapers-20.04", "python3-skimage")
# Of these packages, what is a photograph or a clip. The network was trained on none of these photographs.
PHOTOGRAPHS = ("mate-backgrounds/**/nature/*.jpg", "lomiri-wallpapers-20.04/**/Fossa*.jpg",
               "lomiri-wallpapers-20.04/**/Kleiber*.jpg", "python3-skimage/**/data/astronaut.png",
               "python3-skimage/**/data/coffee.png", "python3-skimage/**/data/chelsea.png",
               "python3-skimage/**/data/rocket.jpg", "python3-skimage/**/data/motorcycle_left.png")
CLIPS = ("opencv-doc/**/vtest.avi", "opencv-doc/**/tree.avi", "opencv-doc/**/Megamind.avi")
SHARED_PHOTOGRAPHS = ("images/imagenet/*", "images/trash/*", "signal/pictures/**/*")
SHARED_CLIPS = ("signal/clips/*", "video/*")
# Both sides have fixed cameras, moving cameras, a face and an animal. What is not named here is not used.
SIDES = {"choose": ("cctv_one-by-one", "street_bikes", "gst_mse", "bottle-detection", "wolf", "Megamind"),
         "judge": ("cctv_vehicle-counting", "talkinghead_asl_book", "macro_mdn-frog-webm", "flower", "sam2_01_dog",
                   "vtest", "tree")}


def fetch(folder):
    """Downloads and unpacks the packages that are not there yet."""
    os.makedirs(folder, exist_ok=True)
    for package in PACKAGES:
        if os.path.isdir(os.path.join(folder, package)):
            continue
        subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], cwd=folder,
                       check=True)
        deb = glob.glob(os.path.join(folder, package + "_*.deb"))[0]
        subprocess.run(["dpkg", "-x", deb, os.path.join(folder, package)], check=True)
        os.remove(deb)


def find(root, patterns):
    return sorted(path for pattern in patterns if root
                  for path in glob.glob(os.path.join(root, pattern), recursive=True)
                  if os.path.isfile(path) and not os.path.islink(path))


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


class Material:
    """The paths of one side's pictures and clips."""

    def __init__(self, side, shared, packages):
        data = os.path.join(shared, "data") if shared else None
        photographs = find(data, SHARED_PHOTOGRAPHS) + find(packages, PHOTOGRAPHS)
        # The name decides, not the place: a side stays the same when a folder is missing.
        self.photographs = [path for path in photographs
                            if (zlib.crc32(stem(path).encode()) % 2 == 0) == (side == "choose")]
        self.all_photographs = photographs
        clips = find(data, SHARED_CLIPS) + find(packages, CLIPS)
        self.clips = [path for path in clips if stem(path) in SIDES[side]]
        self.side = side
        # of captions.py: what is written on slates and screens
        self.words = {"choose": "validation", "judge": "test"}[side]
