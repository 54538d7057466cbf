#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// As many multiply-adds as the device does when nothing else holds it up: chains that depend on
// nothing but registers. An invocation does ROUNDS * 4 * CHAINS of them, ROUNDS a multiple of 16.
//   x [1] fp32 (a value that no compiler knows), y [invocations] fp32, in texels of four
// Grid: workgroups of THREADS. Driven by src/ops/probe.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_PROBE_THREADS) in;
layout(constant_id = SPEC_PROBE_THREADS) const int THREADS = 64;
layout(constant_id = SPEC_PROBE_AMOUNT) const int ROUNDS = 1024;
const int CHAINS = 3; // of four: enough to hide latency
const int UNROLL = 16; // what a loop costs does not count
#include "storage.glsl"

INPUT_F32(0, x);
OUTPUT_F32(1, y);

void main()
{
    int id = int(gl_GlobalInvocationID.x);
    vec4 a[CHAINS], s = READ_F32(x, 0);

    [[unroll]] for (int c = 0; c < CHAINS; c++)
        a[c] = s + float(id + c);
    for (int i = 0; i < ROUNDS; i += UNROLL)
        [[unroll]] for (int u = 0; u < UNROLL; u++)
            [[unroll]] for (int c = 0; c < CHAINS; c++)
                a[c] = fma(a[c], s.xxxx, s.yyyy);
    vec4 sum = a[0];
    [[unroll]] for (int c = 1; c < CHAINS; c++)
        sum += a[c];
    y[id] = sum;
}
