#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The k best of very many classes (top-k.glsl). A logit's key is a whole number in the same order.
// Histograms find the key of the k-th best byte by byte, and then, where more classes have that key
// than are wanted, the last index that is taken. So the work does not depend on how the best lie.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_TOP_K_THREADS) in;
layout(constant_id = SPEC_TOP_K_THREADS) const int THREADS = 128;
layout(constant_id = SPEC_TOP_K_ACTIVATION) const int ACTIVATION = 1;
#include "top-k.glsl"

const int MAX_K = 1024, BINS = 256;
const int KEY_BYTES = 4, PLACE_BYTES = 3;
const uint LAST_PLACE = 0xffffffu; // a place is higher where the index is lower

shared uint histogram[BINS];
shared uint bin, n_before; // that of the k-th best, and how many are in better ones
shared uint keys[MAX_K]; // of the k best, in any order
shared int indices[MAX_K];
shared int n_taken;
shared float partial[THREADS];
shared bool finite[THREADS];

uint key_of(float v)
{
    uint bits = v == 0.0 ? 0u : floatBitsToUint(v); // both zeros are equal
    return (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
}

#define FOR_EACH_LOGIT(id, x0, i, v, what)                              \
    for (int i0 = (id); i0 < pc.C; i0 += AHEAD * THREADS) {             \
        float ahead[AHEAD];                                             \
        [[unroll]] for (int a = 0; a < AHEAD; a++)                      \
            ahead[a] = x[(x0) + min(i0 + a * THREADS, pc.C - 1)];       \
        [[unroll]] for (int a = 0; a < AHEAD; a++) {                    \
            int i = i0 + a * THREADS;                                   \
            float v = ahead[a];                                         \
            if (i < pc.C)                                               \
                what;                                                   \
        }                                                               \
    }

// The best logit, and whether all are finite.
float find_top(int id, int x0, out bool all_finite)
{
    float top = -LARGEST;
    bool good = true;

    FOR_EACH_LOGIT(id, x0, i, v, top = max(top, v); good = good && abs(v) <= LARGEST)
    partial[id] = top;
    finite[id] = good;
    REDUCE(id, partial[id] = max(partial[id], partial[id + n]);
           finite[id] = finite[id] && finite[id + n];)
    top = partial[0];
    all_finite = finite[0];
    barrier();
    return top;
}

// Keeps what each addition loses.
float sum_exponentials(int id, int x0, float top)
{
    precise float sum = 0.0, lost = 0.0;

    FOR_EACH_LOGIT(id, x0, i, v, {
        precise float next = exp(v - top) - lost;
        precise float larger = sum + next;
        lost = (larger - sum) - next;
        sum = larger;
    })
    partial[id] = sum;
    REDUCE(id, partial[id] += partial[id + n];)
    return partial[0];
}

// Looks for number @wanted, from 1, from the highest bin on; leaves its number within the bin.
uint find_bin(int id, inout uint wanted)
{
    barrier();
    if (id == 0) {
        uint sum = 0u;
        int b = BINS - 1;
        for (; b > 0 && sum + histogram[b] < wanted; b--)
            sum += histogram[b];
        bin = uint(b);
        n_before = sum;
    }
    barrier();
    wanted -= n_before;
    return bin;
}

void main()
{
    int id = int(gl_LocalInvocationID.x), image = int(gl_WorkGroupID.z), x0 = image * pc.stride;
    bool all_finite;
    float top = find_top(id, x0, all_finite);
    float sum = ACTIVATION == 1 ? sum_exponentials(id, x0, top) : 1.0;
    uint key = 0u, place = 0u, wanted = uint(pc.k); // of the last one that is taken

    for (int step = KEY_BYTES + PLACE_BYTES - 1; step >= 0; step--) {
        bool in_key = step >= PLACE_BYTES;
        int shift = 8 * (in_key ? step - PLACE_BYTES : step);
        uint known = ~0u << shift << 8, found;

        barrier();
        for (int i = id; i < BINS; i += THREADS)
            histogram[i] = 0u;
        barrier();
        FOR_EACH_LOGIT(id, x0, i, v, {
            uint part = in_key ? key_of(v) : LAST_PLACE - uint(i);
            if ((part & known) == (in_key ? key : place) && (in_key || key_of(v) == key))
                atomicAdd(histogram[(part >> shift) & 255u], 1u);
        })
        found = find_bin(id, wanted) << shift;
        key |= in_key ? found : 0u;
        place |= in_key ? 0u : found;
    }
    if (id == 0)
        n_taken = 0;
    barrier();
    FOR_EACH_LOGIT(id, x0, i, v, {
        if (key_of(v) > key || (key_of(v) == key && LAST_PLACE - uint(i) >= place)) {
            int at = min(atomicAdd(n_taken, 1), MAX_K - 1);
            keys[at] = key_of(v);
            indices[at] = i;
        }
    })
    barrier();
    for (int i = id; i < pc.k; i += THREADS) {
        float value = x[x0 + indices[i]];
        int rank = 0;

        for (int j0 = 0; j0 < pc.k; j0 += AHEAD)
            [[unroll]] for (int a = 0; a < AHEAD; a++) {
                int j = min(j0 + a, pc.k - 1);
                bool better = keys[j] > keys[i] || (keys[j] == keys[i] && indices[j] < indices[i]);
                rank += j0 + a < pc.k && better ? 1 : 0;
            }
        write_class(image, rank, indices[i], value, top, sum, all_finite);
    }
}
