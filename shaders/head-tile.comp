#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The head for GPUs: y = mean over pixels of act(sum_k x * w + bias).
//   x [N,M,K] in texels of four channels, y [N,C] fp32
//   w [ceil(C/16)][K][16], then bias [ceil(C/16)*16]
// A workgroup computes 16 channels of all pixels, 64 pixels at a time: an invocation 4 channels of
// 4 pixels, of one slice of the inputs; the slices' sums meet in shared memory, and then those of
// the pixels. Grid: tiles of channels, 1, images. Driven by src/ops/head.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x = 64, local_size_y_id = SPEC_HEAD_SLICES) in;
layout(constant_id = SPEC_HEAD_SLICES) const int SLICES = 2;
layout(constant_id = SPEC_HEAD_ACTIVATION) const int ACTIVATION = 0;
#include "storage.glsl"
#include "activation.glsl"

const int S = 4;
const int P = 4;
const int U = 4; // texels of inputs that are loaded at a time

INPUT(0, x);
INPUT(1, w);
OUTPUT_F32(2, y);
layout(push_constant) uniform Push { int M, K4, C4, bias; } pc;

shared vec4 sums[SLICES * P * 64];

void main()
{
    int lane = int(gl_LocalInvocationID.x), slice = int(gl_LocalInvocationID.y), n = lane % S;
    int c4 = int(gl_WorkGroupID.x) * S + n, image = int(gl_WorkGroupID.z);
    vec4 bias = READ(w, pc.bias + c4), sum = vec4(0.0);

    for (int m0 = lane / S * P; m0 - lane / S * P < pc.M; m0 += 16 * P) {
        int from[P], w0 = int(gl_WorkGroupID.x) * pc.K4 * 4 * S + n;
        vec4 a[P];

        [[unroll]] for (int p = 0; p < P; p++) {
            from[p] = (image * pc.M + min(m0 + p, pc.M - 1)) * pc.K4;
            a[p] = vec4(0.0);
        }
        for (int k0 = slice; k0 < pc.K4 && m0 < pc.M; k0 += U * SLICES) {
            mat4 u[U];
            vec4 v[U][P];

            [[unroll]] for (int i = 0; i < U; i++) {
                int k = min(k0 + i * SLICES, pc.K4 - 1), at = w0 + k * 4 * S;
                float inside = k0 + i * SLICES < pc.K4 ? 1.0 : 0.0;
                u[i] = mat4(READ(w, at), READ(w, at + S), READ(w, at + 2 * S), READ(w, at + 3 * S));
                [[unroll]] for (int p = 0; p < P; p++)
                    v[i][p] = READ(x, from[p] + k) * inside;
            }
            [[unroll]] for (int i = 0; i < U; i++)
                [[unroll]] for (int p = 0; p < P; p++)
                    a[p] += u[i] * v[i][p];
        }
        barrier(); // until the sums before are read
        [[unroll]] for (int p = 0; p < P; p++)
            sums[(slice * P + p) * 64 + lane] = a[p];
        barrier();
        for (int p = slice; p < P; p += SLICES) {
            vec4 v = bias;
            for (int i = 0; i < SLICES; i++)
                v += sums[(i * P + p) * 64 + lane];
            sum += m0 + p < pc.M ? activate(v) : vec4(0.0);
        }
    }

    barrier();
    sums[slice * 64 + lane] = sum;
    barrier();
    if (slice == 0 && lane < S && c4 < pc.C4) {
        for (int i = lane + S; i < SLICES * 64; i += S)
            sum += sums[i];
        y[image * pc.C4 + c4] = sum / float(pc.M);
    }
}
