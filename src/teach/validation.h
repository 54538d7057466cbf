/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "teach/examples.h"

#include <gio/gio.h>

/* What items that were not learned from are taken for: cross-validation, or with many items one
 * part of them that is held out. */
typedef struct
{
  guint n_items, n_classes;
  guint n_folds;      /* 1: a part was held out */
  guint *items;       /* that were tried; all where they are not too many */
  float *answers;     /* [items][classes], raw, by classifiers that have not seen the item */
  double l2;          /* the strength that did best */
  double temperature; /* answers are divided by it, so that they are as sure as they are right */
  double loss;        /* of what is so divided, in nats an item */
  double *solution;   /* of all items but those held out, or NULL */
} EffvkValidation;

/* The strengths of regularisation that are tried, strongest first. */
#define EFFVK_VALIDATION_N_STRENGTHS 12
extern const double effvk_validation_strengths[EFFVK_VALIDATION_N_STRENGTHS];

/* The items of each class, each a GArray of guint, in an order by chance. Those of videos keep
 * their order: neighbours are nearly the same, and belong together. */
GPtrArray *effvk_validation_group (const EffvkExamples *examples, GRand *rand);

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
