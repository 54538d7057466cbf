/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-class-filter.h>
#include <effvk/effvk-model.h>
#include <effvk/effvk-result.h>

G_BEGIN_DECLS

/**
 * EffvkSmoother:
 *
 * Makes steady answers of the results of a stream, or of an object that is tracked through one. It
 * works in this order:
 *
 * 1. It averages the network's raw answers over time, exponentially (effvk_smoother_set_weight(),
 *    effvk_smoother_set_time_constant()), and makes scores of the averages.
 * 2. Classes that effvk_smoother_set_filter() leaves out do not count.
 * 3. The *label* is the best class. Another class replaces it only when it is better by
 *    effvk_smoother_set_hysteresis().
 * 4. The label is %EFFVK_CLASS_UNKNOWN in three cases: its score is too low, the two best are too
 *    near to each other (effvk_smoother_set_unknown()), or no class counts.
 * 5. A new label has to hold without a break for effvk_smoother_set_hold() before it replaces the
 *    old one. The first label counts at once.
 *
 * A new smoother does none of this until it is told to. Settings may be changed between two
 * results. Not thread-safe: one thread at a time uses a smoother.
 *
 * Since: 0.1
 */
#define EFFVK_TYPE_SMOOTHER (effvk_smoother_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkSmoother, effvk_smoother, EFFVK, SMOOTHER, GObject)

/**
 * effvk_smoother_new:
 * @model: the model that the results come from; a reference is taken
 * @activation: what makes scores of the averages: what the classifier was made with
 *
 * Makes a smoother for the results of one stream or of one object.
 *
 * Returns: (transfer full): a smoother that has seen nothing
 *
 * Since: 0.1
 */
EFFVK_API EffvkSmoother *effvk_smoother_new (EffvkModel *model, EffvkOutputActivation activation);

/**
 * effvk_smoother_get_model:
 * @smoother: a smoother
 *
 * Gets the model that the smoother was made for.
 *
 * Returns: (transfer none): the model that it was made for
 *
 * Since: 0.1
 */
EFFVK_API EffvkModel *effvk_smoother_get_model (EffvkSmoother *smoother);

/**
 * effvk_smoother_set_weight:
 * @smoother: a smoother
 * @weight: the share of the past in every average, 0 (none, the default) to below 1, whatever time
 *   has passed between two results
 *
 * Averages the answers from result to result.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_smoother_set_weight (EffvkSmoother *smoother, double weight);

/**
 * effvk_smoother_set_time_constant:
 * @smoother: a smoother
 * @time_constant: nanoseconds after which the past's share in the average is 1/e; 0 (the default):
 *   effvk_smoother_set_weight() counts instead
 *
 * Averages the answers by time.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_smoother_set_time_constant (EffvkSmoother *smoother, guint64 time_constant);

/**
 * effvk_smoother_set_hysteresis:
 * @smoother: a smoother
 * @hysteresis: a difference of scores; 0 by default. Another class replaces the label when its
 *   score is higher by that much. An unknown ends when it rises that far above the limits of
 *   effvk_smoother_set_unknown()
 *
 * Sets how much better another class must be before it becomes the label.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_smoother_set_hysteresis (EffvkSmoother *smoother, double hysteresis);

/**
 * effvk_smoother_set_hold:
 * @smoother: a smoother
 * @hold: nanoseconds that another label has to be found without a break before it becomes the
 *   label; 0 by default
 *
 * Sets how long another class must be the best before it becomes the label.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_smoother_set_hold (EffvkSmoother *smoother, guint64 hold);

/**
 * effvk_smoother_set_unknown:
 * @smoother: a smoother
 * @threshold: a label whose score is lower is unknown; 0 (the default): never
 * @margin: the label is unknown where the scores of the two best classes differ by less; 0 (the
 *   default): never
 *
 * Sets when the label is unknown.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_smoother_set_unknown (EffvkSmoother *smoother, double threshold,
                                           double margin);

/**
 * effvk_smoother_set_filter:
 * @smoother: a smoother
 * @filter: (nullable): which classes count, of the smoother's model; a reference is taken. %NULL
 *   (the default): all of them
 *
 * Leaves classes out before the best ones are chosen. A label that does not count any more is left
 * at the next result, whatever effvk_smoother_set_hysteresis() and effvk_smoother_set_hold() say.
 * To filter the results of single images, call effvk_smoother_reset() before each.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_smoother_set_filter (EffvkSmoother *smoother, EffvkClassFilter *filter);

/**
 * effvk_smoother_add:
 * @smoother: a smoother
 * @result: the next result, of a classifier made with #EffvkClassifierOptions:logits
 * @time: when its frame is shown, in nanoseconds of a clock of the caller's. Where it falls back,
 *   as when a camera starts again, the smoother goes on as if as much time had passed as between
 *   the results before. So it does where time leaps (by a second or more, and ten times as far as
 *   before) or stands still for more than four results. For another place in the stream call
 *   effvk_smoother_reset()
 * @changed: (out) (optional): whether the label is another than before, or the first
 *
 * Adds a result. The answer has as many classes as @result, or fewer where fewer count: first the
 * label, then the others, best first. Where the label is unknown, its score is the probability that
 * the best class is wrong: 1 less that class's score. With %EFFVK_OUTPUT_ACTIVATION_NONE it is 0,
 * because scores are not probabilities. The logits are the averages, the times are those of
 * @result. The heat map is left out where its class does not count.
 *
 * A result without classes, of an answer that was not finite, changes nothing and comes back as it
 * is.
 *
 * Returns: (transfer full) (nullable): the answer, or %NULL when @result has no logits, or not
 * those of the smoother's model
 *
 * Since: 0.1
 */
EFFVK_API EffvkResult *effvk_smoother_add (EffvkSmoother *smoother, EffvkResult *result,
                                           guint64 time, gboolean *changed);

/**
 * effvk_smoother_reset:
 * @smoother: a smoother
 *
 * Forgets all results, but no settings.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_smoother_reset (EffvkSmoother *smoother);

G_END_DECLS
