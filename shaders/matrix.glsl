// SPDX-License-Identifier: LGPL-2.1-or-later
// Matrix product on a GPU's matrix units, halves times halves summed in fp32: x [M,K] times w
// [K,C].
//   w [ceil(C/16NT)][K rounded up to 32*SLICES][16NT]
// The including shader defines x_halves(row, k), the k-th texel of inputs of a pixel as it lies in
// memory, where row is what its x_row(m) gives for pixel m; and whether to SCALE it, by
// x_scale(row, k). A workgroup of 4*SLICES subgroups computes 16*NT channels of 64*MT pixels: four
// subgroups, each of 16*MT pixels, take one slice of the inputs, the next four another; the slices'
// sums meet in shared memory. It also defines MATRIX_M, MATRIX_N and MATRIX_K, the shape that the
// device multiplies: each divides SIDE.

const int SIDE = 16;                    // of a block of sums: one matrix, or several
const int BLOCK_M = SIDE / MATRIX_M;    // of them one above the other
const int BLOCK_N = SIDE / MATRIX_N;    // and side by side
const int ROWS = 4;                     // subgroups with different pixels
const int STEP = 8 * SLICES;            // texels of inputs in shared memory at a time
const int TILE_M = ROWS * SIDE * MT;    // pixels
const int TILE_C4 = SIDE / 4 * NT;      // texels of channels
const int THREADS = ROWS * SLICES * SUBGROUP_SIZE;
// Of a row in shared memory, pairs of halves; four more than there are, so that rows lie in
// different banks.
const int X_ROW = STEP * 2 + 4;
const int W_ROW = TILE_C4 * 2 + 4;
const int X_LOADS = TILE_M * STEP / THREADS;
const int W_LOADS = (TILE_C4 * 4 * STEP + THREADS - 1) / THREADS;

shared f16vec2 shared_x[TILE_M * X_ROW];
shared f16vec2 shared_w[STEP * 4 * W_ROW];
shared vec4 shared_y[ROWS * SLICES * SIDE * SIDE / 4];

const int ALL_M = MT * BLOCK_M, ALL_N = NT * BLOCK_N; // matrices of a subgroup
coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator> sums[ALL_M * ALL_N];

ivec2 x_rows[X_LOADS];
uvec2 x_ahead[X_LOADS], w_ahead[W_LOADS];
vec4 scale_ahead[X_LOADS];

void load_ahead(int K4, int w0, int k0)
{
    int id = int(gl_LocalInvocationIndex), k = k0 + id % STEP;

    [[unroll]] for (int i = 0; i < X_LOADS; i++) {
        x_ahead[i] = k < K4 ? x_halves(x_rows[i], k) : uvec2(0);
        if (SCALE) // later: nothing waits for what is read here
            scale_ahead[i] = x_scale(x_rows[i], min(k, K4 - 1));
    }
    [[unroll]] for (int i = 0; i < W_LOADS; i++)
        w_ahead[i] = w.data[w0 + k0 * 4 * TILE_C4 + min(id + i * THREADS, TILE_C4 * 4 * STEP - 1)];
}

void multiply(int m0, int M, int K4, int w0)
{
    int id = int(gl_LocalInvocationIndex);
    int row = int(gl_SubgroupID) % ROWS * SIDE * MT, slice = int(gl_SubgroupID) / ROWS * 32;

    [[unroll]] for (int i = 0; i < X_LOADS; i++)
        x_rows[i] = x_row(min(m0 + id / STEP + i * (THREADS / STEP), M - 1));
    [[unroll]] for (int i = 0; i < ALL_M * ALL_N; i++)
        sums[i] = coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N,
            gl_MatrixUseAccumulator>(0.0);
    load_ahead(K4, w0, 0);
    for (int k0 = 0; k0 < K4; k0 += STEP) {
        [[unroll]] for (int i = 0; i < X_LOADS; i++) {
            int to = (id / STEP + i * (THREADS / STEP)) * X_ROW + id % STEP * 2;
            uvec2 v = SCALE ? pack_texel(unpack_texel(x_ahead[i]) * scale_ahead[i]) : x_ahead[i];
            shared_x[to] = unpackFloat2x16(v.x);
            shared_x[to + 1] = unpackFloat2x16(v.y);
        }
        [[unroll]] for (int i = 0; i < W_LOADS; i++) {
            int at = id + i * THREADS, to = at / TILE_C4 * W_ROW + at % TILE_C4 * 2;
            if (at < TILE_C4 * 4 * STEP) {
                shared_w[to] = unpackFloat2x16(w_ahead[i].x);
                shared_w[to + 1] = unpackFloat2x16(w_ahead[i].y);
            }
        }
        barrier();
        if (k0 + STEP < K4) // while the matrix units work
            load_ahead(K4, w0, k0 + STEP);
        [[unroll]] for (int k = slice; k < slice + 32; k += MATRIX_K) {
            coopmat<float16_t, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA> a[ALL_M];
            coopmat<float16_t, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB> b;

            [[unroll]] for (int i = 0; i < ALL_M; i++)
                coopMatLoad(a[i], shared_x, (row + i * MATRIX_M) * X_ROW + k / 2, X_ROW,
                            gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (int j = 0; j < ALL_N; j++) {
                coopMatLoad(b, shared_w, k * W_ROW + j * MATRIX_N / 2, W_ROW,
                    gl_CooperativeMatrixLayoutRowMajor);
                [[unroll]] for (int i = 0; i < ALL_M; i++)
                    sums[i * ALL_N + j] = coopMatMulAdd(a[i], b, sums[i * ALL_N + j]);
            }
        }
        barrier();
    }
}

// Leaves block i of all subgroups in shared memory: of each slice ROWS of them, a row of four
// texels for each pixel.
void store(int i)
{
    barrier();
    [[unroll]] for (int m = 0; m < BLOCK_M; m++)
        [[unroll]] for (int n = 0; n < BLOCK_N; n++)
            coopMatStore(sums[(i / NT * BLOCK_M + m) * ALL_N + i % NT * BLOCK_N + n], shared_y,
                         (int(gl_SubgroupID) * SIDE + m * MATRIX_M) * SIDE / 4 + n * MATRIX_N / 4,
                         SIDE / 4, gl_CooperativeMatrixLayoutRowMajor);
    barrier();
}

// The sum over the slices of texel at, of ROWS * 64, of what was stored.
vec4 stored(int at)
{
    vec4 v = shared_y[at];

    [[unroll]] for (int i = 1; i < SLICES; i++)
        v += shared_y[i * ROWS * SIDE * SIDE / 4 + at];
    return v;
}
