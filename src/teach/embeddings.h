/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-embeddings.h>

typedef struct
{
  char *source;
  gint64 time; /* ns, or -1 */
  GStrv labels;
  guint first, n_views; /* rows */
} EffvkEmbeddingsItem;

struct _EffvkEmbeddings
{
  GObject parent_instance;
  char *backbone; /* effvk_model_describe_backbone() */
  guint size;     /* floats of a row */
  GArray *rows;   /* (element-type float) */
  GArray *items;  /* (element-type EffvkEmbeddingsItem) */
};

/* One row an embedding, of @backbone's. Takes over nothing. */
EffvkEmbeddings *effvk_embeddings_new_sized (const char *backbone, guint size);

/* The cosine of the angle between two embeddings; 0 where one has no direction. */
double effvk_embeddings_cosine (const float *a, const float *b, gsize n);

static inline const EffvkEmbeddingsItem *
effvk_embeddings_item (EffvkEmbeddings *embeddings, guint item)
{
  return &g_array_index (embeddings->items, EffvkEmbeddingsItem, item);
}

static inline const float *
effvk_embeddings_row (EffvkEmbeddings *embeddings, guint row)
{
  return &g_array_index (embeddings->rows, float, (gsize) row * embeddings->size);
}
