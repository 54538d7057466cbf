/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-model.h>

G_BEGIN_DECLS

/**
 * EffvkClassFilter:
 *
 * Says which classes of a model count, and from which score on. It works before the best classes
 * are chosen. Where the network's best class does not count, the best class that counts takes its
 * place. Scores stay those of the network. Give the filter to effvk_smoother_set_filter().
 *
 * Immutable; may be used from any thread.
 *
 * Since: 0.2
 */
#define EFFVK_TYPE_CLASS_FILTER (effvk_class_filter_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkClassFilter, effvk_class_filter, EFFVK, CLASS_FILTER, GObject)

/**
 * effvk_class_filter_new:
 * @model: the model whose classes are meant; a reference is taken
 * @allow: (nullable): only these classes count; %NULL or empty: all
 * @deny: (nullable): these classes do not count, even if @allow names them; %NULL or empty: none
 * @thresholds: (nullable): the least scores of classes, such as `cat=0.4,dog=0.7`; %NULL or empty:
 *   none
 * @error: return location of a #GError in the %EFFVK_MODEL_ERROR domain
 *
 * Makes a filter. Commas separate the entries of the lists. An entry is a label of the model. Where
 * no label matches, it is the index of a class. When several classes have the label, it means all
 * of them. A comma that belongs to a label is written `\,`.
 *
 * Fails with %EFFVK_MODEL_ERROR_LABELS in three cases: the model does not have a class of the
 * lists, a threshold is not a number, or no class is left.
 *
 * Returns: (transfer full): the filter, or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API EffvkClassFilter *effvk_class_filter_new (EffvkModel *model, const char *allow,
                                                    const char *deny, const char *thresholds,
                                                    GError **error);

/**
 * effvk_class_filter_get_model:
 * @filter: a filter
 *
 * Gets the model that the filter was made for.
 *
 * Returns: (transfer none): the model
 *
 * Since: 0.2
 */
EFFVK_API EffvkModel *effvk_class_filter_get_model (EffvkClassFilter *filter);

/**
 * effvk_class_filter_passes:
 * @filter: a filter
 * @index: a class, from 0
 * @score: its score
 *
 * Checks whether a class counts with this score. A @score of `INFINITY` checks whether the class
 * counts at all.
 *
 * Returns: %TRUE where it counts; %FALSE also for a class that the model does not have
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_class_filter_passes (EffvkClassFilter *filter, guint index, double score);

G_END_DECLS
