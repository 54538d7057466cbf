#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Squeeze-excite for GPUs: gates = sigmoid(excite * act(squeeze * mean + bias) + bias).
//   sums [N,T,C] fp32, to be added up   gates [N,C] fp32
//   w: squeeze [C/4][S] texels of four inputs, its bias [S/4], excite [S][C/4] texels of four
//   outputs, its bias [C/4]
// One workgroup an image. Grid: 1, 1, images. Driven by src/ops/squeeze-excite.c.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 3) in;
layout(constant_id = 0) const int ACTIVATION = 0;
layout(constant_id = 1) const int MAX_C4 = 1024;
layout(constant_id = 2) const int MAX_S = 256;
layout(constant_id = 3) const int THREADS = 64;
#include "storage.glsl"
#include "activation.glsl"

INPUT_F32(0, sums);
INPUT(1, w);
OUTPUT_F32(2, gates);
layout(push_constant) uniform Push { int C4, S, tiles; float scale; } pc;

shared vec4 mean[MAX_C4];
shared float squeezed[MAX_S];

void main()
{
    int id = int(gl_LocalInvocationID.x), image = int(gl_WorkGroupID.z);
    int C4 = pc.C4, S = pc.S, S4 = (S + 3) / 4;

    for (int c = id; c < C4; c += THREADS) {
        vec4 sum = vec4(0.0);
        for (int t = 0; t < pc.tiles; t++)
            sum += READ_F32(sums, (image * pc.tiles + t) * C4 + c);
        mean[c] = sum * pc.scale;
    }
    barrier();

    for (int s = id; s < S; s += THREADS) {
        float sum = READ(w, C4 * S + s / 4)[s % 4];
        for (int c = 0; c < C4; c++)
            sum += dot(READ(w, c * S + s), mean[c]);
        squeezed[s] = activate(vec4(sum)).x;
    }
    barrier();

    for (int c = id; c < C4; c += THREADS) {
        vec4 sum = READ(w, C4 * S + S4 + S * C4 + c);
        for (int s = 0; s < S; s++)
            sum += READ(w, C4 * S + S4 + s * C4 + c) * squeezed[s];
        gates[image * C4 + c] = sigmoid(sum);
    }
}
