/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/objects.h"

/* Posts the best n classes of a result of @model's as the element message that effvkclassify
   documents. */
void gst_effvk_message_post (GstElement *element, const GstSegment *segment, GstBuffer *buffer,
                             EffvkModel *model, EffvkResult *result, guint n);

/* Posts what was raised or cleared of the signal at @buffer: the message effvkclassify-signal. */
void gst_effvk_message_post_signal (GstElement *element, const GstSegment *segment,
                                    GstBuffer *buffer, EffvkModel *model,
                                    const EffvkSignalEvent *event);

/* Posts the objects that changed, of a picture of @width x @height. */
void gst_effvk_message_post_objects (GstElement *element, const GstSegment *segment,
                                     GstBuffer *buffer, EffvkModel *model, const GArray *objects,
                                     guint width, guint height);
