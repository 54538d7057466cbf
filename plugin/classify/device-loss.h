/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/effvkclassify.h"
#include "classify/model-instance.h"

#define GST_EFFVK_DEFAULT_DEVICE_RESTARTS 3
#define GST_EFFVK_MAX_DEVICE_RESTARTS 60

/* When devices were opened anew; under the element's object lock. */
typedef struct
{
  gint64 times[GST_EFFVK_MAX_DEVICE_RESTARTS]; /* us of the monotonic clock, the oldest first */
  guint n;
} GstEffvkRestarts;

/* Counts a restart, unless there were @max within the last minute. */
gboolean gst_effvk_restarts_add (GstEffvkRestarts *restarts, guint max, gint64 now);

/* A frame has no answer from @network. TRUE: that is because its device was lost, and a new device
 * and network are being made, or there are some already; the frame passes. FALSE: it is an error.
 */
gboolean gst_effvk_classify_outlives (GstEffvkClassify *self, GstEffvkModelInstance *network,
                                      const char *reason);

/* Makes a new network on a new device in the place of the one that runs, whose device was lost, or
 * posts why there is none. In the thread that loads networks. */
void gst_effvk_classify_restore (GstEffvkClassify *self);
