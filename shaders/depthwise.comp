#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Depthwise convolution for CPU devices: y = act(conv(x) + bias), and the squeeze's partial sums
// over pixels.
//   x [N,H,W,C]  y [N,OH,OW,C]   in texels of four channels; outside x is zero
//   w [K*K][C], then bias [C]    sums [N,T,C] fp32, one a tile
// An invocation computes 4 channels of a tile of TW x TH pixels; neighbours take neighbouring
// channels, then the next tile. Grid: tiles * C/4, 1, images. Driven by src/ops/depthwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_DEPTHWISE_THREADS) in;
layout(constant_id = SPEC_DEPTHWISE_KERNEL) const int K = 3;
layout(constant_id = SPEC_DEPTHWISE_STRIDE) const int STRIDE = 1;
layout(constant_id = SPEC_DEPTHWISE_TILE_WIDTH) const int TW = 7;
layout(constant_id = SPEC_DEPTHWISE_TILE_HEIGHT) const int TH = 2;
layout(constant_id = SPEC_DEPTHWISE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_DEPTHWISE_SUMS) const bool SUMS = false;
#include "storage.glsl"
#include "activation.glsl"

const int IW = (TW - 1) * STRIDE + K; // input columns of a tile
const int IH = (TH - 1) * STRIDE + K;

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
OUTPUT_F32(3, sums);
layout(push_constant) uniform Push { int H, W, OH, OW, C4, pad_x, pad_y, tiles_x, tiles; } pc;

void main()
{
    int id = int(gl_GlobalInvocationID.x), image = int(gl_WorkGroupID.z);
    int tile = id / pc.C4, c4 = id - tile * pc.C4;
    int ty = tile / pc.tiles_x, ox = (tile - ty * pc.tiles_x) * TW, oy = ty * TH;
    vec4 a[TW * TH], bias = READ(w, K * K * pc.C4 + c4);

    if (tile >= pc.tiles)
        return;
    [[unroll]] for (int i = 0; i < TW * TH; i++)
        a[i] = bias;

    [[unroll]] for (int r = 0; r < IH; r++) {
        int iy = oy * STRIDE - pc.pad_y + r, row = (image * pc.H + iy) * pc.W;
        bool row_inside = iy >= 0 && iy < pc.H;
        vec4 v[IW];

        [[unroll]] for (int i = 0; i < IW; i++) {
            int ix = ox * STRIDE - pc.pad_x + i;
            bool inside = row_inside && ix >= 0 && ix < pc.W;
            v[i] = READ(x, inside ? (row + ix) * pc.C4 + c4 : 0);
            v[i] = inside ? v[i] : vec4(0.0);
        }
        [[unroll]] for (int t = 0; t < TH; t++) {
            const int ky = r - t * STRIDE;
            if (ky >= 0 && ky < K)
                [[unroll]] for (int kx = 0; kx < K; kx++) {
                    vec4 u = READ(w, (ky * K + kx) * pc.C4 + c4);
                    [[unroll]] for (int i = 0; i < TW; i++)
                        a[t * TW + i] += u * v[i * STRIDE + kx];
                }
        }
    }

    vec4 sum = vec4(0.0);
    [[unroll]] for (int t = 0; t < TH; t++)
        [[unroll]] for (int i = 0; i < TW; i++)
            if (oy + t < pc.OH && ox + i < pc.OW) {
                vec4 v = activate(a[t * TW + i]);
                sum += v;
                y[((image * pc.OH + oy + t) * pc.OW + ox + i) * pc.C4 + c4] = pack_texel(v);
            }
    if (SUMS)
        sums[(image * pc.tiles + tile) * pc.C4 + c4] = sum;
}
