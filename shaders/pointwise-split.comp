#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Pointwise convolution for GPUs, few pixels: y = act(sum_k x * scale * w + bias) + residual.
//   x [N,M,K]  scale [N,K] fp32  residual, y [N,M,C]   in texels of four channels
//   w [ceil(C/16)][K][16], then bias [ceil(C/16)*16]
// A workgroup computes 16 channels of 8 pixels. Eight invocations, of 4 channels and 4 pixels each,
// take one slice of the inputs, the next eight another; the slices' sums meet in shared memory.
// With EXCITE the scale is not read but computed (pointwise-excite.glsl).
// Grid: tiles of channels, tiles of pixels, images. Driven by src/ops/pointwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x = 8, local_size_y_id = SPEC_POINTWISE_SLICES) in;
layout(constant_id = SPEC_POINTWISE_SLICES) const int SLICES = 16;
layout(constant_id = SPEC_POINTWISE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_POINTWISE_SCALE) const bool SCALE = false;
#include "storage.glsl"
#include "activation.glsl"

const int S = 4; // texels of channels
const int P = 4; // pixels of an invocation
const int U = 3; // texels of inputs that are loaded at a time
const int THREADS = 8 * SLICES;

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
INPUT(4, residual);
#ifdef EXCITE
layout(push_constant) uniform Push { int M, K4, C4, bias, residual, N, S, tiles; float mean; } pc;
#include "pointwise-excite.glsl"
#define SCALE_OF(image, k) gate(k)
#else
INPUT_SMALL_F32(3, scale);
layout(push_constant) uniform Push { int M, K4, C4, bias, residual, N; } pc;
#define SCALE_OF(image, k) (SCALE ? READ_SMALL(scale, image * pc.K4 + k) : vec4(1.0))
#endif

shared vec4 sums[SLICES][P][8];

void main()
{
    int lane = int(gl_LocalInvocationID.x), slice = int(gl_LocalInvocationID.y), n = lane % S;
    int image = int(gl_WorkGroupID.z), m0 = int(gl_WorkGroupID.y) * 2 * P;
    int from[P], w0 = int(gl_WorkGroupID.x) * pc.K4 * 4 * S + n;
    vec4 a[P];

#ifdef EXCITE
    find_gates(image);
#endif
    [[unroll]] for (int p = 0; p < P; p++) {
        from[p] = (image * pc.M + min(m0 + lane / S * P + p, pc.M - 1)) * pc.K4;
        a[p] = vec4(0.0);
    }
    for (int k0 = slice; k0 < pc.K4; k0 += U * SLICES) {
        mat4 u[U];
        vec4 v[U][P];

        [[unroll]] for (int i = 0; i < U; i++) {
            int k = min(k0 + i * SLICES, pc.K4 - 1), at = w0 + k * 4 * S;
            vec4 s = SCALE_OF(image, k);
            u[i] = mat4(READ(w, at), READ(w, at + S), READ(w, at + 2 * S), READ(w, at + 3 * S));
            s = k0 + i * SLICES < pc.K4 ? s : vec4(0.0);
            [[unroll]] for (int p = 0; p < P; p++)
                v[i][p] = READ(x, from[p] + k) * s;
        }
        [[unroll]] for (int i = 0; i < U; i++)
            [[unroll]] for (int p = 0; p < P; p++)
                a[p] += u[i] * v[i][p];
    }
    [[unroll]] for (int p = 0; p < P; p++)
        sums[slice][p][lane] = a[p];
    barrier();

    for (int i = int(gl_LocalInvocationIndex); i < P * 8; i += THREADS) {
        int p = i / 8, l = i % 8, m = m0 + l / S * P + p, c4 = int(gl_WorkGroupID.x) * S + l % S;
        int to = (image * pc.M + m) * pc.C4 + c4;
        vec4 sum = READ(w, pc.bias + c4);

        for (int k = 0; k < SLICES; k++)
            sum += sums[k][p][l];
        if (m < pc.M && c4 < pc.C4)
            y[to] = pack_texel(activate(sum) + (pc.residual != 0 ? READ(residual, to) : vec4(0.0)));
    }
}
