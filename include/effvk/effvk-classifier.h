/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-device.h>
#include <effvk/effvk-image.h>
#include <effvk/effvk-model.h>
#include <effvk/effvk-result.h>

G_BEGIN_DECLS

/**
 * EffvkClassifierError:
 * @EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE: the image lacks planes, or is too large for the device
 * @EFFVK_CLASSIFIER_ERROR_BUSY: every slot is in flight; collect first
 * @EFFVK_CLASSIFIER_ERROR_EMPTY: nothing is in flight; submit first
 * @EFFVK_CLASSIFIER_ERROR_PENDING: the oldest image is not ready yet
 *
 * Failures of the device are reported in %EFFVK_DEVICE_ERROR.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE,
  EFFVK_CLASSIFIER_ERROR_BUSY,
  EFFVK_CLASSIFIER_ERROR_EMPTY,
  EFFVK_CLASSIFIER_ERROR_PENDING,
} EffvkClassifierError;

EFFVK_API GType effvk_classifier_error_get_type (void);
#define EFFVK_TYPE_CLASSIFIER_ERROR (effvk_classifier_error_get_type ())

#define EFFVK_CLASSIFIER_ERROR (effvk_classifier_error_quark ())

/**
 * effvk_classifier_error_quark:
 *
 * Gets the domain of errors of classifiers, %EFFVK_CLASSIFIER_ERROR.
 *
 * Returns: the quark of the domain
 *
 * Since: 0.1
 */
EFFVK_API GQuark effvk_classifier_error_quark (void);

/**
 * EffvkClassifierOptions:
 *
 * How a classifier works. It reads its options once, when it is made. All options are GObject
 * properties as well. Their defaults are:
 *
 * - "precision" and "activation": auto
 * - "top-k": 5
 * - "batch-size": 1
 * - "max-in-flight": 3
 * - "logits", "embeddings", "heatmaps" and "plain-kernels": false
 *
 * Since: 0.1
 */
#define EFFVK_TYPE_CLASSIFIER_OPTIONS (effvk_classifier_options_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkClassifierOptions, effvk_classifier_options, EFFVK, CLASSIFIER_OPTIONS,
                      GObject)

/**
 * effvk_classifier_options_new:
 *
 * Makes options that are all at their defaults.
 *
 * Returns: (transfer full): the options
 *
 * Since: 0.1
 */
EFFVK_API EffvkClassifierOptions *effvk_classifier_options_new (void);

/**
 * effvk_classifier_options_set_precision:
 * @options: options
 * @precision: how weights and activations are stored
 *
 * Sets the precision. The default is %EFFVK_PRECISION_AUTO.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_classifier_options_set_precision (EffvkClassifierOptions *options,
                                                       EffvkPrecision precision);

/**
 * effvk_classifier_options_set_top_k:
 * @options: options
 * @top_k: how many classes a result reports, 1 to 1000; never more than the model has
 *
 * Sets how many classes a result reports. The default is 5.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_classifier_options_set_top_k (EffvkClassifierOptions *options, guint top_k);

/**
 * effvk_classifier_options_set_batch_size:
 * @options: options
 * @batch_size: images that one submission to the device holds, 1 to 64
 *
 * Sets the batch size. The default is 1. A device that cannot bind so many images gets a smaller
 * one: effvk_classifier_get_batch_size() tells it.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_classifier_options_set_batch_size (EffvkClassifierOptions *options,
                                                        guint batch_size);

/**
 * effvk_classifier_options_set_max_in_flight:
 * @options: options
 * @max_in_flight: submissions that may be on the device at once, 1 to 16
 *
 * Sets the size of the ring of submissions. The default is 3.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_classifier_options_set_max_in_flight (EffvkClassifierOptions *options,
                                                           guint max_in_flight);

/**
 * effvk_classifier_options_set_logits:
 * @options: options
 * @logits: whether results carry the network's raw answer
 *
 * Sets whether results carry the network's raw answers. They do not by default.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_classifier_options_set_logits (EffvkClassifierOptions *options,
                                                    gboolean logits);

/**
 * effvk_classifier_options_set_embeddings:
 * @options: options
 * @embeddings: whether results carry the features that the classifier reads, see
 *   effvk_result_get_embedding()
 *
 * They are read back from the device only when asked for.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_classifier_options_set_embeddings (EffvkClassifierOptions *options,
                                                        gboolean embeddings);

/**
 * effvk_classifier_options_set_heatmaps:
 * @options: options
 * @heatmaps: whether results tell where their best class was seen, see effvk_result_get_heatmap()
 *
 * They take one more pass over the network's head, and are computed only when asked for.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_classifier_options_set_heatmaps (EffvkClassifierOptions *options,
                                                      gboolean heatmaps);

/**
 * effvk_classifier_options_set_plain_kernels:
 * @options: options
 * @plain: whether the network is made of the simplest kernels
 *
 * Plain kernels run on any device, one for each operation. They use no matrix units and ignore
 * tuning. They are slower. Few of them are among those that a device gets otherwise, so try them
 * where a driver computes wrong.
 *
 * Since: 0.2
 */
EFFVK_API void effvk_classifier_options_set_plain_kernels (EffvkClassifierOptions *options,
                                                           gboolean plain);

/**
 * effvk_classifier_options_set_activation:
 * @options: options
 * @activation: what makes scores of the network's answers
 *
 * Sets the output activation. The default is %EFFVK_OUTPUT_ACTIVATION_AUTO.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_classifier_options_set_activation (EffvkClassifierOptions *options,
                                                        EffvkOutputActivation activation);

/**
 * EffvkClassifier:
 *
 * A model on a device, ready to classify. effvk_classifier_submit() takes frames.
 * effvk_classifier_collect() gives their results, in the same order. effvk_classifier_classify()
 * does both. The device allocates nothing per frame.
 *
 * All functions may be called from any thread. One thread may submit while another collects.
 *
 * Since: 0.1
 */
#define EFFVK_TYPE_CLASSIFIER (effvk_classifier_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkClassifier, effvk_classifier, EFFVK, CLASSIFIER, GObject)

/**
 * effvk_classifier_new:
 * @device: a device; a reference is taken
 * @model: a model; a reference is taken
 * @options: (nullable): %NULL means the defaults
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR or %EFFVK_MODEL_ERROR domain
 *
 * Builds the pipelines, uploads the weights and allocates all memory that inference needs. This is
 * the slow call: seconds on a driver that has not seen the shaders yet.
 *
 * Returns: (transfer full): the classifier, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkClassifier *effvk_classifier_new (EffvkDevice *device, EffvkModel *model,
                                                 EffvkClassifierOptions *options, GError **error);

/**
 * effvk_classifier_new_for_selector:
 * @selector: (nullable): which device, as for effvk_device_new()
 * @model: a model; a reference is taken
 * @options: (nullable): %NULL means the defaults
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR or %EFFVK_MODEL_ERROR domain
 *
 * Opens a device and makes a classifier on it, as effvk_device_new() and effvk_classifier_new() do.
 * "auto" and "gpu" pass over a device that cannot run the model (%EFFVK_DEVICE_ERROR_UNSUPPORTED).
 * A message is logged, and the next device is tried. May be called from any thread.
 *
 * Returns: (transfer full): the classifier, or %NULL with @error set: why the first device failed
 *
 * Since: 0.2
 */
EFFVK_API EffvkClassifier *effvk_classifier_new_for_selector (const char *selector,
                                                              EffvkModel *model,
                                                              EffvkClassifierOptions *options,
                                                              GError **error);

/**
 * effvk_classifier_get_device:
 * @classifier: a classifier
 *
 * Gets the device that the classifier works on.
 *
 * Returns: (transfer none): the device that it was made with
 *
 * Since: 0.1
 */
EFFVK_API EffvkDevice *effvk_classifier_get_device (EffvkClassifier *classifier);

/**
 * effvk_classifier_get_model:
 * @classifier: a classifier
 *
 * Gets the model that the classifier runs.
 *
 * Returns: (transfer none): the model that it was made with
 *
 * Since: 0.1
 */
EFFVK_API EffvkModel *effvk_classifier_get_model (EffvkClassifier *classifier);

/**
 * effvk_classifier_get_batch_size:
 * @classifier: a classifier
 *
 * Gets the size of the batches that the classifier was made for.
 *
 * Returns: images of a submission, at most; 1 or more
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_classifier_get_batch_size (EffvkClassifier *classifier);

/**
 * effvk_classifier_get_precision:
 * @classifier: a classifier
 *
 * Gets how weights and activations are stored.
 *
 * Returns: the precision that is in use, never %EFFVK_PRECISION_AUTO
 *
 * Since: 0.1
 */
EFFVK_API EffvkPrecision effvk_classifier_get_precision (EffvkClassifier *classifier);

/**
 * effvk_classifier_classify:
 * @classifier: a classifier with nothing in flight
 * @image: an image with all its planes set
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Classifies one image and waits for the answer.
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkResult *effvk_classifier_classify (EffvkClassifier *classifier,
                                                  const EffvkImage *image, GError **error);

/**
 * effvk_classifier_classify_many: (skip)
 * @classifier: a classifier with nothing in flight
 * @images: (array length=n_images): images, of any mix of sizes and formats
 * @n_images: how many
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Classifies images, in batches where the classifier has a batch size, and waits for all answers.
 *
 * Returns: (transfer full) (element-type EffvkResult): a result per image in the same order, or
 * %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API GPtrArray *effvk_classifier_classify_many (EffvkClassifier *classifier,
                                                     const EffvkImage *const *images,
                                                     guint n_images, GError **error);

/**
 * effvk_classifier_classify_list: (rename-to effvk_classifier_classify_many)
 * @classifier: a classifier with nothing in flight
 * @images: (element-type EffvkImage): images, of any mix of sizes and formats
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Classifies images as effvk_classifier_classify_many() does, for languages that have no arrays of
 * pointers.
 *
 * Returns: (transfer container) (element-type EffvkResult): a result per image in the same order,
 * or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API GPtrArray *effvk_classifier_classify_list (EffvkClassifier *classifier, GPtrArray *images,
                                                     GError **error);

/**
 * effvk_classifier_submit:
 * @classifier: a classifier
 * @image: an image with all its planes set
 * @user_data: (nullable): given back by effvk_classifier_collect()
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Starts the classification of an image. Never waits for the device. An image that is larger than
 * those before takes longer, as its preprocessing is built anew. With a batch size above 1 the
 * work starts when the batch is full, or with effvk_classifier_launch() or
 * effvk_classifier_collect().
 *
 * The pixels are copied before the call returns, unless they lie in memory that the device reads
 * (effvk_image_set_memory()). Those must not change until the result is collected.
 *
 * Returns: whether the image is in flight; on failure nothing changed
 * (%EFFVK_CLASSIFIER_ERROR_BUSY: collect a result, then try again)
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_classifier_submit (EffvkClassifier *classifier, const EffvkImage *image,
                                            gpointer user_data, GError **error);

/**
 * effvk_classifier_submit_regions: (skip)
 * @classifier: a classifier
 * @image: an image with all its planes set
 * @regions: (array length=n_regions): parts of the frame, each inside it; the image's crop is
 * ignored
 * @n_regions: how many, 1 to the batch size
 * @user_data: (nullable) (array length=n_regions) (element-type gpointer): given back by
 *   effvk_classifier_collect(), one a region
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Starts the classification of several parts of one frame, in one submission. Each is then in
 * flight as if it had been submitted alone, in the order of @regions. Never waits for the device.
 * For more regions than a submission holds, effvk_image_upload() saves the copies. The pixels are
 * copied once, or read until the last result is collected, as effvk_classifier_submit() says.
 *
 * Returns: whether all regions are in flight; on failure nothing changed
 * (%EFFVK_CLASSIFIER_ERROR_BUSY: collect a result, then try again)
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_classifier_submit_regions (EffvkClassifier *classifier,
                                                    const EffvkImage *image,
                                                    const EffvkRectangle *regions, guint n_regions,
                                                    const gpointer *user_data, GError **error);

/**
 * effvk_classifier_launch:
 * @classifier: a classifier
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Gives the device the images that wait for their batch to fill. Never waits for the device.
 *
 * Returns: whether no image waits any more; on failure those that did are told at their collect
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_classifier_launch (EffvkClassifier *classifier, GError **error);

/**
 * effvk_classifier_collect:
 * @classifier: a classifier
 * @wait: whether to wait for the device; otherwise %EFFVK_CLASSIFIER_ERROR_PENDING is returned when
 *   the oldest image is not ready
 * @user_data: (out) (optional): what was given to effvk_classifier_submit(). Set on failures of the
 *   device too: an image that failed is no longer in flight
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Takes the result of the oldest image in flight. A wait ends after 10 s on a GPU. It ends after
 * 600 s on a CPU device, which compiles shaders when they first run. A device that needs longer is
 * treated as lost.
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkResult *effvk_classifier_collect (EffvkClassifier *classifier, gboolean wait,
                                                 gpointer *user_data, GError **error);

/**
 * effvk_classifier_get_n_in_flight:
 * @classifier: a classifier
 *
 * Counts the images that were submitted and whose results were not collected.
 *
 * Returns: images submitted and not yet collected
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_classifier_get_n_in_flight (EffvkClassifier *classifier);

/**
 * effvk_classifier_flush:
 * @classifier: a classifier
 *
 * Waits until the device is done with everything in flight and forgets the results.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_classifier_flush (EffvkClassifier *classifier);

/**
 * effvk_classifier_get_statistics:
 * @classifier: a classifier
 *
 * Tells what the classifier did and is, as a dictionary:
 *
 * - "images", "submissions" (t): how many there were
 * - "copied-bytes", "frames-copied" (t): what the CPU copied
 * - "frames-in-place" (t): frames that the device read where they lie, see effvk_image_set_memory()
 * - "frames-by-device" (t): frames that the device copied itself, see
 *   effvk_frame_memory_new_from_vulkan() and effvk_frame_memory_new_from_dmabuf()
 * - "frames-imported" (t): of the last two, those in imported memory
 * - "not-finite" (t): images whose answer was not finite
 * - "device", "driver" (s), "precision" (s: "fp32" or "fp16")
 * - "dispatches" (u): of one submission
 * - "kernels" (as): "op kernel" of each dispatch, in order
 * - "memory-bytes" (t): allocated from the device; "weights-bytes" and "arena-bytes" (t): of that
 * - "gpu-time-p50", "gpu-time-p95", "gpu-time-p99" (t): ns, of the last 1024 submissions
 * - "total-time-p50", "total-time-p95", "total-time-p99" (t): the same from submit to collect
 *
 * Returns: (transfer full): a #GVariant of type a{sv}
 *
 * Since: 0.1
 */
EFFVK_API GVariant *effvk_classifier_get_statistics (EffvkClassifier *classifier);

/**
 * effvk_classifier_profile:
 * @classifier: a classifier with nothing in flight
 * @image: an image with all its planes set
 * @n_runs: how often to run, 1 to 1000
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Times every dispatch of one submission that is full of copies of @image, one after the other.
 * That takes longer than a submission, in which independent dispatches may overlap. The answer is a
 * dictionary:
 *
 * - "clock" (s): "device", or "host" where the device has none. Dispatches are submitted one by one
 *   then, and times are estimates.
 * - "dispatches" (aa{sv}): in order
 *
 * Each dispatch has:
 *
 * - "op", "kernel" (s)
 * - "input", "output" (s): the shape of one, such as "112x112x32"
 * - "time" (d): ns, the median of all runs
 * - "flops" (d): floating-point operations, two a multiply-add; 0 where they are not counted
 * - "bytes" (t): of all tensors that are read or written, each once
 *
 * Returns: (transfer full): a #GVariant of type a{sv}, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API GVariant *effvk_classifier_profile (EffvkClassifier *classifier, const EffvkImage *image,
                                              guint n_runs, GError **error);

/**
 * effvk_classifier_get_executables:
 * @classifier: a classifier
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Compiles the network's pipelines once more and gives what the driver's compiler says of them,
 * such as registers, spills and shared memory. Fails with %EFFVK_DEVICE_ERROR_UNSUPPORTED where the
 * driver has no VK_KHR_pipeline_executable_properties. May be called from any thread.
 *
 * The answer is an array with a dictionary for each pipeline:
 *
 * - "op", "kernel" (s)
 * - "dispatches" (u): how many take it
 * - "constants" (au): its specialization
 * - "executables" (aa{sv}): each has "name" (s), "subgroup-size" (u) and "statistics" (a{sv}). The
 *   driver names the statistics. They are numbers or booleans.
 *
 * Returns: (transfer full): a #GVariant of type aa{sv}, or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API GVariant *effvk_classifier_get_executables (EffvkClassifier *classifier, GError **error);

/**
 * effvk_classifier_tune:
 * @device: a device
 * @model: a model
 * @options: (nullable): precision and batch size are those to tune for; %NULL means the defaults
 * @error: return location of a #GError in the %EFFVK_CLASSIFIER_ERROR or %EFFVK_DEVICE_ERROR domain
 *
 * Times every kernel that the device can run for each operation of the network. It keeps the
 * fastest in the cache directory, for this device, driver and network. effvk_classifier_new() uses
 * them from then on. Kernels whose answers are not those of the built-in choice are left out.
 *
 * This takes seconds on a GPU and up to minutes on a CPU device. Nothing else should use the device
 * meanwhile. The calling thread's current #GCancellable (g_cancellable_push_current()) ends it
 * within seconds with %G_IO_ERROR_CANCELLED. It keeps nothing then.
 *
 * The answer is a dictionary:
 *
 * - "before", "after" (d): ns of all operations, one after the other
 * - "ops" (u): how many there are
 * - "changes" (a(usssdd)): number, operation, kernel before and after, ns before and after
 *
 * Returns: (transfer full): a #GVariant of type a{sv}, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API GVariant *effvk_classifier_tune (EffvkDevice *device, EffvkModel *model,
                                           EffvkClassifierOptions *options, GError **error);

G_END_DECLS
