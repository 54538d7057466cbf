#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a buffer that no cache holds, once, and does next to nothing with it. A workgroup reads one
// block, neighbours reading neighbours.
//   x [TEXELS * invocations] fp32, y [invocations] fp32, in texels of four
// Grid: workgroups of THREADS. Driven by src/ops/probe.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_PROBE_THREADS) in;
layout(constant_id = SPEC_PROBE_THREADS) const int THREADS = 64;
layout(constant_id = SPEC_PROBE_AMOUNT) const int TEXELS = 64; // a multiple of 4
#include "storage.glsl"

INPUT_F32(0, x);
OUTPUT_F32(1, y);

void main()
{
    int id = int(gl_GlobalInvocationID.x), block = int(gl_WorkGroupID.x) * THREADS * TEXELS;
    int from = block + int(gl_LocalInvocationID.x);
    vec4 sum[4] = vec4[4](vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0));

    for (int t = 0; t < TEXELS; t += 4)
        [[unroll]] for (int i = 0; i < 4; i++)
            sum[i] += READ_F32(x, from + (t + i) * THREADS);
    y[id] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
}
