/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/instance-registry.h"

typedef struct
{
  GstEffvkModelInstance
      *network;     /* while it has streams, which hold the references; NULL: to be made */
  gboolean loading; /* one of the users makes it */
  guint n_users;    /* that have it, or wait for it */
} Entry;

static GMutex lock; /* what follows */
static GCond changed;
static GHashTable *entries; /* id to Entry */

static guint
get_batch (GstEffvkModelInstance *network)
{
  guint asked = gst_effvk_model_instance_get_config (network)->batch_size;

  /* It may have become less than asked for. */
  return asked
             ? asked
             : effvk_classifier_get_batch_size (gst_effvk_model_instance_get_classifier (network));
}

gboolean
gst_effvk_model_instance_suffices (GstEffvkModelInstance *network,
                                   const GstEffvkModelConfig *wanted)
{
  const GstEffvkModelConfig *has = gst_effvk_model_instance_get_config (network);

  return gst_effvk_model_config_is_shared (has)
             ? gst_effvk_model_config_check_shared (has, get_batch (network), wanted, NULL)
             : gst_effvk_model_config_satisfies (has, wanted);
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
static GstEffvkModelInstance *
make (Entry *entry, const GstEffvkModelConfig *config, GError **error)
{
  GstEffvkModelConfig shared = *config;
  GstEffvkModelInstance *network;

  shared.top_k = MAX (config->top_k, GST_EFFVK_DEFAULT_TOP_K);
  entry->loading = TRUE;
  g_mutex_unlock (&lock);
  network = gst_effvk_model_instance_new (&shared, error);
  g_mutex_lock (&lock);
  entry->loading = FALSE;
  entry->network = network;
  g_cond_broadcast (&changed);
  return network;
}

static gboolean
is_lost (GstEffvkModelInstance *network)
{
  return effvk_device_is_lost (
      effvk_classifier_get_device (gst_effvk_model_instance_get_classifier (network)));
}

GstEffvkModelInstance *
gst_effvk_model_instance_join (const GstEffvkModelConfig *config, GError **error)
{
  const char *id = config->instance_id;
  GstEffvkModelInstance *network = NULL;
  Entry *entry;

  if (!gst_effvk_model_config_is_shared (config))
    return gst_effvk_model_instance_new (config, error);
  g_mutex_lock (&lock);
  entry = get_entry (id);
  entry->n_users++;
  while (entry->loading)
    g_cond_wait (&changed, &lock);
  if (entry->network && is_lost (entry->network))
    entry->network = NULL; /* goes with those that still have it */
  if (!entry->network)
    network = make (entry, config, error);
  else if (gst_effvk_model_config_check_shared (gst_effvk_model_instance_get_config (
                                                    entry->network),
                                                get_batch (entry->network), config, error))
    {
      network = gst_effvk_model_instance_ref (entry->network);
      gst_effvk_model_instance_add_streams (network, 1);
    }
  if (!network)
    release (id, entry);
  g_mutex_unlock (&lock);
  return network;
}

void
gst_effvk_model_instance_leave (GstEffvkModelInstance *network)
{
  const GstEffvkModelConfig *config = gst_effvk_model_instance_get_config (network);
  const char *id = config->instance_id;

  if (gst_effvk_model_config_is_shared (config))
    {
      Entry *entry;

      g_mutex_lock (&lock);
      entry = get_entry (id);
      gst_effvk_model_instance_add_streams (network, -1);
      if (entry->network == network && gst_effvk_model_instance_get_n_streams (network) == 0)
        entry->network = NULL;
      release (id, entry);
      g_mutex_unlock (&lock);
    }
  gst_effvk_model_instance_unref (network);
}
