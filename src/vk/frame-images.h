/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/frame-memory.h"
#include "base/image.h"
#include "vk/memory.h"

#include <effvk/effvk-vulkan.h>

/* A frame in images of the device's. */
typedef struct
{
  EffvkFrameMemory memory;
  EffvkDevice *device;
  EffvkVulkanPlane planes[EFFVK_IMAGE_MAX_PLANES];
  guint n_planes;
  EffvkVulkanUpdateFunc update;
  gpointer user_data;
  GDestroyNotify destroy;
} EffvkFrameImages;

/* The images that the image's pixels are in, or NULL. */
EffvkFrameImages *effvk_frame_images_of (const EffvkImage *image);

/* Where a copy of @image's pixels, which are in @images, lies in a buffer. FALSE with @error set (in
 * EFFVK_DEVICE_ERROR, UNSUPPORTED) when they cannot be copied on @device. */
gboolean effvk_frame_images_place (const EffvkFrameImages *images, const EffvkImage *image,
                                   EffvkDevice *device, EffvkFrameLayout *layout, GError **error);

/* Frames that are copied to a buffer in one submission. Begins as { 0 }. */
typedef struct
{
  GArray *copies; /* NULL: none */
  GArray *semaphores, *values;
} EffvkFrameCopies;

/* Adds a copy to @offset. A reference to @images is taken. */
void effvk_frame_copies_add (EffvkFrameCopies *copies, EffvkFrameImages *images,
                             const EffvkFrameLayout *layout, gsize offset);
gboolean effvk_frame_copies_is_empty (const EffvkFrameCopies *copies);

/* Submits @commands, which must not be in use and are recorded anew with all copies to @buffer, and then
 * @others. */
gboolean effvk_frame_copies_submit (EffvkFrameCopies *copies, const EffvkBuffer *buffer,
                                    VkCommandBuffer commands, const VkCommandBuffer *others,
                                    guint n_others, VkFence fence, GError **error);

/* When the device is done: nothing is to be copied any more. */
void effvk_frame_copies_clear (EffvkFrameCopies *copies);
