/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program on its own: tests and tuning fill its tensors, run it and read them. */
#include "base/half.h"
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
  gsize pixels = (gsize) info->n * info->h * info->w, stride = 4 * (gsize) effvk_c4 (info->c);
  g_autofree guint8 *bytes = g_malloc0 (tensor->size);

  g_return_val_if_fail (info->storage != EFFVK_STORAGE_U32, FALSE);
  for (gsize p = 0; p < pixels; p++)
    for (guint c = 0; c < info->c; c++)
      {
        float value = data[p * info->c + c];

        if (info->storage == EFFVK_STORAGE_F32)
          ((float *) bytes)[p * stride + c] = value;
        else
          ((guint16 *) bytes)[p * stride + c] = effvk_float_to_half (value);
      }
  return effvk_buffer_upload (tensor->buffer, tensor->offset, bytes, tensor->size, error);
}

gboolean
effvk_program_read (EffvkProgram *program, EffvkTensor handle, float *data, GError **error)
{
  Tensor *tensor = get_tensor (program, handle);
  const EffvkTensorInfo *info = &tensor->info;
  gsize pixels = (gsize) info->n * info->h * info->w, stride = 4 * (gsize) effvk_c4 (info->c);
  g_autofree guint8 *bytes = g_malloc (tensor->size);

  g_return_val_if_fail (info->storage != EFFVK_STORAGE_U32, FALSE);
  if (!effvk_buffer_download (tensor->buffer, tensor->offset, bytes, tensor->size, error))
    return FALSE;
  for (gsize p = 0; p < pixels; p++)
    for (guint c = 0; c < info->c; c++)
      {
        if (info->storage == EFFVK_STORAGE_F32)
          data[p * info->c + c] = ((const float *) bytes)[p * stride + c];
        else
          data[p * info->c + c] = effvk_half_to_float (((const guint16 *) bytes)[p * stride + c]);
      }
  return TRUE;
}
