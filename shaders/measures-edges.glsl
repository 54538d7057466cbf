// SPDX-License-Identifier: LGPL-2.1-or-later
// Hard edges at the borders of blocks, which damage leaves; for measures.comp, which has Strip.
// Whether a step is an edge that is one pixel wide; both are sums of up to 16.
float is_hard(float steps, float beside)
{
    return steps >= STEP_EDGE * BLOCK && steps > 2.0 * beside ? 1.0 : 0.0;
}

// Counts hard edges at the left and above of blocks, and in the middle of them.
void count_edges(inout Strip s, int chunk, int y, vec2 left, float down)
{
    int row = y & (BLOCK - 1);
    vec4 on = inside(chunk, 1) * vec4(abs(s.now[0] - left.x), abs(s.now[1] - s.now[0])
            + abs(left.x - left.y), 0.0, 0.0);
    vec4 off = inside(chunk, BESIDE + 1) * vec4(0.0, 0.0, abs(s.now[BESIDE] - s.now[BESIDE - 1]),
        abs(s.now[BESIDE + 1] - s.now[BESIDE]) + abs(s.now[BESIDE - 1] - s.now[BESIDE - 2]));
    float above = y > 1 ? is_hard(s.down, s.down2 + down) : 0.0;

    s.steps += on + off;
    s.hard += row == 1 ? vec2(above, 0.0) : row == BESIDE + 1 ? vec2(0.0, above) : vec2(0.0);
    if (row == BLOCK - 1) {
        s.hard += vec2(is_hard(s.steps.x, s.steps.y), is_hard(s.steps.z, s.steps.w));
        s.steps = vec4(0.0);
    }
    s.down2 = s.down;
    s.down = down;
}
