#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The k best classes and their scores, best first; among equals the lower index comes first.
//   x [N,C] fp32, y [N,k,4] fp32: class index, score, 1 if all logits are finite, 0
// One workgroup an image; an invocation holds every THREADS-th logit's best in a register and looks again only
// when its own was taken. As many logits as LOCAL are copied to shared memory first. Grid: 1, 1, images. Driven by src/ops/top-k.c.
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int THREADS = 64;
layout(constant_id = 1) const int ACTIVATION = 1; // of EffvkOutputActivation: 1 softmax, 2 sigmoid, 3 none

layout(constant_id = 2) const int LOCAL = 1;

layout(set = 0, binding = 0, std430) readonly buffer X { float x[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Y { vec4 y[]; };
layout(push_constant) uniform Push { int C, stride, k; } pc;

shared float values[THREADS];
shared int indices[THREADS];
shared float sums[THREADS];
shared bool finite[THREADS];
shared float local[LOCAL];

const int AHEAD = 8; // logits that are read at a time

float logit(int x0, int i)
{
    return pc.C <= LOCAL ? local[i] : x[x0 + i];
}

const float LOWEST = -3.402823466e38;
const float LARGEST_EXPONENT = 80.0; // its exponential is finite

// The best logit of this invocation that comes after (last, last_index) in the order of the answer.
void find_best(int id, int x0, float last, int last_index, out float best, out int best_index)
{
    best = LOWEST;
    best_index = pc.C;
    for (int i = id; i < pc.C; i += THREADS) {
        float v = logit(x0, i);
        bool open = v < last || (v == last && i > last_index);
        if (open && (v > best || best_index == pc.C)) {
            best = v;
            best_index = i;
        }
    }
}

// Leaves the best of all invocations in values[0], indices[0].
void reduce_best(int id)
{
    for (int half_count = THREADS / 2; half_count > 0; half_count /= 2) {
        barrier();
        if (id < half_count) {
            float v = values[id + half_count];
            int i = indices[id + half_count];
            bool better = v > values[id] || (v == values[id] && i < indices[id]);
            if (i < pc.C && (better || indices[id] == pc.C)) {
                values[id] = v;
                indices[id] = i;
            }
        }
    }
    barrier();
}

void main()
{
    int id = int(gl_LocalInvocationID.x), image = int(gl_WorkGroupID.z), x0 = image * pc.stride;
    const float INFINITE = uintBitsToFloat(0x7f800000u);
    bool all_finite = true;
    float best, top = 0.0, sum = 0.0;
    int best_index;

    if (pc.C <= LOCAL) {
        for (int i0 = id; i0 < pc.C; i0 += AHEAD * THREADS) {
            float v[AHEAD];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                v[a] = x[x0 + min(i0 + a * THREADS, pc.C - 1)];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                if (i0 + a * THREADS < pc.C)
                    local[i0 + a * THREADS] = v[a];
        }
        barrier();
    }
    for (int i = id; i < pc.C; i += THREADS)
        all_finite = all_finite && abs(logit(x0, i)) <= -LOWEST;
    finite[id] = all_finite;
    find_best(id, x0, INFINITE, -1, best, best_index);

    for (int rank = 0; rank < pc.k; rank++) {
        values[id] = best;
        indices[id] = best_index;
        reduce_best(id);
        float value = values[0];
        int index = indices[0];

        if (rank == 0) {
            top = value;
            for (int i = id; i < pc.C; i += THREADS)
                sum += exp(logit(x0, i) - top);
            sums[id] = sum;
            for (int n = THREADS / 2; n > 0; n /= 2) {
                barrier();
                if (id < n) {
                    sums[id] += sums[id + n];
                    finite[id] = finite[id] && finite[id + n];
                }
            }
            barrier();
            sum = sums[0];
            all_finite = finite[0];
        }
        if (id == 0) {
            float score = value;
            if (ACTIVATION == 1)
                score = exp(value - top) / sum;
            else if (ACTIVATION == 2)
                score = 1.0 / (1.0 + exp(min(-value, LARGEST_EXPONENT)));
            y[image * pc.k + rank] = vec4(float(index), score, all_finite ? 1.0 : 0.0, 0.0);
        }
        if (index == best_index)
            find_best(id, x0, value, index, best, best_index);
        barrier();
    }
}
