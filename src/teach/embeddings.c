/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "teach/embeddings.h"

#include "model/model.h"

#include <math.h>

/* A GArray counts to 2^32; what a file may hold is below that. */
#define MAX_FLOATS G_MAXUINT32

G_DEFINE_FINAL_TYPE (EffvkEmbeddings, effvk_embeddings, G_TYPE_OBJECT)

static void
clear_item (gpointer data)
{
  EffvkEmbeddingsItem *item = data;

  g_free (item->source);
  g_strfreev (item->labels);
}

static void
effvk_embeddings_finalize (GObject *object)
{
  EffvkEmbeddings *embeddings = EFFVK_EMBEDDINGS (object);

  g_free (embeddings->backbone);
  g_array_unref (embeddings->rows);
  g_array_unref (embeddings->items);
  G_OBJECT_CLASS (effvk_embeddings_parent_class)->finalize (object);
}

static void
effvk_embeddings_class_init (EffvkEmbeddingsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = effvk_embeddings_finalize;
}

static void
effvk_embeddings_init (EffvkEmbeddings *embeddings)
{
  embeddings->rows = g_array_new (FALSE, FALSE, sizeof (float));
  embeddings->items = g_array_new (FALSE, FALSE, sizeof (EffvkEmbeddingsItem));
  g_array_set_clear_func (embeddings->items, clear_item);
}

EffvkEmbeddings *
effvk_embeddings_new_sized (const char *backbone, guint size)
{
  EffvkEmbeddings *embeddings = g_object_new (EFFVK_TYPE_EMBEDDINGS, NULL);

  embeddings->backbone = g_strdup (backbone);
  embeddings->size = size;
  return embeddings;
}

EffvkEmbeddings *
effvk_embeddings_new (EffvkModel *model)
{
  g_autofree char *backbone = NULL;

  g_return_val_if_fail (EFFVK_IS_MODEL (model), NULL);

  backbone = effvk_model_describe_backbone (model);
  return effvk_embeddings_new_sized (backbone, effvk_model_get_embedding_size (model));
}

gboolean
effvk_embeddings_is_of (EffvkEmbeddings *embeddings, EffvkModel *model)
{
  g_autofree char *backbone = NULL;

  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings) && EFFVK_IS_MODEL (model), FALSE);

  backbone = effvk_model_describe_backbone (model);
  return strcmp (backbone, embeddings->backbone) == 0;
}

static gboolean
has_room (EffvkEmbeddings *embeddings, gsize n)
{
  return (guint64) embeddings->rows->len + n <= MAX_FLOATS;
}

gboolean
effvk_embeddings_add (EffvkEmbeddings *embeddings, const float *values, gsize n, const char *source,
                      gint64 time, const char *const *labels)
{
  static const char *const none[] = { NULL };
  EffvkEmbeddingsItem item = { .time = MAX (time, -1), .n_views = 1 };

  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings) && values && source, FALSE);

  if (n != embeddings->size || !has_room (embeddings, n))
    return FALSE;
  item.source = g_utf8_make_valid (source, -1);
  item.labels = g_strdupv ((GStrv) (labels ? labels : none));
  item.first = embeddings->rows->len / embeddings->size;
  g_array_append_vals (embeddings->rows, values, (guint) n);
  g_array_append_val (embeddings->items, item);
  return TRUE;
}

gboolean
effvk_embeddings_add_view (EffvkEmbeddings *embeddings, const float *values, gsize n)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings) && values, FALSE);

  if (embeddings->items->len == 0 || n != embeddings->size || !has_room (embeddings, n))
    return FALSE;
  g_array_append_vals (embeddings->rows, values, (guint) n);
  g_array_index (embeddings->items, EffvkEmbeddingsItem, embeddings->items->len - 1).n_views++;
  return TRUE;
}

gboolean
effvk_embeddings_append (EffvkEmbeddings *embeddings, EffvkEmbeddings *others)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings) && EFFVK_IS_EMBEDDINGS (others), FALSE);

  if (embeddings == others || strcmp (embeddings->backbone, others->backbone) != 0
      || !has_room (embeddings, others->rows->len))
    return FALSE;
  for (guint i = 0; i < others->items->len; i++)
    {
      const EffvkEmbeddingsItem *item = effvk_embeddings_item (others, i);

      effvk_embeddings_add (embeddings, effvk_embeddings_row (others, item->first), others->size,
                            item->source, item->time, (const char *const *) item->labels);
      for (guint view = 1; view < item->n_views; view++)
        effvk_embeddings_add_view (embeddings, effvk_embeddings_row (others, item->first + view),
                                   others->size);
    }
  return TRUE;
}

guint
effvk_embeddings_get_size (EffvkEmbeddings *embeddings)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings), 0);
  return embeddings->size;
}

guint
effvk_embeddings_get_n_items (EffvkEmbeddings *embeddings)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings), 0);
  return embeddings->items->len;
}

guint
effvk_embeddings_get_n_views (EffvkEmbeddings *embeddings, guint item)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings), 0);
  return item < embeddings->items->len ? effvk_embeddings_item (embeddings, item)->n_views : 0;
}

const float *
effvk_embeddings_get_values (EffvkEmbeddings *embeddings, guint item, gsize *n)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings) && n, NULL);
  *n = item < embeddings->items->len ? embeddings->size : 0;
  return *n ? effvk_embeddings_row (embeddings, effvk_embeddings_item (embeddings, item)->first)
            : NULL;
}

const char *
effvk_embeddings_get_source (EffvkEmbeddings *embeddings, guint item)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings), NULL);
  return item < embeddings->items->len ? effvk_embeddings_item (embeddings, item)->source : NULL;
}

gint64
effvk_embeddings_get_time (EffvkEmbeddings *embeddings, guint item)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings), -1);
  return item < embeddings->items->len ? effvk_embeddings_item (embeddings, item)->time : -1;
}

const char *const *
effvk_embeddings_get_labels (EffvkEmbeddings *embeddings, guint item)
{
  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings), NULL);
  return item < embeddings->items->len
             ? (const char *const *) effvk_embeddings_item (embeddings, item)->labels
             : NULL;
}

double
effvk_embeddings_cosine (const float *a, const float *b, gsize n)
{
  double ab = 0, aa = 0, bb = 0;

  for (gsize i = 0; i < n; i++)
    {
      ab += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
  return aa > 0 && bb > 0 ? ab / sqrt (aa * bb) : 0;
}

typedef struct
{
  guint item;
  double cosine;
} Found;

static int
compare_found (gconstpointer a, gconstpointer b)
{
  const Found *x = a, *y = b;

  if (x->cosine != y->cosine)
    return x->cosine > y->cosine ? -1 : 1;
  return x->item < y->item ? -1 : x->item > y->item;
}

GVariant *
effvk_embeddings_find (EffvkEmbeddings *embeddings, const float *values, gsize n, guint k)
{
  g_auto (GVariantBuilder) out = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ud)"));
  guint n_items = embeddings->items->len;
  g_autofree Found *found = NULL;

  g_return_val_if_fail (EFFVK_IS_EMBEDDINGS (embeddings) && values, NULL);

  if (n != embeddings->size)
    n_items = 0;
  found = g_new (Found, n_items);
  for (guint i = 0; i < n_items; i++)
    {
      guint first = effvk_embeddings_item (embeddings, i)->first;

      found[i].item = i;
      found[i].cosine
          = effvk_embeddings_cosine (effvk_embeddings_row (embeddings, first), values, n);
    }
  if (n_items > 0)
    qsort (found, n_items, sizeof *found, compare_found);
  for (guint i = 0; i < MIN (k, n_items); i++)
    g_variant_builder_add (&out, "(ud)", found[i].item, found[i].cosine);
  return g_variant_ref_sink (g_variant_builder_end (&out));
}
