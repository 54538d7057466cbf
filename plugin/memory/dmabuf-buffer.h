/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>
#include <gst/video/video.h>

/*
 * Frames in DMA buffers (memory:DMABuf) with a DRM modifier, as GStreamer has described them since
 * 1.24: the device imports them. Before, nothing told how their pixels lie.
 */

#if GST_CHECK_VERSION(1, 24, 0)
#define GST_EFFVK_DMABUF_CAPS                                                                      \
  "; " GST_VIDEO_DMA_DRM_CAPS_MAKE /* formats and modifiers are the device's */
#else
#define GST_EFFVK_DMABUF_CAPS ""
#endif

/* What gst_video_info_from_caps() says of the same frames in system memory, and their modifier. */
gboolean gst_effvk_dmabuf_parse_caps (GstVideoInfo *info, guint64 *modifier, const GstCaps *caps);

/* @caps without the frames in DMA buffers that @device cannot import. Takes the reference. */
GstCaps *gst_effvk_dmabuf_restrict_caps (GstCaps *caps, EffvkDevice *device);

/* A frame's DMA buffers, with a DRM @modifier, as @device has them; imported once as long as the
 * GstMemory lives. Waits for what writes them. Returns NULL with @reason set when that is not
 * possible. */
EffvkFrameMemory *gst_effvk_dmabuf_get_memory (EffvkDevice *device, const GstVideoInfo *info,
                                               guint64 modifier, GstBuffer *buffer, char **reason);
