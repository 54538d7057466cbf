/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/object.h"

/* Classes as GstAnalytics metadata. Where GStreamer has none (before 1.24), or effvk was built
 * without, nothing happens. */

gboolean gst_effvk_analytics_is_available (void);

/* Whether there is a GstTensorMeta, for gst_effvk_analytics_attach_logits(): from 1.26. */
gboolean gst_effvk_analytics_has_tensors (void);

/* Appends the objects of the buffer's ODMtds, with their trackers' ids. Returns how many lie
 * outside of the picture of @width x @height. */
guint gst_effvk_analytics_find (GstBuffer *buffer, GArray *objects, guint width, guint height);

/* How classes are attached to a buffer. */
typedef struct
{
  EffvkModel *model;
  gboolean alternatives; /* the classes after the first as well */
  guint descriptor;      /* id of the ClsMtd of all labels; begins as GST_EFFVK_OBJECT_NONE */
} GstEffvkAnalytics;

/* Attaches the first of the @n classes of @result as a ClsMtd of one class. Readers join or ignore
 * further classes in it. With alternatives, each of the others gets a ClsMtd too, best first. They
 * are of the frame (@object is NULL), or related to the object's ODMtd, which is made where it has
 * none. Where GStreamer has semantic tags (1.30), the tag is the model's name. Then they are
 * related to a ClsMtd of all labels with the tag "class_descriptor". DL Streamer finds the class's
 * number there. */
void gst_effvk_analytics_attach (GstBuffer *buffer, GstEffvkAnalytics *how, EffvkResult *result,
                                 guint n, const GstEffvkObject *object);

/* Attaches the logits of @n_results results as one tensor [n_results, classes] with the id
 * "classification-generic-out". */
void gst_effvk_analytics_attach_logits (GstBuffer *buffer, EffvkResult *const *results,
                                        guint n_results);

/* Appends what the buffer's ClsMtds say of its picture of @width x @height, and its ODMtds
 * without one (element-type GstEffvkClassification). */
void gst_effvk_analytics_read (GstBuffer *buffer, GPtrArray *all, guint width, guint height);

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>

/* The tracker's id of an ODMtd, or -1. */
gint64 gst_effvk_analytics_find_track (GstAnalyticsRelationMeta *meta, guint od);

#ifdef HAVE_GST_TENSOR_META
/* Adds @tensor, taking it over, to those of the buffer. */
void gst_effvk_analytics_add_tensor (GstBuffer *buffer, GstTensor *tensor);
#endif
#endif
