// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the frame of each item of the batch lies and how it is filtered, written before every
// submission by src/ops/preprocess-plan.c: items may be different frames, or parts of one. Read as
// texels, as a CPU device loads the members of a structure one by one, and for each lane.

INPUT_SMALL_U32(3, items);

ivec4 item(int image, int texel)
{
    return ivec4(READ_SMALL(items, image * 22 + texel));
}

struct Plane {
    int from;    // texel of row 0's first column that is wanted
    int stride;  // texels from a row to the next
    int columns; // texels that are wanted; 0 in a plane that the format has not
    int last;    // last row that may be read
    int taps;    // texel of the tap table
    int count;   // taps of a pair of rows, a multiple of 4
    int to;      // texel of the first result
};

// Of the frame, or of what resize-narrow makes.
Plane get_plane(int image, int i)
{
    ivec4 a = item(image, i * 2), b = item(image, i * 2 + 1);
    return Plane(a.x, a.y, a.z, a.w, b.x, b.y, b.z);
}

struct Component {
    int from;   // texel of the component of sample 0 in the plane's first rows; may be negative
    int stride; // texels from 4 rows to the next 4
    int step;   // texels from a sample to the next
    int last;   // last sample that may be read
    int taps;   // texel of the tap table
    int count;  // taps, a multiple of 4
};

Component get_component(int image, int i)
{
    ivec4 a = item(image, 6 + i * 2), b = item(image, 7 + i * 2);
    return Component(a.x, a.y, a.z, a.w, b.x, b.y);
}

struct Outputs {
    int n;          // along the frame's rows or columns
    int step;       // texels from one to the next
    int inside;     // the first one that shows the picture
    int inside_end; // the first one after those; the others are a border
};

Outputs get_outputs(int image, bool vertical)
{
    ivec4 a = item(image, vertical ? 13 : 12);
    return Outputs(a.x, a.y, a.z, a.w);
}

struct Narrow { // what resize-narrow makes, where it comes before the other two
    ivec3 from;    // texel of the first row that is wanted, of each plane
    ivec3 stride;  // texels from a row to the next
    int planes;
    int last;      // last texel of a row that may be read
    int rows, columns; // of the result; 0: there is none
    int selection; // texel of the table: which bytes of a plane are a component's
    int taps;      // texel of the table
    int count;     // texels of a row that a column is made from, a multiple of 3
    int to;        // texel of the first result
};

Narrow get_narrow(int image)
{
    ivec4 a = item(image, 14), b = item(image, 15), c = item(image, 16), d = item(image, 17);
    return Narrow(a.xyz, b.xyz, a.w, b.w, c.x, c.y, c.z, c.w, d.x, d.y);
}

struct Gather { // where resize-gather does all
    ivec3 from;    // word of row 0 of each window's plane
    int shape;     // which of effvk_gather_shapes; 0: it does not
    ivec3 stride;  // words from a row to the next
    int last_word; // that may be read
    int last_row;  // of the first window that may be read
    int rows, columns, colour; // texels of the tables
};

Gather get_gather(int image)
{
    ivec4 a = item(image, 18), b = item(image, 19), c = item(image, 20);
    return Gather(a.xyz, a.w, b.xyz, b.w, c.x, c.y, c.z, c.w);
}

struct Rest {
    int to;           // texel of the output of the frame's first row and column
    int colour;       // texel of the colour matrix, mean, 1 / standard deviation and border
    bool round_bytes; // whether each pass is rounded to bytes
    // 1: resize-gather; 2: resize-rows, resize-columns; 3: resize-narrow before those
    int passes;
};

Rest get_rest(int image)
{
    ivec4 a = item(image, 21);
    return Rest(a.x, a.y, a.z != 0, a.w);
}
