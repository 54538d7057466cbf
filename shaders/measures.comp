#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// What the luma of a frame is like, at full resolution, and how it differs from the frame before.
//   frame, last: planes as uploaded, in texels of 16 bytes; of each the one with the luma
//   parts: see below, in texels. measures-sum.comp adds them up.
// An invocation measures 16 pixels of STRIP rows. Values are of 0..255.
// Grid: workgroups of 16 pixels, strips. Driven by src/ops/measures.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_MEASURES_THREADS) in;
// Bytes of a pixel; of its first component, or of R, G and B (COLOUR).
layout(constant_id = SPEC_MEASURES_STEP) const int STEP = 1;
layout(constant_id = SPEC_MEASURES_FIRST) const int FIRST = 0;
layout(constant_id = SPEC_MEASURES_GREEN) const int GREEN = 0;
layout(constant_id = SPEC_MEASURES_BLUE) const int BLUE = 0;
layout(constant_id = SPEC_MEASURES_COLOUR) const int COLOUR = 0;
layout(constant_id = SPEC_MEASURES_DEEP) const int DEEP = 0; // two bytes a component
// the last 16 pixels of a row are not all there
layout(constant_id = SPEC_MEASURES_PARTIAL) const int PARTIAL = 1;
#include "storage.glsl"
#include "byte.glsl"

INPUT_U32(0, frame);
INPUT_U32(1, last);
OUTPUT_F32(2, parts);

layout(push_constant) uniform Push {
    int width, height, from, stride; // texels
    float scale;                     // of two bytes, to 0..255
    float black, white;              // darker and brighter than which a pixel is so
    int columns, rows;               // texels of the parts of columns, and of rows
} pc;

const int N = 16, STRIP = 64, TOTALS = 4, BLOCK = 16;
const int BESIDE = 5;      // a step that is no block's edge, to compare with
const float STEP_EDGE = 12.0; // mean of steps along a hard edge; it is twice those on both sides
const float COMB = 12.0;   // mean by which rows of a combed part stand out
const float APART = 2.5;   // and how much more that is than the next rows of their field differ
const int COMBED_ROWS = 4; // so many in a row are combed

#define BYTE(texels, i) float((texels[(i) / 16][(i) / 4 % 4] >> ((i) % 4 * 8)) & 255u)

// The luma of pixel @i of the texels.
#define LUMA(texels, i) (COLOUR != 0 \
    ? 0.299 * BYTE(texels, (i) * STEP + FIRST) + 0.587 * BYTE(texels, (i) * STEP + GREEN) \
        + 0.114 * BYTE(texels, (i) * STEP + BLUE) \
    : DEEP != 0 ? (BYTE(texels, (i) * STEP + FIRST) \
            + 256.0 * BYTE(texels, (i) * STEP + FIRST + 1)) * pc.scale \
    : BYTE(texels, (i) * STEP + FIRST))

// What is known of 16 pixels of the rows so far.
struct Strip {
    float now[N], above[N], above2[N];  // the newest row, and those above it
    float before[N], before_above[N];   // of the frame before
    float least[N], most[N], slope[N];  // of each column; slope: the sum of steps along rows
    float sum, squares, black, white, largest, block, lines, widths, edges;
    vec2 fields, changes;               // of even rows, of odd ones
    float run, combed;                  // rows that look combed, in a row; and in all
    float down, down2;                  // the steps to the newest row, and those before
    vec4 steps;                         // along a block's left edge and beside it, with neighbours
    vec2 hard;                          // edges of blocks that are hard, and others that are
};

float inside(int chunk, int i)
{
    return PARTIAL != 0 && chunk * N + i >= pc.width ? 0.0 : 1.0;
}

void read_row(inout Strip s, int chunk, int y)
{
    int texel = pc.from + max(y, 0) * pc.stride + chunk * STEP;
    uvec4 texels[STEP], old[STEP];

    [[unroll]] for (int i = 0; i < STEP; i++) {
        texels[i] = READ_U32(frame, texel + i);
        old[i] = READ_U32(last, texel + i);
    }
    s.above2 = s.above;
    s.above = s.now;
    s.before_above = s.before;
    [[unroll]] for (int i = 0; i < N; i++) {
        s.now[i] = LUMA(texels, i);
        s.before[i] = LUMA(old, i);
    }
}

// The two pixels left of the first one; of the first chunk the first one itself.
vec2 read_left(const Strip s, int chunk, int y)
{
    int texel = pc.from + y * pc.stride + max(chunk - 1, 0) * STEP;
    uvec4 left[STEP];

    [[unroll]] for (int i = 0; i < STEP; i++)
        left[i] = READ_U32(frame, texel + i);
    return chunk > 0 ? vec2(LUMA(left, N - 1), LUMA(left, N - 2)) : vec2(s.now[0]);
}

#include "measures-edges.glsl"

void measure_row(inout Strip s, int chunk, int chunks, int y)
{
    float low = 255.0, high = 0.0, steepest = 1.0, down = 0.0, changed = 0.0;
    float lines = 0.0, other = 0.0, apart = 0.0;

    read_row(s, chunk, y);
    vec2 left = read_left(s, chunk, y);
    float previous = left.x;
    [[unroll]] for (int i = 0; i < N; i++) {
        float here = inside(chunk, i), v = s.now[i], d = v - 128.0, two = v + s.above2[i];
        float step = abs(v - previous) * here;

        previous = v;
        s.slope[i] += step;
        s.least[i] = min(s.least[i], v);
        s.most[i] = max(s.most[i], v);
        low = min(low, here != 0.0 ? v : 255.0);
        high = max(high, v * here);
        steepest = max(steepest, i > 0 ? step : 0.0);
        s.sum += d * here;
        s.squares += d * d * here;
        s.black += v < pc.black ? here : 0.0;
        s.white += v > pc.white ? here : 0.0;
        changed += abs(v - s.before[i]) * here;
        down += abs(v - s.above[i]) * here;
        lines += abs(two - 2.0 * s.above[i]) * here;
        other += abs(two - 2.0 * s.before_above[i]) * here;
        apart += abs(v - s.above2[i]) * here;
    }
    bool odd = (y & 1) != 0, edge = high - low >= 40.0;
    other = y > 1 ? other : 0.0;
    s.lines += y > 1 ? lines : 0.0;
    s.run = y > 1 && lines >= COMB * N && lines > APART * apart ? s.run + 1.0 : 0.0;
    s.combed += s.run >= float(COMBED_ROWS) ? 1.0 : 0.0;
    count_edges(s, chunk, y, left, y > 0 ? down : 0.0);
    s.fields += odd ? vec2(other, 0.0) : vec2(0.0, other);
    s.changes += odd ? vec2(0.0, changed) : vec2(changed, 0.0);
    s.block += changed;
    s.largest = max(s.largest, s.block);
    s.block = (y & (BLOCK - 1)) == BLOCK - 1 ? 0.0 : s.block;
    s.widths += edge ? (high - low) / steepest : 0.0;
    s.edges += edge ? 1.0 : 0.0;
    parts[pc.rows + y * chunks + chunk] = vec4(low, high, y > 0 ? down : 0.0, 0.0);
}

void main()
{
    int chunk = int(gl_GlobalInvocationID.x), strip = int(gl_WorkGroupID.y);
    int chunks = (pc.width + N - 1) / N, at = strip * chunks + chunk, y = strip * STRIP;
    int rows = min(STRIP, pc.height - y);
    Strip s;

    if (chunk >= chunks)
        return;
    [[unroll]] for (int i = 0; i < N; i++) {
        s.now[i] = s.above[i] = s.above2[i] = s.before[i] = s.before_above[i] = 0.0;
        s.least[i] = 255.0;
        s.most[i] = s.slope[i] = 0.0;
    }
    s.sum = s.squares = s.black = s.white = s.largest = s.block = 0.0;
    s.lines = s.widths = s.edges = s.run = s.combed = s.down = s.down2 = 0.0;
    s.fields = s.changes = s.hard = vec2(0.0);
    s.steps = vec4(0.0);
    read_row(s, chunk, y - 2);
    read_row(s, chunk, y - 1);
    [[unroll]] for (int i = 0; i < N; i++)
        s.down += abs(s.now[i] - s.above[i]) * inside(chunk, i);
    // Four rows a turn: a CPU device writes all that is known under a mask in each.
    for (int r = 0; r < rows / 4; r++) {
        [[unroll]] for (int i = 0; i < 4; i++)
            measure_row(s, chunk, chunks, y + r * 4 + i);
    }
    for (int r = rows / 4 * 4; r < rows; r++)
        measure_row(s, chunk, chunks, y + r);
    parts[at * TOTALS] = vec4(s.sum, s.squares, s.black, s.white);
    parts[at * TOTALS + 1] = vec4(s.changes, s.fields);
    parts[at * TOTALS + 2] = vec4(s.lines, s.widths, s.edges, s.combed);
    parts[at * TOTALS + 3] = vec4(0.0, s.largest, s.hard);
    [[unroll]] for (int i = 0; i < N; i++)
        parts[pc.columns + at * N + i] = vec4(s.least[i], s.most[i], s.slope[i], 0.0);
}
