#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The horizontal half of the resize, the conversion to RGB and the normalisation.
//   rows: from resize-rows   y [N,H,W,3] in texels of four channels, the fourth 0
//   table: three rows of the colour matrix (R, G, B from components and 1), mean, 1 / standard
//   deviation; then tap tables as src/ops/resize-taps.h says
// An invocation computes one pixel: each component from its own taps, as planes may be subsampled.
// Grid: pixels, 1, N. Driven by src/ops/preprocess.c.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int THREADS = 8;
#include "storage.glsl"

#if TEXEL
INPUT_F32(0, rows);
float row_byte(int i) { return READ_F32(rows, i >> 2)[i & 3]; }
#else
layout(set = 0, binding = 0, std430) readonly buffer Rows { float rows[]; };
float row_byte(int i) { return rows[i]; }
#endif
INPUT_F32(1, table);
OUTPUT(2, y);

struct Component {
    int from;   // byte of the component of sample 0 in the plane's first row; may be negative
    int stride; // bytes of a row
    int step;   // bytes from a sample to the next
    int taps;   // texel of the tap table
};
layout(push_constant) uniform Push { Component components[3]; int width, pixels, rows_size; } pc;

void main()
{
    int pixel = int(gl_GlobalInvocationID.x), image = int(gl_WorkGroupID.z);
    int row = pixel / pc.width, column = pixel - row * pc.width;
    vec4 v = vec4(0.0, 0.0, 0.0, 1.0);

    if (pixel >= pc.pixels)
        return;
    [[unroll]] for (int c = 0; c < 3; c++) {
        Component component = pc.components[c];
        vec4 tap = READ_F32(table, component.taps + column);
        int count = int(tap.y), weights = int(tap.z);
        int from = image * pc.rows_size * 4 + component.from + row * component.stride + int(tap.x) * component.step;
        for (int t = 0; t < count; t += 4) {
            vec4 w = READ_F32(table, weights + t / 4);
            for (int i = 0; i < 4; i++)
                v[c] += w[i] * row_byte(from + min(t + i, count - 1) * component.step);
        }
    }

    vec3 rgb = vec3(dot(v, READ_F32(table, 0)), dot(v, READ_F32(table, 1)), dot(v, READ_F32(table, 2)));
    rgb = (clamp(rgb, 0.0, 1.0) - READ_F32(table, 3).xyz) * READ_F32(table, 4).xyz;
    y[image * pc.pixels + pixel] = pack_texel(vec4(rgb, 0.0));
}
