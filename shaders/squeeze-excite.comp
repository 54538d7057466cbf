#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Squeeze-excite for GPUs: gates = sigmoid(excite * act(squeeze * mean + bias) + bias).
//   sums [N,T,C] fp32, to be added up   gates [N,C] fp32   w: see squeeze-excite.glsl
// One workgroup an image. Grid: 1, 1, images. Driven by src/ops/squeeze-excite.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_SQUEEZE_EXCITE_THREADS) in;
layout(constant_id = SPEC_SQUEEZE_EXCITE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_SQUEEZE_EXCITE_MAX_C4) const int MAX_C4 = 1024;
layout(constant_id = SPEC_SQUEEZE_EXCITE_MAX_S) const int MAX_S = 256;
layout(constant_id = SPEC_SQUEEZE_EXCITE_THREADS) const int THREADS = 64;
#include "storage.glsl"
#include "activation.glsl"

INPUT_F32(0, sums);
INPUT(1, w);
OUTPUT_F32(2, gates);
layout(push_constant) uniform Push { int C4, S, tiles; float scale; } pc;

#define SUM(i) READ_F32(sums, i)
#define WEIGHT(i) READ(w, i)
#include "squeeze-sums.glsl"

void main()
{
    squeeze_and_excite(int(gl_WorkGroupID.z), pc.C4, pc.S, pc.tiles, pc.scale);
}
