// SPDX-License-Identifier: LGPL-2.1-or-later
// Squeeze-excite on a GPU from the sums of each channel: what squeeze-excite.glsl leaves to do for
// the kernels that have these. The including shader defines SUM(i), texels of the sums [N,T,C], and
// what squeeze-excite.glsl wants. Where MAX_C4, which is THREADS or more, is less than there is,
// the means are found and squeezed a part at a time.

shared vec4 mean[MAX_C4];

#include "squeeze-excite.glsl"

// Of @count texels of channels from @first on: all, or, where MAX_C4 is less than that, a part.
void find_mean(int image, int C4, int first, int count, int tiles, float scale)
{
    int id = int(gl_LocalInvocationIndex), n = max(THREADS / C4, 1);

    for (int i = id; i < count * n; i += THREADS) {
        int slice = i / count, c = i - slice * count;
        vec4 sum = vec4(0.0);
        for (int t0 = slice; t0 < tiles; t0 += n * AHEAD) {
            vec4 v[AHEAD];
            [[unroll]] for (int a = 0; a < AHEAD; a++)
                v[a] = SUM((image * tiles + min(t0 + a * n, tiles - 1)) * C4 + first + c);
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

    for (int first = 0; first < C4; first += MAX_C4) {
        int count = min(C4 - first, MAX_C4);
        find_mean(image, C4, first, count, tiles, scale);
        for (int i = int(gl_LocalInvocationIndex); i < S * n; i += THREADS) {
            int slice = i / S, s = i - slice * S;
            float sum = first == 0 ? 0.0 : n > 1 ? slices[i].x : squeezed[s];
            for (int c0 = slice; c0 < count; c0 += n * AHEAD) {
                vec4 v[AHEAD];
                [[unroll]] for (int a = 0; a < AHEAD; a++)
                    v[a] = WEIGHT((first + min(c0 + a * n, count - 1)) * S + s);
                [[unroll]] for (int a = 0; a < AHEAD; a++)
                    sum += c0 + a * n < count ? dot(v[a], mean[c0 + a * n]) : 0.0;
            }
            if (n > 1)
                slices[i].x = sum;
            else
                squeezed[s] = sum;
        }
        if (first + MAX_C4 < C4)
            barrier();
    }
    finish_squeeze(n, C4, S);
    excite(image, C4, S);
}
