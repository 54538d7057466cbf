/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames in DMA buffers, which other devices and drivers have made, with their rows one after the
 * other: imported as buffers of the device's. */

#include "vk/dmabuf-memory.h"
#include "vk/frame-copies.h"

#include <effvk/effvk-frame-memory.h>

typedef struct
{
  VkBuffer handle;
  VkDeviceMemory memory;
  gsize size;
} Import;

typedef struct
{
  EffvkDeviceFrame frame;
  EffvkDmabufPlane planes[EFFVK_IMAGE_MAX_PLANES];
  guint import_of[EFFVK_IMAGE_MAX_PLANES]; /* planes share a file */
  Import imports[EFFVK_IMAGE_MAX_PLANES];
  guint n_imports;
} FrameDmabuf;

static void
frame_dmabuf_free (EffvkFrameMemory *memory)
{
  FrameDmabuf *dmabuf = (FrameDmabuf *) memory;
  EffvkDevice *device = dmabuf->frame.device;

  for (guint i = 0; i < dmabuf->n_imports && !effvk_device_is_hung (device); i++)
    {
      device->vk.vkDestroyBuffer (device->handle, dmabuf->imports[i].handle, NULL);
      device->vk.vkFreeMemory (device->handle, dmabuf->imports[i].memory, NULL);
    }
  g_object_unref (device);
  g_free (dmabuf);
}

/* Only the bytes of the rows: the last one may end with them. Strides of the copy are those of the
 * plane where the shaders can read these. */
static gboolean
place (EffvkDeviceFrame *frame, EffvkFrameLayout *layout, GError **error)
{
  const FrameDmabuf *dmabuf = (const FrameDmabuf *) frame;

  for (guint i = 0; i < frame->n_planes; i++)
    {
      const EffvkDmabufPlane *plane = &dmabuf->planes[i];
      gsize row = effvk_frame_plane_row_bytes (layout, i),
            rows = effvk_frame_plane_rows (layout, i);
      gsize all = dmabuf->imports[dmabuf->import_of[i]].size;

      if (plane->stride < row || plane->offset > all || all - plane->offset < row
          || (rows > 1 && (all - plane->offset - row) / (rows - 1) < plane->stride))
        return effvk_device_frame_refuse (
            error,
            "plane %u, %" G_GSIZE_FORMAT " rows of %" G_GSIZE_FORMAT
            " bytes with a stride of %" G_GSIZE_FORMAT " from %" G_GSIZE_FORMAT
            " on, does not fit into the DMA buffer of %" G_GSIZE_FORMAT " bytes",
            i, rows, row, plane->stride, plane->offset, all);
      layout->strides[i] = (row + EFFVK_FRAME_MEMORY_ALIGNMENT - 1) / EFFVK_FRAME_MEMORY_ALIGNMENT
                           * EFFVK_FRAME_MEMORY_ALIGNMENT;
      if (plane->stride % EFFVK_FRAME_MEMORY_ALIGNMENT == 0 && plane->stride < 2 * row)
        layout->strides[i] = plane->stride;
    }
  return TRUE;
}

static gboolean
prepare (EffvkDeviceFrame *frame, EffvkFrameCopies *copies, GError **error)
{
  return TRUE;
}

/* From whoever wrote the buffers to this queue, or back. */
static void
record_barriers (FrameDmabuf *dmabuf, VkCommandBuffer commands, gboolean back)
{
  EffvkDevice *device = dmabuf->frame.device;
  VkBufferMemoryBarrier barriers[EFFVK_IMAGE_MAX_PLANES];

  for (guint i = 0; i < dmabuf->n_imports; i++)
    barriers[i] = (VkBufferMemoryBarrier){
      .sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER,
      .dstAccessMask = back ? 0 : VK_ACCESS_TRANSFER_READ_BIT,
      .srcQueueFamilyIndex = back ? device->queue_family : device->foreign_family,
      .dstQueueFamilyIndex = back ? device->foreign_family : device->queue_family,
      .buffer = dmabuf->imports[i].handle,
      .size = VK_WHOLE_SIZE,
    };
  device->vk.vkCmdPipelineBarrier (
      commands, back ? VK_PIPELINE_STAGE_TRANSFER_BIT : VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
      back ? VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT : VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL,
      dmabuf->n_imports, barriers, 0, NULL);
}

static void
record (EffvkDeviceFrame *frame, const EffvkFrameLayout *layout, const EffvkBuffer *buffer,
        gsize offset, VkCommandBuffer commands)
{
  FrameDmabuf *dmabuf = (FrameDmabuf *) frame;

  record_barriers (dmabuf, commands, FALSE);
  for (guint i = 0; i < frame->n_planes; i++)
    {
      const EffvkDmabufPlane *plane = &dmabuf->planes[i];
      gsize row = effvk_frame_plane_row_bytes (layout, i),
            rows = effvk_frame_plane_rows (layout, i);
      gboolean at_once = layout->strides[i] == plane->stride;
      guint n = at_once ? 1 : (guint) rows;
      g_autofree VkBufferCopy *regions = g_new (VkBufferCopy, n);

      for (guint y = 0; y < n; y++)
        regions[y] = (VkBufferCopy){
          .srcOffset = plane->offset + y * plane->stride,
          .dstOffset = offset + layout->offsets[i] + y * layout->strides[i],
          .size = at_once ? plane->stride * (rows - 1) + row : row,
        };
      frame->device->vk.vkCmdCopyBuffer (commands, dmabuf->imports[dmabuf->import_of[i]].handle,
                                         buffer->handle, n, regions);
    }
  record_barriers (dmabuf, commands, TRUE);
}

static gboolean
import_memory (Import *import, EffvkDevice *device, int fd, GError **error)
{
  /* Some devices import only for one buffer, and all may do better then. */
  const VkMemoryDedicatedAllocateInfo dedicated
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, .buffer = import->handle };
  VkMemoryRequirements need;

  device->vk.vkGetBufferMemoryRequirements (device->handle, import->handle, &need);
  return effvk_dmabuf_import (device, fd, &need, &dedicated, &import->memory, error)
         && effvk_device_check (device,
                                device->vk.vkBindBufferMemory (device->handle, import->handle,
                                                               import->memory, 0),
                                "vkBindBufferMemory", error);
}

static gboolean
add_import (FrameDmabuf *dmabuf, int fd, GError **error)
{
  EffvkDevice *device = dmabuf->frame.device;
  Import *import = &dmabuf->imports[dmabuf->n_imports];
  const VkExternalMemoryBufferCreateInfo external
      = { .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
          .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT };
  VkBufferCreateInfo create = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                .pNext = &external,
                                .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT };

  if (!effvk_dmabuf_get_size (fd, &import->size, error))
    return FALSE;
  create.size = import->size;
  if (!effvk_device_make (device, vkCreateBuffer, &create, &import->handle, "vkCreateBuffer",
                          error))
    return FALSE;
  dmabuf->n_imports++;
  return import_memory (import, device, fd, error);
}

gboolean
effvk_device_can_import_dmabuf (EffvkDevice *device)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), FALSE);
  return device->imports_dmabuf;
}

EffvkFrameMemory *
effvk_frame_memory_new_from_dmabuf (EffvkDevice *device, const EffvkDmabufPlane *planes,
                                    guint n_planes, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (planes != NULL, NULL);
  g_return_val_if_fail (n_planes >= 1 && n_planes <= EFFVK_IMAGE_MAX_PLANES, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  FrameDmabuf *dmabuf;

  if (!effvk_dmabuf_check_device (device, error))
    return NULL;
  dmabuf = g_new0 (FrameDmabuf, 1);
  dmabuf->frame = (EffvkDeviceFrame){
    .memory = { .imported = TRUE, .only_device_sees_it = TRUE, .free_func = frame_dmabuf_free },
    .device = g_object_ref (device),
    .n_planes = n_planes,
    .place = place,
    .prepare = prepare,
    .record = record,
  };
  g_atomic_ref_count_init (&dmabuf->frame.memory.references);
  memcpy (dmabuf->planes, planes, n_planes * sizeof *planes);
  for (guint i = 0; i < n_planes; i++)
    {
      guint first = 0;

      while (planes[first].fd != planes[i].fd)
        first++;
      dmabuf->import_of[i] = first < i ? dmabuf->import_of[first] : dmabuf->n_imports;
      if (first == i && !add_import (dmabuf, planes[i].fd, error))
        {
          effvk_frame_memory_unref (&dmabuf->frame.memory);
          return NULL;
        }
    }
  return &dmabuf->frame.memory;
}
