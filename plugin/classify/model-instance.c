/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/model-instance.h"

#include "common/element-error.h"
#include "memory/frame.h"

#define OBJECTS_BATCH_SIZE 8

struct _GstEffvkModelInstance
{
  gatomicrefcount references;
  EffvkClassifier *classifier;
  GstEffvkModelConfig config;
  guint batch; /* that was asked for; the classifier's may be smaller */
  GThread *collector;

  GMutex lock; /* what follows */
  GCond changed;
  guint n_streams;
  GQueue lines;     /* Line: of the streams that wait, the next one to be served first */
  guint n_waiting;  /* images in them */
  GQueue in_flight; /* GstEffvkRequest, one an image, in the order of the classifier's ring */
  gboolean closing;
};

/* A stream's requests that are not on the device, or not with all their images. */
typedef struct
{
  gpointer waiter;
  GQueue requests; /* GstEffvkRequest */
} Line;

static const char *
none_if_empty (const char *string)
{
  return string && *string ? string : NULL;
}

static EffvkModel *
load_model (const GstEffvkModelConfig *config, GError **error)
{
  g_autoptr (EffvkModel) model = NULL;

  if (config->taught)
    return g_object_ref (config->taught);
  model = effvk_model_new_with_overrides (none_if_empty (config->model_file),
                                          none_if_empty (config->model_overrides), error);
  if (!model)
    {
      g_prefix_error (error, "Could not load the model: ");
      return NULL;
    }
  if (none_if_empty (config->labels_file)
      && !effvk_model_load_labels (model, config->labels_file, error))
    {
      g_prefix_error (error, "Could not load the labels: ");
      return NULL;
    }
  return g_steal_pointer (&model);
}

/* A submission takes as long as a full one. So does each image on a CPU, which does them one
 * after the other. */
guint
gst_effvk_model_instance_choose_batch_size (const GstEffvkModelConfig *config, EffvkDevice *device)
{
  if (!config->objects && config->n_streams <= 1)
    return 1;
  if (config->batch_size)
    return config->batch_size;
  return config->objects && effvk_device_get_device_type (device) != EFFVK_DEVICE_TYPE_CPU
             ? OBJECTS_BATCH_SIZE
             : 1;
}

static EffvkClassifier *
build (const GstEffvkModelConfig *config, guint *batch, GError **error)
{
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (EffvkModel) model = load_model (config, error);
  g_autoptr (EffvkDevice) device = NULL;
  EffvkClassifier *classifier;

  if (!model)
    return NULL;
  device = config->frames_device ? g_object_ref (config->frames_device)
                                 : effvk_device_new (config->device, error);
  if (!device)
    {
      g_prefix_error (error, "Could not open a Vulkan device: ");
      return NULL;
    }
  effvk_classifier_options_set_precision (options, config->fallback >= GST_EFFVK_FALLBACK_FP32
                                                       ? EFFVK_PRECISION_FP32
                                                       : config->precision);
  effvk_classifier_options_set_plain_kernels (options,
                                              config->fallback >= GST_EFFVK_FALLBACK_PLAIN);
  effvk_classifier_options_set_activation (options, config->activation);
  effvk_classifier_options_set_top_k (options, config->top_k);
  *batch = gst_effvk_model_instance_choose_batch_size (config, device);
  effvk_classifier_options_set_batch_size (options, *batch);
  effvk_classifier_options_set_max_in_flight (options, config->max_in_flight);
  effvk_classifier_options_set_logits (options, TRUE); /* for smoothers */
  effvk_classifier_options_set_embeddings (options, config->embeddings);
  effvk_classifier_options_set_heatmaps (options, config->heatmaps);
  classifier = config->frames_device
                   ? effvk_classifier_new (device, model, options, error)
                   : effvk_classifier_new_for_selector (config->device, model, options, error);
  if (!classifier)
    g_prefix_error (error, "Could not build the network: ");
  return classifier;
}

void
gst_effvk_model_instance_post_error (GstElement *element, const GstEffvkModelConfig *config,
                                     const GError *error)
{
  gboolean labels = g_error_matches (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_LABELS);

  gst_effvk_element_post_error (element, error, labels ? config->labels_file : config->model_file);
}

/* Under lock. */
static void
answer (GstEffvkRequest *request)
{
  gst_effvk_request_release_pixels (request);
  request->done = g_get_monotonic_time ();
  g_atomic_int_set (&request->answered, TRUE);
  if (request->notify)
    request->notify (request->waiter);
}

/* Under lock. Answers a request when nothing more will come. */
static void
answer_if_done (GstEffvkRequest *request)
{
  if (request->n_collected == request->n_submitted
      && (request->error || request->n_submitted == request->n_images))
    answer (request);
}

static void
line_free (Line *line)
{
  g_queue_clear_full (&line->requests, (GDestroyNotify) gst_effvk_request_unref);
  g_free (line);
}

/* Under lock. Takes a request out of its line, wherever it stands. */
static gboolean
remove_waiting (GstEffvkModelInstance *network, GstEffvkRequest *request)
{
  for (GList *i = network->lines.head; i; i = i->next)
    {
      Line *line = i->data;

      if (line->waiter != request->waiter || !g_queue_remove (&line->requests, request))
        continue;
      if (line->requests.length == 0)
        {
          g_queue_delete_link (&network->lines, i);
          line_free (line);
        }
      network->n_waiting -= request->n_images - request->n_submitted;
      gst_effvk_request_unref (request);
      return TRUE;
    }
  return FALSE;
}

/* Under lock. */
static void
add_waiting (GstEffvkModelInstance *network, GstEffvkRequest *request)
{
  Line *line = NULL;

  for (GList *i = network->lines.head; i && !line; i = i->next)
    if (((Line *) i->data)->waiter == request->waiter)
      line = i->data;
  if (!line)
    {
      line = g_new0 (Line, 1);
      line->waiter = request->waiter;
      g_queue_push_tail (&network->lines, line);
    }
  g_queue_push_tail (&line->requests, gst_effvk_request_ref (request));
  network->n_waiting += request->n_images;
}

/* Under lock. us of the monotonic clock: when the oldest of those that wait was asked. */
static gint64
oldest_waiting (GstEffvkModelInstance *network)
{
  gint64 oldest = G_MAXINT64;

  for (GList *i = network->lines.head; i; i = i->next)
    {
      GstEffvkRequest *first = g_queue_peek_head (&((Line *) i->data)->requests);

      oldest = MIN (oldest, first->asked);
    }
  return oldest;
}

/* Under lock. When the batch has waited long enough for more, in us of the monotonic clock.
 * G_MAXINT64 while the device has other work, because the batch would wait for that anyway. */
static gint64
when_due (GstEffvkModelInstance *network)
{
  if (network->n_waiting >= effvk_classifier_get_batch_size (network->classifier)
      || network->lines.length >= network->n_streams)
    return 0;
  if (network->in_flight.length > 0)
    return G_MAXINT64;
  return oldest_waiting (network) + (gint64) (network->config.batch_timeout / GST_USECOND);
}

/* Under lock. Gives the device the next images of a request: all that are left, or as many as a
 * submission holds. */
static gboolean
submit_next (GstEffvkModelInstance *network, GstEffvkRequest *request, GError **error)
{
  const EffvkRectangle *parts = request->parts + request->n_submitted;
  guint n = MIN (request->n_images - request->n_submitted,
                 effvk_classifier_get_batch_size (network->classifier));

  if (!request->parts
      && !effvk_classifier_submit (network->classifier, request->image, NULL, error))
    return FALSE;
  if (request->parts
      && !effvk_classifier_submit_regions (network->classifier, request->image, parts, n, NULL,
                                           error))
    return FALSE;
  request->n_submitted += n;
  network->n_waiting -= n;
  for (guint i = 0; i < n; i++)
    g_queue_push_tail (&network->in_flight, gst_effvk_request_ref (request));
  return TRUE;
}

/* Under lock. Serves the line whose turn it is, which then is the last. Returns FALSE when the
 * device has no room. */
static gboolean
serve_line (GstEffvkModelInstance *network)
{
  Line *line = g_queue_peek_head (&network->lines);
  GstEffvkRequest *request = g_queue_peek_head (&line->requests);
  GError *error = NULL;

  if (!submit_next (network, request, &error))
    {
      if (g_error_matches (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY))
        {
          g_error_free (error);
          return FALSE;
        }
      request->error = error;
    }
  g_queue_push_tail (&network->lines, g_queue_pop_head (&network->lines));
  if (request->error || request->n_submitted == request->n_images)
    {
      answer_if_done (request);
      remove_waiting (network, request);
    }
  return TRUE;
}

/* Under lock. Gives the device what it has room for, when it is due. */
static void
submit_waiting (GstEffvkModelInstance *network)
{
  gboolean room = TRUE;

  while (room && network->lines.length > 0 && when_due (network) <= g_get_monotonic_time ())
    {
      guint n = MIN (network->n_waiting, effvk_classifier_get_batch_size (network->classifier));
      guint rest = network->n_waiting - n;

      while (room && network->n_waiting > rest && network->lines.length > 0)
        room = serve_line (network);
    }
  /* an error is told at the collect */
  effvk_classifier_launch (network->classifier, NULL);
  g_cond_signal (&network->changed);
}

/* Under lock. The oldest image in flight came back, or never will. */
static void
take_answer (GstEffvkModelInstance *network, EffvkResult *result, GError *error)
{
  GstEffvkRequest *request = g_queue_pop_head (&network->in_flight);

  request->n_collected++;
  if (result)
    g_ptr_array_add (request->results, result);
  else if (request->error)
    g_error_free (error);
  else
    {
      request->error = error;
      remove_waiting (network, request); /* with the rest of its images */
    }
  answer_if_done (request);
  gst_effvk_request_unref (request);
}

/* Under lock. Until there is something to collect, or a batch that is due. */
static void
wait_for_work (GstEffvkModelInstance *network)
{
  gint64 due = network->lines.length > 0 ? when_due (network) : G_MAXINT64;

  if (due == G_MAXINT64)
    g_cond_wait (&network->changed, &network->lock);
  else
    g_cond_wait_until (&network->changed, &network->lock, due);
}

static gpointer
collect (gpointer data)
{
  GstEffvkModelInstance *network = data;

  g_mutex_lock (&network->lock);
  while (network->in_flight.length > 0 || !network->closing)
    {
      GError *error = NULL;
      EffvkResult *result;

      if (network->in_flight.length == 0)
        {
          wait_for_work (network);
          submit_waiting (network);
          continue;
        }
      g_mutex_unlock (&network->lock);
      result = effvk_classifier_collect (network->classifier, TRUE, NULL, &error);
      g_mutex_lock (&network->lock);
      take_answer (network, result, error);
      submit_waiting (network);
    }
  g_mutex_unlock (&network->lock);
  return NULL;
}

GstEffvkModelInstance *
gst_effvk_model_instance_new (const GstEffvkModelConfig *config, GError **error)
{
  guint batch;
  EffvkClassifier *classifier = build (config, &batch, error);
  GstEffvkModelInstance *network;

  if (!classifier)
    return NULL;
  network = g_new0 (GstEffvkModelInstance, 1);
  g_atomic_ref_count_init (&network->references);
  g_mutex_init (&network->lock);
  g_cond_init (&network->changed);
  network->classifier = classifier;
  network->batch = batch;
  gst_effvk_model_config_copy (config, &network->config);
  network->collector = g_thread_new ("effvk-collect", collect, network);
  return network;
}

GstEffvkModelInstance *
gst_effvk_model_instance_ref (GstEffvkModelInstance *network)
{
  g_atomic_ref_count_inc (&network->references);
  return network;
}

void
gst_effvk_model_instance_unref (GstEffvkModelInstance *network)
{
  if (!g_atomic_ref_count_dec (&network->references))
    return;
  g_mutex_lock (&network->lock);
  network->closing = TRUE;
  g_queue_clear_full (&network->lines, (GDestroyNotify) line_free);
  g_cond_signal (&network->changed);
  g_mutex_unlock (&network->lock);
  g_thread_join (network->collector);

  g_object_unref (network->classifier);
  gst_effvk_model_config_clear (&network->config);
  g_cond_clear (&network->changed);
  g_mutex_clear (&network->lock);
  g_free (network);
}

void
gst_effvk_model_instance_warm (GstEffvkModelInstance *network, const GstVideoInfo *info)
{
  guint width = (guint) GST_VIDEO_INFO_WIDTH (info), height = (guint) GST_VIDEO_INFO_HEIGHT (info);
  g_autofree char *reason = NULL;
  g_autofree guint8 *black = g_malloc0 (GST_VIDEO_INFO_SIZE (info));
  g_autoptr (EffvkImage) image = gst_effvk_video_image_new (info, width, height, &reason);
  g_autoptr (EffvkResult) result = NULL;

  for (guint i = 0; image && i < GST_VIDEO_INFO_N_PLANES (info); i++)
    effvk_image_set_plane (image, i, black + GST_VIDEO_INFO_PLANE_OFFSET (info, i),
                           (gsize) GST_VIDEO_INFO_PLANE_STRIDE (info, i),
                           GST_VIDEO_INFO_SIZE (info) - GST_VIDEO_INFO_PLANE_OFFSET (info, i));
  if (image) /* what goes wrong here goes wrong again with a frame, and is reported then */
    result = effvk_classifier_classify (network->classifier, image, NULL);
}

void
gst_effvk_model_instance_add_streams (GstEffvkModelInstance *network, int n)
{
  g_mutex_lock (&network->lock);
  network->n_streams += (guint) n;
  submit_waiting (network); /* the others may have waited for the one that left */
  g_mutex_unlock (&network->lock);
}

guint
gst_effvk_model_instance_get_n_streams (GstEffvkModelInstance *network)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&network->lock);

  return network->n_streams;
}

const GstEffvkModelConfig *
gst_effvk_model_instance_get_config (GstEffvkModelInstance *network)
{
  return &network->config;
}

guint
gst_effvk_model_instance_get_batch_size (GstEffvkModelInstance *network)
{
  return network->batch;
}

EffvkClassifier *
gst_effvk_model_instance_get_classifier (GstEffvkModelInstance *network)
{
  return network->classifier;
}

EffvkModel *
gst_effvk_model_instance_get_model (GstEffvkModelInstance *network)
{
  return effvk_classifier_get_model (network->classifier);
}

EffvkOutputActivation
gst_effvk_model_instance_get_activation (GstEffvkModelInstance *network)
{
  return network->config.activation;
}

void
gst_effvk_model_instance_ask (GstEffvkModelInstance *network, GstEffvkRequest *request,
                              GDestroyNotify notify, gpointer waiter)
{
  g_mutex_lock (&network->lock);
  request->notify = notify;
  request->waiter = waiter;
  request->asked = g_get_monotonic_time ();
  add_waiting (network, request);
  submit_waiting (network);
  g_mutex_unlock (&network->lock);
}

void
gst_effvk_model_instance_cancel (GstEffvkModelInstance *network, GstEffvkRequest *request)
{
  g_mutex_lock (&network->lock);
  request->notify = NULL;
  remove_waiting (network, request);
  g_mutex_unlock (&network->lock);
}
