/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/keeper.h"

/* What is known of an instance. */
typedef struct
{
  guint streams;       /* that have joined */
  GstElement *element; /* holds the network, or NULL */
} Keeper;

static gint n_elements; /* atomic */
static GMutex lock;
static GHashTable *keepers; /* instance → Keeper */

static void
end_element (gpointer element)
{
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  g_atomic_int_add (&n_elements, -1);
}

guint
serve_keeper_count (void)
{
  return (guint) g_atomic_int_get (&n_elements);
}

static void
free_keeper (gpointer data)
{
  g_clear_pointer (&((Keeper *) data)->element, end_element);
  g_free (data);
}

/* Under lock. */
static Keeper *
get_keeper (const char *instance)
{
  Keeper *keeper;

  if (!keepers)
    keepers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_keeper);
  keeper = g_hash_table_lookup (keepers, instance);
  if (!keeper)
    {
      keeper = g_new0 (Keeper, 1);
      g_hash_table_insert (keepers, g_strdup (instance), keeper);
    }
  return keeper;
}

void
serve_keeper_set_up (GstElement *classify, const ServeModelConfig *model, const char *instance)
{
  const struct
  {
    const char *property, *value;
  } texts[] = { { "model-file", model->file },     { "labels-file", model->labels },
                { "device", model->device },       { "model-overrides", model->overrides },
                { "precision", model->precision }, { "activation", model->activation },
                { "model-instance-id", instance } };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i].value)
      gst_util_set_object_arg (G_OBJECT (classify), texts[i].property, texts[i].value);
  if (model->batch_size > 0)
    g_object_set (classify, "batch-size", (guint) model->batch_size, NULL);
}

void
serve_keeper_joined (const char *instance)
{
  GstElement *element;
  Keeper *keeper;

  g_mutex_lock (&lock);
  keeper = get_keeper (instance);
  keeper->streams++;
  element = g_steal_pointer (&keeper->element);
  g_mutex_unlock (&lock);
  g_clear_pointer (&element, end_element);
}

/* The network is there: to join it is quick. */
static GstElement *
hold (const ServeModelConfig *model, const char *instance)
{
  GstElement *element = gst_element_factory_make ("effvkclassify", NULL);

  if (!element)
    return NULL;
  g_atomic_int_inc (&n_elements);
  gst_object_ref_sink (element);
  serve_keeper_set_up (element, model, instance);
  if (gst_element_set_state (element, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE)
    return element;
  end_element (element);
  return NULL;
}

void
serve_keeper_leaves (const char *instance, const ServeModelConfig *model, gboolean again)
{
  Keeper *keeper;

  g_mutex_lock (&lock);
  keeper = get_keeper (instance);
  if (--keeper->streams == 0 && again && !keeper->element)
    keeper->element = hold (model, instance);
  g_mutex_unlock (&lock);
}

static gpointer
end_elements (gpointer data)
{
  g_ptr_array_unref (data);
  return NULL;
}

void
serve_keeper_forget (GHashTable *instances)
{
  GPtrArray *elements = g_ptr_array_new_with_free_func (end_element);
  GHashTableIter iter;
  gpointer name, keeper;

  g_mutex_lock (&lock);
  if (keepers)
    g_hash_table_iter_init (&iter, keepers);
  while (keepers && g_hash_table_iter_next (&iter, &name, &keeper))
    if ((!instances || !g_hash_table_contains (instances, name)) && ((Keeper *) keeper)->element)
      g_ptr_array_add (elements, g_steal_pointer (&((Keeper *) keeper)->element));
  g_mutex_unlock (&lock);
  if (elements->len > 0)
    g_thread_unref (g_thread_new ("effvk-keeper", end_elements, elements));
  else
    g_ptr_array_unref (elements);
}
