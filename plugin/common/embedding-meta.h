/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-result.h>
#include <gst/gst.h>

/* Embeddings on a buffer. Every GStreamer since 1.20 has the custom meta:
 * gst_buffer_get_custom_meta (buffer, "EffvkEmbeddingMeta"). Its GstStructure has "size" (guint:
 * floats of an embedding) and "embeddings" (GstValueArray of GBytes). There is one of the frame, or
 * one of each object of EffvkClassificationMeta, in its order. From GStreamer 1.26 there is a
 * GstTensorMeta, too, with the id "effvk-embedding", float32, [embeddings, size]. */
#define GST_EFFVK_EMBEDDING_META "EffvkEmbeddingMeta"

/* Once, before the first attach. */
void gst_effvk_embedding_meta_register (void);

/* Attaches the embeddings of results, to a writable buffer; nothing where one has none. */
void gst_effvk_embedding_attach (GstBuffer *buffer, EffvkResult *const *results, guint n);
