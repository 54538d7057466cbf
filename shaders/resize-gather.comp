#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole resize, conversion to RGB or luma and normalisation, where a filter takes two samples
// of an axis (three of subsampled chroma): each output fetches its own, instead of a pass over all
// that lies between them.
//   frames as uploaded, in words
//   rows, table: as src/ops/resize-gather.c writes them
//   y as resize-columns makes it
// A window is what an output sees of a row of a plane: some bytes, from a pixel on. Filtering is
// linear, so its rows are added up first, then what of its bytes belongs together (a phase: all of
// Y', of R, of Cb), then colours. An invocation computes ROWS rows of a column, of the frame as it
// lies. Grid: W, H/ROWS, N. Driven by src/ops/preprocess.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "constants.h"
layout(local_size_x_id = SPEC_GATHER_THREADS) in;
layout(constant_id = SPEC_GATHER_THREADS) const int THREADS = 8;
layout(constant_id = SPEC_GATHER_ROWS) const int ROWS = 8;
// the items that are this dispatch's; the others are its windows:
layout(constant_id = SPEC_GATHER_SHAPE) const int SHAPE = 1;
layout(constant_id = SPEC_GATHER_WINDOWS) const int WINDOWS = 2;
layout(constant_id = SPEC_GATHER_SAMPLE) const int SAMPLE = 1;
layout(constant_id = SPEC_GATHER_FIRST_BYTES) const int FIRST_BYTES = 2;
layout(constant_id = SPEC_GATHER_FIRST_PHASES) const int FIRST_PHASES = 1;
layout(constant_id = SPEC_GATHER_OTHER_BYTES) const int OTHER_BYTES = 6;
layout(constant_id = SPEC_GATHER_OTHER_PHASES) const int OTHER_PHASES = 2;
layout(constant_id = SPEC_GATHER_EIGHT_BITS) const bool EIGHT_BITS = false;
layout(constant_id = SPEC_GATHER_LUMA) const bool LUMA = false;
#include "storage.glsl"
#include "byte.glsl"
#include "resize-item.glsl"

INPUT_WORDS(0, frames);
INPUT_F32(1, rows);
OUTPUT(2, y);
INPUT_F32(4, table);

const int MAX_BYTES = 12;

int get_bytes(int window)
{
    return window == 0 ? FIRST_BYTES : OTHER_BYTES;
}

int get_phases(int window)
{
    return window == 0 ? FIRST_PHASES : OTHER_PHASES;
}

// Words of memory that a window can lie in: pixels begin where their size lets them.
int get_fetches(int window)
{
    int pixel = get_phases(window) * SAMPLE;
    return (get_bytes(window) + (pixel % 4 == 0 ? 0 : pixel % 2 == 0 ? 2 : 3) + 3) / 4;
}

void add_row(int window, int at, int last, int shift, float weight, inout float sum[MAX_BYTES])
{
    int fetched[MAX_BYTES / 4];

    [[unroll]] for (int i = 0; i < MAX_BYTES / 4; i++)
        if (i < get_fetches(window))
            fetched[i] = int(READ_WORD(frames, i > 0 ? min(at + i, last) : at));
    [[unroll]] for (int i = 0; i < MAX_BYTES / 4; i++)
        if (i * 4 < get_bytes(window)) {
            int word = int(uint(fetched[i]) >> shift);
            if (i + 1 < get_fetches(window))
                word |= fetched[i + 1] << 1 << (31 - shift);
            [[unroll]] for (int j = 0; j < 4; j++)
                if (i * 4 + j < get_bytes(window))
                    sum[i * 4 + j] += weight * float(word >> j * 8 & 255);
        }
}

void main()
{
    int column = int(gl_GlobalInvocationID.x), first_row = int(gl_WorkGroupID.y) * ROWS;
    int image = int(gl_WorkGroupID.z);
    Outputs across = get_outputs(image, false), down = get_outputs(image, true);
    Gather gather = get_gather(image);
    if (column >= across.n || gather.shape != SHAPE)
        return;
    Rest rest = get_rest(image);
    int from[3], shift[3];
    vec4 weights[3][MAX_BYTES / 4], colour[4];

    [[unroll]] for (int i = 0; i < 4; i++)
        colour[i] = READ_F32(table, gather.colour + i);
    int at = gather.columns + column;
    vec4 start = READ_F32(table, at);
    [[unroll]] for (int i = 0; i < WINDOWS; i++) {
        int byte = int(start[i]);
        from[i] = gather.from[i] + (byte >> 2);
        shift[i] = get_phases(i) * SAMPLE % 4 == 0 ? 0 : (byte & 3) * 8;
        [[unroll]] for (int j = 0; j < MAX_BYTES; j += 4)
            if (j < get_bytes(i))
                weights[i][j / 4] = READ_F32(table, at += across.n);
    }
    vec4 mean = READ_F32(table, rest.colour + 3), scale = READ_F32(table, rest.colour + 4);
    vec4 border = READ_F32(table, rest.colour + 5);
    bool inside = column >= across.inside && column < across.inside_end;
    int to = rest.to + column * across.step, end = min(first_row + ROWS, down.n);

    for (int row = first_row; row < end; row++) {
        float sum[3][MAX_BYTES];
        vec4 v = vec4(0.0), first = READ_F32(rows, gather.rows + row * 2);

        [[unroll]] for (int i = 0; i < 3; i++)
            [[unroll]] for (int j = 0; j < MAX_BYTES; j++)
                sum[i][j] = 0.0;
        [[unroll]] for (int t = 0; t < 2; t++)
            add_row(0, from[0] + min(int(first.x) + t, gather.last_row) * gather.stride[0],
                gather.last_word, shift[0],
                    first[1 + t], sum[0]);
        if (WINDOWS > 1) {
            vec4 others = READ_F32(rows, gather.rows + row * 2 + 1);
            [[unroll]] for (int t = 0; t < 3; t++) {
                int other_row = min(int(first.w) + t, int(others.w));
                [[unroll]] for (int i = 1; i < WINDOWS; i++)
                    add_row(i, from[i] + other_row * gather.stride[i], gather.last_word, shift[i],
                        others[t], sum[i]);
            }
        }
        int phase = 0;
        [[unroll]] for (int i = 0; i < WINDOWS; i++) {
            [[unroll]] for (int j = 0; j < MAX_BYTES; j++)
                if (j < get_bytes(i))
                    v[phase + j / SAMPLE % get_phases(i)] += weights[i][j / 4][j % 4] * sum[i][j];
            phase += get_phases(i);
        }

        vec3 rgb = colour[3].rgb;
        [[unroll]] for (int i = 0; i < 3; i++)
            [[unroll]] for (int j = 0; j < phase; j++)
                rgb[i] += colour[i][j] * v[j];
        rgb = EIGHT_BITS ? round_to_byte(vec4(rgb, 0.0)).rgb : clamp(rgb, 0.0, 1.0);
        if (LUMA) {
            float gray = dot(rgb, vec3(0.299, 0.587, 0.114));
            rgb = vec3(EIGHT_BITS ? round_to_byte(vec4(gray)).x : gray);
        }
        rgb = (rgb - mean.rgb) * scale.rgb;
        if (!inside || row < down.inside || row >= down.inside_end)
            rgb = border.rgb;
        y[to + row * down.step] = pack_texel(vec4(rgb.r, LUMA ? vec2(0.0) : rgb.gb, 0.0));
    }
}
