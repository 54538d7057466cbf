/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sharing.h"

typedef struct
{
  EffvkNetwork *network; /* while it has streams, which hold the references; NULL: to be made */
  gboolean loading;      /* one of the users makes it */
  guint n_users;         /* that have it, or wait for it */
} Entry;

static GMutex lock; /* what follows */
static GCond changed;
static GHashTable *entries; /* id to Entry */

gboolean
effvk_network_config_is_shared (const EffvkNetworkConfig *config)
{
  return config->instance_id && *config->instance_id;
}

static gboolean
check_string (const char *name, const char *default_value, const char *theirs, const char *ours,
              GError **error)
{
  theirs = theirs && *theirs ? theirs : default_value;
  ours = ours && *ours ? ours : default_value;
  if (g_str_equal (ours, default_value) || g_str_equal (ours, theirs))
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               "The network that is shared was made with %s=\"%s\", not \"%s\"", name, theirs,
               ours);
  return FALSE;
}

static gboolean
check_number (const char *name, guint64 default_value, guint64 theirs, guint64 ours, GError **error)
{
  if (ours == default_value || ours == theirs)
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
               "The network that is shared was made with %s=%" G_GUINT64_FORMAT
               ", not %" G_GUINT64_FORMAT,
               name, theirs, ours);
  return FALSE;
}

/* 0 is auto. */
static gboolean
check_enum (const char *name, GType type, int theirs, int ours, GError **error)
{
  g_autoptr (GEnumClass) values = g_type_class_ref (type);

  return ours == 0
         || check_string (name, "", g_enum_get_value (values, theirs)->value_nick,
                          g_enum_get_value (values, ours)->value_nick, error);
}

/* A device can read its own images only; it reads the CPU's memory as well. */
static gboolean
check_frames_device (EffvkDevice *theirs, EffvkDevice *ours, GError **error)
{
  if (!ours || ours == theirs)
    return TRUE;
  g_set_error_literal (
      error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "The network that is shared works on another device than the one that the frames "
      "are on (memory:VulkanImage)");
  return FALSE;
}

/* What an element has left at its default it takes as it is. @batch: what their batch size came to. */
static gboolean
check_options (const EffvkNetworkConfig *theirs, guint batch, const EffvkNetworkConfig *ours,
               GError **error)
{
  return check_string ("model-file", "", theirs->model_file, ours->model_file, error)
         && check_string ("model-overrides", "", theirs->model_overrides, ours->model_overrides,
                          error)
         && check_string ("labels-file", "", theirs->labels_file, ours->labels_file, error)
         && check_frames_device (theirs->frames_device, ours->frames_device, error)
         && check_string ("device", "auto", theirs->device, ours->device, error)
         && check_enum ("precision", EFFVK_TYPE_PRECISION, theirs->precision, ours->precision,
                        error)
         && check_enum ("activation", EFFVK_TYPE_OUTPUT_ACTIVATION, theirs->activation,
                        ours->activation, error)
         && check_number ("batch-size", 0, batch, ours->batch_size, error)
         && check_number ("batch-timeout", EFFVK_DEFAULT_BATCH_TIMEOUT, theirs->batch_timeout,
                          ours->batch_timeout, error)
         && check_number ("top-k", MIN (theirs->top_k, ours->top_k), theirs->top_k, ours->top_k,
                          error);
}

static guint
get_batch (EffvkNetwork *network)
{
  return effvk_classifier_get_batch_size (effvk_network_get_classifier (network));
}

gboolean
effvk_network_suffices (EffvkNetwork *network, const EffvkNetworkConfig *wanted)
{
  const EffvkNetworkConfig *has = effvk_network_get_config (network);

  return effvk_network_config_is_shared (has)
             ? check_options (has, get_batch (network), wanted, NULL)
             : effvk_network_config_satisfies (has, wanted);
}

/* Under lock. */
static Entry *
get_entry (const char *id)
{
  Entry *entry;

  if (!entries)
    entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  entry = g_hash_table_lookup (entries, id);
  if (!entry)
    {
      entry = g_new0 (Entry, 1);
      g_hash_table_insert (entries, g_strdup (id), entry);
    }
  return entry;
}

/* Under lock. */
static void
release (const char *id, Entry *entry)
{
  if (--entry->n_users > 0)
    return;
  g_hash_table_remove (entries, id);
  if (g_hash_table_size (entries) == 0)
    g_clear_pointer (&entries, g_hash_table_unref);
}

/* Under lock, but not while the network is made, so that others can leave theirs. */
static EffvkNetwork *
make (Entry *entry, const EffvkNetworkConfig *config, GError **error)
{
  EffvkNetworkConfig shared = *config;
  EffvkNetwork *network;

  shared.top_k = MAX (config->top_k, EFFVK_DEFAULT_TOP_K);
  entry->loading = TRUE;
  g_mutex_unlock (&lock);
  network = effvk_network_new (&shared, error);
  g_mutex_lock (&lock);
  entry->loading = FALSE;
  entry->network = network;
  g_cond_broadcast (&changed);
  return network;
}

static gboolean
is_lost (EffvkNetwork *network)
{
  return effvk_device_is_lost (
      effvk_classifier_get_device (effvk_network_get_classifier (network)));
}

EffvkNetwork *
effvk_network_join (const EffvkNetworkConfig *config, GError **error)
{
  const char *id = config->instance_id;
  EffvkNetwork *network = NULL;
  Entry *entry;

  if (!effvk_network_config_is_shared (config))
    return effvk_network_new (config, error);
  g_mutex_lock (&lock);
  entry = get_entry (id);
  entry->n_users++;
  while (entry->loading)
    g_cond_wait (&changed, &lock);
  if (entry->network && is_lost (entry->network))
    entry->network = NULL; /* goes with those that still have it */
  if (!entry->network)
    network = make (entry, config, error);
  else if (check_options (effvk_network_get_config (entry->network), get_batch (entry->network),
                          config, error))
    {
      network = effvk_network_ref (entry->network);
      effvk_network_add_streams (network, 1);
    }
  if (!network)
    release (id, entry);
  g_mutex_unlock (&lock);
  return network;
}

void
effvk_network_leave (EffvkNetwork *network)
{
  const EffvkNetworkConfig *config = effvk_network_get_config (network);
  const char *id = config->instance_id;

  if (effvk_network_config_is_shared (config))
    {
      Entry *entry;

      g_mutex_lock (&lock);
      entry = get_entry (id);
      effvk_network_add_streams (network, -1);
      if (entry->network == network && effvk_network_get_n_streams (network) == 0)
        entry->network = NULL;
      release (id, entry);
      g_mutex_unlock (&lock);
    }
  effvk_network_unref (network);
}
