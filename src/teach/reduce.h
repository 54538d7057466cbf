/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Fewer rows than features span a space of as many dimensions as there are rows. What is fitted
 * there, with squared weights for a penalty, is what would be fitted over all features. */
typedef struct
{
  guint n_rows, n_features, rank;
  guint *pivots; /* [rank]: rows that span the space */
  double *lower; /* [n_rows][rank]: the rows in it, over an orthonormal basis */
} EffvkReduction;

/* Of scale * (row - mean). */
EffvkReduction *effvk_reduction_new (const float *rows, guint n_rows, guint n_features,
                                     const double *mean, double scale);
void effvk_reduction_free (EffvkReduction *reduction);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkReduction, effvk_reduction_free)

/* Weights over the basis, [rank], become weights over scale * (features - mean). */
void effvk_reduction_expand (const EffvkReduction *reduction, const float *rows, const double *mean,
                             double scale, const double *reduced, double *weights);
