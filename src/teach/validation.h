/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "teach/examples.h"

#include <gio/gio.h>

/* What items that were not learned from are taken for: cross-validation. */
typedef struct
{
  guint n_items, n_classes;
  guint n_folds;
  guint *items;       /* that were tried; all where they are not too many */
  float *answers;     /* [items][classes], raw, by classifiers that have not seen the item */
  double l2;          /* the strength that did best */
  double temperature; /* answers are divided by it, so that they are as sure as they are right */
  double loss;        /* of what is so divided, in nats an item */
} EffvkValidation;

/* @tell: told a share from 0 to 1. */
typedef void (*EffvkValidationProgress) (double share, gpointer user_data);

EffvkValidation *effvk_validation_new (const EffvkExamples *examples, guint32 seed,
                                       EffvkValidationProgress tell, gpointer user_data,
                                       GCancellable *cancellable, GError **error);
void effvk_validation_free (EffvkValidation *validation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkValidation, effvk_validation_free)

/* Scores of the item at @i of items, calibrated. @scores has room for all classes. */
void effvk_validation_score (const EffvkValidation *validation, const EffvkExamples *examples,
                             guint i, double *scores);

/* A score that 95 of 100 items' best classes have at least. */
double effvk_validation_find_threshold (const EffvkValidation *validation,
                                        const EffvkExamples *examples);
