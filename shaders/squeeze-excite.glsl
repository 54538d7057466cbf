// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernels that squeeze and excite on a GPU share. One workgroup of THREADS invocations
// computes while the rest of the device waits, so that latency is all: every sum is shared among as
// many invocations as there are, and eight loads are always under way. The including shader defines
// WEIGHT(i), texels of the weights: squeeze [C/4][S] of four inputs, its bias [S/4], excite
// [S][C/4] of four outputs, its bias [C/4]; and, where they are not the usual ones, how to activate
// what is squeezed and where a GATE goes.
#ifndef GATE
#define ACTIVATE_SQUEEZED(v) activate(v)
#define GATE(image, C4, c) gates[image * C4 + c]
#endif

const int AHEAD = 8;

shared float squeezed[MAX_S + AHEAD - 1];
shared vec4 slices[THREADS];

// How many invocations share one of n sums.
int count_slices(int n)
{
    return clamp(THREADS / n, 1, 16);
}

// The squeeze's bias and activation. With more than one slice, slice i / S of the sum number i % S
// is in slices[i].x; with one it is in squeezed, where all are left.
void finish_squeeze(int n, int C4, int S)
{
    int id = int(gl_LocalInvocationIndex);

    barrier();
    for (int s = id; s < S; s += THREADS) {
        float sum = n > 1 ? 0.0 : squeezed[s];
        for (int slice = 0; slice < n && n > 1; slice++)
            sum += slices[slice * S + s].x;
        squeezed[s] = ACTIVATE_SQUEEZED(vec4(sum + WEIGHT(C4 * S + s / 4)[s % 4])).x;
    }
    if (id < AHEAD - 1)
        squeezed[S + id] = 0.0;
    barrier();
}

void excite(int image, int C4, int S)
{
    int first = C4 * S + (S + 3) / 4;

    for (int c = int(gl_LocalInvocationIndex); c < C4; c += THREADS) {
        vec4 sum = WEIGHT(first + S * C4 + c);
        for (int s = 0; s < S; s += AHEAD) {
            vec4 v[AHEAD];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                v[a] = WEIGHT(first + min(s + a, S - 1) * C4 + c);
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                sum += v[a] * squeezed[s + a];
        }
        GATE(image, C4, c) = sigmoid(sum);
    }
}
