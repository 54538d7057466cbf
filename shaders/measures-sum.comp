#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// Adds up what measures.comp found: of each row, of each column, of each strip. The least and the
// most of x and y, the sums of z and w; of a strip's totals all sums, but for the last texel: the
// most.
//   parts: as measures.comp leaves them
//   sums: rows, columns, totals [strips][4]
// Grid: workgroups of sums. Driven by src/ops/measures.c.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
#include "storage.glsl"

INPUT_F32(0, parts);
OUTPUT_F32(1, sums);

layout(push_constant) uniform Push {
    int height, chunks, strips;
    int columns, rows; // texels of the parts of columns, and of rows
} pc;

const int N = 16, TOTALS = 4;

void main()
{
    int i = int(gl_GlobalInvocationID.x), to = i;
    int from, step, n;
    bool adds = false, last = false;

    if (i < pc.height) {
        from = pc.rows + i * pc.chunks;
        step = 1;
        n = pc.chunks;
    } else if ((i -= pc.height) < pc.chunks * N) {
        from = pc.columns + i;
        step = pc.chunks * N;
        n = pc.strips;
    } else if ((i -= pc.chunks * N) < pc.strips * TOTALS) {
        from = i / TOTALS * pc.chunks * TOTALS + i % TOTALS;
        step = TOTALS;
        n = pc.chunks;
        adds = true;
        last = i % TOTALS == TOTALS - 1;
    } else {
        return;
    }
    vec4 sum = READ_F32(parts, from);
    for (int k = 1; k < n; k++) {
        vec4 v = READ_F32(parts, from + k * step);
        vec2 ends = adds && !last ? sum.xy + v.xy : vec2(min(sum.x, v.x), max(sum.y, v.y));

        sum = vec4(ends, sum.zw + v.zw);
    }
    sums[to] = sum;
}
