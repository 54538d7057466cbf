# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is drawn at random, seeded."""
import numpy as np


class Dice:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def chance(self, p):
        return self.rng.random() < p

    def uniform(self, low, high):
        return float(self.rng.uniform(low, high))

    def integer(self, low, high):
        """Both ends are possible."""
        return int(self.rng.integers(low, high + 1))

    def pick(self, items):
        return items[int(self.rng.integers(len(items)))]
