#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The first half of an MBConv block on a GPU's matrix units, in halves and in one dispatch:
// y = act(depthwise(act(x * w + bias)) + bias), and on request the block's squeeze-excite.
//   expand [ceil(C/16)][K rounded up to 64][16], then bias [ceil(C/16)*16]
// The rest is in expand-depthwise.glsl. Driven by src/ops/expand-depthwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#include "constants.h"
layout(local_size_x = 256) in;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_KERNEL) const int KERNEL = 3;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_STRIDE) const int STRIDE = 1;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_SQUEEZE) const bool SQUEEZE = false;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_MAX_S) const int MAX_S = 1;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_SIDE) const int SIDE = 7; // of the outputs' tile
layout(constant_id = SPEC_EXPAND_DEPTHWISE_SUBGROUP_SIZE) const int SUBGROUP_SIZE = 32;
// texels of inputs in shared memory at a time
layout(constant_id = SPEC_EXPAND_DEPTHWISE_STEP) const int STEP = 4;
// The shape that the device multiplies: each divides BLOCK.
layout(constant_id = SPEC_EXPAND_DEPTHWISE_SHAPE_M) const int MATRIX_M = 16;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_SHAPE_N) const int MATRIX_N = 16;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_SHAPE_K) const int MATRIX_K = 16;
#include "storage.glsl"
#include "activation.glsl"

const int BLOCK = 16; // pixels, and channels, of a block of sums: one matrix, or several
const int BLOCK_M = BLOCK / MATRIX_M, BLOCK_N = BLOCK / MATRIX_N;
#define EXPANDED ((PIXELS + BLOCK - 1) / BLOCK * BLOCK)
#include "expand-depthwise.glsl"

const int TILES = (PIXELS + BLOCK - 1) / BLOCK;
const int SUBGROUPS = THREADS / SUBGROUP_SIZE;
const int MT = (TILES + SUBGROUPS - 1) / SUBGROUPS; // blocks of a subgroup, one above the other
// Of a row in shared memory, pairs of halves; four more than there are, so that rows lie in
// different banks.
const int X_ROW = STEP * 2 + 4;
const int W_ROW = N * 2 + 4;
const int X_LOADS = (PIXELS * STEP + THREADS - 1) / THREADS;

shared f16vec2 shared_x[TILES * BLOCK * X_ROW];
shared f16vec2 shared_w[STEP * 4 * W_ROW];

// The first pixel of the subgroup's i-th matrix.
int find_row(int i)
{
    return (int(gl_SubgroupID) + i / BLOCK_M * SUBGROUPS) * BLOCK + i % BLOCK_M * MATRIX_M;
}

void main()
{
    int id = int(gl_LocalInvocationIndex), n = id % N, subgroup = int(gl_SubgroupID);
    int w0 = int(gl_WorkGroupID.x) * ((pc.K4 + 15) / 16 * 16) * 4 * N;
    vec4 bias = READ(expand, pc.expand_bias + int(gl_WorkGroupID.x) * N + n);
    int from[X_LOADS];
    coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N,
        gl_MatrixUseAccumulator> products[MT * BLOCK_M * BLOCK_N];

    [[unroll]] for (int i = 0; i < X_LOADS; i++)
        from[i] = find_pixel((id + i * THREADS) / STEP);
    [[unroll]] for (int i = 0; i < MT * BLOCK_M * BLOCK_N; i++)
        products[i] = coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N,
            gl_MatrixUseAccumulator>(0.0);

    for (int k0 = 0; k0 < pc.K4; k0 += STEP) {
        int k = k0 + id % STEP;
        uvec2 v[X_LOADS], u = uvec2(0);

        [[unroll]] for (int i = 0; i < X_LOADS; i++)
            v[i] = from[i] >= 0 && k < pc.K4 ? x.data[from[i] * pc.K4 + k] : uvec2(0);
        if (id < STEP * 4 * N)
            u = expand.data[w0 + k0 * 4 * N + id];
        barrier(); // until what was there is used
        [[unroll]] for (int i = 0; i < X_LOADS; i++) {
            int at = id + i * THREADS, to = at / STEP * X_ROW + at % STEP * 2;
            if (at < PIXELS * STEP) {
                shared_x[to] = unpackFloat2x16(v[i].x);
                shared_x[to + 1] = unpackFloat2x16(v[i].y);
            }
        }
        if (id < STEP * 4 * N) {
            shared_w[id / N * W_ROW + n * 2] = unpackFloat2x16(u.x);
            shared_w[id / N * W_ROW + n * 2 + 1] = unpackFloat2x16(u.y);
        }
        barrier();
        [[unroll]] for (int kk = 0; kk < STEP * 4; kk += MATRIX_K) {
            coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> a;
            coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> b[BLOCK_N];

            [[unroll]] for (int j = 0; j < BLOCK_N; j++)
                coopMatLoad(b[j], shared_w, kk * W_ROW + j * MATRIX_N / 2, W_ROW,
                            gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (int i = 0; i < MT * BLOCK_M; i++)
                if (subgroup + i / BLOCK_M * SUBGROUPS < TILES) {
                    coopMatLoad(a, shared_x, find_row(i) * X_ROW + kk / 2, X_ROW,
                                gl_CooperativeMatrixLayoutRowMajor);
                    [[unroll]] for (int j = 0; j < BLOCK_N; j++)
                        products[i * BLOCK_N + j]
                            = coopMatMulAdd(a, b[j], products[i * BLOCK_N + j]);
                }
        }
    }

    [[unroll]] for (int i = 0; i < MT * BLOCK_M; i++)
        if (subgroup + i / BLOCK_M * SUBGROUPS < TILES)
            [[unroll]] for (int j = 0; j < BLOCK_N; j++)
                coopMatStore(products[i * BLOCK_N + j], expanded,
                             find_row(i) * N + j * MATRIX_N / 4, N,
                             gl_CooperativeMatrixLayoutRowMajor);
    barrier();
    for (int i = id; i < PIXELS * N; i += THREADS)
        expanded[i] = find_pixel(i / N) >= 0 ? activate(expanded[i] + bias) : vec4(0.0);
    filter_and_squeeze();
}
