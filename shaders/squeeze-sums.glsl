// SPDX-License-Identifier: LGPL-2.1-or-later
// Squeeze-excite on a GPU from the sums of each channel: what squeeze-excite.glsl leaves to do for the kernels that have
// these. The including shader defines SUM(i), texels of the sums [N,T,C], and what squeeze-excite.glsl wants.

shared vec4 mean[MAX_C4];

#include "squeeze-excite.glsl"

void find_mean(int image, int C4, int tiles, float scale)
{
    int id = int(gl_LocalInvocationIndex), n = max(THREADS / C4, 1);

    for (int i = id; i < C4 * n; i += THREADS) {
        int slice = i / C4, c = i - slice * C4;
        vec4 sum = vec4(0.0);
        for (int t0 = slice; t0 < tiles; t0 += n * AHEAD) {
            vec4 v[AHEAD];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                v[a] = SUM((image * tiles + min(t0 + a * n, tiles - 1)) * C4 + c);
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                sum += t0 + a * n < tiles ? v[a] : vec4(0.0);
        }
        if (n > 1)
            slices[i] = sum;
        else
            mean[c] = sum * scale;
    }
    barrier();
    if (n > 1 && id < C4) {
        vec4 sum = slices[id];
        for (int slice = 1; slice < n; slice++)
            sum += slices[slice * C4 + id];
        mean[id] = sum * scale;
    }
    barrier();
}

// All of it. A GATE may be where its mean was.
void squeeze_and_excite(int image, int C4, int S, int tiles, float scale)
{
    int n = count_slices(S);

    find_mean(image, C4, tiles, scale);
    for (int i = int(gl_LocalInvocationIndex); i < S * n; i += THREADS) {
        int slice = i / S, s = i - slice * S;
        float sum = 0.0;
        for (int c0 = slice; c0 < C4; c0 += n * AHEAD) {
            vec4 v[AHEAD];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                v[a] = WEIGHT(min(c0 + a * n, C4 - 1) * S + s);
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                sum += c0 + a * n < C4 ? dot(v[a], mean[c0 + a * n]) : 0.0;
        }
        if (n > 1)
            slices[i].x = sum;
        else
            squeezed[s] = sum;
    }
    finish_squeeze(n, C4, S);
    excite(image, C4, S);
}
