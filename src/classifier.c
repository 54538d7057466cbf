/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classifier-options.h"
#include "classifier-profile.h"
#include "classifier-ring.h"
#include "net/tuning.h"
#include "selftest/record.h"
#include "vk/cache.h"

struct _EffvkClassifier
{
  GObject parent_instance;

  EffvkDevice *device;
  EffvkModel *model;
  EffvkPrecision precision;
  EffvkNet *net;
  guint top_k, batch, n_slots;
  guint outputs; /* that results carry, see EFFVK_SLOT_READS */
  EffvkOutputActivation activation;
  EffvkPlan plan;
  EffvkRing ring;
  EffvkClass *classes; /* top_k, while an image is collected */
};

G_DEFINE_FINAL_TYPE (EffvkClassifier, effvk_classifier, G_TYPE_OBJECT)
GQuark
effvk_classifier_error_quark (void)
{
  return g_quark_from_static_string ("effvk-classifier-error-quark");
}

static void
effvk_classifier_finalize (GObject *object)
{
  EffvkClassifier *classifier = EFFVK_CLASSIFIER (object);

  effvk_classifier_flush (classifier);
  effvk_ring_clear (&classifier->ring);
  g_free (classifier->classes);
  effvk_net_free (classifier->net);
  g_clear_object (&classifier->model);
  g_clear_object (&classifier->device);
  G_OBJECT_CLASS (effvk_classifier_parent_class)->finalize (object);
}

static void
effvk_classifier_class_init (EffvkClassifierClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_classifier_finalize;
}

static void
effvk_classifier_init (EffvkClassifier *classifier G_GNUC_UNUSED)
{
}

/* fp16 where it saves bandwidth and is right: on a GPU whose kernels pass the self-test with it. */
static EffvkPrecision
choose_precision (EffvkDevice *device, EffvkPrecision wanted)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = NULL;
  g_autoptr (GError) error = NULL;

  if (wanted != EFFVK_PRECISION_AUTO)
    return wanted;
  if (effvk_device_get_caps (device)->cpu)
    return EFFVK_PRECISION_FP32;

  locker = g_mutex_locker_new (&device->precision_lock);
  if (device->auto_precision != EFFVK_PRECISION_AUTO)
    return device->auto_precision;
  device->auto_precision = EFFVK_PRECISION_FP16;
  if (!effvk_selftest_passes (device, EFFVK_PRECISION_FP16, &error))
    {
      g_message ("\"%s\" fails the self-test in fp16, so effvk uses fp32: %s",
                 effvk_device_get_name (device), error->message);
      device->auto_precision = EFFVK_PRECISION_FP32;
    }
  return device->auto_precision;
}

/* Whoever has a network of one output wants a probability: softmax of one number is always 1. */
static void
warn_of_softmax (EffvkModel *model, EffvkOutputActivation wanted)
{
  EffvkOutputActivation activation = wanted ? wanted : effvk_model_get_output_activation (model);

  if (activation == EFFVK_OUTPUT_ACTIVATION_SOFTMAX && effvk_model_get_n_classes (model) == 1)
    g_message ("The model has one class, and softmax gives it a score of 1 whatever the image is. "
               "For a probability use sigmoid%s.",
               wanted ? ""
                      : ": the model's file says softmax, its output_activation can be overridden");
}

static gboolean
build (EffvkClassifier *classifier, GError **error)
{
  EffvkStorage storage = effvk_storage_of_precision (classifier->precision);
  EffvkNetOptions options
      = { .storage = storage,
          .batch = classifier->batch,
          .top_k = classifier->top_k,
          .activation = classifier->activation,
          .plan = classifier->plan,
          .heatmap = (classifier->outputs & EFFVK_SLOT_READS (EFFVK_NET_HEATMAP)) != 0 };

  classifier->net = effvk_net_new_within (classifier->device, classifier->model, &options, error);
  if (!classifier->net)
    return FALSE;
  classifier->batch = options.batch;
  return effvk_ring_init (&classifier->ring, classifier->n_slots, classifier->net,
                          effvk_model_get_recipe (classifier->model), storage, classifier->batch,
                          classifier->outputs, error);
}

EffvkClassifier *
effvk_classifier_new (EffvkDevice *device, EffvkModel *model, EffvkClassifierOptions *options,
                      GError **error)
{
  g_return_val_if_fail (options == NULL || EFFVK_IS_CLASSIFIER_OPTIONS (options), NULL);
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (EffvkClassifier) classifier = NULL;
  g_autoptr (EffvkClassifierOptions) defaults = NULL;

  if (!options)
    options = defaults = effvk_classifier_options_new ();
  classifier = g_object_new (EFFVK_TYPE_CLASSIFIER, NULL);
  classifier->device = g_object_ref (device);
  classifier->model = g_object_ref (model);
  classifier->precision = choose_precision (device, options->precision);
  classifier->top_k = MIN (options->top_k, effvk_model_get_n_classes (model));
  classifier->batch = options->batch_size;
  classifier->n_slots = options->max_in_flight;
  classifier->outputs = (options->logits ? EFFVK_SLOT_READS (EFFVK_NET_LOGITS) : 0)
                        | (options->embeddings ? EFFVK_SLOT_READS (EFFVK_NET_POOLED) : 0)
                        | (options->heatmaps ? EFFVK_SLOT_READS (EFFVK_NET_HEATMAP) : 0);
  classifier->activation = options->activation;
  classifier->plan = options->plain_kernels ? EFFVK_PLAN_PLAIN : EFFVK_PLAN_DEVICE;
  warn_of_softmax (model, options->activation);
  classifier->classes = g_new0 (EffvkClass, classifier->top_k);
  if (!build (classifier, error))
    return NULL;
  effvk_cache_save (device);
  return g_steal_pointer (&classifier);
}

EffvkClassifier *
effvk_classifier_new_for_selector (const char *selector, EffvkModel *model,
                                   EffvkClassifierOptions *options, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);
  g_return_val_if_fail (options == NULL || EFFVK_IS_CLASSIFIER_OPTIONS (options), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (GError) first = NULL;

  for (guint rank = 0;; rank++)
    {
      g_autoptr (GError) problem = NULL;
      g_autoptr (EffvkDevice) device = effvk_device_new_ranked (selector, &rank, &problem);
      EffvkClassifier *classifier
          = device ? effvk_classifier_new (device, model, options, &problem) : NULL;

      if (classifier)
        return classifier;
      if (!first)
        first = g_error_copy (problem);
      if (!device || !g_error_matches (problem, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED))
        break;
      g_message ("\"%s\" cannot run the model: %s", effvk_device_get_name (device),
                 problem->message);
    }
  g_propagate_error (error, g_steal_pointer (&first));
  return NULL;
}

EffvkDevice *
effvk_classifier_get_device (EffvkClassifier *classifier)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);

  return classifier->device;
}

EffvkModel *
effvk_classifier_get_model (EffvkClassifier *classifier)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);

  return classifier->model;
}

guint
effvk_classifier_get_batch_size (EffvkClassifier *classifier)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), 0);

  return classifier->batch;
}

EffvkPrecision
effvk_classifier_get_precision (EffvkClassifier *classifier)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), EFFVK_PRECISION_AUTO);

  return classifier->precision;
}

guint
effvk_classifier_get_n_in_flight (EffvkClassifier *classifier)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), 0);

  return effvk_ring_get_n_in_flight (&classifier->ring);
}

static gboolean
check_complete (const EffvkImage *image, GError **error)
{
  if (!image)
    {
      g_set_error_literal (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE,
                           "There is no image: its constructor tells why");
      return FALSE;
    }
  if (effvk_image_is_complete (image))
    return TRUE;
  g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE,
               "The image has no pixels: each of its %u planes must be set",
               effvk_format_get_n_planes (image->layout.format));
  return FALSE;
}

gboolean
effvk_classifier_submit (EffvkClassifier *classifier, const EffvkImage *image, gpointer user_data,
                         GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return check_complete (image, error)
         && effvk_ring_submit (&classifier->ring, image, NULL, 1, &user_data, error);
}

gboolean
effvk_classifier_submit_regions (EffvkClassifier *classifier, const EffvkImage *image,
                                 const EffvkRectangle *regions, guint n_regions,
                                 const gpointer *user_data, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), FALSE);
  g_return_val_if_fail (regions != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_complete (image, error))
    return FALSE;
  if (n_regions < 1 || n_regions > classifier->batch)
    {
      g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE,
                   "%u regions were given, a submission takes 1 to %u (its batch size)", n_regions,
                   classifier->batch);
      return FALSE;
    }
  for (guint i = 0; i < n_regions; i++)
    if (!effvk_frame_layout_contains (&image->layout, &regions[i]))
      {
        g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE,
                     "Region %u, %ux%u at %u,%u, is empty or not inside the frame of %ux%u", i,
                     regions[i].width, regions[i].height, regions[i].x, regions[i].y,
                     image->layout.width, image->layout.height);
        return FALSE;
      }
  return effvk_ring_submit (&classifier->ring, image, regions, n_regions, user_data, error);
}

gboolean
effvk_classifier_launch (EffvkClassifier *classifier, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return effvk_ring_launch (&classifier->ring, error);
}

/* @finite: whether the scores are numbers. */
static EffvkResult *
read_result (EffvkClassifier *classifier, const EffvkRingItem *item, gboolean *finite)
{
  EffvkSlot *slot = item->slot;
  guint n = effvk_slot_read (slot, item->i, classifier->classes);
  EffvkHeatmapOfImage heatmap = { 0 };
  EffvkResult *result = effvk_result_new (classifier->model, classifier->classes, n,
                                          effvk_slot_get_output (slot, item->i, EFFVK_NET_LOGITS),
                                          effvk_model_get_n_classes (classifier->model),
                                          item->gpu_time, item->total_time);

  effvk_result_set_embedding (result, effvk_slot_get_output (slot, item->i, EFFVK_NET_POOLED),
                              effvk_model_get_embedding_size (classifier->model));
  *finite = n > 0;
  if (*finite && effvk_slot_read_heatmap (slot, item->i, &heatmap))
    effvk_result_set_heatmap (result, &heatmap);
  g_free (heatmap.cells);
  return result;
}

EffvkResult *
effvk_classifier_collect (EffvkClassifier *classifier, gboolean wait, gpointer *user_data,
                          GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  EffvkRingItem item = { 0 };
  EffvkResult *result = NULL;
  gboolean begun = effvk_ring_begin (&classifier->ring, wait, &item, error);
  gboolean finite = FALSE;

  if (user_data)
    *user_data = item.user_data;
  if (!begun)
    return NULL;
  if (item.slot)
    result = read_result (classifier, &item, &finite);
  effvk_ring_end (&classifier->ring, &item, finite);
  return result;
}

void
effvk_classifier_flush (EffvkClassifier *classifier)
{
  g_return_if_fail (EFFVK_IS_CLASSIFIER (classifier));

  while (effvk_classifier_get_n_in_flight (classifier) > 0)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EffvkResult) result = effvk_classifier_collect (classifier, TRUE, NULL, &error);

      if (!result && g_error_matches (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_EMPTY))
        return;
    }
}

EffvkResult *
effvk_classifier_classify (EffvkClassifier *classifier, const EffvkImage *image, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  guint n = effvk_classifier_get_n_in_flight (classifier);

  if (n)
    {
      g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY,
                   "%u submitted images are in flight; collect their results first", n);
      return NULL;
    }
  return effvk_classifier_submit (classifier, image, NULL, error)
             ? effvk_classifier_collect (classifier, TRUE, NULL, error)
             : NULL;
}

GPtrArray *
effvk_classifier_classify_many (EffvkClassifier *classifier, const EffvkImage *const *images,
                                guint n_images, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);
  g_return_val_if_fail (images != NULL || n_images == 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (GPtrArray) results
      = g_ptr_array_new_full (n_images, (GDestroyNotify) effvk_result_unref);
  guint submitted = 0;

  if (effvk_classifier_get_n_in_flight (classifier))
    {
      g_set_error_literal (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY,
                           "Submitted images are in flight; collect their results first");
      return NULL;
    }
  while (results->len < n_images)
    {
      g_autoptr (GError) problem = NULL;
      EffvkResult *result;

      if (submitted < n_images
          && effvk_classifier_submit (classifier, images[submitted], NULL, &problem))
        {
          submitted++;
          continue;
        }
      if (problem
          && !g_error_matches (problem, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY))
        {
          g_propagate_prefixed_error (error, g_steal_pointer (&problem), "Image %u: ", submitted);
          effvk_classifier_flush (classifier);
          return NULL;
        }
      result = effvk_classifier_collect (classifier, TRUE, NULL, error);
      if (!result)
        {
          effvk_classifier_flush (classifier);
          return NULL;
        }
      g_ptr_array_add (results, result);
    }
  return g_steal_pointer (&results);
}

GPtrArray *
effvk_classifier_classify_list (EffvkClassifier *classifier, GPtrArray *images, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);
  g_return_val_if_fail (images != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return effvk_classifier_classify_many (classifier, (const EffvkImage *const *) images->pdata,
                                         images->len, error);
}

GVariant *
effvk_classifier_get_statistics (EffvkClassifier *classifier)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);

  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  EffvkProgram *program = effvk_net_get_program (classifier->net);
  guint n_net = effvk_program_get_n_dispatches (program), n_preprocess;
  gsize memory;
  GVariantBuilder kernels = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_STRING_ARRAY);

  effvk_ring_describe (&classifier->ring, &dict, &n_preprocess, &memory);
  memory += effvk_program_get_memory_size (program);
  for (guint i = 0; i < n_net; i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);

      g_variant_builder_add_value (&kernels,
                                   g_variant_new_take_string (
                                       g_strdup_printf ("%s %s", dispatch->op, dispatch->kernel)));
    }
  g_variant_dict_insert (&dict, "device", "s", effvk_device_get_name (classifier->device));
  g_variant_dict_insert (&dict, "driver", "s", effvk_device_get_driver (classifier->device));
  g_variant_dict_insert (&dict, "precision", "s",
                         effvk_storages[effvk_storage_of_precision (classifier->precision)].name);
  g_variant_dict_insert (&dict, "dispatches", "u", n_net + n_preprocess);
  g_variant_dict_insert (&dict, "memory-bytes", "t", (guint64) memory);
  g_variant_dict_insert (&dict, "weights-bytes", "t",
                         (guint64) effvk_program_get_constants_size (program));
  g_variant_dict_insert (&dict, "arena-bytes", "t",
                         (guint64) effvk_program_get_arena_size (program));
  g_variant_dict_insert_value (&dict, "kernels", g_variant_builder_end (&kernels));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* A slot that nothing uses: its whole batch is the image. */
static GVariant *
profile_slot (EffvkClassifier *classifier, EffvkSlot *slot, const EffvkImage *image, guint n_runs,
              GError **error)
{
  EffvkProgram *programs[2];
  GVariant *profile;

  for (guint i = 0; i < classifier->batch; i++)
    if (!effvk_slot_add (slot, image, NULL, 1, i, error))
      return NULL;
  if (!effvk_buffer_flush (&slot->staging, error))
    return NULL;
  programs[0] = slot->preprocess;
  programs[1] = effvk_net_get_program (classifier->net);
  profile = effvk_programs_profile (programs, G_N_ELEMENTS (programs), n_runs, error);
  effvk_slot_release (slot);
  return profile;
}

GVariant *
effvk_classifier_profile (EffvkClassifier *classifier, const EffvkImage *image, guint n_runs,
                          GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);
  g_return_val_if_fail (n_runs >= 1 && n_runs <= 1000, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  EffvkSlot *slot;
  GVariant *profile;

  if (!check_complete (image, error))
    return NULL;
  slot = effvk_ring_borrow (&classifier->ring, error);
  if (!slot)
    return NULL;
  profile = profile_slot (classifier, slot, image, n_runs, error);
  effvk_ring_unborrow (&classifier->ring);
  return profile;
}

GVariant *
effvk_classifier_get_executables (EffvkClassifier *classifier, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return effvk_program_describe_executables (effvk_net_get_program (classifier->net), error);
}

GVariant *
effvk_classifier_tune (EffvkDevice *device, EffvkModel *model, EffvkClassifierOptions *options,
                       GError **error)
{
  g_return_val_if_fail (options == NULL || EFFVK_IS_CLASSIFIER_OPTIONS (options), NULL);
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (EffvkClassifierOptions) defaults = NULL;
  EffvkNetOptions net = { .top_k = 1 };

  if (!options)
    options = defaults = effvk_classifier_options_new ();
  net.batch = options->batch_size;
  net.storage = effvk_storage_of_precision (choose_precision (device, options->precision));
  return effvk_net_tune (device, model, &net, error);
}
