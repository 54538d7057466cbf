#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The head for CPU devices: y = mean over pixels of act(sum_k x * w + bias).
//   x [N,M,K] in texels of four channels, y [N,C] fp32
//   w [ceil(C/4L)][K][4L], then bias [ceil(C/4L)*4L]
// A workgroup is L lanes: 4*L channels, all pixels, P at a time (lanes.glsl).
// Grid: tiles of channels, 1, images. Driven by src/ops/head.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "constants.h"
layout(local_size_x_id = SPEC_HEAD_LANES) in;
layout(constant_id = SPEC_HEAD_SPLIT) const int S = 8;
layout(constant_id = SPEC_HEAD_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_HEAD_PIXELS) const int P = 28;
layout(constant_id = SPEC_HEAD_LANES) const int L = 8;
#include "storage.glsl"
#include "activation.glsl"
const int CHANNELS = 4;
#include "lanes.glsl"

INPUT(0, x);
INPUT(1, w);
OUTPUT_F32(2, y);
layout(push_constant) uniform Push { int M, K4, C4, bias; } pc;

void main()
{
    int n = int(gl_SubgroupInvocationID) & (L - 1), image = int(gl_WorkGroupID.z);
    int c4 = int(gl_WorkGroupID.x) * S + n;
    vec4 bias = READ(w, pc.bias + c4), sum = vec4(0.0);

    for (int m0 = 0; m0 < pc.M; m0 += P) {
        int from[F], w0 = int(gl_WorkGroupID.x) * pc.K4 * 4 * S + n;
        vec4 a[P];

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
            MULTIPLY_ADD(a, v, u, 0);
            w0 += 4 * S;
        }
        [[unroll]] for (int p = 0; p < P; p++)
            sum += m0 + p < pc.M ? activate(a[p]) : vec4(0.0);
    }
    if (c4 < pc.C4)
        y[image * pc.C4 + c4] = sum / float(pc.M);
}
