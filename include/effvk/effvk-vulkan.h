/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * For programs that have a Vulkan device and frames in its images. effvk works on that device, and
 * the pixels never leave it.
 *
 * effvk/effvk.h does not include this header, because it needs Vulkan's headers (only their types).
 */

#include <effvk/effvk-device.h>
#include <effvk/effvk-image.h>
#include <vulkan/vulkan.h>

G_BEGIN_DECLS

/**
 * EffvkVulkanDevice: (skip)
 * @api_version: the VkApplicationInfo.apiVersion of the device's instance, at least Vulkan 1.1
 * @physical_device: what @device was made from
 * @device: the device. No feature and no extension of it is needed
 * @queue: a queue of @device that computes. Images must be owned by its family
 * @queue_family: its family
 * @lock_queue: (nullable): called before @queue is used, from any thread; %NULL when nobody else
 *   uses it
 * @unlock_queue: (nullable): called afterwards, by the same thread
 * @destroy: (nullable): called when effvk needs none of this any more
 * @user_data: for the three functions
 *
 * A device that somebody else made.
 *
 * Since: 0.1
 */
typedef struct
{
  guint32 api_version;
  VkPhysicalDevice physical_device;
  VkDevice device;
  VkQueue queue;
  guint32 queue_family;
  void (*lock_queue) (gpointer user_data);
  void (*unlock_queue) (gpointer user_data);
  GDestroyNotify destroy;
  gpointer user_data;
} EffvkVulkanDevice;

/**
 * effvk_device_new_from_vulkan: (skip)
 * @vulkan: the device; the structure is copied
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Makes an #EffvkDevice that works on the caller's Vulkan device. The Vulkan device must stay until
 * @destroy is called. That happens when nobody has a reference to the #EffvkDevice, or to anything
 * that was made with it. When the device does not answer, @destroy is never called, because the
 * device may still use the memory. Each call makes a new #EffvkDevice. It is not shared, unlike
 * that of effvk_device_new().
 *
 * Returns: (transfer full): the device, or %NULL with @error set; then @destroy has been called.
 *   %EFFVK_DEVICE_ERROR_UNSUPPORTED: the device or the queue cannot do what effvk needs
 *
 * Since: 0.1
 */
EFFVK_API EffvkDevice *effvk_device_new_from_vulkan (const EffvkVulkanDevice *vulkan,
                                                     GError **error);

/**
 * EffvkVulkanPlane: (skip)
 * @image: a 2D image of one level and one sample, with VK_IMAGE_USAGE_TRANSFER_SRC_BIT, in optimal
 *   or linear tiling. Its texels have the bytes that #EffvkFormat gives for the plane
 * @aspect: VK_IMAGE_ASPECT_COLOR_BIT. When @image has all planes: VK_IMAGE_ASPECT_PLANE_0_BIT and
 *   so on
 * @array_layer: which layer of @image
 * @width: of @image (of its first plane), in texels
 * @height: of @image (of its first plane), in texels
 * @layout: the image's layout. effvk leaves the image in it. Not VK_IMAGE_LAYOUT_UNDEFINED
 * @semaphore: a timeline semaphore, or VK_NULL_HANDLE. Whoever wrote the image on another queue
 *   signals it. effvk always waits for what was submitted to the device's queue before
 * @semaphore_value: the value that the semaphore then has
 *
 * Where a plane of a frame is.
 *
 * Since: 0.1
 */
typedef struct
{
  VkImage image;
  VkImageAspectFlagBits aspect;
  guint32 array_layer;
  guint32 width, height;
  VkImageLayout layout;
  VkSemaphore semaphore;
  guint64 semaphore_value;
} EffvkVulkanPlane;

/**
 * EffvkVulkanUpdateFunc: (skip)
 * @planes: (array length=n_planes): to be changed: @layout, @semaphore and @semaphore_value
 * @n_planes: how many
 * @user_data: the frame's
 *
 * effvk calls it with the queue locked, right before it submits commands that read the frame.
 * Images may change their layout while they wait for their turn. This function then gives the new
 * layout.
 *
 * Since: 0.1
 */
typedef void (*EffvkVulkanUpdateFunc) (EffvkVulkanPlane *planes, guint n_planes,
                                       gpointer user_data);

/**
 * effvk_frame_memory_new_from_vulkan: (skip)
 * @device: made by effvk_device_new_from_vulkan(); a reference is taken
 * @planes: (array length=n_planes): where the planes are; copied
 * @n_planes: 1 to %EFFVK_IMAGE_MAX_PLANES
 * @update: (nullable): tells how the planes are when they are read
 * @user_data: for @update and @destroy
 * @destroy: (nullable): called when the device is done with the images and nobody needs the memory
 *   any more
 *
 * Describes a frame in images of a device. Give the memory to an #EffvkImage of the frame's format
 * and size with effvk_image_set_memory(). That image needs no effvk_image_set_plane(). The memory
 * has no bytes for the CPU.
 *
 * A classifier on @device copies the pixels on the device, and holds a reference until the result
 * is collected. It refuses an image with %EFFVK_CLASSIFIER_ERROR_INVALID_IMAGE in three cases. It
 * works on another device. The planes do not fit the image. Or the format is packed 4:2:2, which
 * has no texel for a pixel.
 *
 * Returns: (transfer full): the memory
 *
 * Since: 0.1
 */
EFFVK_API EffvkFrameMemory *effvk_frame_memory_new_from_vulkan (
    EffvkDevice *device, const EffvkVulkanPlane *planes, guint n_planes,
    EffvkVulkanUpdateFunc update, gpointer user_data, GDestroyNotify destroy);

G_END_DECLS
