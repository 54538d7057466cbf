/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/object.h"

#include <effvk/effvk-meter.h>
#include <effvk/effvk-model.h>

/* The custom meta that every GStreamer since 1.20 has: gst_buffer_get_custom_meta (buffer,
 * "EffvkClassificationMeta"). Its GstStructure has "model" (string), the model's name.
 * docs/metadata.md describes it for readers.
 *
 * For a frame it has:
 * - "labels" (GstValueArray of string), "indices" (of int) and "scores" (of double): the label
 *   first, then best first
 * - "age" (guint64): ns from the frame that was classified to this one, 0 where it is this one,
 *   GST_CLOCK_TIME_NONE where that is not known
 *
 * For objects it has "objects", a GstValueArray of structures with the same four fields and:
 * - "x", "y", "width", "height" (double): in shares of the picture's size, so that scaling does not
 *   matter
 * - "type" (string): what the detector calls it, where it says
 * - "id" (int64): where it is tracked
 *
 * With attach-measures: "measures" (GstStructure), a double by the name of each EffvkMeasure; those
 * that have no value are missing
 *
 * With attach-heatmap, beside the scores:
 * - "heatmap" (GBytes of floats, row by row), "heatmap-width" and "heatmap-height" (guint)
 * - "heatmap-area" (GstValueArray of double): x, y, width and height of the part of the frame or
 *   object that it covers, in shares */
#define GST_EFFVK_CLASSIFICATION_META "EffvkClassificationMeta"

typedef enum
{
  GST_EFFVK_META_AUTO,
  GST_EFFVK_META_ANALYTICS,
  GST_EFFVK_META_CUSTOM,
  GST_EFFVK_META_ROI,
  GST_EFFVK_META_NONE,
} GstEffvkMetaMode;

GType gst_effvk_meta_mode_get_type (void);
#define GST_EFFVK_TYPE_META_MODE (gst_effvk_meta_mode_get_type ())

/* What this GStreamer, or this build, lacks for that metadata, as the beginning of a sentence;
 * NULL: nothing. */
const char *gst_effvk_classification_meta_lacks (GstEffvkMetaMode mode, gboolean alternatives,
                                                 gboolean logits);

/* How classifications are attached. */
typedef struct
{
  GstEffvkMetaMode mode;
  gboolean alternatives;         /* to GstAnalytics: the classes after the label as well */
  gboolean heatmap;              /* to the custom meta, where the result has one */
  const EffvkMeasures *measures; /* to the custom meta; or NULL */
  EffvkModel *model;
} GstEffvkAttachment;

/* Once, before the first attach. */
void gst_effvk_classification_meta_register (void);

/* Attaches the first @n classes of @result to the whole frame of @width x @height. @age: as
 * in the custom meta. */
void gst_effvk_classification_attach (GstBuffer *buffer, const GstEffvkAttachment *how,
                                      EffvkResult *result, guint n, guint width, guint height,
                                      GstClockTime age);

/* Attaches to each of the objects of a picture of @width x @height the classes that it has. In the
 * mode auto an object is answered in the form in which it was found, and in the custom meta. */
void gst_effvk_classification_attach_objects (GstBuffer *buffer, const GstEffvkAttachment *how,
                                              const GArray *objects, guint width, guint height);

/* The classes as a GstValueArray of structures {label, index, score}, for a message. */
void gst_effvk_classification_to_value (EffvkResult *result, guint n, GValue *value);
