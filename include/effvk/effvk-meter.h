/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-device.h>
#include <effvk/effvk-image.h>

G_BEGIN_DECLS

/**
 * EffvkMeasure:
 * @EFFVK_MEASURE_LUMA_MEAN: mean of the luma, 0 to 255
 * @EFFVK_MEASURE_LUMA_SPREAD: its standard deviation
 * @EFFVK_MEASURE_BLACK: share of pixels in the lowest tenth of the range, as blackdetect has it
 * @EFFVK_MEASURE_WHITE: share of pixels in the highest tenth
 * @EFFVK_MEASURE_CHANGE: mean difference to the frame before, in shares of 255, as freezedetect has
 *   it
 * @EFFVK_MEASURE_BLOCK_CHANGE: the largest of blocks of 16x16 pixels
 * @EFFVK_MEASURE_TOP_FIRST: how rows of the frame before stand out between rows of this one, where
 *   they are even, per pixel; as idet's sum for a top field that is first
 * @EFFVK_MEASURE_BOTTOM_FIRST: the same where they are odd
 * @EFFVK_MEASURE_LINES: how rows stand out between their neighbours in this frame: idet's
 *   sum for progressive frames
 * @EFFVK_MEASURE_TOP_CHANGE: mean difference to the frame before, of even rows, 0 to 255; near zero
 *   where only the bottom field is new
 * @EFFVK_MEASURE_BOTTOM_CHANGE: the same of odd rows
 * @EFFVK_MEASURE_BLOCKINESS: by how much steps from pixel to pixel are larger at every 8th column
 *   or row than beside it, in shares of the mean step; the larger of both
 * @EFFVK_MEASURE_GRID_BLOCKINESS: the same at columns of any distance from 6 to 32
 * @EFFVK_MEASURE_GRID: that distance, pixels
 * @EFFVK_MEASURE_EDGE_WIDTH: mean width of edges along rows, pixels: 1 is a sharp step; NaN where
 *   there are no edges
 * @EFFVK_MEASURE_DEAD_ROWS: rows of one value between rows that have more, up to 16 beside each
 *   other
 * @EFFVK_MEASURE_DEAD_COLUMNS: such columns
 * @EFFVK_MEASURE_BORDER_TOP: black rows above the picture; 0 where all is black
 * @EFFVK_MEASURE_BORDER_BOTTOM: black rows below it
 * @EFFVK_MEASURE_BORDER_LEFT: black columns left of it
 * @EFFVK_MEASURE_BORDER_RIGHT: black columns right of it
 *
 * What can be measured of a frame's luma. Of planar RGB it is the green, of other RGB BT.601's
 * luma. What compares with the frame before is NaN for the first one.
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
 * EffvkMeter:
 *
 * Measures the frames of one stream at full resolution, on a device: what a network that sees a
 * small picture cannot, and how a frame differs from the one before. Not thread-safe: one meter is
 * used by one thread at a time.
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
 * Measures a frame and waits for the answer. Frames of another size or format than the one before
 * begin anew: what compares them is NaN.
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
