/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/host-frame.h"

static void
frame_buffer_free (EffvkFrameMemory *memory)
{
  EffvkHostFrame *frame = (EffvkHostFrame *) memory;

  effvk_buffer_clear (&frame->buffer);
  g_free (frame);
}

EffvkFrameMemory *
effvk_frame_memory_new (EffvkDevice *device, gsize size, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (size > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  EffvkHostFrame *frame;
  EffvkBuffer buffer;

  /* whole texels, also of a last row that ends within one */
  if (!effvk_buffer_init (&buffer, device, EFFVK_MEMORY_SHARED,
                          (size + EFFVK_FRAME_MEMORY_ALIGNMENT - 1) / EFFVK_FRAME_MEMORY_ALIGNMENT
                              * EFFVK_FRAME_MEMORY_ALIGNMENT,
                          "frame", error))
    return NULL;
  frame = g_new (EffvkHostFrame, 1);
  frame->buffer = buffer;
  frame->memory
      = (EffvkFrameMemory){ .data = buffer.map, .size = size, .free_func = frame_buffer_free };
  g_atomic_ref_count_init (&frame->memory.references);
  return &frame->memory;
}

gboolean
effvk_device_can_import_data (EffvkDevice *device)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), FALSE);
  return device->host_alignment != 0;
}

EffvkFrameMemory *
effvk_frame_memory_new_from_data (EffvkDevice *device, guint8 *data, gsize size, GError **error)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (data != NULL, NULL);
  g_return_val_if_fail (size > 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  guintptr first = (guintptr) data, end = first + size, mask;
  EffvkHostFrame *frame;
  EffvkBuffer buffer;

  if (!device->host_alignment)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "the device \"%s\" cannot import the CPU's memory",
                   effvk_device_get_name (device));
      return NULL;
    }
  mask = device->host_alignment - 1;
  first &= ~mask; /* whole pages, whatever else lies there */
  end = (end + mask) & ~mask;
  if (!effvk_buffer_init_import (&buffer, device, (gpointer) first, end - first, "frame", error))
    return NULL;
  frame = g_new (EffvkHostFrame, 1);
  frame->buffer = buffer;
  frame->memory = (EffvkFrameMemory){ .data = (guint8 *) first,
                                      .size = (gsize) ((guintptr) data + size - first),
                                      .imported = TRUE,
                                      .free_func = frame_buffer_free };
  g_atomic_ref_count_init (&frame->memory.references);
  return &frame->memory;
}

void
effvk_frame_memory_revoke (EffvkFrameMemory *memory)
{
  EffvkHostFrame *frame = (EffvkHostFrame *) memory;

  g_return_if_fail (memory != NULL);
  g_return_if_fail (memory->free_func == frame_buffer_free);

  effvk_buffer_clear (&frame->buffer);
  memory->data = NULL;
  memory->size = 0;
}

EffvkHostFrame *
effvk_host_frame_of (const EffvkImage *image, EffvkDevice *device, EffvkFrameLayout *layout)
{
  EffvkFrameMemory *memory = image->memory;
  EffvkHostFrame *frame = (EffvkHostFrame *) memory;

  if (!memory || memory->free_func != frame_buffer_free || frame->buffer.device != device)
    return NULL;
  *layout = image->layout;
  for (guint i = 0; i < effvk_format_get_n_planes (layout->format); i++)
    {
      gsize stride = image->planes[i].stride, rows = effvk_frame_plane_rows (layout, i);
      gsize size = stride * (rows - 1) + effvk_frame_plane_row_bytes (layout, i);
      gsize offset = (gsize) (image->planes[i].data - memory->data);

      if (image->planes[i].data < memory->data || offset > memory->size
          || size > memory->size - offset || offset % EFFVK_FRAME_MEMORY_ALIGNMENT
          || stride % EFFVK_FRAME_MEMORY_ALIGNMENT)
        return NULL;
      layout->offsets[i] = offset;
      layout->strides[i] = stride;
    }
  layout->size = frame->buffer.size;
  return frame;
}

EffvkImage *
effvk_image_upload (const EffvkImage *image, EffvkDevice *device, gsize *copied, GError **error)
{
  g_return_val_if_fail (image != NULL, NULL);
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (effvk_image_is_complete (image), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (EffvkFrameMemory) memory = NULL;
  EffvkFrameLayout layout = image->layout;
  EffvkImage *uploaded;
  gsize bytes = 0;

  if (copied)
    *copied = 0;
  if (effvk_host_frame_of (image, device, &layout)
      || (image->memory && image->memory->only_device_sees_it))
    return effvk_image_copy (image);
  memory = effvk_frame_memory_new (device, image->layout.size, error);
  if (!memory)
    return NULL;
  uploaded = effvk_image_copy (image);
  g_clear_pointer (&uploaded->bytes, g_bytes_unref);
  bytes = effvk_image_copy_to (image, memory->data);
  for (guint i = 0; i < effvk_format_get_n_planes (layout.format); i++)
    {
      uploaded->planes[i].data = memory->data + image->layout.offsets[i];
      uploaded->planes[i].stride = image->layout.strides[i];
    }
  effvk_image_set_memory (uploaded, memory);
  if (copied)
    *copied = bytes;
  return uploaded;
}
