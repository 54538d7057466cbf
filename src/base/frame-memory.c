/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/frame-memory.h"

G_DEFINE_BOXED_TYPE (EffvkFrameMemory, effvk_frame_memory, effvk_frame_memory_ref,
                     effvk_frame_memory_unref)

EffvkFrameMemory *
effvk_frame_memory_ref (EffvkFrameMemory *memory)
{
  g_return_val_if_fail (memory != NULL, NULL);

  g_atomic_ref_count_inc (&memory->references);
  return memory;
}

void
effvk_frame_memory_unref (EffvkFrameMemory *memory)
{
  g_return_if_fail (memory != NULL);

  if (g_atomic_ref_count_dec (&memory->references))
    memory->free_func (memory);
}

guint8 *
effvk_frame_memory_get_data (EffvkFrameMemory *memory)
{
  g_return_val_if_fail (memory != NULL, NULL);

  return memory->data;
}

gsize
effvk_frame_memory_get_size (EffvkFrameMemory *memory)
{
  g_return_val_if_fail (memory != NULL, 0);

  return memory->size;
}
