/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/video/video.h>

/*
 * Frames in DMA buffers (memory:DMABuf) with the linear DRM modifier, as GStreamer has described them since
 * 1.24: the device imports them. Before, nothing told how their rows lie.
 */

#if GST_CHECK_VERSION(1, 24, 0)
#define EFFVK_DMABUF_CAPS                                                                          \
  "; video/x-raw(memory:DMABuf), format = (string) DMA_DRM, drm-format = (string) { NV12, YU12, "  \
  "AR24, XR24, AB24, XB24, NV21, YV12, NV16, YUYV, UYVY, P010 }, width = " GST_VIDEO_SIZE_RANGE    \
  ", height = " GST_VIDEO_SIZE_RANGE ", framerate = " GST_VIDEO_FPS_RANGE
#else
#define EFFVK_DMABUF_CAPS ""
#endif

/* What gst_video_info_from_caps() says of the same frames in system memory. */
gboolean effvk_dmabuf_parse_caps (GstVideoInfo *info, const GstCaps *caps);

/* A frame's DMA buffers as @device has them; imported once as long as the GstMemory lives. Waits for what writes
 * them. Returns NULL with @reason set when that is not possible. */
EffvkFrameMemory *effvk_dmabuf_get_memory (EffvkDevice *device, const GstVideoInfo *info,
                                           GstBuffer *buffer, char **reason);
