// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernels of top-k share: x [N,C] fp32, y [N,k,4] fp32: class index, score, 1 if all
// logits are finite, 0. Best first; among equals the lower index comes first. One workgroup an
// image. The including shader has THREADS, ACTIVATION (of EffvkOutputActivation: 1 softmax, 2
// sigmoid, 3 none), and ends in write_class(). Grid: 1, 1, images. Driven by src/ops/top-k.c.

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Y { vec4 y[]; };
layout(push_constant) uniform Push { int C, stride, k; } pc;

const int AHEAD = 8; // logits that are read at a time
const float LARGEST = 3.402823466e38;
const float LARGEST_EXPONENT = 80.0; // its exponential is finite

// Halves the invocations that hold something until all is in the first; @what adds n-th to id-th.
#define REDUCE(id, what)                                                \
    for (int n = THREADS / 2; n > 0; n /= 2) {                          \
        barrier();                                                      \
        if (id < n) {                                                   \
            what                                                        \
        }                                                               \
    }                                                                   \
    barrier();

// @top: the best logit. @sum: of exp (logit - top).
void write_class(int image, int rank, int index, float value, float top, float sum, bool all_finite)
{
    float score = value;

    if (ACTIVATION == 1)
        score = exp(value - top) / sum;
    else if (ACTIVATION == 2)
        score = 1.0 / (1.0 + exp(min(-value, LARGEST_EXPONENT)));
    y[image * pc.k + rank] = vec4(float(index), score, all_finite ? 1.0 : 0.0, 0.0);
}
