/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/object.h"

#include <effvk/effvk-model.h>

/* Appends the objects of the buffer's regions of interest, with the ids that DL Streamer's tracker
 * gives them. Returns how many lie outside of the picture of @width x @height. */
guint gst_effvk_roi_find (GstBuffer *buffer, GArray *objects, guint width, guint height);

/* Attaches the first @n classes of @result in DL Streamer's layout: parameters "classification",
 * best first, with "label" (string), "label_id" (int), "confidence" (double) and "model_name"
 * (string, the network's variant). They go to the object's region of interest, which is made where
 * there is none. Those of the frame (@object is NULL) go to a region of @width x @height of the
 * type "frame". */
void gst_effvk_roi_attach (GstBuffer *buffer, EffvkModel *model, EffvkResult *result, guint n,
                           const GstEffvkObject *object, guint width, guint height);
