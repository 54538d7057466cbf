# SPDX-License-Identifier: LGPL-2.1-or-later
"""Readers of effvk-convert. A model file is untrusted: what they share bounds what a file can cost."""

import json

MAX_JSON = 64 << 20
# fp32 numbers in one file: L2 has half of them.
MAX_NUMBERS = 1 << 30
# Numbers that compress well, or are there by default: more than a file's bytes by so many.
FREE_NUMBERS = 4 << 20


class Problem(Exception):
    """Why a file cannot be converted, for the user."""


class Budget:
    """Numbers that may still be read: not many more than the file has bytes. One place in it can be named
    many times, and HDF5 makes up what was never written."""

    def __init__(self, size):
        self.size = size
        self.limit = self.left = min(MAX_NUMBERS, size + FREE_NUMBERS)

    def spend(self, name, n):
        if n > self.left:
            raise Problem(f'"{name}": expected at most {self.limit} numbers in all, as the file has {self.size} '
                          "bytes, found more")
        self.left -= n


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48


def is_counts(value):
    return isinstance(value, (list, tuple)) and len(value) <= 8 and all(map(is_count, value))


def parse_json(text, what):
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(f"{what}: not valid JSON: {error}") from error
