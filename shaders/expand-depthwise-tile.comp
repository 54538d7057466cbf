#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The first half of an MBConv block for GPUs, in one dispatch: y = act(depthwise(act(x * w + bias))
// + bias), and on request the block's squeeze-excite.
//   expand [ceil(C/16)][K rounded up to 64][16], then bias [ceil(C/16)*16]
// The rest is in expand-depthwise.glsl. Driven by src/ops/expand-depthwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x = 256) in;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_KERNEL) const int KERNEL = 3;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_STRIDE) const int STRIDE = 1;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_SQUEEZE) const bool SQUEEZE = false;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_MAX_S) const int MAX_S = 1;
layout(constant_id = SPEC_EXPAND_DEPTHWISE_SIDE) const int SIDE = 7; // of the outputs' tile
#include "storage.glsl"
#include "activation.glsl"

#define EXPANDED PIXELS
#include "expand-depthwise.glsl"

const int P = 2; // pixels that an invocation expands at a time
const int U = 4; // texels of inputs that it loads at a time

void main()
{
    int id = int(gl_LocalInvocationIndex), n = id % N;
    vec4 bias = READ(expand, pc.expand_bias + int(gl_WorkGroupID.x) * N + n);

    for (int p0 = id / N * P; p0 < PIXELS; p0 += THREADS / N * P) {
        int from[P], w0 = int(gl_WorkGroupID.x) * ((pc.K4 + 15) / 16 * 16) * 4 * N + n;
        vec4 a[P];

        [[unroll]] for (int p = 0; p < P; p++) {
            from[p] = find_pixel(p0 + p);
            a[p] = bias;
        }
        if (from[0] >= 0 || from[1] >= 0)
            for (int k0 = 0; k0 < pc.K4; k0 += U) {
                mat4 u[U];
                vec4 v[U][P];
                // Beyond the last texel weights are zero.
                [[unroll]] for (int i = 0; i < U; i++) {
                    int w1 = w0 + (k0 + i) * 4 * N;
                    u[i] = mat4(READ(expand, w1), READ(expand, w1 + N), READ(expand, w1 + 2 * N),
                                READ(expand, w1 + 3 * N));
                    [[unroll]] for (int p = 0; p < P; p++)
                        v[i][p] = READ(x, max(from[p], 0) * pc.K4 + min(k0 + i, pc.K4 - 1));
                }
                [[unroll]] for (int i = 0; i < U; i++)
                    [[unroll]] for (int p = 0; p < P; p++)
                        a[p] += u[i] * v[i][p];
            }
        [[unroll]] for (int p = 0; p < P; p++)
            if (p0 + p < PIXELS)
                expanded[(p0 + p) * N + n] = from[p] >= 0 ? activate(a[p]) : vec4(0.0);
    }
    filter_and_squeeze();
}
