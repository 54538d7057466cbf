#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The k best classes (top-k.glsl). An invocation holds every THREADS-th logit's best in a register
// and looks again only when its own was taken: k * C / THREADS turns where it has all of them,
// which src/ops/top-k.c bounds. As many logits as LOCAL are copied to shared memory first.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_TOP_K_THREADS) in;
layout(constant_id = SPEC_TOP_K_THREADS) const int THREADS = 64;
layout(constant_id = SPEC_TOP_K_ACTIVATION) const int ACTIVATION = 1;
layout(constant_id = SPEC_TOP_K_LOCAL) const int LOCAL = 1;
#include "top-k.glsl"

shared float values[THREADS];
shared int indices[THREADS];
shared float sums[THREADS];
shared bool finite[THREADS];
shared float local[LOCAL];

float logit(int x0, int i)
{
    return pc.C <= LOCAL ? local[i] : x[x0 + i];
}

// The best logit of this invocation that comes after (last, last_index) in the order of the answer.
void find_best(int id, int x0, float last, int last_index, out float best, out int best_index)
{
    best = -LARGEST;
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
    REDUCE(id, {
        float v = values[id + n];
        int i = indices[id + n];
        bool better = v > values[id] || (v == values[id] && i < indices[id]);
        if (i < pc.C && (better || indices[id] == pc.C)) {
            values[id] = v;
            indices[id] = i;
        }
    })
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
        all_finite = all_finite && abs(logit(x0, i)) <= LARGEST;
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
            REDUCE(id, sums[id] += sums[id + n]; finite[id] = finite[id] && finite[id + n];)
            sum = sums[0];
            all_finite = finite[0];
        }
        if (id == 0)
            write_class(image, rank, index, value, top, sum, all_finite);
        if (index == best_index)
            find_best(id, x0, value, index, best, best_index);
        barrier();
    }
}
