/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define VK_NO_PROTOTYPES
#include <volk.h>

#include <effvk/effvk-vulkan.h>
#include <effvk/effvk.h>

/* A Vulkan of the test's own, as a program has one that brings its device: validated, where the
 * layer is there, and each of its messages a g_warning(). */
typedef struct
{
  VkInstance instance;
  VkDebugUtilsMessengerEXT messenger;
  VkPhysicalDevice physical;
  VkDevice device;
  struct VolkDeviceTable vk;
  VkQueue queue;
  VkCommandPool pool;
  VkPhysicalDeviceMemoryProperties memory;
  gboolean timeline;   /* the device has timeline semaphores */
  GMutex lock;         /* of the queue */
  gint n_locked;       /* how often it was locked for effvk */
  gint n_devices_gone; /* EffvkDevice that need the device no more */
} World;

/* A frame of noise, in the CPU's memory and in images. */
typedef struct
{
  World *world;
  EffvkImage *plain; /* the same pixels for the CPU */
  EffvkVulkanPlane planes[EFFVK_IMAGE_MAX_PLANES];
  VkDeviceMemory memory[EFFVK_IMAGE_MAX_PLANES];
  guint n_planes;
} Frame;

void world_init (World *world);
void world_clear (World *world);

/* What effvk is told of it. */
EffvkVulkanDevice world_describe (World *world);

/* @multi_planar: all planes in one image of this VkFormat, or VK_FORMAT_UNDEFINED: an image each.
 * FALSE where the device has no such images. */
gboolean frame_init (Frame *frame, World *world, EffvkFormat format, guint width, guint height,
                     VkFormat multi_planar, VkImageLayout layout, guint seed);
void frame_clear (Frame *frame);
