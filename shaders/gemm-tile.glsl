// SPDX-License-Identifier: LGPL-2.1-or-later
// Matrix product for GPUs, through shared memory: x [M,K] times w [K,C].
//   w [ceil(C/8TX)][K rounded up to 16][8TX]
// The including shader defines x_texel(row, k), the k-th texel of inputs of a pixel, where row is
// what its x_row(m) gives for pixel m.
// An invocation computes 8 channels (two texels, TX apart) of 4*Q pixels (Q runs of four, 4*TY
// apart); a workgroup 8*TX channels of 4*Q*TY pixels.

const int THREADS = 128;
const int STEP = 4;                 // texels of inputs in shared memory at a time
const int TILE_M = 4 * Q * TY;      // pixels
const int LOADS = (Q * TY * STEP + THREADS - 1) / THREADS;
// vec4s of a row: odd, so that rows lie in different banks
const int ROW = Q * TY + 1 - (Q * TY & 1);

shared vec4 shared_x[STEP * 4 * ROW];
shared vec4 shared_w[STEP * 4 * 2 * TX];

// Of this invocation: a[2 * (4 * q + p) + j] is of pixel 4 * (TY * q + ty) + p and texel TX * j +
// tx of the tile.
vec4 a[8 * Q];

// Adds the products to them.
void multiply(int m0, int M, int K4, int w0, int tx, int ty)
{
    int id = int(gl_LocalInvocationIndex), k1 = id % STEP;
    ivec2 rows[LOADS][4];

    [[unroll]] for (int i = 0; i < LOADS; i++)
        [[unroll]] for (int p = 0; p < 4; p++)
            rows[i][p] = x_row(min(m0 + 4 * ((id + i * THREADS) / STEP) + p, M - 1));
    for (int k0 = 0; k0 < K4; k0 += STEP) {
        barrier();
        [[unroll]] for (int i = 0; i < LOADS; i++) {
            int quad = (id + i * THREADS) / STEP;
            mat4 v; // of four pixels, stored by input
            [[unroll]] for (int p = 0; p < 4; p++)
                v[p] = k0 + k1 < K4 ? x_texel(rows[i][p], k0 + k1) : vec4(0.0);
            v = transpose(v);
            if (quad < Q * TY)
                [[unroll]] for (int c = 0; c < 4; c++)
                    shared_x[(k1 * 4 + c) * ROW + quad] = v[c];
        }
        for (int i = id; i < STEP * 4 * 2 * TX; i += THREADS)
            shared_w[i] = READ(w, w0 + k0 * 4 * 2 * TX + i);
        barrier();

        if (ty < TY)
            [[unroll]] for (int k = 0; k < STEP * 4; k++) {
                vec4 u[2] = { shared_w[k * 2 * TX + tx], shared_w[(2 * k + 1) * TX + tx] };
                [[unroll]] for (int q = 0; q < Q; q++) {
                    vec4 v = shared_x[k * ROW + TY * q + ty];
                    [[unroll]] for (int p = 0; p < 4; p++)
                        [[unroll]] for (int j = 0; j < 2; j++)
                            a[2 * (4 * q + p) + j] += v[p] * u[j];
                }
            }
    }
}
