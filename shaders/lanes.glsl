// SPDX-License-Identifier: LGPL-2.1-or-later
// The inner product that the "lanes" kernels share. For devices whose subgroup is one vector
// register (a CPU): a lane owns 4 consecutive output channels and P pixels; S of L lanes cover
// a tile of 4*S channels, the L/S groups of lanes take different pixels. L is 8, or 4 where a
// register holds no more. Each lane fetches one texel of weights, and one texel of every S-th
// pixel, which a shuffle with a constant lane then broadcasts: no address has to be uniform, and
// every fetch brings 4*L useful floats. L, S and P are specialization constants of the including
// shader, chosen by src/ops/lanes.c; CHANNELS says how many of an input texel are not padding.

const int F = (P + S - 1) / S; // pixel texels per lane and step
const int PIXELS = P * L / S;  // pixels of a workgroup

// v: the F pixel texels of this lane, w: the texels of 4 input channels' weights, group: the first
// lane of the group.
#define MULTIPLY_ADD(a, v, w, group) \
    [[unroll]] for (int p = 0; p < P; p++)                                                         \
        [[unroll]] for (int c = 0; c < CHANNELS; c++)                                              \
            a[p] += w[c] * subgroupShuffle(v[p / S][c], uint(group + p % S))
