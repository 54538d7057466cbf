/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/memory.h"
#include "vk/once.h"

/* The first memory type that has @wanted, preferring one with @preferred too. */
static int
find_memory_type (EffvkDevice *device, guint32 allowed, VkMemoryPropertyFlags wanted,
                  VkMemoryPropertyFlags preferred)
{
  int found = -1;

  for (guint32 i = 0; i < device->memory.memoryTypeCount; i++)
    {
      VkMemoryPropertyFlags flags = device->memory.memoryTypes[i].propertyFlags;

      if (!(allowed & (1u << i)) || (flags & wanted) != wanted)
        continue;
      if ((flags & preferred) == preferred)
        return (int) i;
      if (found < 0)
        found = (int) i;
    }
  return found;
}

/* The first that the CPU maps and that is not coherent. */
static int
find_incoherent_type (EffvkDevice *device, guint32 allowed)
{
  const VkMemoryPropertyFlags both
      = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

  for (guint32 i = 0; i < device->memory.memoryTypeCount; i++)
    if (allowed & (1u << i)
        && (device->memory.memoryTypes[i].propertyFlags & both)
               == VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)
      return (int) i;
  return -1;
}

gboolean
effvk_device_has_incoherent_memory (EffvkDevice *device)
{
  return find_incoherent_type (device, G_MAXUINT32) >= 0;
}

static int
choose_memory_type (EffvkDevice *device, guint32 allowed, EffvkMemoryKind kind)
{
  const VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  const VkMemoryPropertyFlags mapped = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
  const VkMemoryPropertyFlags coherent = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const VkMemoryPropertyFlags cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  int type;

  switch (kind)
    {
    case EFFVK_MEMORY_DEVICE:
      type = find_memory_type (device, allowed, local, 0);
      return type >= 0 ? type : find_memory_type (device, allowed, 0, 0);
    case EFFVK_MEMORY_UPLOAD:
      return find_memory_type (device, allowed, mapped, coherent);
    case EFFVK_MEMORY_INCOHERENT:
      return find_incoherent_type (device, allowed);
    case EFFVK_MEMORY_SHARED:
    case EFFVK_MEMORY_DOWNLOAD:
    default:
      return find_memory_type (device, allowed, mapped, cached);
    }
}

static const VkBufferUsageFlags usage
    = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT
      | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;

gboolean
effvk_buffer_init (EffvkBuffer *buffer, EffvkDevice *device, EffvkMemoryKind kind, gsize size,
                   const char *name, GError **error)
{
  VkBufferCreateInfo create = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                .size = MAX (size, 16),
                                .usage = usage,
                                .sharingMode = VK_SHARING_MODE_EXCLUSIVE };
  VkMemoryRequirements need;
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO };
  VkMemoryPropertyFlags flags;
  int type;

  *buffer = (EffvkBuffer){ .device = g_object_ref (device), .size = create.size };

  if (!effvk_device_make (device, vkCreateBuffer, &create, &buffer->handle, "vkCreateBuffer",
                          error))
    goto fail;
  effvk_device_name (device, VK_OBJECT_TYPE_BUFFER, (guint64) (guintptr) buffer->handle, name);

  device->vk.vkGetBufferMemoryRequirements (device->handle, buffer->handle, &need);
  type = choose_memory_type (device, need.memoryTypeBits, kind);
  if (type < 0)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "The device has no memory that the CPU can map for \"%s\"", name);
      goto fail;
    }
  allocate.allocationSize = need.size;
  allocate.memoryTypeIndex = (guint32) type;
  if (!effvk_device_make (device, vkAllocateMemory, &allocate, &buffer->memory, "vkAllocateMemory",
                          error))
    {
      g_prefix_error (error, "%" G_GSIZE_FORMAT " bytes for \"%s\": ", size, name);
      goto fail;
    }
  if (!effvk_device_check (device,
                           device->vk.vkBindBufferMemory (device->handle, buffer->handle,
                                                          buffer->memory, 0),
                           "vkBindBufferMemory", error))
    goto fail;

  flags = device->memory.memoryTypes[type].propertyFlags;
  buffer->coherent = (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
  if ((flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)
      && !effvk_device_check (device,
                              device->vk.vkMapMemory (device->handle, buffer->memory, 0,
                                                      VK_WHOLE_SIZE, 0, (void **) &buffer->map),
                              "vkMapMemory", error))
    goto fail;
  return TRUE;

fail:
  effvk_buffer_clear (buffer);
  return FALSE;
}

/* A type that both the memory and the buffer allow, and that needs no flush. */
static gboolean
choose_import_type (EffvkBuffer *buffer, gconstpointer data, guint32 *type, GError **error)
{
  EffvkDevice *device = buffer->device;
  VkMemoryHostPointerPropertiesEXT properties
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT };
  VkMemoryRequirements need;
  int found;

  if (!effvk_device_check (device,
                           device->vk.vkGetMemoryHostPointerPropertiesEXT (
                               device->handle,
                               VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, data,
                               &properties),
                           "vkGetMemoryHostPointerPropertiesEXT", error))
    return FALSE;
  device->vk.vkGetBufferMemoryRequirements (device->handle, buffer->handle, &need);
  found = find_memory_type (device, need.memoryTypeBits & properties.memoryTypeBits,
                            VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
                                | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                            0);
  if (found < 0 || need.size > buffer->size)
    {
      g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                           "The device has no type of memory for what the CPU has allocated");
      return FALSE;
    }
  *type = (guint32) found;
  return TRUE;
}

gboolean
effvk_buffer_init_import (EffvkBuffer *buffer, EffvkDevice *device, gpointer data, gsize size,
                          const char *name, GError **error)
{
  const VkExternalMemoryBufferCreateInfo external
      = { .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
          .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT };
  const VkBufferCreateInfo create = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                      .pNext = &external,
                                      .size = size,
                                      .usage = usage,
                                      .sharingMode = VK_SHARING_MODE_EXCLUSIVE };
  const VkImportMemoryHostPointerInfoEXT import
      = { .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
          .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
          .pHostPointer = data };
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                    .pNext = &import,
                                    .allocationSize = size };

  *buffer = (EffvkBuffer){
    .device = g_object_ref (device), .size = size, .map = data, .coherent = TRUE
  };
  if (effvk_device_make (device, vkCreateBuffer, &create, &buffer->handle, "vkCreateBuffer", error)
      && choose_import_type (buffer, data, &allocate.memoryTypeIndex, error)
      && effvk_device_make (device, vkAllocateMemory, &allocate, &buffer->memory,
                            "vkAllocateMemory of the CPU's memory", error)
      && effvk_device_check (device,
                             device->vk.vkBindBufferMemory (device->handle, buffer->handle,
                                                            buffer->memory, 0),
                             "vkBindBufferMemory", error))
    {
      effvk_device_name (device, VK_OBJECT_TYPE_BUFFER, (guint64) (guintptr) buffer->handle, name);
      return TRUE;
    }
  effvk_buffer_clear (buffer);
  return FALSE;
}

void
effvk_buffer_clear (EffvkBuffer *buffer)
{
  EffvkDevice *device = buffer->device;

  if (device && effvk_device_is_hung (device))
    g_object_unref (device); /* it may still use the memory */
  else if (device)
    {
      device->vk.vkDestroyBuffer (device->handle, buffer->handle, NULL);
      device->vk.vkFreeMemory (device->handle, buffer->memory, NULL);
      g_object_unref (device);
    }
  *buffer = (EffvkBuffer){ 0 };
}

static VkMappedMemoryRange
whole_range (const EffvkBuffer *buffer)
{
  return (VkMappedMemoryRange){ .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
                                .memory = buffer->memory,
                                .size = VK_WHOLE_SIZE };
}

gboolean
effvk_buffer_flush (EffvkBuffer *buffer, GError **error)
{
  EffvkDevice *device = buffer->device;
  VkMappedMemoryRange range = whole_range (buffer);

  return !buffer->map || buffer->coherent
         || effvk_device_check (device,
                                device->vk.vkFlushMappedMemoryRanges (device->handle, 1, &range),
                                "vkFlushMappedMemoryRanges", error);
}

gboolean
effvk_buffer_invalidate (EffvkBuffer *buffer, GError **error)
{
  EffvkDevice *device = buffer->device;
  VkMappedMemoryRange range = whole_range (buffer);

  return !buffer->map || buffer->coherent
         || effvk_device_check (device,
                                device->vk.vkInvalidateMappedMemoryRanges (device->handle, 1,
                                                                           &range),
                                "vkInvalidateMappedMemoryRanges", error);
}

/* Copies between a device buffer and a mapped one in a submission of its own. */
static gboolean
copy_and_wait (EffvkBuffer *from, gsize from_offset, EffvkBuffer *to, gsize to_offset, gsize size,
               GError **error)
{
  g_auto (EffvkOnce) once = { 0 };
  VkBufferCopy region = { .srcOffset = from_offset, .dstOffset = to_offset, .size = size };

  if (!effvk_once_begin (&once, from->device, error))
    return FALSE;
  from->device->vk.vkCmdCopyBuffer (once.commands, from->handle, to->handle, 1, &region);
  return effvk_once_submit (&once, error);
}

gboolean
effvk_buffer_upload (EffvkBuffer *buffer, gsize offset, gconstpointer data, gsize size,
                     GError **error)
{
  EffvkBuffer staging;
  gboolean ok;

  if (buffer->map)
    {
      memcpy (buffer->map + offset, data, size);
      return effvk_buffer_flush (buffer, error);
    }
  if (!effvk_buffer_init (&staging, buffer->device, EFFVK_MEMORY_UPLOAD, size, "upload", error))
    return FALSE;
  memcpy (staging.map, data, size);
  ok = effvk_buffer_flush (&staging, error)
       && copy_and_wait (&staging, 0, buffer, offset, size, error);
  effvk_buffer_clear (&staging);
  return ok;
}

gboolean
effvk_buffer_download (EffvkBuffer *buffer, gsize offset, gpointer data, gsize size, GError **error)
{
  EffvkBuffer staging;
  gboolean ok;

  if (buffer->map)
    {
      if (!effvk_buffer_invalidate (buffer, error))
        return FALSE;
      memcpy (data, buffer->map + offset, size);
      return TRUE;
    }
  if (!effvk_buffer_init (&staging, buffer->device, EFFVK_MEMORY_DOWNLOAD, size, "download", error))
    return FALSE;
  ok = copy_and_wait (buffer, offset, &staging, 0, size, error)
       && effvk_buffer_invalidate (&staging, error);
  if (ok)
    memcpy (data, staging.map, size);
  effvk_buffer_clear (&staging);
  return ok;
}
