#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The vertical half of the resize: every plane's rows are filtered as bytes, whatever they mean.
//   frames as uploaded, or as resize-narrow makes them, in texels of 16 bytes
//   rows [N][plane][H/4][bytes of a row] fp32, a texel holds one byte column of 4 rows
//   taps: as effvk_taps_append_paired() says, a table per plane and item; weights are of 0..255
// An invocation computes 4 rows of a texel of the frame, two and two, as rows far apart share few
// samples; a workgroup stays in one plane. Grid: workgroups of columns of all planes that are
// taken, H/4, N. Driven by src/ops/preprocess.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_RESIZE_THREADS) in;
layout(constant_id = SPEC_RESIZE_THREADS) const int THREADS = 8;
// How many taps the planes have that are taken; where only one number is possible, no loop is left.
layout(constant_id = SPEC_RESIZE_LEAST) const int LEAST = 0;
layout(constant_id = SPEC_RESIZE_MOST) const int MOST = 0x7fffffff;
#include "storage.glsl"
#include "byte.glsl"
#include "resize-item.glsl"

INPUT_U32(0, frames);
INPUT_F32(1, taps);
OUTPUT_F32(2, rows);

layout(push_constant) uniform Push { int passes; } pc;

const int BYTES = 16; // of a texel
// samples of a turn of the loop: a CPU device writes all sums under a mask in each
const int STEP = 4;

int groups(Plane plane)
{
    return plane.count >= LEAST && plane.count <= MOST ? (plane.columns + THREADS - 1) / THREADS
        : 0;
}

// The @pair-th two rows of the texel @from of each row.
vec2[BYTES] filter_pair(Plane plane, int from, int pair)
{
    vec2 sum[BYTES];
    [[unroll]] for (int i = 0; i < BYTES; i++)
        sum[i] = vec2(0.0);

    int table = plane.taps + pair * (1 + plane.count / 2), first = int(READ_F32(taps, table).x);
    int count = LEAST == MOST ? MOST : plane.count;
    [[unroll]] for (int t = 0; t < count; t += STEP) {
        vec2 weights[STEP];
        uvec4 words[STEP];
        [[unroll]] for (int s = 0; s < STEP; s += 2) {
            vec4 two = READ_F32(taps, table + 1 + (t + s) / 2);
            weights[s] = two.xy;
            weights[s + 1] = two.zw;
        }
        [[unroll]] for (int s = 0; s < STEP; s++)
            words[s] = READ_U32(frames, from + min(first + t + s, plane.last) * plane.stride);
        [[unroll]] for (int i = 0; i < BYTES; i += 4)
            [[unroll]] for (int s = 0; s < STEP; s++) {
                vec4 bytes = unpack_bytes(words[s][i / 4]);
                [[unroll]] for (int j = 0; j < 4; j++)
                    sum[i + j] += weights[s] * bytes[j];
            }
    }
    return sum;
}

void main()
{
    int group = int(gl_WorkGroupID.x), y = int(gl_WorkGroupID.y), image = int(gl_WorkGroupID.z);
    Plane plane = get_plane(image, 0);
    Rest rest = get_rest(image);

    [[unroll]] for (int i = 1; i < 3; i++) {
        Plane next = get_plane(image, i);
        if (group >= groups(plane)) {
            group -= groups(plane);
            plane = next;
        }
    }
    int column = group * THREADS + int(gl_LocalInvocationID.x);
    if (group >= groups(plane) || column >= plane.columns || y * 4 >= get_outputs(image, true).n
        || rest.passes != pc.passes)
        return;

    vec2 upper[BYTES] = filter_pair(plane, plane.from + column, y * 2);
    vec2 lower[BYTES] = filter_pair(plane, plane.from + column, y * 2 + 1);
    int to = plane.to + (y * plane.columns + column) * BYTES;
    [[unroll]] for (int i = 0; i < BYTES; i++) {
        vec4 four = vec4(upper[i], lower[i]);
        rows[to + i] = rest.round_bytes ? round_to_byte(four) : four;
    }
}
