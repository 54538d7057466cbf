/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/effvkclassify.h"
#include "classify/model-instance.h"

/*
 * A canary: a frame whose answer is known runs beside the stream every now and then. When the
 * answer has other bits than the first time, the device computes wrong. Then the stream's answers
 * may be wrong, too. Only the sink pad's thread uses it.
 */
typedef struct
{
  GstEffvkModelInstance *network; /* that is watched, from its first canary on; or NULL */
  EffvkImage *image;
  guint8 *pixels;           /* of the image */
  GstEffvkRequest *request; /* not answered yet, or NULL */
  float *expected;          /* the first answer, or NULL */
  guint n_expected;
  GstClockTime next; /* of the stream's timeline; GST_CLOCK_TIME_NONE: at once */
  gboolean helpless; /* nothing is left to fall back to, and that was told */
} GstEffvkCanary;

/* To be called for every frame of the stream: asks the canary when it is due at @time, of the
 * timeline, and looks at its answer. At a difference posts a warning and the message
 * `effvkclassify-canary`, and has another network loaded. */
void gst_effvk_classify_watch (GstEffvkClassify *self, GstClockTime time);

/* Forgets everything: the next frame's canary is the first. */
void gst_effvk_canary_clear (GstEffvkCanary *canary);
