/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-device.h>
#include <effvk/effvk-image.h>

G_BEGIN_DECLS

/**
 * EffvkMeasure:
 * @EFFVK_MEASURE_LUMA_MEAN: mean of the luma, 0 to 255
 * @EFFVK_MEASURE_LUMA_SPREAD: its standard deviation
 * @EFFVK_MEASURE_BLACK: share of pixels in the lowest tenth of the range, as in blackdetect
 * @EFFVK_MEASURE_WHITE: share of pixels in the highest tenth of the range
 * @EFFVK_MEASURE_CHANGE: mean difference from the frame before, in shares of 255, as in
 *   freezedetect
 * @EFFVK_MEASURE_BLOCK_CHANGE: the same of the block of 16x16 pixels that has changed most
 * @EFFVK_MEASURE_TOP_FIRST: how much even rows of the frame before stand out between rows of this
 *   one, per pixel. This is idet's sum for a top field that comes first
 * @EFFVK_MEASURE_BOTTOM_FIRST: the same of odd rows
 * @EFFVK_MEASURE_LINES: how much rows stand out between their neighbours in this frame. This is
 *   idet's sum for progressive frames
 * @EFFVK_MEASURE_TOP_CHANGE: mean difference of even rows from the frame before, 0 to 255. It is
 *   near zero where only the bottom field is new
 * @EFFVK_MEASURE_BOTTOM_CHANGE: the same of odd rows
 * @EFFVK_MEASURE_BLOCKINESS: how much larger steps from pixel to pixel are at every 8th column or
 *   row than beside it, in shares of the mean step. The larger of both counts
 * @EFFVK_MEASURE_GRID_BLOCKINESS: the same of columns, at the distance from 6 to 32 that shows most
 * @EFFVK_MEASURE_GRID: that distance in pixels
 * @EFFVK_MEASURE_EDGE_WIDTH: mean width of edges along rows, in pixels. 1 is a sharp step. NaN
 *   where there are no edges
 * @EFFVK_MEASURE_DEAD_ROWS: rows of a single value between rows of several values; at most 16 such
 *   rows side by side count
 * @EFFVK_MEASURE_DEAD_COLUMNS: the same of columns
 * @EFFVK_MEASURE_BORDER_TOP: black rows above the picture; 0 where all is black
 * @EFFVK_MEASURE_BORDER_BOTTOM: black rows below it
 * @EFFVK_MEASURE_BORDER_LEFT: black columns left of it
 * @EFFVK_MEASURE_BORDER_RIGHT: black columns right of it
 * @EFFVK_MEASURE_COMBED: share of the frame where at least four rows below each other stand out
 *   between their neighbours, while rows of the same field are alike: two fields of different times
 * @EFFVK_MEASURE_BLOCK_EDGES: hard edges left and above of blocks of 16x16 pixels, less those
 *   inside of them, per block: what damage leaves
 *
 * What can be measured of a frame's luma. For planar RGB the green counts as luma, for other RGB
 * BT.601's luma. Measures that compare with the frame before are NaN for the first frame.
 *
 * Since: 0.2
 */
typedef enum
{
  EFFVK_MEASURE_LUMA_MEAN,
  EFFVK_MEASURE_LUMA_SPREAD,
  EFFVK_MEASURE_BLACK,
  EFFVK_MEASURE_WHITE,
  EFFVK_MEASURE_CHANGE,
  EFFVK_MEASURE_BLOCK_CHANGE,
  EFFVK_MEASURE_TOP_FIRST,
  EFFVK_MEASURE_BOTTOM_FIRST,
  EFFVK_MEASURE_LINES,
  EFFVK_MEASURE_TOP_CHANGE,
  EFFVK_MEASURE_BOTTOM_CHANGE,
  EFFVK_MEASURE_BLOCKINESS,
  EFFVK_MEASURE_GRID_BLOCKINESS,
  EFFVK_MEASURE_GRID,
  EFFVK_MEASURE_EDGE_WIDTH,
  EFFVK_MEASURE_DEAD_ROWS,
  EFFVK_MEASURE_DEAD_COLUMNS,
  EFFVK_MEASURE_BORDER_TOP,
  EFFVK_MEASURE_BORDER_BOTTOM,
  EFFVK_MEASURE_BORDER_LEFT,
  EFFVK_MEASURE_BORDER_RIGHT,
  EFFVK_MEASURE_COMBED,
  EFFVK_MEASURE_BLOCK_EDGES,
} EffvkMeasure;

EFFVK_API GType effvk_measure_get_type (void);
#define EFFVK_TYPE_MEASURE (effvk_measure_get_type ())

/**
 * EffvkMeasures:
 *
 * What was measured of a frame. Never changes: it may be read from any thread.
 *
 * Since: 0.2
 */
typedef struct _EffvkMeasures EffvkMeasures;

EFFVK_API GType effvk_measures_get_type (void);
#define EFFVK_TYPE_MEASURES (effvk_measures_get_type ())

/**
 * effvk_measures_copy:
 * @measures: measures
 *
 * Copies them.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 0.2
 */
EFFVK_API EffvkMeasures *effvk_measures_copy (const EffvkMeasures *measures);

/**
 * effvk_measures_free:
 * @measures: (transfer full): measures
 *
 * Frees them.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_measures_free (EffvkMeasures *measures);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkMeasures, effvk_measures_free)

/**
 * effvk_measures_get:
 * @measures: measures
 * @measure: which of them
 *
 * Gets one of them.
 *
 * Returns: its value; NaN where it has none
 *
 * Since: 0.2
 */
EFFVK_API double effvk_measures_get (const EffvkMeasures *measures, EffvkMeasure measure);

/**
 * effvk_measures_get_size_of_frame:
 * @measures: measures
 * @width: (out): pixels of a row
 * @height: (out): rows
 *
 * Gets the size of the frame that was measured.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_measures_get_size_of_frame (const EffvkMeasures *measures, guint *width,
                                                 guint *height);

/**
 * EffvkMeter:
 *
 * Measures the frames of one stream at full resolution, on a device. It finds what a network cannot
 * see in a small picture, and how a frame differs from the one before. Not thread-safe: only one
 * thread may use a meter at a time.
 *
 * Since: 0.2
 */
#define EFFVK_TYPE_METER (effvk_meter_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkMeter, effvk_meter, EFFVK, METER, GObject)

/**
 * effvk_meter_new:
 * @device: where it is to measure; a reference is taken
 *
 * Makes a meter for one stream.
 *
 * Returns: (transfer full): a meter that has seen no frame
 *
 * Since: 0.2
 */
EFFVK_API EffvkMeter *effvk_meter_new (EffvkDevice *device);

/**
 * effvk_meter_measure:
 * @meter: a meter
 * @image: the next frame, in the CPU's memory: [H,W] pixels of any format; all of it, whatever its
 *   crop
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Measures a frame and waits for the answer. A frame of another size or format than the one before
 * begins anew: measures that compare the two are NaN.
 *
 * Returns: (transfer full): the measures, or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API EffvkMeasures *effvk_meter_measure (EffvkMeter *meter, const EffvkImage *image,
                                              GError **error);

/**
 * effvk_meter_reset:
 * @meter: a meter
 *
 * Forgets the last frame, as at a cut in the stream.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_meter_reset (EffvkMeter *meter);

G_END_DECLS
