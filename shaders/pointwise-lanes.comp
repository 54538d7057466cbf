#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Pointwise convolution for CPU devices: y = act(sum_k x * scale * w + bias) + residual.
//   x [N,M,K]  scale [N,K] fp32  residual, y [N,M,C]   in texels of four channels
//   w [ceil(C/4S)][K][4S], then bias [ceil(C/4S)*4S]
// A workgroup is L lanes: one tile of 4*S channels and P*L/S pixels (lanes.glsl).
// Grid: tiles of channels, tiles of pixels, images. Driven by src/ops/pointwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "constants.h"
layout(local_size_x_id = SPEC_POINTWISE_LANES) in;
layout(constant_id = SPEC_POINTWISE_SPLIT) const int S = 8;
layout(constant_id = SPEC_POINTWISE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_POINTWISE_SCALE) const bool SCALE = false;
layout(constant_id = SPEC_POINTWISE_RESIDUAL) const bool RESIDUAL = false;
layout(constant_id = SPEC_POINTWISE_PIXELS) const int P = 49;
layout(constant_id = SPEC_POINTWISE_LANES) const int L = 8;
#include "storage.glsl"
#include "activation.glsl"
const int CHANNELS = 4;
#include "lanes.glsl"

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
INPUT_F32(3, scale);
INPUT(4, residual);
layout(push_constant) uniform Push { int M, K4, C4, bias, residual, N; } pc;

void main()
{
    int lane = int(gl_SubgroupInvocationID) & (L - 1), n = lane & (S - 1), group = lane & (L - S);
    int c4 = int(gl_WorkGroupID.x) * S + n, image = int(gl_WorkGroupID.z);
    int m0 = int(gl_WorkGroupID.y) * PIXELS + (group / S) * P;
    int from[F], w0 = int(gl_WorkGroupID.x) * pc.K4 * 4 * S + n;
    vec4 a[P], bias = READ(w, pc.bias + c4);

    // Lanes beyond the image compute its last pixel again.
    [[unroll]] for (int f = 0; f < F; f++)
        from[f] = (image * pc.M + min(m0 + f * S + n, pc.M - 1)) * pc.K4;
    [[unroll]] for (int p = 0; p < P; p++)
        a[p] = bias;

    for (int k = 0; k < pc.K4; k++) {
        vec4 v[F], u[4];
        [[unroll]] for (int f = 0; f < F; f++)
            v[f] = READ(x, from[f] + k);
        [[unroll]] for (int c = 0; c < 4; c++)
            u[c] = READ(w, w0 + c * S);
        if (SCALE) {
            vec4 s = READ_F32(scale, image * pc.K4 + k);
            [[unroll]] for (int c = 0; c < 4; c++)
                u[c] *= s[c];
        }
        MULTIPLY_ADD(a, v, u, group);
        w0 += 4 * S;
    }

    if (c4 < pc.C4) {
        [[unroll]] for (int p = 0; p < P; p++) {
            int to = (image * pc.M + min(m0 + p, pc.M - 1)) * pc.C4 + c4;
            y[to] = pack_texel(activate(a[p])
                + (RESIDUAL && pc.residual != 0 ? READ(residual, to) : vec4(0.0)));
        }
    }
}
