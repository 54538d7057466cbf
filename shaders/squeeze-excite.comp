#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Squeeze-excite for GPUs: gates = sigmoid(excite * act(squeeze * mean + bias) + bias).
//   sums [N,T,C] fp32, to be added up   gates [N,C] fp32   w: see squeeze-excite.glsl
// One workgroup an image. Grid: 1, 1, images. Driven by src/ops/squeeze-excite.c.
#extension GL_EXT_control_flow_attributes : require
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

#define WEIGHT(i) READ(w, i)
#include "squeeze-excite.glsl"

shared vec4 mean[MAX_C4];

void find_mean(int image)
{
    int id = int(gl_LocalInvocationIndex), n = max(THREADS / pc.C4, 1);

    for (int i = id; i < pc.C4 * n; i += THREADS) {
        int slice = i / pc.C4, c = i - slice * pc.C4;
        vec4 sum = vec4(0.0);
        for (int t = slice; t < pc.tiles; t += n)
            sum += READ_F32(sums, (image * pc.tiles + t) * pc.C4 + c);
        if (n > 1)
            slices[i] = sum;
        else
            mean[c] = sum * pc.scale;
    }
    barrier();
    if (n > 1 && id < pc.C4) {
        vec4 sum = slices[id];
        for (int slice = 1; slice < n; slice++)
            sum += slices[slice * pc.C4 + id];
        mean[id] = sum * pc.scale;
    }
    barrier();
}

void main()
{
    int image = int(gl_WorkGroupID.z), n = count_slices(pc.S);

    find_mean(image);
    for (int i = int(gl_LocalInvocationIndex); i < pc.S * n; i += THREADS) {
        int slice = i / pc.S, s = i - slice * pc.S;
        float sum = 0.0;
        for (int c0 = slice; c0 < pc.C4; c0 += n * AHEAD) {
            vec4 v[AHEAD];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                v[a] = WEIGHT(min(c0 + a * n, pc.C4 - 1) * pc.S + s);
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                sum += c0 + a * n < pc.C4 ? dot(v[a], mean[c0 + a * n]) : 0.0;
        }
        if (n > 1)
            slices[i].x = sum;
        else
            squeezed[s] = sum;
    }
    finish_squeeze(n, pc.C4, pc.S);
    excite(image, pc.C4, pc.S);
}
