#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The classifier for CPU devices: y = x * w + bias.
//   x [N,K] fp32, y [N,C] fp32   w [ceil(C/4L)][K rounded up to 4L][4L], then bias
// A workgroup is L lanes of 4 classes each; every lane fetches one texel of x, which constant
// shuffles then broadcast, so a step covers 4*L inputs. Grid: tiles of classes, 1, images.
// Driven by src/ops/fully-connected.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "constants.h"
layout(local_size_x_id = SPEC_FULLY_CONNECTED_LANES) in;
layout(constant_id = SPEC_FULLY_CONNECTED_LANES) const int L = 8;
#include "storage.glsl"

INPUT_F32(0, x);
INPUT(1, w);
OUTPUT_F32(2, y);
layout(push_constant) uniform Push { int K4, steps, C4, bias; } pc;

void main()
{
    int n = int(gl_SubgroupInvocationID) & (L - 1), image = int(gl_WorkGroupID.z);
    int c4 = int(gl_WorkGroupID.x) * L + n, w0 = int(gl_WorkGroupID.x) * pc.steps * 4 * L * L + n;
    vec4 a = READ(w, pc.bias + c4);

    for (int k = 0; k < pc.steps; k++) {
        int k4 = k * L + n;
        vec4 v = READ_F32(x, image * pc.K4 + min(k4, pc.K4 - 1)); // beyond K the weights are zero
        [[unroll]] for (int i = 0; i < L; i++)
            [[unroll]] for (int c = 0; c < 4; c++)
                a += READ(w, w0 + (i * 4 + c) * L) * subgroupShuffle(v[c], uint(i));
        w0 += 4 * L * L;
    }
    if (c4 < pc.C4)
        y[image * pc.C4 + c4] = a;
}
