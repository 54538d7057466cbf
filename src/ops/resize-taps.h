/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"
#include "model/recipe.h"

/* How one axis of the frame, as it lies in memory, maps the network's pixels to its own: output
 * pixel i has its centre at origin + (i + 0.5) * step, in samples from the frame's edge. */
typedef struct
{
  double origin, step;
  guint first, end;         /* the picture's samples; no tap lies outside */
  guint n;                  /* output pixels */
  guint inside, inside_end; /* the output pixels that show the picture, the others are a border */
} EffvkAxis;

/* Whether the network's columns are rows of the frame, and whether its first pixel comes from the
 * end of the frame's axis. */
typedef struct
{
  gboolean turned, mirrored_x, mirrored_y;
} EffvkTurn;

EffvkTurn effvk_turn_from_orientation (EffvkOrientation orientation);

/* The recipe's geometry, of the picture as it is shown: torchvision's Resize (shorter side, longer
 * one rounded down) and CenterCrop (offset rounded half to even), a plain resize of both sides, or
 * timm's border. Outputs of a mirrored axis are in the frame's order, too. */
void effvk_axes_init (EffvkAxis *x, EffvkAxis *y, const EffvkFrameLayout *layout,
                      const EffvkRecipe *recipe);

/* The filter of one axis in one plane: output i is the sum over t < count of
 * weights[i * count + t] * sample[min (first[i] + t, high - 1)]. */
typedef struct
{
  guint n, count;
  guint low, high; /* the samples that are read, high not included */
  guint *first;
  float *weights;
} EffvkTaps;

/* Weights as PIL's and torchvision's: the filter is widened by the scale when shrinking with
 * antialias, taps beyond the picture are dropped, the rest sum to 1. */
void effvk_taps_init (EffvkTaps *taps, const EffvkAxis *axis, EffvkInterpolation interpolation,
                      gboolean antialias);

/* The same outputs from a plane that is subsampled by 1 << @shift, as if it were brought to full
 * size bilinearly first, as decoders do: each tap of @full becomes two. @cosited: the plane's
 * samples lie on luma samples rather than between them. */
void effvk_taps_init_subsampled (EffvkTaps *taps, const EffvkTaps *full, const EffvkAxis *axis,
                                 guint shift, gboolean cosited);

/* The same outputs from the bytes of @samples' row: @step bytes from a sample to the next, of which
 * the first two have these weights. Filtering is linear, so a sample of two bytes needs no more. */
void effvk_taps_init_bytes (EffvkTaps *taps, const EffvkTaps *samples, guint step,
                            const float weights[2]);

/* As many outputs, each the sample of its number. */
void effvk_taps_make_same (EffvkTaps *taps);
void effvk_taps_clear (EffvkTaps *taps);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkTaps, effvk_taps_clear)

/* A table in a GArray of float, seen by a shader as texels of four: its first texel, how many taps
 * an output (or a group of outputs) has. */
typedef struct
{
  guint at, count;
} EffvkTapTable;

/* As many or fewer taps of a pair are filtered by a shader of their own, in which no loop is
   left. */
#define EFFVK_TAPS_WITHOUT_LOOP 16

/* For outputs in pairs that share their samples, an even number of pairs. Pair p begins at texel
 * at + p * (1 + count / 2): (first sample, -, -, -), then per two samples the first one's weights
 * for both outputs and the second one's, over 255. count is a multiple of four. */
EffvkTapTable effvk_taps_append_paired (GArray *table, const EffvkTaps *taps);

/* For single outputs, over all bytes of samples of @step bytes, in the frame's texels of 16. Output
 * i has texels at + i * (1 + count * 4): (first texel, -, -, -), then a weight for each byte of
 * count texels, a multiple of three. */
EffvkTapTable effvk_taps_append_bytes (GArray *table, const EffvkTaps *taps, guint step);

/* For single outputs. Output i has texels at + i + k * n: for k = 0 (first sample, -, -, -), then
 * four taps' weights each. count is a multiple of four. */
EffvkTapTable effvk_taps_append_single (GArray *table, const EffvkTaps *taps);
