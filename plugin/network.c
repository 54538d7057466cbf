/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network.h"

#include "element-error.h"

struct _EffvkNetwork
{
  gatomicrefcount references;
  EffvkClassifier *classifier;
  EffvkOutputActivation activation;
  GThread *collector;

  GMutex lock; /* what follows */
  GCond changed;
  GQueue waiting;   /* EffvkRequest: for a free slot */
  GQueue in_flight; /* EffvkRequest, one an image, in the order of the classifier's ring */
  gboolean closing;
};

void
effvk_network_config_copy (const EffvkNetworkConfig *config, EffvkNetworkConfig *copy)
{
  *copy = *config;
  copy->model_file = g_strdup (config->model_file);
  copy->model_overrides = g_strdup (config->model_overrides);
  copy->labels_file = g_strdup (config->labels_file);
  copy->device = g_strdup (config->device);
}

void
effvk_network_config_clear (EffvkNetworkConfig *config)
{
  g_free (config->model_file);
  g_free (config->model_overrides);
  g_free (config->labels_file);
  g_free (config->device);
  *config = (EffvkNetworkConfig){ 0 };
}

static const char *
none_if_empty (const char *string)
{
  return string && *string ? string : NULL;
}

static EffvkModel *
load_model (const EffvkNetworkConfig *config, GError **error)
{
  g_autoptr (EffvkModel) model
      = effvk_model_new_with_overrides (none_if_empty (config->model_file),
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

static EffvkClassifier *
build (const EffvkNetworkConfig *config, GError **error)
{
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (EffvkModel) model = load_model (config, error);
  g_autoptr (EffvkDevice) device = NULL;
  EffvkClassifier *classifier;

  if (!model)
    return NULL;
  device = effvk_device_new (config->device, error);
  if (!device)
    {
      g_prefix_error (error, "Could not open a Vulkan device: ");
      return NULL;
    }
  effvk_classifier_options_set_precision (options, config->precision);
  effvk_classifier_options_set_activation (options, config->activation);
  effvk_classifier_options_set_top_k (options, config->top_k);
  effvk_classifier_options_set_batch_size (options, config->batch_size);
  effvk_classifier_options_set_max_in_flight (options, config->max_in_flight);
  effvk_classifier_options_set_logits (options, TRUE); /* for smoothers */
  classifier = effvk_classifier_new (device, model, options, error);
  if (!classifier)
    g_prefix_error (error, "Could not build the network: ");
  return classifier;
}

void
effvk_network_post_error (GstElement *element, const EffvkNetworkConfig *config,
                          const GError *error)
{
  gboolean labels = g_error_matches (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_LABELS);

  effvk_element_post_error (element, error, labels ? config->labels_file : config->model_file);
}

/* Under lock. */
static void
answer (EffvkRequest *request)
{
  effvk_request_release_pixels (request);
  request->done = g_get_monotonic_time ();
  g_atomic_int_set (&request->answered, TRUE);
  if (request->notify)
    request->notify (request->waiter);
}

/* Under lock. Answers a request when nothing more will come. */
static void
answer_if_done (EffvkRequest *request)
{
  if (request->n_collected == request->n_submitted
      && (request->error || request->n_submitted == request->n_images))
    answer (request);
}

/* Under lock. Gives the device the next images of a request: all that are left, or as many as a
 * submission holds. */
static gboolean
submit_next (EffvkNetwork *network, EffvkRequest *request, GError **error)
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
  for (guint i = 0; i < n; i++)
    g_queue_push_tail (&network->in_flight, effvk_request_ref (request));
  g_cond_signal (&network->changed);
  return TRUE;
}

/* Under lock. Gives the device what it has room for. */
static void
submit_waiting (EffvkNetwork *network)
{
  EffvkRequest *request;

  while ((request = g_queue_peek_head (&network->waiting)))
    {
      GError *error = NULL;

      if (submit_next (network, request, &error))
        {
          if (request->n_submitted < request->n_images)
            continue;
          effvk_request_release_pixels (request);
        }
      else if (g_error_matches (error, EFFVK_CLASSIFIER_ERROR, EFFVK_CLASSIFIER_ERROR_BUSY))
        {
          g_error_free (error);
          return;
        }
      else
        {
          request->error = error;
          answer_if_done (request);
        }
      g_queue_pop_head (&network->waiting);
      effvk_request_unref (request);
    }
}

/* Under lock. The oldest image in flight came back, or never will. */
static void
take_answer (EffvkNetwork *network, EffvkResult *result, GError *error)
{
  EffvkRequest *request = g_queue_pop_head (&network->in_flight);

  request->n_collected++;
  if (result)
    g_ptr_array_add (request->results, result);
  else if (request->error)
    g_error_free (error);
  else
    {
      request->error = error;
      if (g_queue_remove (&network->waiting, request)) /* with the rest of its images */
        effvk_request_unref (request);
    }
  answer_if_done (request);
  effvk_request_unref (request);
}

static gpointer
collect (gpointer data)
{
  EffvkNetwork *network = data;

  g_mutex_lock (&network->lock);
  while (network->in_flight.length > 0 || !network->closing)
    {
      GError *error = NULL;
      EffvkResult *result;

      if (network->in_flight.length == 0)
        {
          g_cond_wait (&network->changed, &network->lock);
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

EffvkNetwork *
effvk_network_new (const EffvkNetworkConfig *config, GError **error)
{
  EffvkClassifier *classifier = build (config, error);
  EffvkNetwork *network;

  if (!classifier)
    return NULL;
  network = g_new0 (EffvkNetwork, 1);
  g_atomic_ref_count_init (&network->references);
  g_mutex_init (&network->lock);
  g_cond_init (&network->changed);
  network->classifier = classifier;
  network->activation = config->activation;
  network->collector = g_thread_new ("effvk-collect", collect, network);
  return network;
}

EffvkNetwork *
effvk_network_ref (EffvkNetwork *network)
{
  g_atomic_ref_count_inc (&network->references);
  return network;
}

void
effvk_network_unref (EffvkNetwork *network)
{
  if (!g_atomic_ref_count_dec (&network->references))
    return;
  g_mutex_lock (&network->lock);
  network->closing = TRUE;
  g_queue_clear_full (&network->waiting, (GDestroyNotify) effvk_request_unref);
  g_cond_signal (&network->changed);
  g_mutex_unlock (&network->lock);
  g_thread_join (network->collector);

  g_object_unref (network->classifier);
  g_cond_clear (&network->changed);
  g_mutex_clear (&network->lock);
  g_free (network);
}

EffvkClassifier *
effvk_network_get_classifier (EffvkNetwork *network)
{
  return network->classifier;
}

EffvkModel *
effvk_network_get_model (EffvkNetwork *network)
{
  return effvk_classifier_get_model (network->classifier);
}

EffvkOutputActivation
effvk_network_get_activation (EffvkNetwork *network)
{
  return network->activation;
}

void
effvk_network_ask (EffvkNetwork *network, EffvkRequest *request, GDestroyNotify notify,
                   gpointer waiter)
{
  g_mutex_lock (&network->lock);
  request->notify = notify;
  request->waiter = waiter;
  g_queue_push_tail (&network->waiting, effvk_request_ref (request));
  submit_waiting (network);
  g_mutex_unlock (&network->lock);
}

void
effvk_network_cancel (EffvkNetwork *network, EffvkRequest *request)
{
  g_mutex_lock (&network->lock);
  request->notify = NULL;
  if (g_queue_remove (&network->waiting, request))
    effvk_request_unref (request);
  g_mutex_unlock (&network->lock);
}
