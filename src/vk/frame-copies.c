/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames that only the device sees, copied to a buffer that the shaders read, in the submission
   that reads it. */

#include "vk/frame-copies.h"

typedef struct
{
  EffvkDeviceFrame *frame;
  EffvkFrameLayout layout;
  gsize offset;
} Copy;

EffvkDeviceFrame *
effvk_device_frame_of (const EffvkImage *image)
{
  EffvkFrameMemory *memory = image->memory;

  return memory && memory->only_device_sees_it ? (EffvkDeviceFrame *) memory : NULL;
}

guint
effvk_device_frame_columns (const EffvkFrameLayout *layout, guint plane)
{
  return (guint) (effvk_frame_plane_row_bytes (layout, plane)
                  / effvk_format_get_info (layout->format)->bytes[plane]);
}

gboolean
effvk_device_frame_refuse (GError **error, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED, text);
  return FALSE;
}

gboolean
effvk_device_frame_place (EffvkDeviceFrame *frame, const EffvkImage *image, EffvkDevice *device,
                          EffvkFrameLayout *layout, GError **error)
{
  guint n_planes = effvk_format_get_n_planes (image->layout.format);

  if (frame->device != device)
    return effvk_device_frame_refuse (error, "the frame is in memory of another device");
  if (frame->n_planes != n_planes)
    return effvk_device_frame_refuse (error, "the frame has %u planes, but %s has %u",
                                      frame->n_planes,
                                      effvk_format_to_string (image->layout.format), n_planes);
  *layout = image->layout;
  if (!frame->place (frame, layout, error))
    return FALSE;
  effvk_frame_layout_place (layout);
  return TRUE;
}

static void
copy_clear (gpointer data)
{
  effvk_frame_memory_unref (&((Copy *) data)->frame->memory);
}

void
effvk_frame_copies_add (EffvkFrameCopies *copies, EffvkDeviceFrame *frame,
                        const EffvkFrameLayout *layout, gsize offset)
{
  const Copy copy = { frame, *layout, offset };

  if (!copies->copies)
    {
      copies->copies = g_array_new (FALSE, FALSE, sizeof (Copy));
      g_array_set_clear_func (copies->copies, copy_clear);
      copies->semaphores = g_array_new (FALSE, FALSE, sizeof (VkSemaphore));
      copies->values = g_array_new (FALSE, FALSE, sizeof (guint64));
    }
  effvk_frame_memory_ref (&frame->memory);
  g_array_append_val (copies->copies, copy);
}

gboolean
effvk_frame_copies_is_empty (const EffvkFrameCopies *copies)
{
  return !copies->copies;
}

void
effvk_frame_copies_wait (EffvkFrameCopies *copies, VkSemaphore semaphore, guint64 value)
{
  g_array_append_val (copies->semaphores, semaphore);
  g_array_append_val (copies->values, value);
}

void
effvk_frame_copies_clear (EffvkFrameCopies *copies)
{
  g_clear_pointer (&copies->copies, g_array_unref);
  g_clear_pointer (&copies->semaphores, g_array_unref);
  g_clear_pointer (&copies->values, g_array_unref);
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

      if (!copy->frame->prepare (copy->frame, copies, error))
        return FALSE;
      copy->frame->record (copy->frame, &copy->layout, buffer, copy->offset, commands);
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
