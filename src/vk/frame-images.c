/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames in images of the device's. */

#include "vk/frame-images.h"

#include <effvk/effvk-vulkan.h>

typedef struct
{
  EffvkDeviceFrame frame;
  EffvkFormat format; /* of the pixels; EFFVK_FORMAT_UNKNOWN: whatever the caller says */
  guint32 owner;      /* the queue family that has the images between the copies, or
                         VK_QUEUE_FAMILY_IGNORED: the device's queue */
  EffvkVulkanPlane planes[EFFVK_IMAGE_MAX_PLANES];
  EffvkVulkanUpdateFunc update;
  gpointer user_data;
  GDestroyNotify destroy;
} FrameImages;

static void
frame_images_free (EffvkFrameMemory *memory)
{
  FrameImages *images = (FrameImages *) memory;

  if (images->destroy && !effvk_device_is_hung (images->frame.device)) /* else it may still read */
    images->destroy (images->user_data);
  g_object_unref (images->frame.device);
  g_free (images);
}

static gboolean
check_layout (const FrameImages *images, GError **error)
{
  for (guint i = 0; i < images->frame.n_planes; i++)
    if (images->planes[i].layout == VK_IMAGE_LAYOUT_UNDEFINED)
      return effvk_device_frame_refuse (
          error, "the image of plane %u has no pixels: its layout is undefined", i);
  return TRUE;
}

static gboolean
place (EffvkDeviceFrame *frame, EffvkFrameLayout *layout, GError **error)
{
  const FrameImages *images = (const FrameImages *) frame;
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);

  if (images->format != EFFVK_FORMAT_UNKNOWN && images->format != layout->format)
    return effvk_device_frame_refuse (error, "the frame's memory has pixels of %s, expected %s",
                                      effvk_format_to_string (images->format),
                                      effvk_format_to_string (layout->format));
  if (format->n_planes == 1 && format->chroma_x)
    return effvk_device_frame_refuse (
        error, "%s has no texel for a pixel and cannot be read from an image",
        effvk_format_to_string (layout->format));
  if (!images->update && !check_layout (images, error))
    return FALSE;
  for (guint i = 0; i < frame->n_planes; i++)
    {
      const EffvkVulkanPlane *plane = &images->planes[i];
      gboolean all = plane->aspect != VK_IMAGE_ASPECT_COLOR_BIT; /* planes are in it */
      guint columns = effvk_device_frame_columns (layout, all ? 0 : i);
      guint rows = effvk_frame_plane_rows (layout, all ? 0 : i);
      /* whole texels of the copy, and what the shaders read at once */
      gsize unit = EFFVK_FRAME_MEMORY_ALIGNMENT * (format->bytes[i] == 3 ? 3 : 1);

      if (plane->width < columns || plane->height < rows)
        return effvk_device_frame_refuse (
            error, "the image of plane %u is of %ux%u texels, expected %ux%u", i, plane->width,
            plane->height, columns, rows);
      layout->strides[i] = (effvk_frame_plane_row_bytes (layout, i) + unit - 1) / unit * unit;
    }
  return TRUE;
}

static VkImageLayout
layout_to_read (VkImageLayout layout)
{
  return layout == VK_IMAGE_LAYOUT_GENERAL ? layout : VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
}

/* Whether an earlier plane is in the same image, which needs one barrier and one wait. */
static gboolean
is_seen (const FrameImages *images, guint i)
{
  for (guint j = 0; j < i; j++)
    if (images->planes[j].image == images->planes[i].image
        && images->planes[j].array_layer == images->planes[i].array_layer)
      return TRUE;
  return FALSE;
}

/* Before the copy (@back is FALSE), or back to the layout in which the images were, and to who had
 * them. The stages are all, as nobody says which read or wrote them, nor which will. */
static void
record_barriers (FrameImages *images, VkCommandBuffer commands, gboolean back)
{
  gboolean foreign = images->owner != VK_QUEUE_FAMILY_IGNORED; /* whose accesses are none of ours */
  guint32 ours = foreign ? images->frame.device->queue_family : VK_QUEUE_FAMILY_IGNORED;
  VkImageMemoryBarrier barriers[EFFVK_IMAGE_MAX_PLANES];
  guint32 n = 0;

  for (guint i = 0; i < images->frame.n_planes; i++)
    {
      const EffvkVulkanPlane *plane = &images->planes[i];
      VkImageLayout reading = layout_to_read (plane->layout);

      if (is_seen (images, i) || (back && plane->layout == reading && !foreign))
        continue;
      barriers[n++] = (VkImageMemoryBarrier){
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = back || foreign ? 0 : VK_ACCESS_MEMORY_WRITE_BIT,
        .dstAccessMask = !back     ? VK_ACCESS_TRANSFER_READ_BIT
                         : foreign ? 0
                                   : VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
        .oldLayout = back ? reading : plane->layout,
        .newLayout = back ? plane->layout : reading,
        .srcQueueFamilyIndex = back ? ours : images->owner,
        .dstQueueFamilyIndex = back ? images->owner : ours,
        .image = plane->image,
        .subresourceRange = { .aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, /* all planes */
                              .levelCount = 1,
                              .baseArrayLayer = plane->array_layer,
                              .layerCount = 1 },
      };
    }
  if (n)
    images->frame.device->vk.vkCmdPipelineBarrier (
        commands, back ? VK_PIPELINE_STAGE_TRANSFER_BIT : VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
        back ? VK_PIPELINE_STAGE_ALL_COMMANDS_BIT : VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0,
        NULL, n, barriers);
}

static void
record (EffvkDeviceFrame *frame, const EffvkFrameLayout *layout, const EffvkBuffer *buffer,
        gsize offset, VkCommandBuffer commands)
{
  FrameImages *images = (FrameImages *) frame;
  const EffvkFormatInfo *format = effvk_format_get_info (layout->format);

  record_barriers (images, commands, FALSE);
  for (guint i = 0; i < frame->n_planes; i++)
    {
      const EffvkVulkanPlane *plane = &images->planes[i];
      const VkBufferImageCopy region = {
        .bufferOffset = offset + layout->offsets[i],
        .bufferRowLength = (guint32) (layout->strides[i] / format->bytes[i]),
        .imageSubresource
        = { .aspectMask = plane->aspect, .baseArrayLayer = plane->array_layer, .layerCount = 1 },
        .imageExtent
        = { effvk_device_frame_columns (layout, i), effvk_frame_plane_rows (layout, i), 1 },
      };

      frame->device->vk.vkCmdCopyImageToBuffer (commands, plane->image,
                                                layout_to_read (plane->layout), buffer->handle, 1,
                                                &region);
    }
  record_barriers (images, commands, TRUE);
}

/* How the images are now. */
static gboolean
prepare (EffvkDeviceFrame *frame, EffvkFrameCopies *copies, GError **error)
{
  FrameImages *images = (FrameImages *) frame;

  if (images->update)
    images->update (images->planes, frame->n_planes, images->user_data);
  for (guint i = 0; i < frame->n_planes; i++)
    {
      const EffvkVulkanPlane *plane = &images->planes[i];

      if (plane->semaphore != VK_NULL_HANDLE && !is_seen (images, i))
        effvk_frame_copies_wait (copies, plane->semaphore, plane->semaphore_value);
    }
  return check_layout (images, error);
}

static FrameImages *
new_images (EffvkDevice *device, const EffvkVulkanPlane *planes, guint n_planes, gpointer user_data,
            GDestroyNotify destroy)
{
  FrameImages *images = g_new0 (FrameImages, 1);

  images->frame = (EffvkDeviceFrame){
    .memory = { .only_device_sees_it = TRUE, .free_func = frame_images_free },
    .device = g_object_ref (device),
    .n_planes = n_planes,
    .place = place,
    .prepare = prepare,
    .record = record,
  };
  g_atomic_ref_count_init (&images->frame.memory.references);
  images->format = EFFVK_FORMAT_UNKNOWN;
  images->owner = VK_QUEUE_FAMILY_IGNORED;
  memcpy (images->planes, planes, n_planes * sizeof *planes);
  images->user_data = user_data;
  images->destroy = destroy;
  return images;
}

EffvkFrameMemory *
effvk_frame_memory_new_from_vulkan (EffvkDevice *device, const EffvkVulkanPlane *planes,
                                    guint n_planes, EffvkVulkanUpdateFunc update,
                                    gpointer user_data, GDestroyNotify destroy)
{
  FrameImages *images;

  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (planes != NULL, NULL);
  g_return_val_if_fail (n_planes >= 1 && n_planes <= EFFVK_IMAGE_MAX_PLANES, NULL);

  images = new_images (device, planes, n_planes, user_data, destroy);
  images->update = update;
  return &images->frame.memory;
}

EffvkFrameMemory *
effvk_frame_images_new_imported (EffvkDevice *device, EffvkFormat format,
                                 const EffvkVulkanPlane *planes, guint n_planes, gpointer user_data,
                                 GDestroyNotify destroy)
{
  FrameImages *images = new_images (device, planes, n_planes, user_data, destroy);

  images->frame.memory.imported = TRUE;
  images->format = format;
  images->owner = device->foreign_family;
  return &images->frame.memory;
}
