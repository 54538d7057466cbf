# SPDX-License-Identifier: LGPL-2.1-or-later
"""What data, training and the finished file agree on."""
LABELS = ["picture", "black", "flat-color", "color-bars", "test-pattern", "gradient", "noise",
          "corruption", "wrong-planes", "combing", "blur", "slate"]
# Rows and columns. The rule gives 224 * 1.15^-3 = 147; a decoder's blocks are told from a photograph's edges with
# more pixels. 4:3, as most frames are wider than high, and combing needs fewer rows: at an even multiple of them,
# sampling lies in the middle between two lines, always, and averages the two fields away; near one, it does for many
# rows. 480, 576 and 1080 lines are 2.35, 2.82 and 5.29 times 204.
SIZE = 204, 272
# The network takes the middle of that, the size that it is trained on (parts of SIZE, at random). All that it has
# of a frame of one colour is its edges: at another size these lie elsewhere on its grids, and black was not known.
INPUT = 192, 256
