/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classifier-options.h"
#include "classifier-profile.h"
#include "classifier-slot.h"
#include "classifier-stats.h"
#include "net/tuning.h"
#include "selftest/record.h"
#include "vk/cache.h"

/* The ring: slots are filled and submitted in turn, and collected in the same order. */
typedef enum
{
  SLOT_FREE,
  SLOT_FILLING, /* holds images, not submitted yet: a batch that is not full */
  SLOT_IN_FLIGHT,
} SlotState;

typedef struct
{
  EffvkSlot slot;
  SlotState state;
  GError *failure; /* why it did not reach the device, or NULL */
  guint n_images, n_collected;
  gpointer *user_data; /* per image */
  gint64 *submitted;   /* per image, us of the monotonic clock */
} RingSlot;

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

  GMutex collect_lock; /* one collector at a time; taken before lock */
  GMutex lock;         /* what follows */
  RingSlot *slots;
  guint head; /* the slot that takes the next image */
  guint tail; /* the oldest slot that holds one */
  guint n_in_flight;
  EffvkClass *classes; /* top_k; under collect_lock */
  EffvkStats stats;
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
  for (guint i = 0; classifier->slots && i < classifier->n_slots; i++)
    {
      effvk_slot_clear (&classifier->slots[i].slot);
      g_clear_error (&classifier->slots[i].failure);
      g_free (classifier->slots[i].user_data);
      g_free (classifier->slots[i].submitted);
    }
  g_free (classifier->slots);
  g_free (classifier->classes);
  effvk_net_free (classifier->net);
  g_clear_object (&classifier->model);
  g_clear_object (&classifier->device);
  g_mutex_clear (&classifier->lock);
  g_mutex_clear (&classifier->collect_lock);
  G_OBJECT_CLASS (effvk_classifier_parent_class)->finalize (object);
}

static void
effvk_classifier_class_init (EffvkClassifierClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_classifier_finalize;
}

static void
effvk_classifier_init (EffvkClassifier *classifier)
{
  g_mutex_init (&classifier->lock);
  g_mutex_init (&classifier->collect_lock);
}

/* fp16 where it saves bandwidth and is right: on a GPU whose kernels pass the self-test with it. */
static EffvkPrecision
choose_precision (EffvkDevice *device, EffvkPrecision wanted)
{
  static GMutex lock;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = NULL;
  gpointer known;
  g_autoptr (GError) error = NULL;
  gboolean good;

  if (wanted != EFFVK_PRECISION_AUTO)
    return wanted;
  if (effvk_device_get_caps (device)->cpu)
    return EFFVK_PRECISION_FP32;

  locker = g_mutex_locker_new (&lock);
  known = g_object_get_data (G_OBJECT (device), "effvk-auto-precision");
  if (known)
    return (EffvkPrecision) GPOINTER_TO_INT (known);
  good = effvk_selftest_passes (device, EFFVK_PRECISION_FP16, &error);
  if (!good)
    g_message ("%s does not pass the self-test in fp16, so fp32 is used: %s",
               effvk_device_get_name (device), error->message);
  wanted = good ? EFFVK_PRECISION_FP16 : EFFVK_PRECISION_FP32;
  g_object_set_data (G_OBJECT (device), "effvk-auto-precision", GINT_TO_POINTER (wanted));
  return wanted;
}

/* Whoever has a network of one output wants a probability: softmax of one number is always 1. */
static void
warn_of_softmax (EffvkModel *model, EffvkOutputActivation wanted)
{
  EffvkOutputActivation activation = wanted ? wanted : effvk_model_get_output_activation (model);

  if (activation == EFFVK_OUTPUT_ACTIVATION_SOFTMAX && effvk_model_get_n_classes (model) == 1)
    g_message (
        "The model has one class, of which softmax makes a score of 1 whatever the image is. "
        "For a probability use sigmoid%s.",
        wanted ? "" : ": the model's file says softmax, its output_activation can be overridden");
}

static gboolean
build (EffvkClassifier *classifier, GError **error)
{
  EffvkStorage storage
      = classifier->precision == EFFVK_PRECISION_FP16 ? EFFVK_STORAGE_F16 : EFFVK_STORAGE_F32;
  EffvkNetOptions options
      = { .storage = storage,
          .batch = classifier->batch,
          .top_k = classifier->top_k,
          .activation = classifier->activation,
          .heatmap = (classifier->outputs & EFFVK_SLOT_READS (EFFVK_NET_HEATMAP)) != 0 };

  classifier->net = effvk_net_new_within (classifier->device, classifier->model, &options, error);
  if (!classifier->net)
    return FALSE;
  classifier->batch = options.batch;
  classifier->slots = g_new0 (RingSlot, classifier->n_slots);
  for (guint i = 0; i < classifier->n_slots; i++)
    {
      RingSlot *ring = &classifier->slots[i];

      ring->user_data = g_new0 (gpointer, classifier->batch);
      ring->submitted = g_new0 (gint64, classifier->batch);
      if (!effvk_slot_init (&ring->slot, classifier->net,
                            effvk_model_get_recipe (classifier->model), storage, classifier->batch,
                            classifier->outputs, error))
        return FALSE;
    }
  return TRUE;
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

  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&classifier->lock);

  return classifier->n_in_flight;
}

/* Under lock. Gives a slot that holds images to the device, and moves on to the next slot. */
static gboolean
launch (EffvkClassifier *classifier, RingSlot *ring, GError **error)
{
  ring->state = SLOT_IN_FLIGHT;
  classifier->head = (classifier->head + 1) % classifier->n_slots;
  if (!effvk_slot_submit (&ring->slot, ring->n_images, &ring->failure))
    {
      if (error)
        *error = g_error_copy (ring->failure);
      return FALSE;
    }
  effvk_stats_add_submission (&classifier->stats, &ring->slot.n_frames);
  return TRUE;
}

/* Under lock. Forgets the images of a slot that did not reach the device or came back with an
 * error. */
static void
release (EffvkClassifier *classifier, RingSlot *ring)
{
  effvk_slot_release (&ring->slot);
  g_clear_error (&ring->failure);
  classifier->n_in_flight -= ring->n_images - ring->n_collected;
  ring->n_images = ring->n_collected = 0;
  ring->state = SLOT_FREE;
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

/* Under lock. The slot that takes @n images, or NULL with @error set. One that is too full for them
 * is launched, and the next one taken. */
static RingSlot *
take_slot (EffvkClassifier *classifier, guint n, GError **error)
{
  RingSlot *ring = &classifier->slots[classifier->head];

  if (ring->state == SLOT_FILLING && ring->n_images + n > classifier->batch)
    {
      if (!launch (classifier, ring, error))
        return NULL;
      ring = &classifier->slots[classifier->head];
    }
  if (ring->state == SLOT_IN_FLIGHT)
    {
      g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY,
                   "All %u slots are in flight; collect a result first", classifier->n_slots);
      return NULL;
    }
  return ring;
}

/* Under lock. Puts parts of an image into a slot, and says which. */
static RingSlot *
add_image (EffvkClassifier *classifier, const EffvkImage *image, const EffvkRectangle *regions,
           guint n, GError **error)
{
  RingSlot *ring = take_slot (classifier, n, error);
  g_autoptr (GError) problem = NULL;

  if (!ring)
    return NULL;
  if (!effvk_slot_add (&ring->slot, image, regions, n, ring->n_images, &problem))
    {
      if (ring->n_images == 0)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return NULL;
        }
      /* A slot that holds nothing takes frames of any size. */
      ring = take_slot (classifier, classifier->batch, error);
      if (!ring || !effvk_slot_add (&ring->slot, image, regions, n, 0, error))
        return NULL;
    }
  return ring;
}

/* @regions: NULL for the image's crop. @user_data: per region, or NULL. */
static gboolean
submit (EffvkClassifier *classifier, const EffvkImage *image, const EffvkRectangle *regions,
        guint n, const gpointer *user_data, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&classifier->lock);
  RingSlot *ring = add_image (classifier, image, regions, n, error);

  if (!ring)
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      ring->user_data[ring->n_images] = user_data ? user_data[i] : NULL;
      ring->submitted[ring->n_images++] = g_get_monotonic_time ();
    }
  classifier->n_in_flight += n;
  ring->state = SLOT_FILLING;
  classifier->stats.images += n;
  if (ring->n_images == classifier->batch && !launch (classifier, ring, error))
    {
      /* The caller keeps this image; the others of its batch are told at their collect. */
      ring->n_images -= n;
      classifier->n_in_flight -= n;
      if (ring->n_images == 0)
        {
          release (classifier, ring);
          classifier->head = (classifier->head + classifier->n_slots - 1) % classifier->n_slots;
        }
      return FALSE;
    }
  return TRUE;
}

gboolean
effvk_classifier_submit (EffvkClassifier *classifier, const EffvkImage *image, gpointer user_data,
                         GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return check_complete (image, error) && submit (classifier, image, NULL, 1, &user_data, error);
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
  return submit (classifier, image, regions, n_regions, user_data, error);
}

gboolean
effvk_classifier_launch (EffvkClassifier *classifier, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&classifier->lock);
  RingSlot *ring = &classifier->slots[classifier->head];

  return ring->state != SLOT_FILLING || launch (classifier, ring, error);
}

/* The oldest slot, launched if it was still filling. */
static RingSlot *
take_oldest (EffvkClassifier *classifier, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&classifier->lock);
  RingSlot *ring = &classifier->slots[classifier->tail];

  if (ring->state == SLOT_FREE)
    {
      g_set_error_literal (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_EMPTY,
                           "Nothing is in flight; submit an image first");
      return NULL;
    }
  if (ring->state == SLOT_FILLING && !launch (classifier, ring, error))
    {
      /* All its images are lost with the device. */
      release (classifier, ring);
      classifier->tail = (classifier->tail + 1) % classifier->n_slots;
      return NULL;
    }
  return ring;
}

EffvkResult *
effvk_classifier_collect (EffvkClassifier *classifier, gboolean wait, gpointer *user_data,
                          GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (GMutexLocker) collector G_GNUC_UNUSED = g_mutex_locker_new (&classifier->collect_lock);
  EffvkResult *result = NULL;
  RingSlot *ring;
  guint i;
  int done;

  if (user_data)
    *user_data = NULL;
  ring = take_oldest (classifier, error);
  if (!ring)
    return NULL;

  if (ring->failure)
    {
      g_propagate_prefixed_error (error, g_error_copy (ring->failure),
                                  "The image's batch could not be given to the device: ");
      done = -1;
    }
  else
    done = effvk_slot_wait (&ring->slot, wait ? effvk_device_get_timeout (classifier->device) : 0,
                            error);
  if (done == 0)
    {
      g_set_error_literal (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_PENDING,
                           "The oldest image is not ready yet");
      return NULL;
    }

  i = ring->n_collected;
  if (user_data)
    *user_data = ring->user_data[i];
  if (done > 0)
    {
      guint64 gpu_time = effvk_slot_get_gpu_time (&ring->slot);
      guint64 total_time = (guint64) (g_get_monotonic_time () - ring->submitted[i]) * 1000;
      guint n = effvk_slot_read (&ring->slot, i, classifier->classes);
      EffvkHeatmapOfImage heatmap = { 0 };

      result
          = effvk_result_new (classifier->model, classifier->classes, n,
                              effvk_slot_get_output (&ring->slot, i, EFFVK_NET_LOGITS),
                              effvk_model_get_n_classes (classifier->model), gpu_time, total_time);
      effvk_result_set_embedding (result, effvk_slot_get_output (&ring->slot, i, EFFVK_NET_POOLED),
                                  effvk_model_get_embedding_size (classifier->model));
      if (n > 0 && effvk_slot_read_heatmap (&ring->slot, i, &heatmap))
        effvk_result_set_heatmap (result, &heatmap);
      g_free (heatmap.cells);
      g_mutex_lock (&classifier->lock);
      effvk_stats_add (&classifier->stats, gpu_time, total_time, n > 0);
    }
  else
    g_mutex_lock (&classifier->lock);

  ring->n_collected++;
  classifier->n_in_flight--;
  if (ring->n_collected == ring->n_images)
    {
      release (classifier, ring);
      classifier->tail = (classifier->tail + 1) % classifier->n_slots;
    }
  g_mutex_unlock (&classifier->lock);
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

  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&classifier->lock);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  EffvkProgram *program = effvk_net_get_program (classifier->net);
  guint n_net = effvk_program_get_n_dispatches (program), n_preprocess = 0;
  gsize memory = effvk_program_get_memory_size (program);
  GVariantBuilder kernels = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_STRING_ARRAY);

  for (guint i = 0; i < classifier->n_slots; i++)
    {
      EffvkSlot *slot = &classifier->slots[i].slot;

      memory += slot->staging.size + slot->items.size + slot->readback.size;
      if (slot->recorded)
        {
          n_preprocess = effvk_program_get_n_dispatches (slot->preprocess);
          memory += effvk_program_get_memory_size (slot->preprocess);
        }
    }
  for (guint i = 0; i < n_net; i++)
    {
      const EffvkDispatch *dispatch = effvk_program_get_dispatch (program, i);

      g_variant_builder_add_value (&kernels,
                                   g_variant_new_take_string (
                                       g_strdup_printf ("%s %s", dispatch->op, dispatch->kernel)));
    }

  effvk_stats_describe (&classifier->stats, &dict);
  g_variant_dict_insert (&dict, "device", "s", effvk_device_get_name (classifier->device));
  g_variant_dict_insert (&dict, "driver", "s", effvk_device_get_driver (classifier->device));
  g_variant_dict_insert (&dict, "precision", "s",
                         classifier->precision == EFFVK_PRECISION_FP16 ? "fp16" : "fp32");
  g_variant_dict_insert (&dict, "dispatches", "u", n_net + n_preprocess);
  g_variant_dict_insert (&dict, "memory-bytes", "t", (guint64) memory);
  g_variant_dict_insert (&dict, "weights-bytes", "t",
                         (guint64) effvk_program_get_constants_size (program));
  g_variant_dict_insert (&dict, "arena-bytes", "t",
                         (guint64) effvk_program_get_arena_size (program));
  g_variant_dict_insert_value (&dict, "kernels", g_variant_builder_end (&kernels));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
effvk_classifier_profile (EffvkClassifier *classifier, const EffvkImage *image, guint n_runs,
                          GError **error)
{
  g_return_val_if_fail (EFFVK_IS_CLASSIFIER (classifier), NULL);
  g_return_val_if_fail (n_runs >= 1 && n_runs <= 1000, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = NULL;
  EffvkProgram *programs[2];
  EffvkSlot *slot;
  GVariant *profile;

  if (!check_complete (image, error))
    return NULL;
  locker = g_mutex_locker_new (&classifier->lock);
  slot = &classifier->slots[classifier->head].slot;
  if (classifier->n_in_flight)
    {
      g_set_error (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY,
                   "%u submitted images are in flight; collect their results first",
                   classifier->n_in_flight);
      return NULL;
    }
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
  net.storage = choose_precision (device, options->precision) == EFFVK_PRECISION_FP16
                    ? EFFVK_STORAGE_F16
                    : EFFVK_STORAGE_F32;
  return effvk_net_tune (device, model, &net, error);
}
