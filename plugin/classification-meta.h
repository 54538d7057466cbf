/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-model.h>
#include <effvk/effvk-result.h>
#include <gst/gst.h>

/* The custom meta that every GStreamer since 1.20 has: gst_buffer_get_custom_meta (buffer,
 * "EffvkClassificationMeta"), then a GstStructure with the fields "labels" (GstValueArray of
 * string), "indices" (of int) and "scores" (of double), best first, and "model" (string, the
 * network's variant). */
#define EFFVK_CLASSIFICATION_META "EffvkClassificationMeta"

typedef enum
{
  EFFVK_META_AUTO,
  EFFVK_META_ANALYTICS,
  EFFVK_META_CUSTOM,
  EFFVK_META_ROI,
} EffvkMetaMode;

GType effvk_meta_mode_get_type (void);
#define EFFVK_TYPE_META_MODE (effvk_meta_mode_get_type ())

/* Whether this GStreamer has what a mode needs. */
gboolean effvk_meta_mode_is_available (EffvkMetaMode mode);

/* Once, before the first attach. */
void effvk_classification_meta_register (void);

/* Attaches the first @n classes of @result to the whole frame. @quarks: the labels' quarks, one per
 * class of the model (quarks are never freed, so they are made once). */
void effvk_classification_attach (GstBuffer *buffer, EffvkMetaMode mode, EffvkModel *model,
                                  EffvkResult *result, guint n, const GQuark *quarks, guint width,
                                  guint height);

/* The classes as a GstValueArray of structures {label, index, score}, for a message. */
void effvk_classification_to_value (EffvkResult *result, guint n, GValue *value);
