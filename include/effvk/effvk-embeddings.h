/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-model.h>

G_BEGIN_DECLS

/**
 * EffvkEmbeddings:
 *
 * The embeddings of a collection of images, and what each is of. An item is one image. It has one
 * embedding, or several where the image was also seen mirrored and cropped (#EffvkTeacher). The
 * first of these views is the image as it is. All come from one network: embeddings of others
 * cannot be compared with them.
 *
 * Not thread-safe: one thread at a time uses an object.
 *
 * Since: 0.2
 */
#define EFFVK_TYPE_EMBEDDINGS (effvk_embeddings_get_type ())
EFFVK_API
G_DECLARE_FINAL_TYPE (EffvkEmbeddings, effvk_embeddings, EFFVK, EMBEDDINGS, GObject)

/**
 * effvk_embeddings_new:
 * @model: the network that they are of
 *
 * Makes an empty collection.
 *
 * Returns: (transfer full): a collection without items
 *
 * Since: 0.2
 */
EFFVK_API EffvkEmbeddings *effvk_embeddings_new (EffvkModel *model);

/**
 * effvk_embeddings_new_from_file:
 * @path: (type filename): a file that effvk_embeddings_save() wrote as safetensors
 * @error: return location of a #GError in the %EFFVK_MODEL_ERROR domain
 *
 * Reads a collection.
 *
 * Returns: (transfer full): the collection, or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API EffvkEmbeddings *effvk_embeddings_new_from_file (const char *path, GError **error);

/**
 * effvk_embeddings_save:
 * @embeddings: a collection
 * @path: (type filename): where to write
 * @error: return location of a #GError in the %G_IO_ERROR domain
 *
 * Writes the collection. A name that ends in ".npy" makes a NumPy file with [items, size] floats of
 * each item's first view. "@path.json" beside it is an array with an object per item: "source",
 * "time" (ns, or null) and "labels". Any other name makes one safetensors file. It has "embeddings"
 * [views, size], and "items": that JSON as bytes, with the number of views per item. A file appears
 * whole or not at all.
 *
 * Returns: whether the files were written
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_embeddings_save (EffvkEmbeddings *embeddings, const char *path,
                                          GError **error);

/**
 * effvk_embeddings_is_of:
 * @embeddings: a collection
 * @model: a model
 *
 * Compares the network that made a collection with another.
 *
 * Returns: whether @model, whatever its classes are, makes such embeddings: its weights but for the
 * classifier's are the same, and it prepares images in the same way
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_embeddings_is_of (EffvkEmbeddings *embeddings, EffvkModel *model);

/**
 * effvk_embeddings_add:
 * @embeddings: a collection
 * @values: (array length=n): an embedding, see effvk_result_get_embedding(); it is copied
 * @n: its length, which is effvk_embeddings_get_size()
 * @source: what it is of: a file or URI, of which "#xywh=x,y,w,h" is a part
 * @time: ns from the source's beginning, or -1 where it is a still image
 * @labels: (nullable) (array zero-terminated=1): what it shows
 *
 * Adds an item.
 *
 * Returns: whether @n fits; otherwise nothing changed
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_embeddings_add (EffvkEmbeddings *embeddings, const float *values, gsize n,
                                         const char *source, gint64 time,
                                         const char *const *labels);

/**
 * effvk_embeddings_add_view:
 * @embeddings: a collection with an item at least
 * @values: (array length=n): an embedding; it is copied
 * @n: its length
 *
 * Adds another view of the newest item.
 *
 * Returns: whether there is an item and @n fits; otherwise nothing changed
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_embeddings_add_view (EffvkEmbeddings *embeddings, const float *values,
                                              gsize n);

/**
 * effvk_embeddings_append:
 * @embeddings: a collection
 * @others: more, of the same network
 *
 * Adds all items of @others.
 *
 * Returns: whether they are of the same network; otherwise nothing changed
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_embeddings_append (EffvkEmbeddings *embeddings, EffvkEmbeddings *others);

/**
 * effvk_embeddings_get_size:
 * @embeddings: a collection
 *
 * Gets how long an embedding is.
 *
 * Returns: floats of an embedding
 *
 * Since: 0.2
 */
EFFVK_API guint effvk_embeddings_get_size (EffvkEmbeddings *embeddings);

/**
 * effvk_embeddings_get_n_items:
 * @embeddings: a collection
 *
 * Counts the items.
 *
 * Returns: how many items there are
 *
 * Since: 0.2
 */
EFFVK_API guint effvk_embeddings_get_n_items (EffvkEmbeddings *embeddings);

/**
 * effvk_embeddings_get_n_views:
 * @embeddings: a collection
 * @item: from 0
 *
 * Counts the views of an item.
 *
 * Returns: how many embeddings the item has; 0 where there is no such item
 *
 * Since: 0.2
 */
EFFVK_API guint effvk_embeddings_get_n_views (EffvkEmbeddings *embeddings, guint item);

/**
 * effvk_embeddings_get_values:
 * @embeddings: a collection
 * @item: from 0
 * @n: (out): their number, effvk_embeddings_get_size()
 *
 * Gets the embedding of an item.
 *
 * Returns: (transfer none) (array length=n) (nullable): the item's first embedding; its other views
 * follow it in memory. Valid until an item is added. %NULL where there is no such item.
 *
 * Since: 0.2
 */
EFFVK_API const float *effvk_embeddings_get_values (EffvkEmbeddings *embeddings, guint item,
                                                    gsize *n);

/**
 * effvk_embeddings_get_source:
 * @embeddings: a collection
 * @item: from 0
 *
 * Gets what an item is of.
 *
 * Returns: (transfer none) (nullable): what the item is of
 *
 * Since: 0.2
 */
EFFVK_API const char *effvk_embeddings_get_source (EffvkEmbeddings *embeddings, guint item);

/**
 * effvk_embeddings_get_time:
 * @embeddings: a collection
 * @item: from 0
 *
 * Gets where in its source an item lies.
 *
 * Returns: ns from its source's beginning, or -1
 *
 * Since: 0.2
 */
EFFVK_API gint64 effvk_embeddings_get_time (EffvkEmbeddings *embeddings, guint item);

/**
 * effvk_embeddings_get_labels:
 * @embeddings: a collection
 * @item: from 0
 *
 * Gets what an item shows.
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1): what the item shows; an empty list
 * where nobody said
 *
 * Since: 0.2
 */
EFFVK_API const char *const *effvk_embeddings_get_labels (EffvkEmbeddings *embeddings, guint item);

/**
 * effvk_embeddings_find:
 * @embeddings: a collection
 * @values: (array length=n): an embedding
 * @n: its length
 * @k: how many items to find
 *
 * Finds the items that are most like an image, by the cosine of the angle between their first views
 * and @values.
 *
 * Returns: (transfer full): a #GVariant of type a(ud) with items and cosines (1: the same). The
 *   most alike come first, and of equals the first. It is empty where @n does not fit
 *
 * Since: 0.2
 */
EFFVK_API GVariant *effvk_embeddings_find (EffvkEmbeddings *embeddings, const float *values,
                                           gsize n, guint k);

G_END_DECLS
