/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "classify/model-instance.h"

#include <gst/video/video.h>

/* The state of a stream's signal in effvkclassify: it measures frames, follows the state, and posts
 * what was raised and cleared. On the source pad's task alone. Begins as { 0 }. */
typedef struct
{
  EffvkModel *model;   /* that @signal is for; NULL: there is none yet */
  EffvkSignal *signal; /* NULL: the model's classes are no states of a signal */
  EffvkDevice *device; /* that @meter is on */
  EffvkMeter *meter;
  EffvkImage *image; /* for frames of @info; NULL: the CPU cannot read them */
  GstVideoInfo info;
  gboolean failed;         /* to measure; that was told */
  EffvkMeasures *measures; /* of the newest frame, or NULL */
} GstEffvkSignalWatch;

void gst_effvk_signal_watch_clear (GstEffvkSignalWatch *watch);

/* Forgets the stream so far, as at a flush, but not what its frames are. */
void gst_effvk_signal_watch_reset (GstEffvkSignalWatch *watch);

void gst_effvk_signal_watch_set_caps (GstEffvkSignalWatch *watch, const GstCaps *caps);

/* Whether the signal can be followed with @model, whose classes are a signal's states. */
gboolean gst_effvk_signal_watch_wants (const GstEffvkSignalWatch *watch, EffvkModel *model);

/* Measures a frame on the device of @network; NULL: that of the last frame. Where the CPU cannot
 * read it, there are no measures. A failure is warned of once, from @element. */
void gst_effvk_signal_watch_measure (GstEffvkSignalWatch *watch, GstElement *element,
                                     GstEffvkModelInstance *network, GstBuffer *buffer);

/* Follows the signal: a frame at @time, which was measured as told, and what @network answered to
 * it or NULL. Messages are posted from @element. */
void gst_effvk_signal_watch_follow (GstEffvkSignalWatch *watch, GstElement *element,
                                    EffvkModel *model, EffvkResult *result, GstBuffer *buffer,
                                    const GstSegment *segment, GstClockTime time);

/* @result with the state before its classes, where that is followed. Takes @result. */
EffvkResult *gst_effvk_signal_watch_apply (GstEffvkSignalWatch *watch, EffvkResult *result);
