/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-image.h>
#include <gst/video/video.h>

/* A decoded frame as an image that effvk takes. Begins as { 0 }. */
typedef struct
{
  EffvkImage *image; /* points into the sample */
  GstCaps *caps;     /* of the last sample */
  GstVideoInfo info;
  GstSample *sample;
  GstVideoFrame frame; /* mapped while sample is set */
} ToolMediaFrame;

void tool_media_frame_clear (ToolMediaFrame *frame);

/* Takes over @sample, which holds until the next call. @still: it is an image rather than a video's
 * frame. @number is for the error message. */
gboolean tool_media_frame_set (ToolMediaFrame *frame, GstSample *sample, gboolean still,
                               guint64 number, GError **error);

/* Every format that tool_media_frame_set() takes. */
GstCaps *tool_media_frame_caps (void);

/* What to ask of a converter that gets @caps from the decoder. */
GstCaps *tool_media_frame_choose_caps (GstCaps *caps);
