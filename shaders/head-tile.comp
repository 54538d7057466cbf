#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The head for GPUs: y = mean over pixels of act(sum_k x * w + bias).
//   x [N,M,K] in texels of four channels, y [N,C] fp32
//   w [ceil(C/32)][K][32], then bias [ceil(C/32)*32]
// A workgroup computes 32 channels of all pixels, 32 pixels at a time: an invocation 4 channels of every
// eighth group of 4 pixels; the eight sums meet in shared memory.
// Grid: tiles of channels, 1, images. Driven by src/ops/head.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 8, local_size_y = 8) in;
layout(constant_id = 0) const int S = 8;
layout(constant_id = 1) const int ACTIVATION = 0;
#include "storage.glsl"
#include "activation.glsl"

const int P = 4;

INPUT(0, x);
INPUT(1, w);
OUTPUT_F32(2, y);
layout(push_constant) uniform Push { int M, K4, C4, bias; } pc;

shared vec4 sums[8][8];

void main()
{
    int n = int(gl_LocalInvocationID.x), g = int(gl_LocalInvocationID.y);
    int c4 = int(gl_WorkGroupID.x) * S + n, image = int(gl_WorkGroupID.z);
    vec4 bias = READ(w, pc.bias + c4), sum = vec4(0.0);

    for (int m0 = g * P; m0 < pc.M; m0 += 8 * P) {
        int from[P], w0 = int(gl_WorkGroupID.x) * pc.K4 * 4 * S + n;
        vec4 a[P];

        [[unroll]] for (int p = 0; p < P; p++) {
            from[p] = (image * pc.M + min(m0 + p, pc.M - 1)) * pc.K4;
            a[p] = bias;
        }
        for (int k = 0; k < pc.K4; k++) {
            mat4 u = mat4(READ(w, w0), READ(w, w0 + S), READ(w, w0 + 2 * S), READ(w, w0 + 3 * S));
            [[unroll]] for (int p = 0; p < P; p++)
                a[p] += u * READ(x, from[p] + k);
            w0 += 4 * S;
        }
        [[unroll]] for (int p = 0; p < P; p++)
            sum += m0 + p < pc.M ? activate(a[p]) : vec4(0.0);
    }

    sums[g][n] = sum;
    barrier();
    if (g == 0 && c4 < pc.C4) {
        for (int i = 1; i < 8; i++)
            sum += sums[i][n];
        y[image * pc.C4 + c4] = sum / float(pc.M);
    }
}
