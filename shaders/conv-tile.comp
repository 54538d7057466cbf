#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Full kxk convolution (stem, fused-MBConv) for GPUs: y = act(conv(x) + bias) + residual.
//   x [N,H,W,K]  residual, y [N,OH,OW,C]   in texels of four channels; outside x is zero
//   w [ceil(C/32)][k*k][K][32], then bias [ceil(C/32)*32]
// An invocation computes 4 channels of 4 pixels; a workgroup 32 channels of 32 pixels.
// Grid: tiles of channels, tiles of pixels, images. Driven by src/ops/conv.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x = 8, local_size_y = 8) in;
layout(constant_id = SPEC_CONV_SPLIT) const int S = 8;
layout(constant_id = SPEC_CONV_ACTIVATION) const int ACTIVATION = 0;
#include "storage.glsl"
#include "activation.glsl"

const int P = 4;

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
INPUT(3, residual);
layout(push_constant) uniform Push { int H, W, OH, OW, K4, C4, kernel, stride, pad_x, pad_y, bias,
    residual; } pc;

void main()
{
    int n = int(gl_LocalInvocationID.x), c4 = int(gl_WorkGroupID.x) * S + n;
    int image = int(gl_WorkGroupID.z), M = pc.OH * pc.OW, m0 = int(gl_GlobalInvocationID.y) * P;
    int x0[P], y0[P], w0 = int(gl_WorkGroupID.x) * pc.kernel * pc.kernel * pc.K4 * 4 * S + n;
    vec4 a[P], bias = READ(w, pc.bias + c4);

    [[unroll]] for (int p = 0; p < P; p++) {
        int m = min(m0 + p, M - 1);
        y0[p] = m / pc.OW;
        x0[p] = (m - y0[p] * pc.OW) * pc.stride - pc.pad_x;
        y0[p] = y0[p] * pc.stride - pc.pad_y;
        a[p] = bias;
    }

    for (int ky = 0; ky < pc.kernel; ky++)
        for (int kx = 0; kx < pc.kernel; kx++) {
            int from[P];
            float inside[P];
            [[unroll]] for (int p = 0; p < P; p++) {
                int ix = x0[p] + kx, iy = y0[p] + ky;
                bool is = ix >= 0 && ix < pc.W && iy >= 0 && iy < pc.H;
                inside[p] = is ? 1.0 : 0.0;
                from[p] = is ? ((image * pc.H + iy) * pc.W + ix) * pc.K4 : 0;
            }
            for (int k = 0; k < pc.K4; k++) {
                mat4 u = mat4(READ(w, w0), READ(w, w0 + S), READ(w, w0 + 2 * S),
                    READ(w, w0 + 3 * S));
                [[unroll]] for (int p = 0; p < P; p++)
                    a[p] += u * (READ(x, from[p] + k) * inside[p]);
                w0 += 4 * S;
            }
        }

    if (c4 < pc.C4) {
        [[unroll]] for (int p = 0; p < P; p++) {
            int to = (image * M + m0 + p) * pc.C4 + c4;
            if (m0 + p < M) {
                y[to] = pack_texel(activate(a[p])
                    + (pc.residual != 0 ? READ(residual, to) : vec4(0.0)));
            }
        }
    }
}
