/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/* FALSE with @error set where the device can import none. */
gboolean effvk_dmabuf_check_device (EffvkDevice *device, GError **error);

/* The bytes of a DMA buffer. */
gboolean effvk_dmabuf_get_size (int fd, gsize *size, GError **error);

/* Imports a DMA buffer as memory for what has such needs. @dedicated: (nullable): the one buffer or
 * image that it is for. The file is kept open, not @fd. */
gboolean effvk_dmabuf_import (EffvkDevice *device, int fd, const VkMemoryRequirements *need,
                              const VkMemoryDedicatedAllocateInfo *dedicated,
                              VkDeviceMemory *memory, GError **error);
