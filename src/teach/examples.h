/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "teach/embeddings.h"
#include "teach/reduce.h"

/* What a classifier is fitted to: embeddings with their classes as numbers. Features are seen as
 * scale * (feature - mean), which gives them an average square length of 1, so that the strength of
 * a regularisation means the same for every network. Where there are few, the rows that are fitted
 * have fewer columns than features. */
typedef struct
{
  EffvkEmbeddings *embeddings; /* not owned */
  guint n_items, n_classes;
  GPtrArray *labels; /* of the classes, sorted */
  guint *counts;     /* items of each class */
  guint *classes;    /* of each item; the first where it has several */
  guint8 *truths;    /* [items][classes] with several classes an item; NULL: with one each */
  double *weights;   /* of a class's items: rare classes count as much as others */
  double *weights_of_others; /* with several classes an item: of the items without it */

  double *mean; /* of the features */
  double scale;
  EffvkReduction *reduction; /* NULL: there are more rows than features */
  float *reduced;            /* with a reduction: the rows */

  const float *rows; /* that are fitted, as many as there are embeddings, [n_columns] each */
  guint n_columns;
  const double *centre; /* what is to be taken off them, */
  double stretch;       /* and what they are to be multiplied by */
} EffvkExamples;

/* NULL with @error set where there is too little to learn from, or a label that cannot be one. */
EffvkExamples *effvk_examples_new (EffvkEmbeddings *embeddings, gboolean several, GError **error);
void effvk_examples_free (EffvkExamples *examples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkExamples, effvk_examples_free)

/* A classifier of rows, [columns] weights, becomes one of scale * (features - mean), [features]. */
void effvk_examples_expand (const EffvkExamples *examples, const double *weights, double *features);

/* Whether @item shows @class. */
static inline gboolean
effvk_examples_is (const EffvkExamples *examples, guint item, guint class)
{
  return examples->truths ? examples->truths[(gsize) item * examples->n_classes + class]
                          : examples->classes[item] == class;
}
