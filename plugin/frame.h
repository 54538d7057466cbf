/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-image.h>
#include <gst/video/video.h>

/* The formats that libeffvk takes, for a caps string. */
#define EFFVK_FRAME_FORMATS                                                                        \
  "{ NV12, I420, RGBA, BGRA, RGBx, BGRx, RGB, BGR, NV21, YV12, GRAY8 }"

/* An image for frames of @info, with its colorimetry. Returns NULL with @reason set to a sentence (free with
 * g_free()) when such frames would be classified wrongly. */
EffvkImage *effvk_frame_new_image (const GstVideoInfo *info, char **reason);

/* Points @image at a mapped frame's planes, and at its GstVideoCropMeta's rectangle if it has one. The frame
 * stays mapped while @image is used. Returns FALSE with @reason set when the buffer is smaller than its
 * caps say. */
gboolean effvk_frame_set_planes (EffvkImage *image, const GstVideoFrame *frame, char **reason);
