/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/gst.h>

/* Posts the best n classes of a result as the element message that effvkclassify documents. */
void effvk_message_post (GstElement *element, const GstSegment *segment, GstBuffer *buffer,
                         EffvkResult *result, guint n);
