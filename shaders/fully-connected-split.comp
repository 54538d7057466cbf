#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The classifier for GPUs: y = x * w + bias.
//   x [N,K] fp32, y [N,C] fp32   w [ceil(C/32)][K rounded up to 32][32], then bias
// A workgroup computes 32 classes; eight invocations share 4 classes, each takes every eighth group of 4
// inputs, and their sums meet in shared memory. Grid: tiles of classes, 1, images.
// Driven by src/ops/fully-connected.c.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 8, local_size_y = 8) in;
#include "storage.glsl"

INPUT_F32(0, x);
INPUT(1, w);
OUTPUT_F32(2, y);
layout(push_constant) uniform Push { int K4, steps, C4, bias; } pc;

shared vec4 sums[8][8];

void main()
{
    int n = int(gl_LocalInvocationID.x), g = int(gl_LocalInvocationID.y);
    int c4 = int(gl_WorkGroupID.x) * 8 + n, image = int(gl_WorkGroupID.z);
    int w0 = int(gl_WorkGroupID.x) * pc.steps * 256 + n;
    vec4 a = g == 0 ? READ(w, pc.bias + c4) : vec4(0.0);

    for (int k4 = g; k4 < pc.K4; k4 += 8) {
        int at = w0 + k4 * 32;
        mat4 u = mat4(READ(w, at), READ(w, at + 8), READ(w, at + 16), READ(w, at + 24));
        a += u * READ_F32(x, image * pc.K4 + k4);
    }
    sums[g][n] = a;
    barrier();
    if (g == 0 && c4 < pc.C4) {
        for (int i = 1; i < 8; i++)
            a += sums[i][n];
        y[image * pc.C4 + c4] = a;
    }
}
