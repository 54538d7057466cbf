// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernels for the first half of an MBConv block share: all but how they expand.
//   x [N,H,W,K]  y [N,OH,OW,C]   in texels of four channels
//   filter [k*k][C], then bias [C]
//   parts [N,G,S] fp32   gates [N,C] fp32   weights: see squeeze-excite.glsl   done [N], zeros
// A workgroup expands 16 channels of the pixels that SIDE x SIDE outputs see, into shared memory,
// and filters them from there: the expanded tensor, the network's largest, never reaches memory. It
// leaves what it adds to the squeeze; the last of the image's G workgroups to finish, as a counter
// tells, has all of that before it, and computes the gates. Grid: tiles of channels, tiles of
// pixels, images.

const int THREADS = 256;
const int N = 4;    // texels of channels
const int IN_SIDE = (SIDE - 1) * STRIDE + KERNEL;
const int PIXELS = IN_SIDE * IN_SIDE;

INPUT(0, x);
INPUT(1, expand);
INPUT(2, filters);
OUTPUT(3, y);
layout(set = 0, binding = 4, std430) coherent buffer Parts { float parts[]; };
OUTPUT_F32(5, gates);
INPUT(6, weights);
layout(set = 0, binding = 7, std430) coherent buffer Done { uint done[]; };
layout(push_constant) uniform Push {
    int H, W, OH, OW, K4, C4, pad_x, pad_y, tiles_x, tiles, expand_bias, S;
    float scale;
} pc;

#define WEIGHT(i) READ(weights, i)
#include "squeeze-excite.glsl"

shared vec4 expanded[EXPANDED * N];
shared bool last;

// Where pixel p of those that the tile sees lies in the input, in pixels; -1: outside.
int find_pixel(int p)
{
    int tile = int(gl_WorkGroupID.y), ty = tile / pc.tiles_x, tx = tile - ty * pc.tiles_x,
        r = p / IN_SIDE;
    int iy = ty * SIDE * STRIDE - pc.pad_y + r, ix = tx * SIDE * STRIDE - pc.pad_x
        + p - r * IN_SIDE;
    bool inside = iy >= 0 && iy < pc.H && ix >= 0 && ix < pc.W && p < PIXELS;

    return inside ? (int(gl_WorkGroupID.z) * pc.H + iy) * pc.W + ix : -1;
}

// All that follows the expansion.
void filter_and_squeeze()
{
    int id = int(gl_LocalInvocationIndex), n = id % N, c4 = int(gl_WorkGroupID.x) * N + n,
        tile = int(gl_WorkGroupID.y), image = int(gl_WorkGroupID.z);
    int ty = tile / pc.tiles_x, ox0 = (tile - ty * pc.tiles_x) * SIDE, oy0 = ty * SIDE;
    vec4 sum = vec4(0.0);

    barrier();

    for (int i = id / N; i < SIDE * SIDE && c4 < pc.C4; i += THREADS / N) {
        int ty = i / SIDE, tx = i - ty * SIDE, ox = ox0 + tx, oy = oy0 + ty;
        vec4 a = READ(filters, KERNEL * KERNEL * pc.C4 + c4);

        if (ox >= pc.OW || oy >= pc.OH)
            continue;
        [[unroll]] for (int ky = 0; ky < KERNEL; ky++)
            [[unroll]] for (int kx = 0; kx < KERNEL; kx++)
                a += READ(filters, (ky * KERNEL + kx) * pc.C4 + c4)
                     * expanded[((ty * STRIDE + ky) * IN_SIDE + tx * STRIDE + kx) * N + n];
        a = activate(a);
        sum += a;
        y[((image * pc.OH + oy) * pc.OW + ox) * pc.C4 + c4] = pack_texel(a);
    }
    if (!SQUEEZE)
        return;

    slices[id] = sum;
    for (int n_left = THREADS / 2; n_left >= N; n_left /= 2) {
        barrier();
        if (id < n_left)
            slices[id] += slices[id + n_left];
    }
    barrier();

    int groups = int(gl_NumWorkGroups.x * gl_NumWorkGroups.y), n_squeeze = count_slices(pc.S);
    int group = int(gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x);
    for (int s = id; s < pc.S; s += THREADS) {
        float part = 0.0;
        for (int i = 0; i < N; i++)
            if (c4 - n + i < pc.C4)
                part += dot(WEIGHT((c4 - n + i) * pc.S + s), slices[i]);
        parts[(image * groups + group) * pc.S + s] = part;
    }
    memoryBarrierBuffer();
    barrier();
    if (id == 0) {
        last = atomicAdd(done[image], 1u) == uint(groups) - 1u;
        if (last)
            done[image] = 0u; // for the next run
    }
    barrier();
    if (!last)
        return;
    memoryBarrierBuffer();

    for (int i = id; i < pc.S * n_squeeze; i += THREADS) {
        int slice = i / pc.S, s = i - slice * pc.S;
        float all = 0.0;
        for (int g0 = slice; g0 < groups; g0 += n_squeeze * AHEAD) {
            float v[AHEAD];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                v[a] = parts[(image * groups + min(g0 + a * n_squeeze, groups - 1)) * pc.S + s];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                all += g0 + a * n_squeeze < groups ? v[a] : 0.0;
        }
        if (n_squeeze > 1)
            slices[i].x = all * pc.scale;
        else
            squeezed[s] = all * pc.scale;
    }
    finish_squeeze(n_squeeze, pc.C4, pc.S);
    excite(image, pc.C4, pc.S);
}
