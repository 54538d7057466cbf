/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/image.h"
#include "model/recipe.h"

/* How one axis of the recipe maps the network's pixels to the picture's: output pixel i has its centre at
 * origin + (i + 0.5) * step, in samples from the frame's edge. */
typedef struct
{
  double origin, step;
  guint first, end; /* the picture's samples; no tap lies outside */
  guint n;          /* output pixels */
} EffvkAxis;

/* The recipe's geometry: torchvision's Resize (shorter side, longer one rounded down) and CenterCrop (offset
 * rounded half to even), or a plain resize of both sides. */
void effvk_axes_init (EffvkAxis *x, EffvkAxis *y, const EffvkFrameLayout *layout,
                      const EffvkRecipe *recipe);

/* The same axis in a plane that is subsampled by 1 << @shift; @cosited: its samples lie on luma samples
 * rather than between them. */
EffvkAxis effvk_axis_subsample (const EffvkAxis *axis, guint shift, gboolean cosited);

/* Appends the taps of every output pixel to @table (of float), in texels of four:
 *
 *   n texels (first tap's sample, number of taps, texel of the first weight, 0)
 *   then the weights, each pixel's rounded up to whole texels with zeros
 *
 * Weights are PIL's and torchvision's: the filter is widened by the scale when shrinking with antialias,
 * taps beyond the picture are dropped, the rest sum to 1. Returns the table's first texel;
 * @low and @high receive the samples that are read, @high not included. */
guint effvk_taps_append (GArray *table, const EffvkAxis *axis, EffvkInterpolation interpolation,
                         gboolean antialias, guint *low, guint *high);
