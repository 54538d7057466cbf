/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/classification.h"

#include <gst/gst.h>

/* What a buffer's metadata, ours or that of others, says of its picture of @width x @height. It
 * reads the custom meta, GstAnalytics' classifications (of the frame, or related to a detection),
 * detections without one, and regions of interest with DL Streamer's parameters. What two kinds of
 * metadata say alike comes once. Metadata is not trusted: what is malformed is left out.
 *
 * Returns: (element-type GstEffvkClassification): those of the frame first; free with
 * g_ptr_array_unref() */
GPtrArray *gst_effvk_classifications_read (GstBuffer *buffer, guint width, guint height);

/* The first of them that is of the whole frame and has a class, or NULL. */
const GstEffvkClassification *gst_effvk_classifications_get_frame (const GPtrArray *seen);
