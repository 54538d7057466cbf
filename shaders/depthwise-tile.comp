#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Depthwise convolution for GPUs: y = act(conv(x) + bias), and the squeeze's partial sums over
// pixels.
//   x [N,H,W,C]  y [N,OH,OW,C]   in texels of four channels; outside x is zero
//   w [K*K][C], then bias [C]    sums [N,T,C] fp32, one a workgroup
// An invocation computes 4 channels of a tile of TW x TH pixels, a workgroup LX texels of channels
// of LY tiles, whose sums it adds up. Grid: channels, tiles, images. Driven by src/ops/depthwise.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_DEPTHWISE_GROUP_CHANNELS,
       local_size_y_id = SPEC_DEPTHWISE_GROUP_TILES) in;
layout(constant_id = SPEC_DEPTHWISE_KERNEL) const int K = 3;
layout(constant_id = SPEC_DEPTHWISE_STRIDE) const int STRIDE = 1;
layout(constant_id = SPEC_DEPTHWISE_TILE_WIDTH) const int TW = 4;
layout(constant_id = SPEC_DEPTHWISE_TILE_HEIGHT) const int TH = 1;
layout(constant_id = SPEC_DEPTHWISE_ACTIVATION) const int ACTIVATION = 0;
layout(constant_id = SPEC_DEPTHWISE_SUMS) const bool SUMS = false;
layout(constant_id = SPEC_DEPTHWISE_GROUP_CHANNELS) const int LX = 8;
layout(constant_id = SPEC_DEPTHWISE_GROUP_TILES) const int LY = 16;
#include "storage.glsl"
#include "activation.glsl"

const int IW = (TW - 1) * STRIDE + K; // input columns of a tile
const int IH = (TH - 1) * STRIDE + K;

INPUT(0, x);
INPUT(1, w);
OUTPUT(2, y);
OUTPUT_F32(3, sums);
layout(push_constant) uniform Push { int H, W, OH, OW, C4, pad_x, pad_y, tiles_x, tiles; } pc;

shared vec4 partial[LX * LY];

void main()
{
    int lx = int(gl_LocalInvocationID.x), ly = int(gl_LocalInvocationID.y),
        image = int(gl_WorkGroupID.z);
    int c4 = int(gl_WorkGroupID.x) * LX + lx, tile = int(gl_WorkGroupID.y) * LY + ly;
    int ty = tile / pc.tiles_x, ox = (tile - ty * pc.tiles_x) * TW, oy = ty * TH;
    vec4 sum = vec4(0.0);

    if (c4 < pc.C4 && tile < pc.tiles) {
        vec4 a[TW * TH], bias = READ(w, K * K * pc.C4 + c4);

        [[unroll]] for (int i = 0; i < TW * TH; i++)
            a[i] = bias;
        [[unroll]] for (int r = 0; r < IH; r++) {
            int iy = oy * STRIDE - pc.pad_y + r, row = (image * pc.H + iy) * pc.W;
            bool row_inside = iy >= 0 && iy < pc.H;
            vec4 v[IW];

            [[unroll]] for (int i = 0; i < IW; i++) {
                int ix = ox * STRIDE - pc.pad_x + i;
                v[i] = row_inside && ix >= 0 && ix < pc.W ? READ(x, (row + ix) * pc.C4 + c4)
                    : vec4(0.0);
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

        [[unroll]] for (int t = 0; t < TH; t++)
            [[unroll]] for (int i = 0; i < TW; i++)
                if (oy + t < pc.OH && ox + i < pc.OW) {
                    vec4 v = activate(a[t * TW + i]);
                    sum += v;
                    y[((image * pc.OH + oy + t) * pc.OW + ox + i) * pc.C4 + c4] = pack_texel(v);
                }
    }
    if (!SUMS)
        return;

    int id = ly * LX + lx;
    partial[id] = sum;
    for (int n = LY / 2; n > 0; n /= 2) {
        barrier();
        if (ly < n)
            partial[id] += partial[id + n * LX];
    }
    if (ly == 0 && c4 < pc.C4)
        sums[(image * int(gl_NumWorkGroups.y) + int(gl_WorkGroupID.y)) * pc.C4 + c4] = partial[id];
}
