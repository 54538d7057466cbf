/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "teach/examples.h"

#include <gio/gio.h>

/* Logistic regression: multinomial, or one for each class where an item may have several. A
 * solution is [classes][columns + 1] numbers, the last of a row its bias. */
typedef struct
{
  const EffvkExamples *examples;
  const guint *items; /* to learn from */
  guint n_items;
  double l2;         /* strength of the regularisation, of half the squared weights */
  gboolean parallel; /* on all processors; the result is the same */
} EffvkLogistic;

/* A solution of zeros. */
double *effvk_logistic_new_solution (const EffvkExamples *examples);
void effvk_logistic_free_solution (double *solution);

/* Fits @solution, from what it is. FALSE with @error set when it was cancelled, or when effvk was
 * built without a solver. */
gboolean effvk_logistic_fit (const EffvkLogistic *logistic, double *solution,
                             GCancellable *cancellable, GError **error);

/* What a solution says of an item's first view: [classes] raw answers. */
void effvk_logistic_apply (const EffvkExamples *examples, const double *solution, guint item,
                           float *answers);
