#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The front of an MBConv block for GPUs, in one dispatch: y = act(depthwise(act(x * w + bias)) + bias), and
// on request the block's squeeze-excite.
//   x [N,H,W,K]  y [N,OH,OW,C]   in texels of four channels
//   expand [ceil(C/16)][K][16], then bias [ceil(C/16)*16]   filter [k*k][C], then bias [C]
//   sums [N,T,C] fp32   gates [N,C] fp32   weights: see squeeze-excite.glsl   done [N], zeros
// A workgroup expands 16 channels of the pixels that 7x7 outputs see, into shared memory, and filters them
// from there: the expanded tensor, the network's largest, never reaches memory. The last workgroup of an
// image to finish, as a counter tells, has all sums before it, and computes the gates.
// Grid: tiles of channels, tiles of pixels, images. Driven by src/ops/expand-depthwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 128) in;
layout(constant_id = 0) const int KERNEL = 3;
layout(constant_id = 1) const int STRIDE = 1;
layout(constant_id = 2) const int ACTIVATION = 0;
layout(constant_id = 3) const bool SQUEEZE = false;
layout(constant_id = 4) const int MAX_C4 = 1;
layout(constant_id = 5) const int MAX_S = 1;
#include "storage.glsl"
#include "activation.glsl"

const int THREADS = 128;
const int N = 4;    // texels of channels
const int SIDE = 7; // of the outputs' tile
const int P = 4;    // pixels that an invocation expands at a time
const int IN_SIDE = (SIDE - 1) * STRIDE + KERNEL;
const int PIXELS = IN_SIDE * IN_SIDE;

INPUT(0, x);
INPUT(1, expand);
INPUT(2, filters);
OUTPUT(3, y);
layout(set = 0, binding = 4, std430) coherent buffer Sums { vec4 sums[]; };
OUTPUT_F32(5, gates);
INPUT(6, weights);
layout(set = 0, binding = 7, std430) coherent buffer Done { uint done[]; };
layout(push_constant) uniform Push {
    int H, W, OH, OW, K4, C4, pad_x, pad_y, tiles_x, tiles, expand_bias, S;
    float scale;
} pc;

#define SUM(i) sums[i]
#define WEIGHT(i) READ(weights, i)
#include "squeeze-excite.glsl"

shared vec4 expanded[PIXELS * N];
shared vec4 partial[THREADS];
shared bool last;

void main()
{
    int id = int(gl_LocalInvocationIndex), n = id % N, c4 = int(gl_WorkGroupID.x) * N + n;
    int tile = int(gl_WorkGroupID.y), image = int(gl_WorkGroupID.z);
    int ty = tile / pc.tiles_x, ox0 = (tile - ty * pc.tiles_x) * SIDE, oy0 = ty * SIDE;
    int ix0 = ox0 * STRIDE - pc.pad_x, iy0 = oy0 * STRIDE - pc.pad_y;

    for (int p0 = id / N * P; p0 < PIXELS; p0 += THREADS / N * P) {
        int from[P], w0 = int(gl_WorkGroupID.x) * pc.K4 * 4 * N + n;
        bool inside[P];
        vec4 a[P], bias = READ(expand, pc.expand_bias + c4);

        [[unroll]] for (int p = 0; p < P; p++) {
            int r = (p0 + p) / IN_SIDE, iy = iy0 + r, ix = ix0 + p0 + p - r * IN_SIDE;
            inside[p] = iy >= 0 && iy < pc.H && ix >= 0 && ix < pc.W && p0 + p < PIXELS;
            from[p] = inside[p] ? ((image * pc.H + iy) * pc.W + ix) * pc.K4 : 0;
            a[p] = bias;
        }
        if (inside[0] || inside[1] || inside[2] || inside[3])
            for (int k = 0; k < pc.K4; k++) {
                mat4 u = mat4(READ(expand, w0), READ(expand, w0 + N), READ(expand, w0 + 2 * N),
                              READ(expand, w0 + 3 * N));
                [[unroll]] for (int p = 0; p < P; p++)
                    a[p] += u * READ(x, from[p] + k);
                w0 += 4 * N;
            }
        [[unroll]] for (int p = 0; p < P; p++)
            if (p0 + p < PIXELS)
                expanded[(p0 + p) * N + n] = inside[p] ? activate(a[p]) : vec4(0.0);
    }
    barrier();

    vec4 sum = vec4(0.0);
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

    partial[id] = sum;
    barrier();
    if (id < N && c4 < pc.C4) {
        for (int i = id + N; i < THREADS; i += N)
            sum += partial[i];
        sums[(image * pc.tiles + tile) * pc.C4 + c4] = sum;
    }
    memoryBarrierBuffer();
    barrier();
    if (id == 0) {
        last = atomicAdd(done[image], 1u) == gl_NumWorkGroups.x * gl_NumWorkGroups.y - 1u;
        if (last)
            done[image] = 0u; // for the next run
    }
    barrier();
    if (last) {
        memoryBarrierBuffer();
        squeeze_excite(image, pc.C4, pc.S, pc.tiles, pc.scale);
    }
}
