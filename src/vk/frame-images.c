/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames in images of the device's: copied to a buffer that the shaders read, in the submission that
 * reads it. */

#include "vk/frame-images.h"

typedef struct
{
  EffvkFrameImages *images;
  EffvkFrameLayout layout;
  gsize offset;
} Copy;

static void
frame_images_free (EffvkFrameMemory *memory)
{
  EffvkFrameImages *images = (EffvkFrameImages *) memory;

  if (images->destroy && !effvk_device_is_hung (images->device)) /* else it may still read them */
    images->destroy (images->user_data);
  g_object_unref (images->device);
  g_free (images);
}

EffvkFrameMemory *
effvk_frame_memory_new_from_vulkan (EffvkDevice *device, const EffvkVulkanPlane *planes,
                                    guint n_planes, EffvkVulkanUpdateFunc update,
                                    gpointer user_data, GDestroyNotify destroy)
{
  EffvkFrameImages *images;

  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (planes != NULL, NULL);
  g_return_val_if_fail (n_planes >= 1 && n_planes <= EFFVK_IMAGE_MAX_PLANES, NULL);

  images = g_new0 (EffvkFrameImages, 1);
  images->memory
      = (EffvkFrameMemory){ .only_device_sees_it = TRUE, .free_func = frame_images_free };
  g_atomic_ref_count_init (&images->memory.references);
  images->device = g_object_ref (device);
  memcpy (images->planes, planes, n_planes * sizeof *planes);
  images->n_planes = n_planes;
  images->update = update;
  images->user_data = user_data;
  images->destroy = destroy;
  return &images->memory;
}

EffvkFrameImages *
effvk_frame_images_of (const EffvkImage *image)
{
  EffvkFrameMemory *memory = image->memory;

  return memory && memory->free_func == frame_images_free ? (EffvkFrameImages *) memory : NULL;
}

static guint
plane_columns (const EffvkFrameLayout *layout, guint plane)
{
  return (guint) (effvk_frame_plane_row_bytes (layout, plane)
                  / effvk_format_get_info (layout->format)->bytes[plane]);
}

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED, text);
  return FALSE;
}

static gboolean
check_layout (const EffvkFrameImages *images, GError **error)
{
  for (guint i = 0; i < images->n_planes; i++)
    if (images->planes[i].layout == VK_IMAGE_LAYOUT_UNDEFINED)
      return refuse (error, "the image of plane %u has no pixels: its layout is undefined", i);
  return TRUE;
}

gboolean
effvk_frame_images_place (const EffvkFrameImages *images, const EffvkImage *image,
                          EffvkDevice *device, EffvkFrameLayout *layout, GError **error)
{
  const EffvkFormatInfo *format = effvk_format_get_info (image->layout.format);
  const char *name = effvk_format_to_string (image->layout.format);

  if (images->device != device)
    return refuse (error, "the frame is in images of another device");
  if (format->n_planes != images->n_planes)
    return refuse (error, "the frame has %u planes in images, but %s has %u", images->n_planes,
                   name, format->n_planes);
  if (format->n_planes == 1 && format->chroma_x)
    return refuse (error, "%s has no texel for a pixel and cannot be read from an image", name);
  if (!images->update && !check_layout (images, error))
    return FALSE;

  *layout = image->layout;
  for (guint i = 0; i < format->n_planes; i++)
    {
      const EffvkVulkanPlane *plane = &images->planes[i];
      gboolean all = plane->aspect != VK_IMAGE_ASPECT_COLOR_BIT; /* planes are in it */
      guint columns = plane_columns (layout, all ? 0 : i);
      guint rows = effvk_frame_plane_rows (layout, all ? 0 : i);
      /* whole texels of the copy, and what the shaders read at once */
      gsize unit = EFFVK_FRAME_MEMORY_ALIGNMENT * (format->bytes[i] == 3 ? 3 : 1);

      if (plane->width < columns || plane->height < rows)
        return refuse (error, "the image of plane %u is of %ux%u texels, expected %ux%u", i,
                       plane->width, plane->height, columns, rows);
      layout->strides[i] = (effvk_frame_plane_row_bytes (layout, i) + unit - 1) / unit * unit;
    }
  effvk_frame_layout_place (layout);
  return TRUE;
}

static void
copy_clear (gpointer data)
{
  effvk_frame_memory_unref (&((Copy *) data)->images->memory);
}

void
effvk_frame_copies_add (EffvkFrameCopies *copies, EffvkFrameImages *images,
                        const EffvkFrameLayout *layout, gsize offset)
{
  const Copy copy = { images, *layout, offset };

  if (!copies->copies)
    {
      copies->copies = g_array_new (FALSE, FALSE, sizeof (Copy));
      g_array_set_clear_func (copies->copies, copy_clear);
      copies->semaphores = g_array_new (FALSE, FALSE, sizeof (VkSemaphore));
      copies->values = g_array_new (FALSE, FALSE, sizeof (guint64));
    }
  effvk_frame_memory_ref (&images->memory);
  g_array_append_val (copies->copies, copy);
}

gboolean
effvk_frame_copies_is_empty (const EffvkFrameCopies *copies)
{
  return !copies->copies;
}

void
effvk_frame_copies_clear (EffvkFrameCopies *copies)
{
  g_clear_pointer (&copies->copies, g_array_unref);
  g_clear_pointer (&copies->semaphores, g_array_unref);
  g_clear_pointer (&copies->values, g_array_unref);
}

static VkImageLayout
layout_to_read (VkImageLayout layout)
{
  return layout == VK_IMAGE_LAYOUT_GENERAL ? layout : VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
}

/* Whether an earlier plane is in the same image, which needs one barrier and one wait. */
static gboolean
is_seen (const EffvkFrameImages *images, guint i)
{
  for (guint j = 0; j < i; j++)
    if (images->planes[j].image == images->planes[i].image
        && images->planes[j].array_layer == images->planes[i].array_layer)
      return TRUE;
  return FALSE;
}

/* Before the copy (@back is FALSE), or back to the layout in which the images were. The stages are all, as
 * nobody says which read or wrote them, nor which will. */
static void
record_barriers (EffvkFrameImages *images, VkCommandBuffer commands, gboolean back)
{
  VkImageMemoryBarrier barriers[EFFVK_IMAGE_MAX_PLANES];
  guint32 n = 0;

  for (guint i = 0; i < images->n_planes; i++)
    {
      const EffvkVulkanPlane *plane = &images->planes[i];
      VkImageLayout reading = layout_to_read (plane->layout);

      if (is_seen (images, i) || (back && plane->layout == reading))
        continue;
      barriers[n++] = (VkImageMemoryBarrier){
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = back ? 0 : VK_ACCESS_MEMORY_WRITE_BIT,
        .dstAccessMask = back ? VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT
                              : VK_ACCESS_TRANSFER_READ_BIT,
        .oldLayout = back ? reading : plane->layout,
        .newLayout = back ? plane->layout : reading,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = plane->image,
        .subresourceRange = { .aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, /* all planes */
                              .levelCount = 1,
                              .baseArrayLayer = plane->array_layer,
                              .layerCount = 1 },
      };
    }
  if (n)
    images->device->vk.vkCmdPipelineBarrier (
        commands, back ? VK_PIPELINE_STAGE_TRANSFER_BIT : VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
        back ? VK_PIPELINE_STAGE_ALL_COMMANDS_BIT : VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0,
        NULL, n, barriers);
}

static void
record_copy (const Copy *copy, const EffvkBuffer *buffer, VkCommandBuffer commands)
{
  EffvkFrameImages *images = copy->images;
  const EffvkFormatInfo *format = effvk_format_get_info (copy->layout.format);

  record_barriers (images, commands, FALSE);
  for (guint i = 0; i < images->n_planes; i++)
    {
      const EffvkVulkanPlane *plane = &images->planes[i];
      const VkBufferImageCopy region = {
        .bufferOffset = copy->offset + copy->layout.offsets[i],
        .bufferRowLength = (guint32) (copy->layout.strides[i] / format->bytes[i]),
        .imageSubresource
        = { .aspectMask = plane->aspect, .baseArrayLayer = plane->array_layer, .layerCount = 1 },
        .imageExtent
        = { plane_columns (&copy->layout, i), effvk_frame_plane_rows (&copy->layout, i), 1 },
      };

      images->device->vk.vkCmdCopyImageToBuffer (commands, plane->image,
                                                 layout_to_read (plane->layout), buffer->handle, 1,
                                                 &region);
    }
  record_barriers (images, commands, TRUE);
}

/* How the images are now. */
static gboolean
update (EffvkFrameCopies *copies, const Copy *copy, GError **error)
{
  EffvkFrameImages *images = copy->images;

  if (images->update)
    images->update (images->planes, images->n_planes, images->user_data);
  for (guint i = 0; i < images->n_planes; i++)
    {
      const EffvkVulkanPlane *plane = &images->planes[i];

      if (plane->semaphore != VK_NULL_HANDLE && !is_seen (images, i))
        {
          g_array_append_val (copies->semaphores, plane->semaphore);
          g_array_append_val (copies->values, plane->semaphore_value);
        }
    }
  return check_layout (images, error);
}

static gboolean
record (EffvkFrameCopies *copies, EffvkDevice *device, const EffvkBuffer *buffer,
        VkCommandBuffer commands, GError **error)
{
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                           .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT };

  g_array_set_size (copies->semaphores, 0);
  g_array_set_size (copies->values, 0);
  if (!effvk_device_check (device, device->vk.vkBeginCommandBuffer (commands, &begin),
                           "vkBeginCommandBuffer", error))
    return FALSE;
  for (guint i = 0; i < copies->copies->len; i++)
    {
      const Copy *copy = &g_array_index (copies->copies, Copy, i);

      if (!update (copies, copy, error))
        return FALSE;
      record_copy (copy, buffer, commands);
    }
  return effvk_device_check (device, device->vk.vkEndCommandBuffer (commands), "vkEndCommandBuffer",
                             error);
}

gboolean
effvk_frame_copies_submit (EffvkFrameCopies *copies, const EffvkBuffer *buffer,
                           VkCommandBuffer commands, const VkCommandBuffer *others, guint n_others,
                           VkFence fence, GError **error)
{
  EffvkDevice *device = buffer->device;
  g_autofree VkCommandBuffer *all = g_new (VkCommandBuffer, 1 + n_others);
  g_autofree VkPipelineStageFlags *stages = NULL;
  VkTimelineSemaphoreSubmitInfo timeline
      = { .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO };
  VkSubmitInfo info = { .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                        .commandBufferCount = 1 + n_others,
                        .pCommandBuffers = all };
  gboolean ok;

  all[0] = commands;
  memcpy (all + 1, others, n_others * sizeof *others);
  effvk_device_lock_queue (device);
  ok = record (copies, device, buffer, commands, error);
  if (copies->semaphores->len)
    {
      stages = g_new (VkPipelineStageFlags, copies->semaphores->len);
      for (guint i = 0; i < copies->semaphores->len; i++)
        stages[i] = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT; /* as in the barrier */
      timeline.waitSemaphoreValueCount = info.waitSemaphoreCount = copies->semaphores->len;
      timeline.pWaitSemaphoreValues = (const guint64 *) (void *) copies->values->data;
      info.pWaitSemaphores = (const VkSemaphore *) (void *) copies->semaphores->data;
      info.pWaitDstStageMask = stages;
      info.pNext = &timeline;
    }
  ok = ok && effvk_device_submit_locked (device, &info, fence, error);
  effvk_device_unlock_queue (device);
  return ok;
}
