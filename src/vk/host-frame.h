/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/frame-memory.h"
#include "base/image.h"
#include "vk/memory.h"

#include <effvk/effvk-frame-memory.h>

/* The device's view of memory that frames lie in. */
typedef struct
{
  EffvkFrameMemory memory;
  EffvkBuffer buffer;
} EffvkHostFrame;

/* How the image lies in memory of this device, where the shaders can read it: all planes inside,
 * their offsets and strides multiples of EFFVK_FRAME_MEMORY_ALIGNMENT. NULL when it does not, and
 * must be copied. */
EffvkHostFrame *effvk_host_frame_of (const EffvkImage *image, EffvkDevice *device,
                                     EffvkFrameLayout *layout);
