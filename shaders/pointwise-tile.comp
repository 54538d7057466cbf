#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Pointwise convolution for GPUs, many pixels: y = act(sum_k x * scale * w + bias) + residual.
//   x [N,M,K]  scale [N,K] fp32  residual, y [N,M,C]   in texels of four channels
//   w: see gemm-tile.glsl, then bias [C rounded up to a tile]
// Grid: tiles of channels, then tiles of all images' pixels along two axes. With EXCITE the scale
// is not read but computed (pointwise-excite.glsl), and the grid is tiles of channels, tiles of
// pixels, images. Driven by src/ops/pointwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x = 128) in;
layout(constant_id = SPEC_POINTWISE_TX) const int TX = 8;
layout(constant_id = SPEC_POINTWISE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_POINTWISE_SCALE) const bool SCALE = false;
layout(constant_id = SPEC_POINTWISE_TY) const int TY = 16;
layout(constant_id = SPEC_POINTWISE_QUADS) const int Q = 2;
#include "storage.glsl"
#include "activation.glsl"

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
INPUT(4, residual);
#ifdef EXCITE
layout(push_constant) uniform Push { int M, K4, C4, bias, residual, N, S, tiles; float mean; } pc;
vec4 gate(int k);
#define SCALE_OF(row, k) gate(k)
#else
INPUT_SMALL_F32(3, scale);
layout(push_constant) uniform Push { int M, K4, C4, bias, residual, N; } pc;
#define SCALE_OF(row, k) READ_SMALL(scale, row.y + k)
#endif

ivec2 x_row(int m)
{
    return ivec2(m, m / pc.M) * pc.K4;
}

vec4 x_texel(ivec2 row, int k)
{
    vec4 v = READ(x, row.x + k);
    return SCALE ? v * SCALE_OF(row, k) : v;
}
#include "gemm-tile.glsl"
#ifdef EXCITE
#include "pointwise-excite.glsl"
#endif

void main()
{
    int id = int(gl_LocalInvocationIndex), ty = id / TX, tx = id - ty * TX;
    int tile = int(gl_WorkGroupID.x);
#ifdef EXCITE
    int image = int(gl_WorkGroupID.z), m0 = image * pc.M + int(gl_WorkGroupID.y) * TILE_M,
        M = (image + 1) * pc.M;
    find_gates(image);
#else
    int m0 = int(gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) * TILE_M,
        M = pc.N * pc.M;
#endif
    int w0 = tile * ((pc.K4 + STEP - 1) / STEP * STEP) * 4 * 2 * TX;

    [[unroll]] for (int i = 0; i < 4 * Q; i++)
        [[unroll]] for (int j = 0; j < 2; j++)
            a[2 * i + j] = READ(w, pc.bias + (2 * tile + j) * TX + tx);
    multiply(m0, M, pc.K4, w0, tx, ty);

    [[unroll]] for (int i = 0; i < 4 * Q; i++) {
        int m = m0 + 4 * (TY * (i / 4) + ty) + i % 4;
        if (ty < TY && m < M)
            [[unroll]] for (int j = 0; j < 2; j++) {
                int c4 = (2 * tile + j) * TX + tx, to = m * pc.C4 + c4;
                if (c4 < pc.C4)
                    y[to] = pack_texel(activate(a[2 * i + j])
                        + (pc.residual != 0 ? READ(residual, to) : vec4(0.0)));
            }
    }
}
