/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DMA buffers as memory of the device's. */

#include "vk/dmabuf-memory.h"

#include "vk/frame-copies.h"

#include <errno.h>
#include <unistd.h>

gboolean
effvk_dmabuf_check_device (EffvkDevice *device, GError **error)
{
  return device->imports_dmabuf
         || effvk_device_frame_refuse (error, "the device \"%s\" cannot import DMA buffers",
                                       effvk_device_get_name (device));
}

gboolean
effvk_dmabuf_get_size (int fd, gsize *size, GError **error)
{
  off_t end = lseek (fd, 0, SEEK_END);

  if (end <= 0)
    return effvk_device_frame_refuse (error,
                                      "the file descriptor %d is not that of a DMA buffer: %s", fd,
                                      end < 0 ? g_strerror (errno) : "it is empty");
  *size = (gsize) end;
  return TRUE;
}

/* A type that both the file and what it is for allow. */
static gboolean
choose_type (EffvkDevice *device, int fd, guint32 allowed, guint32 *type, GError **error)
{
  VkMemoryFdPropertiesKHR properties = { .sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR };

  if (!effvk_device_check (device,
                           device->vk.vkGetMemoryFdPropertiesKHR (
                               device->handle, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT, fd,
                               &properties),
                           "vkGetMemoryFdPropertiesKHR", error))
    return FALSE;
  for (*type = 0; *type < device->memory.memoryTypeCount; (*type)++)
    if (allowed & properties.memoryTypeBits & (1u << *type))
      return TRUE;
  return effvk_device_frame_refuse (error, "the device has no type of memory for the DMA buffer");
}

gboolean
effvk_dmabuf_import (EffvkDevice *device, int fd, const VkMemoryRequirements *need,
                     const VkMemoryDedicatedAllocateInfo *dedicated, VkDeviceMemory *memory,
                     GError **error)
{
  VkImportMemoryFdInfoKHR info = { .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
                                   .pNext = dedicated,
                                   .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT };
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                    .pNext = &info,
                                    .allocationSize = need->size };

  if (!choose_type (device, fd, need->memoryTypeBits, &allocate.memoryTypeIndex, error))
    return FALSE;
  info.fd = dup (fd); /* the device's from the moment when it has it */
  if (info.fd < 0)
    return effvk_device_frame_refuse (error, "the DMA buffer cannot be shared: %s",
                                      g_strerror (errno));
  if (effvk_device_make (device, vkAllocateMemory, &allocate, memory,
                         "vkAllocateMemory of a DMA buffer", error))
    return TRUE;
  close (info.fd);
  return FALSE;
}
