/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/frame-memory.h"

G_DEFINE_BOXED_TYPE (EffvkFrameMemory, effvk_frame_memory, effvk_frame_memory_ref,
                     effvk_frame_memory_unref)

EffvkFrameMemory *
effvk_frame_memory_ref (EffvkFrameMemory *memory)
{
  g_atomic_ref_count_inc (&memory->references);
  return memory;
}

void
effvk_frame_memory_unref (EffvkFrameMemory *memory)
{
  if (g_atomic_ref_count_dec (&memory->references))
    memory->free_func (memory);
}

guint8 *
effvk_frame_memory_get_data (EffvkFrameMemory *memory)
{
  return memory->data;
}

gsize
effvk_frame_memory_get_size (EffvkFrameMemory *memory)
{
  return memory->size;
}
