/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The specialization constants of the shaders: their ids, in GLSL, and where they stand in
 * EffvkDispatch.spec, in C. The kernels of an op share an id where they mean the same by it. _N is
 * how many a kernel has. tests/kernels.py finds ids without a name.
 */
#ifndef EFFVK_CONSTANTS
#define EFFVK_CONSTANTS

/* conv-lanes.comp, conv-tile.comp */
#define SPEC_CONV_SPLIT 0
#define SPEC_CONV_ACTIVATION 1
#define SPEC_CONV_TILE_N 2

#define SPEC_CONV_RESIDUAL 2
#define SPEC_CONV_PIXELS 3
#define SPEC_CONV_CHANNELS 4
#define SPEC_CONV_LANES 5
#define SPEC_CONV_LANES_N 6

/* depthwise.comp, depthwise-tile.comp */
#define SPEC_DEPTHWISE_KERNEL 0
#define SPEC_DEPTHWISE_STRIDE 1
#define SPEC_DEPTHWISE_TILE_WIDTH 2
#define SPEC_DEPTHWISE_TILE_HEIGHT 3
#define SPEC_DEPTHWISE_ACTIVATION 4
#define SPEC_DEPTHWISE_SUMS 5

#define SPEC_DEPTHWISE_THREADS 6
#define SPEC_DEPTHWISE_TEXEL_N 7

#define SPEC_DEPTHWISE_GROUP_CHANNELS 6
#define SPEC_DEPTHWISE_GROUP_TILES 7
#define SPEC_DEPTHWISE_TILE_N 8

/* expand-depthwise-tile.comp, expand-depthwise-matrix.comp */
#define SPEC_EXPAND_DEPTHWISE_KERNEL 0
#define SPEC_EXPAND_DEPTHWISE_STRIDE 1
#define SPEC_EXPAND_DEPTHWISE_ACTIVATION 2
#define SPEC_EXPAND_DEPTHWISE_SQUEEZE 3
#define SPEC_EXPAND_DEPTHWISE_MAX_S 4
#define SPEC_EXPAND_DEPTHWISE_SIDE 5
#define SPEC_EXPAND_DEPTHWISE_TILE_N 6

#define SPEC_EXPAND_DEPTHWISE_SUBGROUP_SIZE 6
#define SPEC_EXPAND_DEPTHWISE_STEP 7
#define SPEC_EXPAND_DEPTHWISE_MATRIX_N 8
/* which the shape of the matrices follows */
#define SPEC_EXPAND_DEPTHWISE_SHAPE_M 8
#define SPEC_EXPAND_DEPTHWISE_SHAPE_N 9
#define SPEC_EXPAND_DEPTHWISE_SHAPE_K 10

/* fully-connected-lanes.comp, fully-connected-split.comp */
#define SPEC_FULLY_CONNECTED_LANES 0
#define SPEC_FULLY_CONNECTED_SLICES 0
#define SPEC_FULLY_CONNECTED_N 1

/* head-lanes.comp, head-matrix.comp, head-tile.comp */
#define SPEC_HEAD_ACTIVATION 1

#define SPEC_HEAD_SPLIT 0
#define SPEC_HEAD_PIXELS 2
#define SPEC_HEAD_LANES 3
#define SPEC_HEAD_LANES_N 4

#define SPEC_HEAD_MATRICES 0
#define SPEC_HEAD_SUBGROUP_SIZE 2
#define SPEC_HEAD_LOCAL_SIZE 3
#define SPEC_HEAD_MATRIX_N 4
/* which the shape of the matrices follows */
#define SPEC_HEAD_SHAPE_M 4
#define SPEC_HEAD_SHAPE_N 5
#define SPEC_HEAD_SHAPE_K 6

#define SPEC_HEAD_SLICES 0
#define SPEC_HEAD_TILE_N 2

/* heatmap.comp */
#define SPEC_HEATMAP_ACTIVATION 0
#define SPEC_HEATMAP_N 1

/* measures.comp */
#define SPEC_MEASURES_THREADS 0
#define SPEC_MEASURES_STEP 1
#define SPEC_MEASURES_FIRST 2
#define SPEC_MEASURES_GREEN 3
#define SPEC_MEASURES_BLUE 4
#define SPEC_MEASURES_COLOUR 5
#define SPEC_MEASURES_DEEP 6
#define SPEC_MEASURES_PARTIAL 7
#define SPEC_MEASURES_N 8

/* pointwise-*.comp, pointwise-excite.glsl */
#define SPEC_POINTWISE_ACTIVATION 1
#define SPEC_POINTWISE_SCALE 2

#define SPEC_POINTWISE_SPLIT 0
#define SPEC_POINTWISE_RESIDUAL 3
#define SPEC_POINTWISE_PIXELS 4
#define SPEC_POINTWISE_LANES 5
#define SPEC_POINTWISE_LANES_N 6

#define SPEC_POINTWISE_MATRICES_ACROSS 0
#define SPEC_POINTWISE_MATRICES_DOWN 3
#define SPEC_POINTWISE_SUBGROUP_SIZE 4
#define SPEC_POINTWISE_SLICES_OF_MATRIX 5
#define SPEC_POINTWISE_LOCAL_SIZE 6
#define SPEC_POINTWISE_MATRIX_N 7
/* which the shape of the matrices follows */
#define SPEC_POINTWISE_SHAPE_M 7
#define SPEC_POINTWISE_SHAPE_N 8
#define SPEC_POINTWISE_SHAPE_K 9

#define SPEC_POINTWISE_TX 0
#define SPEC_POINTWISE_TY 3
#define SPEC_POINTWISE_QUADS 4
#define SPEC_POINTWISE_TILE_N 5

#define SPEC_POINTWISE_SLICES 0
#define SPEC_POINTWISE_SPLIT_N 3

#define SPEC_POINTWISE_SQUEEZE_ACTIVATION 5
#define SPEC_POINTWISE_MAX_C4 6
#define SPEC_POINTWISE_MAX_S 7
#define SPEC_POINTWISE_EXCITE_N 8

/* probe-arithmetic.comp, probe-memory.comp */
#define SPEC_PROBE_THREADS 0
#define SPEC_PROBE_AMOUNT 1
#define SPEC_PROBE_N 2

/* resize-rows.comp, resize-columns.comp, resize-narrow.comp */
#define SPEC_RESIZE_THREADS 0
#define SPEC_RESIZE_N 1

#define SPEC_RESIZE_LEAST 1
#define SPEC_RESIZE_MOST 2
#define SPEC_RESIZE_ROWS_N 3

/* resize-gather.comp */
#define SPEC_GATHER_THREADS 0
#define SPEC_GATHER_ROWS 1
#define SPEC_GATHER_SHAPE 2
#define SPEC_GATHER_WINDOWS 3
#define SPEC_GATHER_SAMPLE 4
#define SPEC_GATHER_FIRST_BYTES 5
#define SPEC_GATHER_FIRST_PHASES 6
#define SPEC_GATHER_OTHER_BYTES 7
#define SPEC_GATHER_OTHER_PHASES 8
#define SPEC_GATHER_EIGHT_BITS 9
#define SPEC_GATHER_LUMA 10
#define SPEC_GATHER_N 11

/* squeeze-excite-lanes.comp, squeeze-excite.comp */
#define SPEC_SQUEEZE_EXCITE_ACTIVATION 0

#define SPEC_SQUEEZE_EXCITE_BLOCKS 1
#define SPEC_SQUEEZE_EXCITE_LANES 2
#define SPEC_SQUEEZE_EXCITE_LANES_N 3

#define SPEC_SQUEEZE_EXCITE_MAX_C4 1
#define SPEC_SQUEEZE_EXCITE_MAX_S 2
#define SPEC_SQUEEZE_EXCITE_THREADS 3
#define SPEC_SQUEEZE_EXCITE_STORAGE_N 4

/* top-k.comp, top-k-select.comp */
#define SPEC_TOP_K_THREADS 0
#define SPEC_TOP_K_ACTIVATION 1
#define SPEC_TOP_K_SELECT_N 2

#define SPEC_TOP_K_LOCAL 2
#define SPEC_TOP_K_STORAGE_N 3

#endif
