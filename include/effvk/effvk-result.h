/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-meter.h>
#include <effvk/effvk-types.h>

G_BEGIN_DECLS

/**
 * EFFVK_CLASS_UNKNOWN:
 *
 * The index of no class: #EffvkSmoother says so where no class can be named. Its label is
 * "unknown".
 *
 * Since: 0.1
 */
#define EFFVK_CLASS_UNKNOWN ((guint) 4294967295)

/**
 * EffvkResult:
 *
 * The classes of one image, best first. Immutable and reference-counted; may be read from any
 * thread.
 *
 * Since: 0.1
 */
typedef struct _EffvkResult EffvkResult;

#define EFFVK_TYPE_RESULT (effvk_result_get_type ())
EFFVK_API GType effvk_result_get_type (void);

/**
 * effvk_result_ref:
 * @result: a result
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @result
 *
 * Since: 0.1
 */
EFFVK_API EffvkResult *effvk_result_ref (EffvkResult *result);

/**
 * effvk_result_unref:
 * @result: (transfer full): a result
 *
 * Drops a reference. The result is freed with the last one.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_result_unref (EffvkResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkResult, effvk_result_unref)

/**
 * effvk_result_get_n_classes:
 * @result: a result
 *
 * Counts the classes of the result.
 *
 * Returns: how many classes are reported: the smaller of the classifier's top-k and the model's
 * classes, or 0 when the network's answer was not finite
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_result_get_n_classes (EffvkResult *result);

/**
 * effvk_result_get_index:
 * @result: a result
 * @rank: 0 is the best
 *
 * Gets the index of a class.
 *
 * Returns: the class, from 0, or %EFFVK_CLASS_UNKNOWN
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_result_get_index (EffvkResult *result, guint rank);

/**
 * effvk_result_get_label:
 * @result: a result
 * @rank: 0 is the best
 *
 * Gets the label of a class.
 *
 * Returns: (transfer none): the class's label
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_result_get_label (EffvkResult *result, guint rank);

/**
 * effvk_result_get_score:
 * @result: a result
 * @rank: 0 is the best
 *
 * Gets the score of a class.
 *
 * Returns: the probability, 0 to 1; the raw answer with %EFFVK_OUTPUT_ACTIVATION_NONE
 *
 * Since: 0.1
 */
EFFVK_API float effvk_result_get_score (EffvkResult *result, guint rank);

/**
 * effvk_result_get_logits:
 * @result: a result
 * @n: (out): the number of logits
 *
 * Gets the network's raw answers.
 *
 * Returns: (transfer none) (array length=n) (nullable): the network's raw answer, one per class in
 *   the model's order. %NULL unless the classifier was made with #EffvkClassifierOptions:logits
 *
 * Since: 0.1
 */
EFFVK_API const float *effvk_result_get_logits (EffvkResult *result, guint *n);

/**
 * effvk_result_apply_unknown:
 * @result: a result
 * @threshold: the least score of the best class, for instance what
 *   effvk_model_get_unknown_threshold() says
 *
 * Says that a result is unknown where its best class is not sure enough. #EffvkSmoother does the
 * same for streams.
 *
 * Returns: (transfer full): @result where its best class scores @threshold at least, or where it
 *   has no classes. Otherwise a result with as many classes, whose first class is
 *   %EFFVK_CLASS_UNKNOWN. Its score is the probability that the best class is wrong. A heat map
 *   stays that of the network's best class
 *
 * Since: 0.2
 */
EFFVK_API EffvkResult *effvk_result_apply_unknown (EffvkResult *result, double threshold);

/**
 * effvk_result_get_embedding:
 * @result: a result
 * @n: (out): the number of features
 *
 * The embedding of an image: the network's features, averaged over the image's pixels, that the
 * classifier reads. Images that look alike to the network have embeddings that point in the same
 * direction. It does not depend on the model's classes.
 *
 * Returns: (transfer none) (array length=n) (nullable): [C] floats, as many as
 * effvk_model_get_embedding_size() says, when the classifier was made with
 * #EffvkClassifierOptions:embeddings; else %NULL. Valid as long as @result.
 *
 * Since: 0.2
 */
EFFVK_API const float *effvk_result_get_embedding (EffvkResult *result, guint *n);

/**
 * effvk_result_get_heatmap:
 * @result: a result
 * @width: (out): cells of a row
 * @height: (out): rows
 *
 * Tells where the network saw its best class. This is the class activation map: in each cell, the
 * head's activations times the classifier's row of that class. The cells' mean is the class's raw
 * answer less its bias. Cells above the mean speak for the class, cells below it against.
 *
 * Rows and columns lie as those of the image in memory, whatever its orientation.
 * effvk_result_get_heatmap_area() says which part of the image they cover. The class is the
 * network's best for this image alone, also in a result of an #EffvkSmoother.
 *
 * Returns: (transfer none) (nullable): [height,width] floats, when the classifier was made with
 * #EffvkClassifierOptions:heatmaps; else %NULL. Valid as long as @result.
 *
 * Since: 0.2
 */
EFFVK_API const float *effvk_result_get_heatmap (EffvkResult *result, guint *width, guint *height);

/**
 * effvk_result_get_heatmap_area:
 * @result: a result
 * @x: (out): the left edge
 * @y: (out): the upper edge
 * @width: (out): the width
 * @height: (out): the height
 *
 * Tells which part of the image, or of its crop or region, the heat map covers, in shares of its
 * size. A network that was trained on the middle of pictures sees less than all of it. One that was
 * trained with a border sees more. All are 0 without a heat map.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_result_get_heatmap_area (EffvkResult *result, double *x, double *y,
                                              double *width, double *height);

/**
 * effvk_result_get_measures:
 * @result: a result
 *
 * Gets what an #EffvkMeter measured of the frame.
 *
 * Returns: (transfer none) (nullable): the measures, in a result of effvk_signal_apply() whose
 *   frame was measured; else %NULL. Valid as long as @result
 *
 * Since: 0.2
 */
EFFVK_API const EffvkMeasures *effvk_result_get_measures (EffvkResult *result);

/**
 * effvk_result_get_gpu_time:
 * @result: a result
 *
 * Gets the time that the device worked.
 *
 * Returns: nanoseconds that the device worked on the submission that held this image (shared by the
 * images of a batch), or 0 where it has no timestamps
 *
 * Since: 0.1
 */
EFFVK_API guint64 effvk_result_get_gpu_time (EffvkResult *result);

/**
 * effvk_result_get_total_time:
 * @result: a result
 *
 * Gets the time that the image took.
 *
 * Returns: nanoseconds from the submit to the end of the collect
 *
 * Since: 0.1
 */
EFFVK_API guint64 effvk_result_get_total_time (EffvkResult *result);

G_END_DECLS
