/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/video/video.h>

/* The formats that libeffvk takes, for a caps string. */
#define GST_EFFVK_FRAME_FORMATS                                                                    \
  "{ NV12, I420, RGBA, BGRA, RGBx, BGRx, RGB, BGR, NV21, YV12, GRAY8, ARGB, ABGR, xRGB, xBGR, "    \
  "RGBP, BGRP, GBR, Y42B, Y444, NV16, NV61, NV24, YUY2, UYVY, YVYU, VYUY, AYUV, VUYA, P010_10LE, " \
  "I420_10LE, I422_10LE, Y444_10LE, P012_LE, I420_12LE, I422_12LE, Y444_12LE, P016_LE, "           \
  "Y444_16LE, GRAY16_LE }"

/* An image for frames of @info's format, colorimetry and pixels that are @width x @height in
 * memory. Returns NULL with @reason set to a sentence (free with g_free()) when such frames would
 * be classified wrongly. */
EffvkImage *gst_effvk_video_image_new (const GstVideoInfo *info, guint width, guint height,
                                       char **reason);
