/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

#include <effvk/effvk-frame-memory.h>

/* VK_EXT_image_drm_format_modifier: which images can be made of DMA buffers whose pixels are tiled
   or compressed. */

/* What a device can do with a modifier for frames of a format. */
typedef struct
{
  guint64 modifier;
  guint n_planes;       /* in memory */
  VkFormat format;      /* of the image */
  guint width, height;  /* at most */
  gboolean is_disjoint; /* each plane in memory has its own */
} EffvkModifier;

/* How images with @modifier can be imported: with all planes in one memory, or @disjoint. FALSE
 * with @error set when they cannot. */
gboolean effvk_modifier_find (EffvkDevice *device, EffvkFormat format, guint64 modifier,
                              gboolean disjoint, EffvkModifier *found, GError **error);
