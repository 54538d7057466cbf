#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Full kxk convolution (stem, fused-MBConv) for CPU devices: y = act(conv(x) + bias) + residual.
//   x [N,H,W,K]  residual, y [N,OH,OW,C]   in texels of four channels; outside x is zero
//   w [ceil(C/4S)][k*k][K][4S], then bias [ceil(C/4S)*4S]
// A workgroup is L lanes: one tile of 4*S channels and P*L/S pixels (lanes.glsl).
// Grid: tiles of channels, tiles of pixels, images. Driven by src/ops/conv.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "constants.h"
layout(local_size_x_id = SPEC_CONV_LANES) in;
layout(constant_id = SPEC_CONV_SPLIT) const int S = 8;
layout(constant_id = SPEC_CONV_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_CONV_RESIDUAL) const bool RESIDUAL = false;
layout(constant_id = SPEC_CONV_PIXELS) const int P = 28;
layout(constant_id = SPEC_CONV_CHANNELS) const int CHANNELS = 4;
layout(constant_id = SPEC_CONV_LANES) const int L = 8;
#include "storage.glsl"
#include "activation.glsl"
#include "lanes.glsl"

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
INPUT(3, residual);
layout(push_constant) uniform Push { int H, W, OH, OW, K4, C4, kernel, stride, pad_x, pad_y, bias,
    residual; } pc;

void main()
{
    int lane = int(gl_SubgroupInvocationID) & (L - 1), n = lane & (S - 1), group = lane & (L - S);
    int c4 = int(gl_WorkGroupID.x) * S + n, image = int(gl_WorkGroupID.z), M = pc.OH * pc.OW;
    int m0 = int(gl_WorkGroupID.y) * PIXELS + (group / S) * P;
    int x0[F], y0[F], w0 = int(gl_WorkGroupID.x) * pc.kernel * pc.kernel * pc.K4 * 4 * S + n;
    vec4 a[P], bias = READ(w, pc.bias + c4);

    // Lanes beyond the image compute its last pixel again.
    [[unroll]] for (int f = 0; f < F; f++) {
        int m = min(m0 + f * S + n, M - 1);
        y0[f] = m / pc.OW;
        x0[f] = (m - y0[f] * pc.OW) * pc.stride - pc.pad_x;
        y0[f] = y0[f] * pc.stride - pc.pad_y;
    }
    [[unroll]] for (int p = 0; p < P; p++)
        a[p] = bias;

    for (int ky = 0; ky < pc.kernel; ky++)
        for (int kx = 0; kx < pc.kernel; kx++) {
            int from[F];
            bool inside[F];
            [[unroll]] for (int f = 0; f < F; f++) {
                int ix = x0[f] + kx, iy = y0[f] + ky;
                inside[f] = ix >= 0 && ix < pc.W && iy >= 0 && iy < pc.H;
                from[f] = inside[f] ? ((image * pc.H + iy) * pc.W + ix) * pc.K4 : 0;
            }
            for (int k = 0; k < pc.K4; k++) {
                vec4 v[F], u[4];
                [[unroll]] for (int f = 0; f < F; f++) {
                    v[f] = READ(x, from[f] + k);
                    v[f] = inside[f] ? v[f] : vec4(0.0);
                }
                [[unroll]] for (int c = 0; c < CHANNELS; c++)
                    u[c] = READ(w, w0 + c * S);
                MULTIPLY_ADD(a, v, u, group);
                w0 += 4 * S;
            }
        }

    if (c4 < pc.C4) {
        [[unroll]] for (int p = 0; p < P; p++) {
            int to = (image * M + min(m0 + p, M - 1)) * pc.C4 + c4;
            y[to] = pack_texel(activate(a[p])
                + (RESIDUAL && pc.residual != 0 ? READ(residual, to) : vec4(0.0)));
        }
    }
}
