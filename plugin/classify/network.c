/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an element gets, makes, joins and swaps its network. */
#include "classify/network.h"

#include "classify/effvkclassify-private.h"
#include "classify/instance-registry.h"
#include "common/element-error.h"

#define GST_CAT_DEFAULT gst_effvk_classify_debug

void
gst_effvk_classify_get_config (GstEffvkClassify *self, GstEffvkModelConfig *config)
{
  GST_OBJECT_LOCK (self);
  gst_effvk_settings_get_config (&self->settings, config);
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
        ("No GPU can run this model: classifying on the CPU with %s. Set device=cpu to do so on "
         "purpose, or device=gpu to refuse it.",
         effvk_device_get_name (device)),
        (NULL));
}

static void
warn_of_softmax (GstEffvkClassify *self, GstEffvkModelInstance *network)
{
  EffvkModel *model = gst_effvk_model_instance_get_model (network);
  EffvkOutputActivation activation = gst_effvk_model_instance_get_activation (network);

  if (!activation)
    activation = effvk_model_get_output_activation (model);
  if (activation == EFFVK_OUTPUT_ACTIVATION_SOFTMAX && effvk_model_get_n_classes (model) == 1)
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
                         ("The model has one class, and softmax gives it a score of 1 whatever the "
                          "frame shows. Set activation=sigmoid for a probability."),
                         (NULL));
}

/* The first network is refused with what it cannot tell; later, what can be told is. */
static gboolean
check_filter (GstEffvkClassify *self, GstEffvkModelInstance *network)
{
  g_autoptr (GError) error = NULL;

  if (gst_effvk_filter_check (self->settings.filter, gst_effvk_model_instance_get_model (network),
                              &error))
    return TRUE;
  gst_effvk_registry_leave (self);
  GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", error->message), (NULL));
  return FALSE;
}

gboolean
gst_effvk_classify_join_network (GstEffvkClassify *self)
{
  g_autoptr (GstEffvkModelInstance) network = NULL;
  g_auto (GstEffvkModelConfig) config = { 0 };
  g_autoptr (GError) error = NULL;

  gst_effvk_classify_get_config (self, &config);
  if (!gst_effvk_registry_join (self, &config, &error))
    {
      gst_effvk_model_instance_post_error (GST_ELEMENT (self), &config, error);
      return FALSE;
    }
  network = gst_effvk_classify_get_network (self);
  if (!check_filter (self, network))
    return FALSE;
  warn_about_cpu (self, gst_effvk_model_instance_get_config (network),
                  effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network)));
  warn_of_softmax (self, network);
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

void
gst_effvk_classify_post_swap (GstEffvkClassify *self, const char *model_file, const GError *error)
{
  g_autoptr (GstEffvkModelInstance) runs = gst_effvk_classify_get_network (self);
  GstStructure *structure;

  if (!runs)
    return;
  if (!model_file && !error)
    model_file = gst_effvk_model_instance_get_config (runs)->model_file;
  structure = gst_structure_new ("effvkclassify-model", "swapped", G_TYPE_BOOLEAN, error == NULL,
                                 "model", G_TYPE_STRING,
                                 effvk_model_get_name (gst_effvk_model_instance_get_model (runs)),
                                 "model-file", G_TYPE_STRING, model_file, NULL);
  if (error)
    gst_structure_set (structure, "reason", G_TYPE_STRING, error->message, NULL);
  gst_element_post_message (GST_ELEMENT (self),
                            gst_message_new_element (GST_OBJECT (self), structure));
}

/* The settings are those of the network that runs again, unless they have been set anew since
 * @refused. */
static void
take_back (GstEffvkClassify *self, const GstEffvkModelConfig *refused)
{
  g_autoptr (GPtrArray) changed = NULL;

  GST_OBJECT_LOCK (self);
  if (gst_effvk_model_config_satisfies (refused, &self->settings.network, FALSE)
      && g_strcmp0 (refused->instance_id, self->settings.network.instance_id) == 0)
    changed = gst_effvk_settings_take_back (&self->settings, G_OBJECT_GET_CLASS (self),
                                            &self->accepted);
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; changed && i < changed->len; i++)
    g_object_notify_by_pspec (G_OBJECT (self), g_ptr_array_index (changed, i));
}

static void
swap (GstEffvkClassify *self)
{
  g_autoptr (GstEffvkModelInstance) runs = gst_effvk_classify_get_network (self);
  g_auto (GstEffvkModelConfig) config = { 0 };
  g_autoptr (GstEffvkModelInstance) other = NULL;
  g_autoptr (GError) error = NULL;

  gst_effvk_classify_get_config (self, &config);
  if (gst_effvk_registry_suffices (runs, &config))
    {
      gst_effvk_registry_declare (self);
      return;
    }
  GST_INFO_OBJECT (self,
                   "the settings ask for another network: loading it beside the one that runs");
  if (!gst_effvk_registry_join (self, &config, &error))
    {
      GST_INFO_OBJECT (self, "the network stays: %s", error->message);
      take_back (self, &config);
    }
  other = gst_effvk_classify_get_network (self);
  if (!error)
    warn_of_softmax (self, other);
  gst_effvk_classify_post_swap (self, config.model_file, error);
}

static gpointer
load_and_swap (gpointer data)
{
  GstEffvkClassify *self = data;
  gboolean restoring;

  GST_OBJECT_LOCK (self);
  while (self->load_again && self->may_load)
    {
      restoring = self->restoring;
      self->load_again = FALSE;
      GST_OBJECT_UNLOCK (self);
      if (restoring)
        gst_effvk_classify_restore (self);
      else
        swap (self);
      GST_OBJECT_LOCK (self);
    }
  self->loading = FALSE;
  GST_OBJECT_UNLOCK (self);
  return NULL;
}

/* Another network is needed: has it loaded. Under the object lock; returns a thread to be
 * joined, or NULL. */
static GThread *
load_another (GstEffvkClassify *self)
{
  GThread *finished = self->loader;

  if (self->loading)
    {
      self->load_again = TRUE;
      return NULL;
    }
  self->load_again = self->loading = TRUE;
  self->loader = g_thread_new ("effvk-load", load_and_swap, self);
  return finished;
}

void
gst_effvk_classify_check_network (GstEffvkClassify *self)
{
  g_auto (GstEffvkModelConfig) wanted = { 0 };
  GThread *finished = NULL;
  gboolean declare;

  GST_OBJECT_LOCK (self);
  gst_effvk_settings_get_config (&self->settings, &wanted);
  declare = self->declared;
  if (self->may_load && (self->loading || !gst_effvk_registry_suffices (self->network, &wanted)))
    {
      finished = load_another (self);
      declare = FALSE;
    }
  GST_OBJECT_UNLOCK (self);
  if (declare)
    gst_effvk_registry_declare (self);
  g_clear_pointer (&finished, g_thread_join);
}

void
gst_effvk_classify_replace_network (GstEffvkClassify *self)
{
  GThread *finished = NULL;

  GST_OBJECT_LOCK (self);
  if (self->may_load)
    finished = load_another (self);
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
