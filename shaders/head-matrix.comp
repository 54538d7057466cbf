#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The head on a GPU's matrix units, in halves: y = mean over pixels of act(sum_k x * w + bias).
//   x [N,M,K] in texels of four channels, y [N,C] fp32
//   w: see matrix.glsl, then bias [C rounded up to a tile]
// A workgroup computes 16*NT channels of all pixels, 64 pixels at a time.
// Grid: tiles of channels, 1, images. Driven by src/ops/head.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#include "constants.h"
layout(local_size_x_id = SPEC_HEAD_LOCAL_SIZE) in;
layout(constant_id = SPEC_HEAD_MATRICES) const int NT = 4;
layout(constant_id = SPEC_HEAD_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_HEAD_SUBGROUP_SIZE) const int SUBGROUP_SIZE = 32;
layout(constant_id = SPEC_HEAD_LOCAL_SIZE) const int LOCAL_SIZE = 128;
layout(constant_id = SPEC_HEAD_SHAPE_M) const int MATRIX_M = 16;
layout(constant_id = SPEC_HEAD_SHAPE_N) const int MATRIX_N = 16;
layout(constant_id = SPEC_HEAD_SHAPE_K) const int MATRIX_K = 16;
#include "storage.glsl"
#include "activation.glsl"

const int MT = 1;
const int SLICES = 1;
const bool SCALE = false;

INPUT(0, x);
INPUT(1, w);
OUTPUT_F32(2, y);
layout(push_constant) uniform Push { int M, K4, C4, bias; } pc;

ivec2 x_row(int m)
{
    return ivec2((int(gl_WorkGroupID.z) * pc.M + m) * pc.K4, 0);
}

uvec2 x_halves(ivec2 row, int k)
{
    return x.data[row.x + k];
}

vec4 x_scale(ivec2 row, int k)
{
    return vec4(1.0);
}
#include "matrix.glsl"

void main()
{
    int id = int(gl_LocalInvocationIndex), c0 = int(gl_WorkGroupID.x) * TILE_C4;
    int w0 = int(gl_WorkGroupID.x) * ((pc.K4 + STEP - 1) / STEP * STEP) * 4 * TILE_C4;
    vec4 means[NT]; // of this invocation's pixels, of texel id % 4 of each matrix
    [[unroll]] for (int i = 0; i < NT; i++)
        means[i] = vec4(0.0);

    for (int m0 = 0; m0 < pc.M; m0 += TILE_M) {
        multiply(m0, pc.M, pc.K4, w0);
        [[unroll]] for (int i = 0; i < NT; i++) {
            vec4 bias = READ(w, pc.bias + c0 + i * 4 + id % 4);
            store(i);
            for (int at = id; at < TILE_M * SIDE / 4; at += THREADS)
                if (m0 + at / 4 < pc.M)
                    means[i] += activate(stored(at) + bias);
        }
    }

    [[unroll]] for (int i = 0; i < NT; i++) {
        barrier();
        shared_y[id] = means[i];
        barrier();
        if (id < 4 && c0 + i * 4 + id < pc.C4) {
            vec4 sum = vec4(0.0);
            for (int j = id; j < THREADS; j += 4)
                sum += shared_y[j];
            y[int(gl_WorkGroupID.z) * pc.C4 + c0 + i * 4 + id] = sum / float(pc.M);
        }
    }
}
