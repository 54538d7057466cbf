#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Squeeze-excite for CPU devices: gates = sigmoid(excite * act(squeeze * mean + bias) + bias).
//   sums [N,T,C] fp32, to be added up   gates [N,C] fp32
//   w: squeeze [C/4][S] texels of four inputs, its bias [S/4], excite [S][C/4] texels of four
//   outputs, its bias [C/4]; S is padded to L * B
// A workgroup is L lanes. Lane i has every L-th texel of channels and every L-th squeezed channel;
// a shuffle hands them round (see lanes.glsl), so that there is neither shared memory nor a
// barrier. All workgroups of an image squeeze, each excites a part of the channels. Grid: parts, 1,
// images. Driven by src/ops/squeeze-excite.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "constants.h"
layout(local_size_x_id = SPEC_SQUEEZE_EXCITE_LANES) in;
layout(constant_id = SPEC_SQUEEZE_EXCITE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_SQUEEZE_EXCITE_BLOCKS) const int B = 1;
layout(constant_id = SPEC_SQUEEZE_EXCITE_LANES) const int L = 8;
#include "storage.glsl"
#include "activation.glsl"

INPUT_F32(0, sums);
INPUT(1, w);
OUTPUT_F32(2, gates);
layout(push_constant) uniform Push { int C4, S, tiles; float scale; } pc;

void main()
{
    int lane = int(gl_SubgroupInvocationID) & (L - 1), image = int(gl_WorkGroupID.z);
    int bias = pc.C4 * L * B, excite = bias + L / 4 * B, excite_bias = excite + L * B * pc.C4;
    float squeezed[B];

    [[unroll]] for (int b = 0; b < B; b++)
        squeezed[b] = 0.0;
    for (int c0 = 0; c0 < pc.C4; c0 += L) {
        int c = c0 + lane;
        vec4 mean = vec4(0.0);
        for (int t = 0; t < pc.tiles; t++)
            mean += READ_F32(sums, (image * pc.tiles + t) * pc.C4 + min(c, pc.C4 - 1));
        mean = c < pc.C4 ? mean * pc.scale : vec4(0.0);
        [[unroll]] for (int i = 0; i < L; i++) {
            vec4 m = vec4(subgroupShuffle(mean.x, i), subgroupShuffle(mean.y, i),
                subgroupShuffle(mean.z, i),
                          subgroupShuffle(mean.w, i));
            [[unroll]] for (int b = 0; b < B; b++)
                squeezed[b] += dot(READ(w, (min(c0 + i, pc.C4 - 1) * B + b) * L + lane), m);
        }
    }
    [[unroll]] for (int b = 0; b < B; b++)
        squeezed[b] = activate(vec4(squeezed[b] + READ(w, bias + (b * L + lane) / 4)[lane % 4])).x;

    for (int c0 = L * int(gl_WorkGroupID.x); c0 < pc.C4; c0 += L * int(gl_NumWorkGroups.x)) {
        int c = min(c0 + lane, pc.C4 - 1);
        vec4 sum = READ(w, excite_bias + c);
        [[unroll]] for (int b = 0; b < B; b++)
            [[unroll]] for (int i = 0; i < L; i++)
                sum += READ(w, excite + (b * L + i) * pc.C4 + c) * subgroupShuffle(squeezed[b], i);
        gates[image * pc.C4 + c] = sigmoid(sum);
    }
}
