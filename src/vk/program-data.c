/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program on its own: tests and tuning fill its tensors, run it and read them. */
#include "vk/once.h"
#include "vk/program-private.h"

gboolean
effvk_program_run (EffvkProgram *program, GError **error)
{
  g_auto (EffvkOnce) once = { 0 };

  if (!effvk_once_begin (&once, program->device, error))
    return FALSE;
  effvk_program_record (program, once.commands);
  return effvk_once_submit (&once, error);
}

gboolean
effvk_program_write (EffvkProgram *program, EffvkTensor handle, const float *data, GError **error)
{
  Tensor *tensor = get_tensor (program, handle);
  const EffvkTensorInfo *info = &tensor->info;
  gsize pixels = (gsize) info->n * info->h * info->w;
  gsize stride = effvk_c4 (info->c) * effvk_storage_texel_size (info->storage);
  g_autofree guint8 *bytes = g_malloc0 (tensor->size);

  g_return_val_if_fail (info->storage != EFFVK_STORAGE_U32, FALSE);
  for (gsize p = 0; p < pixels; p++)
    effvk_storages[info->storage].write (data + p * info->c, info->c, bytes + p * stride);
  return effvk_buffer_upload (tensor->buffer, tensor->offset, bytes, tensor->size, error);
}

gboolean
effvk_program_read (EffvkProgram *program, EffvkTensor handle, float *data, GError **error)
{
  Tensor *tensor = get_tensor (program, handle);
  const EffvkTensorInfo *info = &tensor->info;
  gsize pixels = (gsize) info->n * info->h * info->w;
  gsize stride = effvk_c4 (info->c) * effvk_storage_texel_size (info->storage);
  g_autofree guint8 *bytes = g_malloc (tensor->size);

  g_return_val_if_fail (info->storage != EFFVK_STORAGE_U32, FALSE);
  if (!effvk_buffer_download (tensor->buffer, tensor->offset, bytes, tensor->size, error))
    return FALSE;
  for (gsize p = 0; p < pixels; p++)
    effvk_storages[info->storage].read (bytes + p * stride, info->c, data + p * info->c);
  return TRUE;
}
