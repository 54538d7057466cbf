# SPDX-License-Identifier: LGPL-2.1-or-later
"""What data, training and the finished file agree on."""
LABELS = ["picture", "black", "flat-color", "color-bars", "test-pattern", "gradient", "noise",
          "corruption", "wrong-planes", "combing", "blur", "slate"]
# The rule gives 224 * 1.15^-4 = 128. Damage that is small there is not seen, and there is time for more.
# 19 * 8 divides no usual height or width: where a size is an even multiple, sampling lies in the middle
# between two lines, always, and averages the two fields (or every other column of a pattern) away.
SIZE = 152
