# SPDX-License-Identifier: LGPL-2.1-or-later
"""What data, training and the finished file agree on."""
LABELS = ["picture", "black", "flat-color", "color-bars", "test-pattern", "gradient", "noise",
          "corruption", "wrong-planes", "combing", "blur", "slate"]
# The rule gives 224 * 1.15^-3 = 147; a decoder's blocks are told from a photograph's edges with more pixels.
# 14 * 17 divides no usual height or width (480 is near twice it): where a size is an even multiple, sampling lies in
# the middle between two lines, always, and averages the two fields (or every other column of a pattern) away.
SIZE = 238
# The network takes the middle of that, the size that it is trained on (parts of SIZE, at random). All that it has
# of a frame of one colour is its edges: at another size these lie elsewhere on its grids, and black was not known.
INPUT = 224
