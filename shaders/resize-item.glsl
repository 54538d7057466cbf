// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the frame of each item of the batch lies and how it is filtered, written before every submission
// by src/ops/preprocess-plan.c: items may be different frames, or parts of one.

struct Plane {
    int from;    // texel of row 0's first column that is wanted
    int stride;  // texels from a row to the next
    int columns; // texels that are wanted; 0 in a plane that the format has not
    int last;    // last row that may be read
    int taps;    // texel of the tap table
    int count;   // taps of a pair of rows, a multiple of 4
    int to;      // texel of the first result
};
struct Component {
    int from;   // texel of the component of sample 0 in the plane's first rows; may be negative
    int stride; // texels from 4 rows to the next 4
    int step;   // texels from a sample to the next
    int last;   // last sample that may be read
    int taps;   // texel of the tap table
    int count;  // taps, a multiple of 4
};
struct Outputs {
    int n;          // along the frame's rows or columns
    int step;       // texels from one to the next
    int inside;     // the first one that shows the picture
    int inside_end; // the first one after those; the others are a border
};
struct Narrow { // what resize-narrow makes, where it comes before the other two
    int from[3];   // texel of the first row that is wanted, of each plane
    int stride[3]; // texels from a row to the next
    int planes;
    int last;      // last texel of a row that may be read
    int rows, columns; // of the result; 0: there is none
    int selection; // texel of the table: which bytes of a plane are a component's
    int taps;      // texel of the table
    int count;     // texels of a row that a column is made from, a multiple of 3
    int to;        // texel of the first result
};
struct Item {
    Plane planes[3]; // where narrow has rows: of its result
    Component components[3];
    Outputs x, y;
    Narrow narrow;
    int to;          // texel of the output of the frame's first row and column
    int colour;      // texel of the colour matrix, mean, 1 / standard deviation and border
    int round_bytes; // whether each pass is rounded to bytes
};
layout(set = 0, binding = 3, std430) readonly buffer Items { Item items[]; };
