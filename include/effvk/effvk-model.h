/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-types.h>

G_BEGIN_DECLS

/**
 * EffvkModelError:
 * @EFFVK_MODEL_ERROR_READ: the file is missing, not a regular file, or cannot be read
 * @EFFVK_MODEL_ERROR_INVALID: the file is damaged or malformed
 * @EFFVK_MODEL_ERROR_UNSUPPORTED: the file is sound, but not an EfficientNet that effvk can run
 * @EFFVK_MODEL_ERROR_LABELS: the labels file is unreadable or does not match the model
 *
 * Failures to read, check, label or save a model.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_MODEL_ERROR_READ,
  EFFVK_MODEL_ERROR_INVALID,
  EFFVK_MODEL_ERROR_UNSUPPORTED,
  EFFVK_MODEL_ERROR_LABELS,
} EffvkModelError;

EFFVK_API GType effvk_model_error_get_type (void);
#define EFFVK_TYPE_MODEL_ERROR (effvk_model_error_get_type ())

#define EFFVK_MODEL_ERROR (effvk_model_error_quark ())

/**
 * effvk_model_error_quark:
 *
 * Gets the domain of errors of models, %EFFVK_MODEL_ERROR.
 *
 * Returns: the quark of the domain
 *
 * Since: 0.1
 */
EFFVK_API GQuark effvk_model_error_quark (void);

/**
 * EffvkModel:
 *
 * A trained EfficientNet: its architecture, weights, preprocessing recipe and labels.
 * It is immutable once made, but for effvk_model_load_labels(); all other functions may be called
 * from any thread.
 *
 * Since: 0.1
 */
#define EFFVK_TYPE_MODEL (effvk_model_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkModel, effvk_model, EFFVK, MODEL, GObject)

/**
 * effvk_model_new_from_file:
 * @path: (type filename) (nullable): a safetensors, ONNX or TFLite file, or a directory that holds
 *   "model.safetensors"; %NULL: the default model
 * @error: return location of a #GError in the %EFFVK_MODEL_ERROR domain
 *
 * Reads and checks a model: its header, every tensor's shape and every weight (NaN and infinite
 * weights are refused). The file is read whole and not needed afterwards.
 *
 * Tensors do not say everything: preprocessing, padding, batch norm's epsilon and labels come from
 * the file's metadata, or else from a "config.json" of timm's form beside it. Where neither says
 * them, they are those of the training that the tensors' names imply. effvk_model_inspect() tells
 * the source of each.
 *
 * The default model is the file that the environment variable EFFVK_MODEL names. Without it, it is
 * the model that comes with effvk, which tells the state of a video signal ("picture", "black",
 * "color-bars", "noise", …).
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkModel *effvk_model_new_from_file (const char *path, GError **error);

/**
 * effvk_model_new_with_overrides:
 * @path: (type filename) (nullable): as effvk_model_new_from_file()
 * @overrides: (nullable): a JSON object that overrides the model's own metadata
 * @error: return location of a #GError in the %EFFVK_MODEL_ERROR domain
 *
 * Reads a model as effvk_model_new_from_file() does. @overrides may have these keys of timm's
 * pretrained_cfg: "input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode",
 * "label_names". These are effvk's own:
 *
 * - "resize_size", "antialias", "bn_eps"
 * - "padding": "symmetric", "same"
 * - "activation": "silu", "relu6", "relu"
 * - "output_activation": "softmax", "sigmoid", "none"
 * - "output": the output with the classes, where an ONNX or TFLite graph has several
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkModel *effvk_model_new_with_overrides (const char *path, const char *overrides,
                                                      GError **error);

/**
 * effvk_model_new_from_bytes:
 * @bytes: the contents of a safetensors, ONNX or TFLite file; a reference is taken
 *   while the model lives
 * @error: return location of a #GError in the %EFFVK_MODEL_ERROR domain
 *
 * Reads and checks a model that is in memory, as effvk_model_new_from_file() does.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkModel *effvk_model_new_from_bytes (GBytes *bytes, GError **error);

/**
 * effvk_model_new_random:
 * @variant: a member of the family: "b0" to "b8", "l2", "lite0" to "lite4", "v2-b0" to "v2-b3",
 *   "v2-s", "v2-m", "v2-l", "v2-xl", EdgeTPU's "es", "em", "el", or "phi=1.7"
 * @n_classes: the number of classes, at least 1
 * @seed: the same seed makes the same weights
 * @error: return location of a #GError in the %EFFVK_MODEL_ERROR domain
 *
 * Makes an untrained model whose activations have sane statistics, for tests and benchmarks.
 *
 * Returns: (transfer full): the model, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkModel *effvk_model_new_random (const char *variant, guint n_classes, guint32 seed,
                                              GError **error);

/**
 * effvk_model_save:
 * @model: a model
 * @path: (type filename): where to write
 * @error: return location of a #GError in the %G_IO_ERROR domain
 *
 * Writes the model as one safetensors file, float32, with torchvision's tensor names and the recipe
 * in the header. An existing file is replaced atomically. A symlink is followed: the file that it
 * leads to is replaced. What exists and is no regular file is refused.
 *
 * Returns: whether the file was written
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_model_save (EffvkModel *model, const char *path, GError **error);

/**
 * effvk_model_save_onnx:
 * @model: a model
 * @path: (type filename): where to write
 * @error: return location of a #GError in the %EFFVK_MODEL_ERROR or %G_IO_ERROR domain
 *
 * Writes the network as an ONNX file. It takes normalised images [N,C,H,W] of the model's input
 * size in 32-bit floats, with any N, and gives logits [N,classes]. Batch norm is folded into the
 * convolutions. The recipe and the labels are in the file's metadata. An existing file is replaced
 * as effvk_model_save() does. A model of more than 2 GiB is refused with
 * %EFFVK_MODEL_ERROR_UNSUPPORTED.
 *
 * Returns: whether the file was written
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_model_save_onnx (EffvkModel *model, const char *path, GError **error);

/**
 * effvk_model_load_labels:
 * @model: a model
 * @path: (type filename): UTF-8 text with one label a line, or JSON: a list of labels, or a map
 *   ({"0": "tench"} or {"tench": 0})
 * @error: return location of a #GError in the %EFFVK_MODEL_ERROR domain
 *
 * Replaces the labels. A byte-order mark, CRLF line ends and trailing empty lines are accepted.
 * On failure the model keeps the labels that it had. Not to be called while a classifier uses
 * @model.
 *
 * Returns: whether the labels were read and their number equals the model's classes
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_model_load_labels (EffvkModel *model, const char *path, GError **error);

/**
 * effvk_model_get_variant:
 * @model: a model
 *
 * Gets the name of the architecture.
 *
 * Returns: (transfer none): for instance "efficientnet_b0"
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_model_get_variant (EffvkModel *model);

/**
 * effvk_model_get_n_classes:
 * @model: a model
 *
 * Counts the classes of the model.
 *
 * Returns: the number of classes, at least 1
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_model_get_n_classes (EffvkModel *model);

/**
 * effvk_model_get_name:
 * @model: a model
 *
 * Gets what to call the model where results name it: "signal" for the one that comes with effvk,
 * else its variant.
 *
 * Returns: (transfer none): for instance "signal" or "efficientnet_b0"
 *
 * Since: 0.2
 */
EFFVK_API const char *effvk_model_get_name (EffvkModel *model);

/**
 * effvk_model_get_output_activation:
 * @model: a model
 *
 * Gets what makes scores of the network's answers. It holds unless the options of a classifier say
 * otherwise. It is what the file says. Where the file says nothing, it is
 * %EFFVK_OUTPUT_ACTIVATION_SIGMOID for one class and %EFFVK_OUTPUT_ACTIVATION_SOFTMAX for more.
 *
 * Softmax over one class is always 1: effvk_classifier_new() logs a message about it.
 *
 * Returns: the activation, never %EFFVK_OUTPUT_ACTIVATION_AUTO
 *
 * Since: 0.2
 */
EFFVK_API EffvkOutputActivation effvk_model_get_output_activation (EffvkModel *model);

/**
 * effvk_model_get_label:
 * @model: a model
 * @index: a class, from 0
 *
 * Gets the label of a class.
 *
 * Returns: (transfer none): the label of the class; "class 7" where the model has no labels, and
 * %NULL where @index is no class. Valid until effvk_model_load_labels() or the model's end.
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_model_get_label (EffvkModel *model, guint index);

/**
 * effvk_model_get_unknown_threshold:
 * @model: a model
 *
 * A model that was taught (#EffvkTeacher) knows how sure it is of what it knows.
 *
 * Returns: the score below which its best class is to be taken for unknown, 0 to 1; 0 where the
 * model does not say
 *
 * Since: 0.2
 */
EFFVK_API double effvk_model_get_unknown_threshold (EffvkModel *model);

/**
 * effvk_model_get_teaching:
 * @model: a model
 *
 * Gets how a model was taught.
 *
 * Returns: (transfer none) (nullable): how the model was taught and how good it is, a JSON object
 * (see effvk_teacher_fit()); %NULL where it was not taught by effvk. Valid as long as @model.
 *
 * Since: 0.2
 */
EFFVK_API const char *effvk_model_get_teaching (EffvkModel *model);

/**
 * effvk_model_get_input_size:
 * @model: a model
 * @width: (out) (optional): in pixels
 * @height: (out) (optional): in pixels
 *
 * Gets the size of the network's input.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_model_get_input_size (EffvkModel *model, guint *width, guint *height);

/**
 * effvk_model_get_embedding_size:
 * @model: a model
 *
 * Counts the numbers of an embedding.
 *
 * Returns: how many features the classifier reads: the length of an image's embedding
 *
 * Since: 0.2
 */
EFFVK_API guint effvk_model_get_embedding_size (EffvkModel *model);

/**
 * effvk_model_get_n_parameters:
 * @model: a model
 *
 * Counts the trained parameters.
 *
 * Returns: trained parameters: convolutions, batch norm weights and biases, classifier
 *
 * Since: 0.1
 */
EFFVK_API guint64 effvk_model_get_n_parameters (EffvkModel *model);

/**
 * effvk_model_get_macs:
 * @model: a model
 *
 * Counts the multiply-adds of one image.
 *
 * Returns: multiply-adds of one image at the model's input size
 *
 * Since: 0.1
 */
EFFVK_API guint64 effvk_model_get_macs (EffvkModel *model);

/**
 * effvk_model_inspect:
 * @model: a model
 *
 * Describes the model as a JSON object:
 *
 * - "variant", "parameters", "macs", "classes"
 * - "labels": first, last
 * - "input": width, height, channels, mean, std, resize, crop, interpolation, antialias
 * - "output": activation
 * - "architecture": padding, bn_eps, activation, stem, stages, head
 * - "names": whose names the tensors have, such as "torchvision", "timm" or "lukemelas"
 * - "unknown_threshold", "teaching": of a model that was taught
 * - "sources": where each value came from
 *
 * A source is "tensors", "metadata" (in the file), "config.json", "override", "labels file", or
 * "default": the training that the tensors' names imply.
 *
 * Returns: (transfer full): JSON text
 *
 * Since: 0.1
 */
EFFVK_API char *effvk_model_inspect (EffvkModel *model);

G_END_DECLS
