#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The vertical half of the resize: every plane's rows are filtered as bytes, whatever they mean.
//   frames as uploaded, in texels of 4 bytes
//   rows [N][plane][H/4][bytes of a row] fp32, a texel holds one byte column of 4 rows
//   taps: as effvk_taps_append_grouped() says, a table per plane and item
// An invocation computes 4 rows of COLUMNS times 4 bytes, THREADS texels apart; a workgroup stays
// in one plane. Grid: workgroups of columns of all planes, H/4, N. Driven by src/ops/preprocess.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int THREADS = 8;
layout(constant_id = 1) const int COLUMNS = 4;
#include "storage.glsl"
#include "byte.glsl"
#include "resize-item.glsl"

#if TEXEL
INPUT(0, frames);
#define FRAME(i) READ(frames, i)
#else
layout(set = 0, binding = 0, std430) readonly buffer Frames { uint frames[]; };
#define FRAME(i) unpackUnorm4x8(frames[i])
#endif
INPUT_F32(1, taps);
OUTPUT_F32(2, rows);

const int GROUP = THREADS * COLUMNS; // columns of a workgroup

int groups(Plane plane)
{
    return (plane.columns + GROUP - 1) / GROUP;
}

void main()
{
    int group = int(gl_WorkGroupID.x), y = int(gl_WorkGroupID.y), image = int(gl_WorkGroupID.z);
    Plane plane = items[image].planes[0];

    [[unroll]] for (int i = 1; i < 3; i++) {
        Plane next = items[image].planes[i];
        if (group >= groups(plane)) {
            group -= groups(plane);
            plane = next;
        }
    }
    int column = group * GROUP + int(gl_LocalInvocationID.x);
    if (column >= plane.columns || y * 4 >= items[image].y.n)
        return;

    vec4 sum[COLUMNS * 4]; // per byte, of 4 rows
    int next[COLUMNS];     // from the first column to each; beyond the last wanted: that one again
    [[unroll]] for (int i = 0; i < COLUMNS * 4; i++)
        sum[i] = vec4(0.0);
    [[unroll]] for (int i = 0; i < COLUMNS; i++)
        next[i] = min(i * THREADS, plane.columns - 1 - column);

    int table = plane.taps + y * (plane.count + 1), first = int(READ_F32(taps, table).x);
    int from = plane.from + column;
    for (int t = 0; t < plane.count; t++) {
        vec4 w = READ_F32(taps, table + 1 + t);
        int row = from + min(first + t, plane.last) * plane.stride;
        [[unroll]] for (int i = 0; i < COLUMNS; i++) {
            vec4 bytes = FRAME(row + next[i]);
            [[unroll]] for (int j = 0; j < 4; j++)
                sum[i * 4 + j] += w * bytes[j];
        }
    }

    int to = plane.to + (y * plane.columns + column) * 4;
    [[unroll]] for (int i = 0; i < COLUMNS; i++)
        if (column + i * THREADS < plane.columns)
            [[unroll]] for (int j = 0; j < 4; j++)
                rows[to + i * THREADS * 4 + j] = items[image].round_bytes != 0 ? round_to_byte(sum[i * 4 + j]) : sum[i * 4 + j];
}
