/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/video-image.h"

#define GST_EFFVK_FEATURE_VULKAN "memory:VulkanImage"
#define GST_EFFVK_FEATURE_DMABUF "memory:DMABuf"

/* Maps @buffer for reading; gst_video_frame_unmap() ends it. Returns FALSE with @reason set when
 * the buffer is smaller than its caps say or contradicts them. */
gboolean gst_effvk_frame_map (GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
                              char **reason);

/* Points @image at a mapped frame's planes and at the picture in it: its GstVideoCropMeta's
 * rectangle, or what the caps say. @image is replaced where the frame in memory has another
 * size. @again: the device reads the frame more than once. The frame stays mapped while @image
 * is used. Sets @way to how the pixels get to the device, a constant for the log. Returns FALSE
 * with @reason set when a plane does not fit into the buffer. */
gboolean gst_effvk_frame_describe (EffvkImage **image, EffvkDevice *device,
                                   const GstVideoInfo *info, const GstVideoFrame *frame,
                                   gboolean again, const char **way, char **reason);

/* Points @image at a mapped frame's planes alone, as the CPU reads them. */
gboolean gst_effvk_frame_describe_planes (EffvkImage **image, const GstVideoInfo *info,
                                          const GstVideoFrame *frame, char **reason);

/* The same for a frame that cannot be mapped: its planes are in @memory. */
gboolean gst_effvk_frame_describe_memory (EffvkImage **image, const GstVideoInfo *info,
                                          GstBuffer *buffer, EffvkFrameMemory *memory,
                                          char **reason);

/* Whether the caps are of frames in such memory, and of no others. */
gboolean gst_effvk_frame_caps_are (const GstCaps *caps, const char *feature);

/* @caps without those. Takes the reference. */
GstCaps *gst_effvk_frame_caps_remove (GstCaps *caps, const char *feature);

/* Where the picture lies in a buffer's frame, in pixels: its GstVideoCropMeta's rectangle where
 * that lies inside a frame of @info's size, or all of it. */
void gst_effvk_frame_get_picture (const GstVideoInfo *info, GstBuffer *buffer, guint *x, guint *y,
                                  guint *width, guint *height);
