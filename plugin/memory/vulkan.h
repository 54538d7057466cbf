/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "memory/frame.h"

#include <effvk/effvk.h>

/*
 * Frames in GStreamer's Vulkan images (memory:VulkanImage): the device is the one that the elements
 * of the pipeline share, and so is its queue. Where effvk was built without gstreamer-vulkan-1.0
 * there are none.
 */

#ifdef HAVE_GST_VULKAN
/* Those that have a texel for each pixel, of the ones that every GStreamer's vulkanupload takes. */
#define GST_EFFVK_VULKAN_CAPS                                                                      \
  "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (                                                         \
      "memory:VulkanImage",                                                                        \
      "{ NV12, RGBA, BGRA, RGBx, BGRx, I420, NV21, YV12, GRAY8, ARGB, ABGR, "                      \
      "xRGB, xBGR, Y42B, Y444, AYUV, GRAY16_LE }")
#else
#define GST_EFFVK_VULKAN_CAPS ""
#endif

/* An element's share in the contexts, under its object lock. Begins as { 0 }. What follows may be
   called from any thread. */
typedef struct
{
  gpointer instance, device, queue; /* GstVulkanInstance, GstVulkanDevice, GstVulkanQueue */
  gboolean refused;                 /* the context's device cannot be used */
  gboolean uploaded;                /* frames come from vulkanupload */
} GstEffvkVulkan;

void gst_effvk_vulkan_clear (GstEffvkVulkan *vulkan, GstElement *element);

/* Whether there is a device that cannot be used. */
gboolean gst_effvk_vulkan_is_refused (GstEffvkVulkan *vulkan, GstElement *element);

/* GstElement's set_context. */
void gst_effvk_vulkan_set_context (GstEffvkVulkan *vulkan, GstElement *element,
                                   GstContext *context);

/* Answers a CONTEXT query if that can be done. */
gboolean gst_effvk_vulkan_answer (GstEffvkVulkan *vulkan, GstElement *element, GstQuery *query);

/* The elements' device: asked for, or made and offered to the others. All elements with the same
 * one get the same object. */
EffvkDevice *gst_effvk_vulkan_get_device (GstEffvkVulkan *vulkan, GstElement *element,
                                          GError **error);

/* Sees where upstream of @sink the images are made. */
void gst_effvk_vulkan_look_upstream (GstEffvkVulkan *vulkan, GstPad *sink);

/* Until a new frame's images can be read without harm. */
void gst_effvk_vulkan_wait (const GstEffvkVulkan *vulkan, EffvkDevice *device);

/* The images of such a frame, whose GstMemory is held as long. Returns NULL with @reason set when a
 * network on
 * @device cannot read them. */
EffvkFrameMemory *gst_effvk_vulkan_get_memory (EffvkDevice *device, const GstVideoInfo *info,
                                               GstBuffer *buffer, char **reason);
