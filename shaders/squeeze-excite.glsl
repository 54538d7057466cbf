// SPDX-License-Identifier: LGPL-2.1-or-later
// Squeeze-excite by one workgroup of THREADS invocations, in shared memory. The including shader defines
// SUM(i) and WEIGHT(i), texels of the squeeze's sums [N,T,C] and of the weights: squeeze [C/4][S] of four
// inputs, its bias [S/4], excite [S][C/4] of four outputs, its bias [C/4].

shared vec4 mean[MAX_C4];
shared float squeezed[MAX_S];

void squeeze_excite(int image, int C4, int S, int tiles, float scale)
{
    int id = int(gl_LocalInvocationIndex), S4 = (S + 3) / 4;

    for (int c = id; c < C4; c += THREADS) {
        vec4 sum = vec4(0.0);
        for (int t = 0; t < tiles; t++)
            sum += SUM((image * tiles + t) * C4 + c);
        mean[c] = sum * scale;
    }
    barrier();

    for (int s = id; s < S; s += THREADS) {
        float sum = WEIGHT(C4 * S + s / 4)[s % 4];
        for (int c = 0; c < C4; c++)
            sum += dot(WEIGHT(c * S + s), mean[c]);
        squeezed[s] = activate(vec4(sum)).x;
    }
    barrier();

    for (int c = id; c < C4; c += THREADS) {
        vec4 sum = WEIGHT(C4 * S + S4 + S * C4 + c);
        for (int s = 0; s < S; s++)
            sum += WEIGHT(C4 * S + S4 + s * C4 + c) * squeezed[s];
        gates[image * C4 + c] = sigmoid(sum);
    }
}
