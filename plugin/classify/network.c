/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an element gets, makes, joins and swaps its network. */
#include "classify/network.h"

#include "classify/effvkclassify-private.h"
#include "classify/instance-registry.h"
#include "common/element-error.h"

void
gst_effvk_classify_get_config (GstEffvkClassify *self, GstEffvkModelConfig *config)
{
  GST_OBJECT_LOCK (self);
  gst_effvk_model_config_copy (&self->settings.network, config);
  config->top_k = self->settings.reporting.top_k;
  config->objects = gst_effvk_objects_are_wanted (&self->settings.objects);
  config->max_in_flight = self->settings.pace.max_in_flight;
  GST_OBJECT_UNLOCK (self);
}

GstEffvkModelInstance *
gst_effvk_classify_get_network (GstEffvkClassify *self)
{
  GstEffvkModelInstance *network;

  GST_OBJECT_LOCK (self);
  network = self->network ? gst_effvk_model_instance_ref (self->network) : NULL;
  GST_OBJECT_UNLOCK (self);
  return network;
}

/* One warning where nobody asked for a CPU and got one: the first question when it is slow. */
static void
warn_about_cpu (GstEffvkClassify *self, const GstEffvkModelConfig *config, EffvkDevice *device)
{
  const char *selector = config->device;

  if (!config->frames_device && effvk_device_get_device_type (device) == EFFVK_DEVICE_TYPE_CPU
      && (!selector || !*selector || g_str_equal (selector, "auto")))
    GST_ELEMENT_WARNING (
        self, RESOURCE, SETTINGS,
        ("No GPU was found: classifying on the CPU with %s. Set device=cpu to do so on "
         "purpose, or device=gpu to refuse it.",
         effvk_device_get_name (device)),
        (NULL));
}

static void
warn_of_softmax (GstEffvkClassify *self, const GstEffvkModelConfig *config,
                 GstEffvkModelInstance *network)
{
  EffvkModel *model = gst_effvk_model_instance_get_model (network);
  EffvkOutputActivation activation
      = config->activation ? config->activation : effvk_model_get_output_activation (model);

  if (activation == EFFVK_OUTPUT_ACTIVATION_SOFTMAX && effvk_model_get_n_classes (model) == 1)
    GST_ELEMENT_WARNING (
        self, RESOURCE, SETTINGS,
        ("The model has one class, of which softmax makes a score of 1 whatever the "
         "frame shows. Set activation=sigmoid for a probability."),
        (NULL));
}

gboolean
gst_effvk_classify_join_network (GstEffvkClassify *self)
{
  g_auto (GstEffvkModelConfig) config = { 0 };
  g_autoptr (GError) error = NULL;
  GstEffvkModelInstance *network, *old;
  EffvkDevice *device;

  gst_effvk_classify_get_config (self, &config);
  network = gst_effvk_model_instance_join (&config, &error);
  if (!network)
    {
      gst_effvk_model_instance_post_error (GST_ELEMENT (self), &config, error);
      return FALSE;
    }
  device = effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network));
  warn_about_cpu (self, &config, device);
  warn_of_softmax (self, &config, network);
  GST_INFO_OBJECT (self, "%s on %s (%s)",
                   effvk_model_get_variant (gst_effvk_model_instance_get_model (network)),
                   effvk_device_get_name (device), effvk_device_get_driver (device));
  GST_OBJECT_LOCK (self);
  old = self->network;
  self->network = network;
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&old, gst_effvk_model_instance_leave);
  return TRUE;
}

gboolean
gst_effvk_classify_prepare_network (GstEffvkClassify *self, GstCaps *caps)
{
  g_autoptr (EffvkDevice) device = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ready;

  if (gst_effvk_frame_caps_are (caps, GST_EFFVK_FEATURE_VULKAN))
    {
      device = gst_effvk_vulkan_get_device (&self->vulkan, GST_ELEMENT (self), &error);
      if (!device)
        {
          gst_effvk_element_post_error (GST_ELEMENT (self), error, NULL);
          return FALSE;
        }
    }
  GST_OBJECT_LOCK (self);
  ready = self->network && (!device || device == self->settings.network.frames_device);
  GST_OBJECT_UNLOCK (self);
  if (ready)
    return TRUE;
  gst_effvk_classify_end_swaps (self);
  GST_OBJECT_LOCK (self);
  g_set_object (&self->settings.network.frames_device, device);
  GST_OBJECT_UNLOCK (self);
  if (!gst_effvk_classify_join_network (self))
    return FALSE;
  gst_effvk_classify_begin_swaps (self);
  return TRUE;
}

gboolean
gst_effvk_classify_expects_vulkan (GstEffvkClassify *self)
{
  g_autoptr (GstCaps) caps = gst_pad_peer_query_caps (self->sink, NULL);

  return caps && !gst_caps_is_any (caps)
         && gst_effvk_frame_caps_are (caps, GST_EFFVK_FEATURE_VULKAN);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes the network, ready for the stream's frames. */
static GstEffvkModelInstance *
load (GstEffvkClassify *self, const GstEffvkModelConfig *config, GError **error)
{
  GstEffvkModelInstance *network;
  GstVideoInfo info;

  if (gst_effvk_model_config_is_shared (config))
    {
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                   "The network is shared (model-instance-id=%s): it changes when all have stopped",
                   config->instance_id);
      return NULL;
    }
  network = gst_effvk_model_instance_new (config, error);
  GST_OBJECT_LOCK (self);
  info = self->info;
  GST_OBJECT_UNLOCK (self);
  if (network && GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_UNKNOWN)
    gst_effvk_model_instance_warm (network, &info);
  return network;
}

static void
post (GstEffvkClassify *self, const GstEffvkModelConfig *config, GstEffvkModelInstance *runs,
      const GError *error)
{
  GstStructure *structure
      = gst_structure_new ("effvkclassify-model", "swapped", G_TYPE_BOOLEAN, error == NULL, "model",
                           G_TYPE_STRING,
                           effvk_model_get_variant (gst_effvk_model_instance_get_model (runs)),
                           "model-file", G_TYPE_STRING, config->model_file, NULL);

  if (error)
    gst_structure_set (structure, "reason", G_TYPE_STRING, error->message, NULL);
  gst_element_post_message (GST_ELEMENT (self),
                            gst_message_new_element (GST_OBJECT (self), structure));
}

/* Under the object lock: what the settings ask for; the strings are not the caller's. */
static GstEffvkModelConfig
get_wanted (GstEffvkClassify *self)
{
  GstEffvkModelConfig wanted = self->settings.network;

  wanted.top_k = self->settings.reporting.top_k;
  return wanted;
}

/* The settings are those of the network that runs again, unless they have been set anew since @refused. */
static void
take_back (GstEffvkClassify *self, GstEffvkModelInstance *runs, const GstEffvkModelConfig *refused)
{
  g_autoptr (GPtrArray) changed = NULL;
  GstEffvkModelConfig wanted;

  GST_OBJECT_LOCK (self);
  wanted = get_wanted (self);
  if (gst_effvk_model_config_satisfies (refused, &wanted))
    changed = gst_effvk_settings_take_back (&self->settings, G_OBJECT_GET_CLASS (self),
                                            gst_effvk_model_instance_get_config (runs));
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; changed && i < changed->len; i++)
    g_object_notify_by_pspec (G_OBJECT (self), g_ptr_array_index (changed, i));
}

static void
swap (GstEffvkClassify *self)
{
  g_autoptr (GstEffvkModelInstance) runs = gst_effvk_classify_get_network (self);
  g_auto (GstEffvkModelConfig) config = { 0 };
  g_autoptr (GError) error = NULL;
  GstEffvkModelInstance *network;

  gst_effvk_classify_get_config (self, &config);
  if (gst_effvk_model_instance_suffices (runs, &config))
    return;
  g_free (config.instance_id); /* one that was set since is for the next start */
  config.instance_id = g_strdup (gst_effvk_model_instance_get_config (runs)->instance_id);
  network = load (self, &config, &error);
  if (!network)
    {
      take_back (self, runs, &config);
      post (self, &config, runs, error);
      return;
    }
  GST_OBJECT_LOCK (self);
  self->network = network; /* the next frame's */
  GST_OBJECT_UNLOCK (self);
  gst_effvk_model_instance_leave (runs); /* with self's reference */
  warn_of_softmax (self, &config, network);
  post (self, &config, network, NULL);
}

static gpointer
load_and_swap (gpointer data)
{
  GstEffvkClassify *self = data;

  GST_OBJECT_LOCK (self);
  while (self->load_again && self->may_load)
    {
      self->load_again = FALSE;
      GST_OBJECT_UNLOCK (self);
      swap (self);
      GST_OBJECT_LOCK (self);
    }
  self->loading = FALSE;
  GST_OBJECT_UNLOCK (self);
  return NULL;
}

void
gst_effvk_classify_check_network (GstEffvkClassify *self)
{
  GThread *finished = NULL;
  GstEffvkModelConfig wanted;

  GST_OBJECT_LOCK (self);
  wanted = get_wanted (self);
  if (self->may_load && self->loading)
    self->load_again = TRUE;
  else if (self->may_load && !gst_effvk_model_instance_suffices (self->network, &wanted))
    {
      self->load_again = self->loading = TRUE;
      finished = self->loader;
      self->loader = g_thread_new ("effvk-load", load_and_swap, self);
    }
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&finished, g_thread_join);
}

void
gst_effvk_classify_begin_swaps (GstEffvkClassify *self)
{
  GST_OBJECT_LOCK (self);
  self->may_load = TRUE;
  GST_OBJECT_UNLOCK (self);
  gst_effvk_classify_check_network (self); /* what was set meanwhile */
}

void
gst_effvk_classify_end_swaps (GstEffvkClassify *self)
{
  GThread *loader;

  GST_OBJECT_LOCK (self);
  self->may_load = FALSE;
  loader = g_steal_pointer (&self->loader);
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&loader, g_thread_join);
}
