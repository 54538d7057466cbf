#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The classifier for GPUs: y = x * w + bias.
//   x [N,K] fp32, y [N,C] fp32   w [ceil(C/32)][K rounded up to 32][32], then bias
// A workgroup computes 32 classes; SLICES invocations share 4 classes, each takes every SLICES-th
// group of 4 inputs, and their sums meet in shared memory. Grid: tiles of classes, 1, images.
// Driven by src/ops/fully-connected.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x = 8, local_size_y_id = SPEC_FULLY_CONNECTED_SLICES) in;
layout(constant_id = SPEC_FULLY_CONNECTED_SLICES) const int SLICES = 8;
#include "storage.glsl"

INPUT_F32(0, x);
INPUT(1, w);
OUTPUT_F32(2, y);
layout(push_constant) uniform Push { int K4, steps, C4, bias; } pc;

const int U = 4; // groups that are loaded at a time

shared vec4 sums[SLICES][8];

void main()
{
    int n = int(gl_LocalInvocationID.x), slice = int(gl_LocalInvocationID.y);
    int c4 = int(gl_WorkGroupID.x) * 8 + n, image = int(gl_WorkGroupID.z);
    int w0 = int(gl_WorkGroupID.x) * pc.steps * 256 + n;
    vec4 a = slice == 0 ? READ(w, pc.bias + c4) : vec4(0.0);

    for (int k0 = slice; k0 < pc.K4; k0 += U * SLICES) {
        mat4 u[U];
        vec4 v[U];

        [[unroll]] for (int i = 0; i < U; i++) {
            int k = k0 + i * SLICES, at = w0 + min(k, pc.K4 - 1) * 32;
            u[i] = mat4(READ(w, at), READ(w, at + 8), READ(w, at + 16), READ(w, at + 24));
            v[i] = k < pc.K4 ? READ_F32(x, image * pc.K4 + k) : vec4(0.0);
        }
        [[unroll]] for (int i = 0; i < U; i++)
            a += u[i] * v[i];
    }
    sums[slice][n] = a;
    barrier();
    if (slice == 0 && c4 < pc.C4) {
        for (int i = 1; i < SLICES; i++)
            a += sums[i][n];
        y[image * pc.C4 + c4] = a;
    }
}
