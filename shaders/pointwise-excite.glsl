// SPDX-License-Identifier: LGPL-2.1-or-later
// What a pointwise kernel that computes its own scale has more than others: squeeze-excite of what
// it reads, in each workgroup, which spares a dispatch. The gates are in shared memory.

layout(constant_id = SPEC_POINTWISE_SQUEEZE_ACTIVATION) const int SQUEEZE_ACTIVATION = 0;
layout(constant_id = SPEC_POINTWISE_MAX_C4) const int MAX_C4 = 64;
layout(constant_id = SPEC_POINTWISE_MAX_S) const int MAX_S = 16;

INPUT_F32(3, squeeze_sums);
INPUT(5, squeeze_weights);

DEFINE_ACTIVATE(activate_squeezed, SQUEEZE_ACTIVATION)

#define SUM(i) READ_F32(squeeze_sums, i)
#define WEIGHT(i) READ(squeeze_weights, i)
#define ACTIVATE_SQUEEZED(v) activate_squeezed(v)
#define GATE(image, C4, c) mean[c]
#include "squeeze-sums.glsl"

void find_gates(int image)
{
    squeeze_and_excite(image, pc.K4, pc.S, pc.tiles, pc.mean);
    barrier();
}

// That of texel k of the inputs.
vec4 gate(int k)
{
    return mean[k];
}
