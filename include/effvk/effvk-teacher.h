/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-device.h>
#include <effvk/effvk-embeddings.h>
#include <effvk/effvk-image.h>
#include <effvk/effvk-model.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * EffvkTeacherError:
 * @EFFVK_TEACHER_ERROR_TOO_FEW: too few pictures or classes, or too many classes
 * @EFFVK_TEACHER_ERROR_LABEL: a label that cannot be one, or another number of labels than expected
 * @EFFVK_TEACHER_ERROR_MISMATCH: the embeddings are of another network
 * @EFFVK_TEACHER_ERROR_NOT_BUILT_IN: effvk was built without liblbfgs
 * @EFFVK_TEACHER_ERROR_FAILED: the network's answer to a picture was not finite
 *
 * What can go wrong when a model is taught.
 *
 * Since: 0.2
 */
typedef enum
{
  EFFVK_TEACHER_ERROR_TOO_FEW,
  EFFVK_TEACHER_ERROR_LABEL,
  EFFVK_TEACHER_ERROR_MISMATCH,
  EFFVK_TEACHER_ERROR_NOT_BUILT_IN,
  EFFVK_TEACHER_ERROR_FAILED,
} EffvkTeacherError;

EFFVK_API GType effvk_teacher_error_get_type (void);
#define EFFVK_TYPE_TEACHER_ERROR (effvk_teacher_error_get_type ())

#define EFFVK_TEACHER_ERROR (effvk_teacher_error_quark ())
/**
 * effvk_teacher_error_quark:
 *
 * Gets the domain of the errors of teaching.
 *
 * Returns: the domain of teaching's errors
 *
 * Since: 0.2
 */
EFFVK_API GQuark effvk_teacher_error_quark (void);

/**
 * EffvkTeacher:
 *
 * Teaches a model new classes by a few pictures. The device computes the network's features of the
 * pictures, their embeddings. The CPU fits a new classifier to them, in seconds. The network
 * itself, the backbone, stays as it is.
 *
 * The classifier is a logistic regression, fitted by L-BFGS. How strongly it is regularised, how
 * sure its scores are, and how good it is, is found by cross-validation. The same pictures, in the
 * same order, and the same seed make the same model.
 *
 * Not thread-safe: one thread at a time uses a teacher.
 *
 * Since: 0.2
 */
#define EFFVK_TYPE_TEACHER (effvk_teacher_get_type ())
EFFVK_API G_DECLARE_FINAL_TYPE (EffvkTeacher, effvk_teacher, EFFVK, TEACHER, GObject)

    /**
 * EffvkTeacherProgress:
 * @share: how much of the work is done, 0 to 1
 * @user_data: what was given to effvk_teacher_fit()
 *
 * Tells how far a fit is. Called from threads of the fit, from several at once.
 *
 * Since: 0.2
 */
    typedef void (*EffvkTeacherProgress) (double share, gpointer user_data);

/**
 * effvk_teacher_is_built_in:
 *
 * Tells whether this effvk can teach.
 *
 * Returns: whether this effvk can fit: it was built with liblbfgs
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_teacher_is_built_in (void);

/**
 * effvk_teacher_new:
 * @device: (nullable): where pictures are looked at; %NULL: embeddings alone are added
 * @backbone: the network, whatever classes it has
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR or %EFFVK_MODEL_ERROR domain
 *
 * Makes a teacher. With a device this builds the network, as effvk_classifier_new() does.
 *
 * Returns: (transfer full): a teacher that knows no picture, or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API EffvkTeacher *effvk_teacher_new (EffvkDevice *device, EffvkModel *backbone,
                                           GError **error);

/**
 * effvk_teacher_set_multi_label:
 * @teacher: a teacher
 * @multi_label: whether a picture may show any number of classes, none among them; otherwise (the
 *   default) it shows one
 *
 * Chooses whether a picture may show several classes.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_teacher_set_multi_label (EffvkTeacher *teacher, gboolean multi_label);

/**
 * effvk_teacher_set_n_views:
 * @teacher: a teacher
 * @n_views: how often each picture is looked at, 1 to 16; 4 by default. The first view is the
 *   picture as it is, the second is mirrored. The others are crops, and every other one is mirrored
 *
 * Where left and right matter ("arrow left", "arrow right") this has to be 1.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_teacher_set_n_views (EffvkTeacher *teacher, guint n_views);

/**
 * effvk_teacher_set_seed:
 * @teacher: a teacher
 * @seed: chooses the crops and how pictures are dealt out for cross-validation; 0 by default
 *
 * Chooses what is left to chance.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_teacher_set_seed (EffvkTeacher *teacher, guint32 seed);

/**
 * effvk_teacher_add:
 * @teacher: a teacher with a device
 * @image: a picture
 * @label: what it shows
 * @error: return location of a #GError in the %EFFVK_TEACHER_ERROR, %EFFVK_CLASSIFIER_ERROR or
 *   %EFFVK_DEVICE_ERROR domain
 *
 * Looks at a picture and remembers its embeddings. The picture itself is not kept.
 *
 * Returns: whether it was added; on failure nothing changed
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_teacher_add (EffvkTeacher *teacher, const EffvkImage *image,
                                      const char *label, GError **error);

/**
 * effvk_teacher_add_example:
 * @teacher: a teacher with a device
 * @image: a picture
 * @source: what to call it in reports, for instance its file
 * @time: ns from the source's beginning, or -1 where it is a still picture
 * @labels: (array zero-terminated=1): what it shows
 * @error: return location of a #GError in the %EFFVK_TEACHER_ERROR, %EFFVK_CLASSIFIER_ERROR or
 *   %EFFVK_DEVICE_ERROR domain
 *
 * As effvk_teacher_add(), with what to call the picture, and with any number of labels.
 *
 * Returns: whether it was added; on failure nothing changed
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_teacher_add_example (EffvkTeacher *teacher, const EffvkImage *image,
                                              const char *source, gint64 time,
                                              const char *const *labels, GError **error);

/**
 * effvk_teacher_add_embeddings:
 * @teacher: a teacher
 * @embeddings: embeddings of the teacher's backbone, with labels
 * @error: return location of a #GError in the %EFFVK_TEACHER_ERROR domain
 *
 * Adds pictures that were looked at before.
 *
 * Returns: whether they were added; on failure nothing changed
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_teacher_add_embeddings (EffvkTeacher *teacher, EffvkEmbeddings *embeddings,
                                                 GError **error);

/**
 * effvk_teacher_get_embeddings:
 * @teacher: a teacher
 *
 * Gets what a teacher knows.
 *
 * Returns: (transfer none): all that was added
 *
 * Since: 0.2
 */
EFFVK_API EffvkEmbeddings *effvk_teacher_get_embeddings (EffvkTeacher *teacher);

/**
 * effvk_teacher_fit:
 * @teacher: a teacher
 * @cancellable: (nullable): ends the fit, with %G_IO_ERROR_CANCELLED
 * @progress: (nullable) (scope call): told how far it is
 * @user_data: for @progress
 * @error: return location of a #GError in the %EFFVK_TEACHER_ERROR, %EFFVK_MODEL_ERROR or
 *   %G_IO_ERROR domain
 *
 * Makes a model of the backbone's weights and a new classifier of what was added. Its classes are
 * the labels, sorted. Every class needs two pictures at least. Classes weigh the same, however many
 * pictures each has.
 *
 * The model has an unknown-threshold (effvk_model_get_unknown_threshold()). At least 95 % of
 * pictures like those that it was taught with score more. effvk_model_get_teaching() tells how it
 * was taught:
 *
 * - "pictures", and "classes": the pictures of each
 * - "accuracy", "accuracy_interval" (95 %): by cross-validation
 * - "log_loss", "temperature", "l2", "views", "folds", "seed"
 *
 * effvk_model_save() keeps all of that. More pictures may be added afterwards, and another model be
 * made.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API EffvkModel *effvk_teacher_fit (EffvkTeacher *teacher, GCancellable *cancellable,
                                         EffvkTeacherProgress progress, gpointer user_data,
                                         GError **error);

/**
 * effvk_teacher_get_report:
 * @teacher: a teacher that made a model
 *
 * Tells what cross-validation found, as a dictionary:
 *
 * - "classes" (as): the labels; "counts" (au): pictures of each
 * - "tried" (u): pictures that were tried, all unless they are too many
 * - "accuracy" (d): the share whose best class, or all of whose classes, are right
 * - "accuracy-interval" ((dd)): 95 %, by Wilson
 * - "precision", "recall" (ad): of each class; NaN where nothing was found or tried
 * - "confusion" (aau): for each class, what its pictures were taken for; empty for multi-label
 * - "offenders" (a(ussdd)): the ten items that are most likely mislabelled or misleading. Each has
 *   the item of the embeddings, its label, what it is taken for, and both scores
 * - "duplicates" (a(uud)): pairs of items of different classes that are nearly the same. Each has
 *   the cosine of the angle between the two as seen from the mean of all
 * - "log-loss", "temperature", "l2", "unknown-threshold" (d)
 * - "folds" (u): of cross-validation; 1 where a part of very many pictures was held out instead
 *
 * Returns: (transfer full) (nullable): a #GVariant of type a{sv}, or %NULL before the first fit
 *
 * Since: 0.2
 */
EFFVK_API GVariant *effvk_teacher_get_report (EffvkTeacher *teacher);

/**
 * effvk_teacher_save:
 * @teacher: a teacher
 * @model: what it was taught
 * @path: (type filename): where to write the model, as effvk_model_save() does
 * @error: return location of a #GError in the %G_IO_ERROR domain
 *
 * Writes a model, and beside it the embeddings that it was taught with, so that more can be added
 * later: see effvk_teacher_get_embeddings_path(). Either both files appear, whole, or none of them
 * does, and what was there before stays.
 *
 * Returns: whether the files were written
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_teacher_save (EffvkTeacher *teacher, EffvkModel *model, const char *path,
                                       GError **error);

/**
 * effvk_teacher_get_embeddings_path:
 * @model_path: (type filename): the file of a model, "a.safetensors"
 *
 * Says where effvk_teacher_save() keeps the embeddings that a model was taught with.
 *
 * Returns: (transfer full) (type filename): "a.embeddings.safetensors"
 *
 * Since: 0.2
 */
EFFVK_API char *effvk_teacher_get_embeddings_path (const char *model_path);

G_END_DECLS
