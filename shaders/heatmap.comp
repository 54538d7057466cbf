#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the best class was seen: y[p] = sum_c row[c] * act(sum_k x[p,k] * w[k,c] + bias[c]), with
// the classifier's row of that class: the head once more, but for the average pool.
//   x [N,M,K] in texels of four channels, best [N,k,4] (top-k.comp), y [N,stride] floats
//   w [ceil(C/4)][K][4], then bias [C], then rows [classes][C], all in texels
// A workgroup computes P pixels; an invocation every 64th texel of the channels.
// Grid: pixels / P, 1, images. Driven by src/ops/heatmap.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x = 64) in;
layout(constant_id = SPEC_HEATMAP_ACTIVATION) const int ACTIVATION = 0;
#include "storage.glsl"
#include "activation.glsl"

const int P = 8;

INPUT(0, x);
INPUT(1, w);
INPUT_F32(2, best);
layout(set = 0, binding = 3, std430) writeonly buffer Map { float y[]; };
layout(push_constant) uniform Push { int M, K4, C4, bias, rows, classes, k, stride; } pc;

shared float sums[P * 64];

void main()
{
    int lane = int(gl_LocalInvocationID.x), image = int(gl_WorkGroupID.z);
    int m0 = int(gl_WorkGroupID.x) * P, from[P];
    int top = clamp(int(READ_F32(best, image * pc.k).x), 0, pc.classes - 1);
    float sum[P];

    [[unroll]] for (int p = 0; p < P; p++) {
        from[p] = (image * pc.M + min(m0 + p, pc.M - 1)) * pc.K4;
        sum[p] = 0.0;
    }
    for (int c4 = lane; c4 < pc.C4; c4 += 64) {
        vec4 row = READ(w, pc.rows + top * pc.C4 + c4), a[P];
        [[unroll]] for (int p = 0; p < P; p++)
            a[p] = READ(w, pc.bias + c4);
        for (int k = 0; k < pc.K4; k++) {
            int at = (c4 * pc.K4 + k) * 4;
            mat4 u = mat4(READ(w, at), READ(w, at + 1), READ(w, at + 2), READ(w, at + 3));
            [[unroll]] for (int p = 0; p < P; p++)
                a[p] += u * READ(x, from[p] + k);
        }
        [[unroll]] for (int p = 0; p < P; p++)
            sum[p] += dot(row, activate(a[p]));
    }
    [[unroll]] for (int p = 0; p < P; p++)
        sums[p * 64 + lane] = sum[p];
    barrier();
    if (lane < P && m0 + lane < pc.stride) {
        float total = 0.0;
        for (int i = 0; i < 64; i++)
            total += sums[lane * 64 + i];
        y[image * pc.stride + m0 + lane] = m0 + lane < pc.M ? total : 0.0;
    }
}
