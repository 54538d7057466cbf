/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "swap.h"

#include "effvkclassify-private.h"
#include "sharing.h"

/* Makes the network, ready for the stream's frames. */
static EffvkNetwork *
load (EffvkClassify *self, const EffvkNetworkConfig *config, GError **error)
{
  EffvkNetwork *network;
  GstVideoInfo info;

  if (effvk_network_config_is_shared (config))
    {
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                   "The network is shared (model-instance-id=%s): it changes when all have stopped",
                   config->instance_id);
      return NULL;
    }
  network = effvk_network_new (config, error);
  GST_OBJECT_LOCK (self);
  info = self->info;
  GST_OBJECT_UNLOCK (self);
  if (network && GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_UNKNOWN)
    effvk_network_warm (network, &info);
  return network;
}

static void
post (EffvkClassify *self, const EffvkNetworkConfig *config, EffvkNetwork *runs,
      const GError *error)
{
  GstStructure *structure
      = gst_structure_new ("effvkclassify-model", "swapped", G_TYPE_BOOLEAN, error == NULL, "model",
                           G_TYPE_STRING, effvk_model_get_variant (effvk_network_get_model (runs)),
                           "model-file", G_TYPE_STRING, config->model_file, NULL);

  if (error)
    gst_structure_set (structure, "reason", G_TYPE_STRING, error->message, NULL);
  gst_element_post_message (GST_ELEMENT (self),
                            gst_message_new_element (GST_OBJECT (self), structure));
}

/* Under the object lock: what the settings ask for; the strings are not the caller's. */
static EffvkNetworkConfig
get_wanted (EffvkClassify *self)
{
  EffvkNetworkConfig wanted = self->settings.network;

  wanted.top_k = self->settings.reporting.top_k;
  return wanted;
}

/* The settings are those of the network that runs again, unless they have been set anew since @refused. */
static void
take_back (EffvkClassify *self, EffvkNetwork *runs, const EffvkNetworkConfig *refused)
{
  g_autoptr (GPtrArray) changed = NULL;
  EffvkNetworkConfig wanted;

  GST_OBJECT_LOCK (self);
  wanted = get_wanted (self);
  if (effvk_network_config_satisfies (refused, &wanted))
    changed = effvk_settings_take_back (&self->settings, G_OBJECT_GET_CLASS (self),
                                        effvk_network_get_config (runs));
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; changed && i < changed->len; i++)
    g_object_notify_by_pspec (G_OBJECT (self), g_ptr_array_index (changed, i));
}

static void
swap (EffvkClassify *self)
{
  g_autoptr (EffvkNetwork) runs = effvk_classify_get_network (self);
  g_auto (EffvkNetworkConfig) config = { 0 };
  g_autoptr (GError) error = NULL;
  EffvkNetwork *network;

  effvk_classify_get_config (self, &config);
  if (effvk_network_suffices (runs, &config))
    return;
  g_free (config.instance_id); /* one that was set since is for the next start */
  config.instance_id = g_strdup (effvk_network_get_config (runs)->instance_id);
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
  effvk_network_leave (runs); /* with self's reference */
  post (self, &config, network, NULL);
}

static gpointer
load_and_swap (gpointer data)
{
  EffvkClassify *self = data;

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
effvk_classify_check_network (EffvkClassify *self)
{
  GThread *finished = NULL;
  EffvkNetworkConfig wanted;

  GST_OBJECT_LOCK (self);
  wanted = get_wanted (self);
  if (self->may_load && self->loading)
    self->load_again = TRUE;
  else if (self->may_load && !effvk_network_suffices (self->network, &wanted))
    {
      self->load_again = self->loading = TRUE;
      finished = self->loader;
      self->loader = g_thread_new ("effvk-load", load_and_swap, self);
    }
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&finished, g_thread_join);
}

void
effvk_classify_begin_swaps (EffvkClassify *self)
{
  GST_OBJECT_LOCK (self);
  self->may_load = TRUE;
  GST_OBJECT_UNLOCK (self);
  effvk_classify_check_network (self); /* what was set meanwhile */
}

void
effvk_classify_end_swaps (EffvkClassify *self)
{
  GThread *loader;

  GST_OBJECT_LOCK (self);
  self->may_load = FALSE;
  loader = g_steal_pointer (&self->loader);
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&loader, g_thread_join);
}
