/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

typedef enum
{
  EFFVK_MEMORY_DEVICE, /* fastest for the device; mapped only where device memory is host-visible */
  EFFVK_MEMORY_UPLOAD, /* mapped; written by the CPU, read by the device */
  /* mapped, cached where possible; written and read by the CPU, read by the device */
  EFFVK_MEMORY_SHARED,
  EFFVK_MEMORY_INCOHERENT, /* mapped, and not coherent, which not every device has; for tests */
  EFFVK_MEMORY_DOWNLOAD,   /* mapped, cached; written by the device, read by the CPU */
} EffvkMemoryKind;

/* A VkBuffer with memory of its own, mapped for its whole life where the kind says so. */
typedef struct
{
  EffvkDevice *device;
  VkBuffer handle;
  VkDeviceMemory memory;
  gsize size; /* bytes */
  guint8 *map;
  gboolean coherent;
} EffvkBuffer;

gboolean effvk_device_has_incoherent_memory (EffvkDevice *device);

/* Storage, uniform texel and transfer usage. @size 0 is rounded up. On failure @buffer is empty. */
gboolean effvk_buffer_init (EffvkBuffer *buffer, EffvkDevice *device, EffvkMemoryKind kind,
                            gsize size, const char *name, GError **error);

/* Storage and transfer usage, in @size bytes of the CPU's own memory at @data, both multiples of
 * the device's host_alignment, which must outlive the buffer. */
gboolean effvk_buffer_init_import (EffvkBuffer *buffer, EffvkDevice *device, gpointer data,
                                   gsize size, const char *name, GError **error);
void effvk_buffer_clear (EffvkBuffer *buffer);

/* After the CPU wrote, before a submit; after the device wrote, before the CPU reads. On failure
 * the other side may see what was there before. */
gboolean effvk_buffer_flush (EffvkBuffer *buffer, GError **error);
gboolean effvk_buffer_invalidate (EffvkBuffer *buffer, GError **error);

/* Copies bytes to a device buffer through a staging buffer (or the map) and waits. */
gboolean effvk_buffer_upload (EffvkBuffer *buffer, gsize offset, gconstpointer data, gsize size,
                              GError **error);

/* Copies bytes of a device buffer back and waits. For tests and tools. */
gboolean effvk_buffer_download (EffvkBuffer *buffer, gsize offset, gpointer data, gsize size,
                                GError **error);
