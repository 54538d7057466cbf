/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* When a frame in a segment is shown, ns: since the pipeline plays, and in the stream.
 * GST_CLOCK_TIME_NONE where the frame has no time stamp, lies outside of the segment, or the
 * segment is not one of time, as of filesrc and of an appsrc without format=time. */
GstClockTime gst_effvk_running_time (const GstSegment *segment, GstBuffer *buffer);
GstClockTime gst_effvk_stream_time (const GstSegment *segment, GstBuffer *buffer);
