#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Pointwise convolution for GPUs: y = act(sum_k x * scale * w + bias) + residual.
//   x [N,M,K]  scale [N,K] fp32  residual, y [N,M,C]   in texels of four channels
//   w [ceil(C/32)][K][32], then bias [ceil(C/32)*32]
// An invocation computes 4 channels of 4 pixels; a workgroup 32 channels of 32 pixels.
// Grid: tiles of channels, tiles of pixels, images. Driven by src/ops/pointwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 8, local_size_y = 8) in;
layout(constant_id = 0) const int S = 8;
layout(constant_id = 1) const int ACTIVATION = 0;
layout(constant_id = 2) const bool SCALE = false;
#include "storage.glsl"
#include "activation.glsl"

const int P = 4;

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
INPUT_F32(3, scale);
INPUT(4, residual);
layout(push_constant) uniform Push { int M, K4, C4, bias, residual; } pc;

void main()
{
    int n = int(gl_LocalInvocationID.x), c4 = int(gl_WorkGroupID.x) * S + n;
    int image = int(gl_WorkGroupID.z), m0 = int(gl_GlobalInvocationID.y) * P;
    int from[P], w0 = int(gl_WorkGroupID.x) * pc.K4 * 4 * S + n;
    vec4 a[P], bias = READ(w, pc.bias + c4);

    [[unroll]] for (int p = 0; p < P; p++) {
        from[p] = (image * pc.M + min(m0 + p, pc.M - 1)) * pc.K4;
        a[p] = bias;
    }

    for (int k = 0; k < pc.K4; k++) {
        mat4 u = mat4(READ(w, w0), READ(w, w0 + S), READ(w, w0 + 2 * S), READ(w, w0 + 3 * S));
        vec4 s = SCALE ? READ_F32(scale, image * pc.K4 + k) : vec4(1.0);
        [[unroll]] for (int p = 0; p < P; p++)
            a[p] += u * (READ(x, from[p] + k) * s);
        w0 += 4 * S;
    }

    if (c4 < pc.C4) {
        [[unroll]] for (int p = 0; p < P; p++) {
            int to = (image * pc.M + m0 + p) * pc.C4 + c4;
            if (m0 + p < pc.M) {
                y[to] = pack_texel(activate(a[p]) + (pc.residual != 0 ? READ(residual, to) : vec4(0.0)));
            }
        }
    }
}
