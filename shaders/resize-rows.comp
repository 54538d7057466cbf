#version 450
// SPDX-License-Identifier: LGPL-2.1-or-later
// The vertical half of the resize: every plane's rows are filtered as bytes, whatever they mean.
//   frames [N] as uploaded, in texels of 4 bytes   rows [N][plane][H][columns] fp32, texels of 4 bytes
//   taps: as src/ops/resize-taps.h says, a table per plane
// An invocation computes 4 neighbouring bytes of one row. A workgroup stays in one plane.
// Grid: workgroups of columns of all planes, H, N. Driven by src/ops/preprocess.c.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int THREADS = 8;
#define F16 0
#include "storage.glsl"

#if TEXEL
INPUT(0, frames);
#define FRAME(i) READ(frames, i)
#else
layout(set = 0, binding = 0, std430) readonly buffer Frames { uint frames[]; };
#define FRAME(i) unpackUnorm4x8(frames[i])
#endif
INPUT_F32(1, taps);
OUTPUT_F32(2, rows);

struct Plane {
    int from;    // texel of the first row's first column that is wanted
    int stride;  // texels from a row to the next
    int columns; // texels that are wanted
    int groups;  // workgroups of this and all planes before
    int taps;    // texel of the tap table
    int to;      // texel of the first result
};
layout(push_constant) uniform Push { Plane planes[3]; int frame_size, rows_size; } pc;

void main()
{
    int group = int(gl_WorkGroupID.x), y = int(gl_WorkGroupID.y), image = int(gl_WorkGroupID.z);
    Plane plane = pc.planes[0];
    int first = 0;

    if (group >= pc.planes[0].groups) {
        plane = pc.planes[1];
        first = pc.planes[0].groups;
    }
    if (group >= pc.planes[1].groups) {
        plane = pc.planes[2];
        first = pc.planes[1].groups;
    }
    int column = (group - first) * THREADS + int(gl_LocalInvocationID.x);
    if (column >= plane.columns)
        return;

    vec4 tap = READ_F32(taps, plane.taps + y), sum = vec4(0.0);
    int from = image * pc.frame_size + plane.from + int(tap.x) * plane.stride + column;
    int count = int(tap.y), weights = int(tap.z);
    for (int t = 0; t < count; t += 4) {
        vec4 w = READ_F32(taps, weights + t / 4);
        // Beyond the last tap the weight is 0; the row is read again so that nothing outside is.
        for (int i = 0; i < 4; i++)
            sum += w[i] * FRAME(from + min(t + i, count - 1) * plane.stride);
    }
    rows[image * pc.rows_size + plane.to + y * plane.columns + column] = sum;
}
