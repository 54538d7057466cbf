#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Pointwise convolution on a GPU's matrix units, in halves: y = act(sum_k x * scale * w + bias) +
// residual.
//   x [N,M,K]  scale [N,K] fp32  residual, y [N,M,C]   in texels of four channels
//   w: see matrix.glsl, then bias [C rounded up to a tile]
// Grid: tiles of channels, then tiles of all images' pixels along two axes. Driven by
// src/ops/pointwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#include "constants.h"
layout(local_size_x_id = SPEC_POINTWISE_LOCAL_SIZE) in;
layout(constant_id = SPEC_POINTWISE_MATRICES_ACROSS) const int NT = 4;
layout(constant_id = SPEC_POINTWISE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_POINTWISE_SCALE) const bool SCALE = false;
layout(constant_id = SPEC_POINTWISE_MATRICES_DOWN) const int MT = 2;
layout(constant_id = SPEC_POINTWISE_SUBGROUP_SIZE) const int SUBGROUP_SIZE = 32;
layout(constant_id = SPEC_POINTWISE_SLICES_OF_MATRIX) const int SLICES = 1;
layout(constant_id = SPEC_POINTWISE_LOCAL_SIZE) const int LOCAL_SIZE = 128;
layout(constant_id = SPEC_POINTWISE_SHAPE_M) const int MATRIX_M = 16;
layout(constant_id = SPEC_POINTWISE_SHAPE_N) const int MATRIX_N = 16;
layout(constant_id = SPEC_POINTWISE_SHAPE_K) const int MATRIX_K = 16;
#include "storage.glsl"
#include "activation.glsl"

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
INPUT_F32(3, scale);
INPUT(4, residual);
layout(push_constant) uniform Push { int M, K4, C4, bias, residual, N; } pc;

ivec2 x_row(int m)
{
    return ivec2(m, m / pc.M) * pc.K4;
}

uvec2 x_halves(ivec2 row, int k)
{
    return x.data[row.x + k];
}

vec4 x_scale(ivec2 row, int k)
{
    return READ_F32(scale, row.y + k);
}
#include "matrix.glsl"

void main()
{
    int id = int(gl_LocalInvocationIndex), tile = int(gl_WorkGroupID.x), M = pc.N * pc.M;
    int m0 = int(gl_WorkGroupID.z * gl_NumWorkGroups.y + gl_WorkGroupID.y) * TILE_M;
    int w0 = tile * ((pc.K4 + STEP - 1) / STEP * STEP) * 4 * TILE_C4;

    multiply(m0, M, pc.K4, w0);

    [[unroll]] for (int i = 0; i < MT * NT; i++) {
        store(i);
        for (int at = id; at < ROWS * SIDE * SIDE / 4; at += THREADS) {
            int m = m0 + (at / 64 * MT + i / NT) * SIDE + at % 64 / 4;
            int c4 = tile * TILE_C4 + i % NT * 4 + at % 4, to = m * pc.C4 + c4;
            if (m < M && c4 < pc.C4) {
                vec4 v = activate(stored(at) + READ(w, pc.bias + c4));
                y[to] = pack_texel(v + (pc.residual != 0 ? READ(residual, to) : vec4(0.0)));
            }
        }
    }
}
