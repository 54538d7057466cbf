#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The horizontal half of the resize, the conversion to RGB or luma, and the normalisation.
//   rows: from resize-rows, a texel holds one byte column of 4 rows
//   y [N,H,W,3] or, of luma, [N,H,W,1], in texels of four channels, the others 0
//   table, per item: three rows of the colour matrix (R, G, B from components and 1), mean, 1 /
//   standard deviation, border's colour; then tap tables as effvk_taps_append_single() says
// An invocation computes one column of 4 rows, of the frame as it lies: each component from its own
// taps, as planes may be subsampled. Grid: W, H/4, N. Driven by src/ops/preprocess.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_RESIZE_THREADS) in;
layout(constant_id = SPEC_RESIZE_THREADS) const int THREADS = 8;
#include "storage.glsl"
#include "byte.glsl"
#include "resize-item.glsl"

INPUT_F32(0, rows);
INPUT_F32(1, table);
OUTPUT(2, y);

layout(push_constant) uniform Push { int eight_bits, luma; } pc;

void main()
{
    int column = int(gl_GlobalInvocationID.x);
    int group = int(gl_WorkGroupID.y), image = int(gl_WorkGroupID.z);
    vec4 v[3], rgb[3];

    Outputs across = get_outputs(image, false), down = get_outputs(image, true);
    Rest rest = get_rest(image);
    if (column >= across.n || group * 4 >= down.n || rest.passes < 2)
        return;
    [[unroll]] for (int i = 0; i < 3; i++) {
        Component c = get_component(image, i);
        int weights = c.taps + column, first = int(READ_F32(table, weights).x);
        int from = c.from + group * c.stride;
        vec4 sum = vec4(0.0);
        for (int t = 0; t < c.count; t += 4) {
            weights += across.n;
            vec4 w = READ_F32(table, weights);
            [[unroll]] for (int j = 0; j < 4; j++)
                sum += w[j] * READ_F32(rows, from + min(first + t + j, c.last) * c.step);
        }
        v[i] = rest.round_bytes ? round_to_byte(sum) : sum;
    }

    vec4 mean = READ_F32(table, rest.colour + 3), scale = READ_F32(table, rest.colour + 4);
    [[unroll]] for (int i = 0; i < 3; i++) {
        vec4 m = READ_F32(table, rest.colour + i);
        vec4 c = m.x * v[0] + m.y * v[1] + m.z * v[2] + m.w;
        rgb[i] = pc.eight_bits != 0 ? round_to_byte(c) : clamp(c, 0.0, 1.0);
    }
    if (pc.luma != 0) {
        vec4 luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        rgb[0] = ((pc.eight_bits != 0 ? round_to_byte(luma) : luma) - mean.x) * scale.x;
        rgb[1] = rgb[2] = vec4(0.0);
    } else {
        [[unroll]] for (int i = 0; i < 3; i++)
            rgb[i] = (rgb[i] - mean[i]) * scale[i];
    }
    vec4 border = READ_F32(table, rest.colour + 5);
    bool inside = column >= across.inside && column < across.inside_end;
    int to = rest.to + column * across.step;
    [[unroll]] for (int j = 0; j < 4; j++) {
        int row = group * 4 + j;
        vec4 texel = vec4(rgb[0][j], rgb[1][j], rgb[2][j], 0.0);
        if (!inside || row < down.inside || row >= down.inside_end)
            texel = pc.luma != 0 ? vec4(border.x, 0.0, 0.0, 0.0) : border;
        if (row < down.n)
            y[to + row * down.step] = pack_texel(texel);
    }
}
