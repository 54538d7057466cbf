#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// PIL's horizontal pass, which comes first there and is rounded to bytes: of frames of 8 bits in
// RGB, to a smaller frame that resize-rows and resize-columns go on with. The order shows where a
// filter overshoots.
//   frames as uploaded, in texels of 16 bytes
//   narrowed [N][H][W/4], a texel holds 4 pixels R G B and a zero
//   table, per item: which bytes are a component's; then as effvk_taps_append_bytes() says
// Pixels of 1, 3 and 4 bytes end where three words do: sums are kept by a byte's place in those,
// and belong to a component when all are there. An invocation computes 4 pixels of ROWS rows. Grid:
// H, W/4, N. Driven by src/ops/preprocess.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_RESIZE_THREADS) in;
layout(constant_id = SPEC_RESIZE_THREADS) const int THREADS = 8;
#include "storage.glsl"
#include "byte.glsl"
#include "resize-item.glsl"

INPUT_U32(0, frames);
INPUT_F32(1, table);
layout(set = 0, binding = 2, std430) writeonly buffer Narrowed { uvec4 narrowed[]; };

const int ROWS = 4; // which share the fetches of weights

// Adds to @rgb what a plane has of the pixel whose weights begin at @weights.
void add_plane(Narrow n, int plane, int weights, int row, inout vec3 rgb[ROWS])
{
    vec4 sum[ROWS][3];
    int from[ROWS], first = int(READ_F32(table, weights).x);
    int selection = n.selection + (plane * 3 + first % 3) * 9; // a texel is a word more than three

    [[unroll]] for (int r = 0; r < ROWS; r++) {
        from[r] = n.from[plane] + min(row + r, n.rows - 1) * n.stride[plane];
        [[unroll]] for (int i = 0; i < 3; i++)
            sum[r][i] = vec4(0.0);
    }
    for (int t = 0; t < n.count; t += 3)
        [[unroll]] for (int i = 0; i < 3; i++) {
            uvec4 words[ROWS];
            [[unroll]] for (int r = 0; r < ROWS; r++)
                words[r] = READ_U32(frames, from[r] + min(first + t + i, n.last));
            [[unroll]] for (int w = 0; w < 4; w++) {
                vec4 four = READ_F32(table, weights + 1 + (t + i) * 4 + w);
                [[unroll]] for (int r = 0; r < ROWS; r++)
                    sum[r][(i + w) % 3] += four * unpack_bytes(words[r][w]);
            }
        }
    [[unroll]] for (int c = 0; c < 3; c++)
        [[unroll]] for (int i = 0; i < 3; i++) {
            vec4 mine = READ_F32(table, selection + c * 3 + i);
            [[unroll]] for (int r = 0; r < ROWS; r++)
                rgb[r][c] += dot(mine, sum[r][i]);
        }
}

void main()
{
    int row = int(gl_GlobalInvocationID.x) * ROWS;
    int group = int(gl_WorkGroupID.y), image = int(gl_WorkGroupID.z);
    Narrow n = get_narrow(image);
    uvec4 pixels[ROWS];

    if (row >= n.rows || group * 4 >= n.columns)
        return;
    for (int p = 0; p < 4; p++) {
        int column = min(group * 4 + p, n.columns - 1);
        vec3 rgb[ROWS];
        [[unroll]] for (int r = 0; r < ROWS; r++)
            rgb[r] = vec3(0.0);
        for (int plane = 0; plane < n.planes; plane++)
            add_plane(n, plane, n.taps + column * (1 + n.count * 4), row, rgb);
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            uvec3 bytes = uvec3(clamp(rgb[r], 0.0, 255.0) + 0.5);
            pixels[r][p] = bytes.r | bytes.g << 8 | bytes.b << 16;
        }
    }
    [[unroll]] for (int r = 0; r < ROWS; r++)
        if (row + r < n.rows)
            narrowed[n.to + (row + r) * ((n.columns + 3) / 4) + group] = pixels[r];
}
