/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "chain.h"
#include "tiles.h"

/*
 * A Vulkan layer for tests: it stands in for a driver that imports DMA buffers whose pixels are
 * tiled or compressed (VK_EXT_image_drm_format_modifier), above one that imports DMA buffers, but
 * not such. An image with a modifier is a linear one of the driver's; when commands that take it
 * over from VK_QUEUE_FAMILY_FOREIGN_EXT (or _EXTERNAL) are submitted, the layer reads the pixels
 * from where the DMA buffers that are bound to it have them. So what is not bound, or not taken
 * over, or described as it does not lie, shows.
 */

#define MAX_FORMAT_PLANES 3
#define MAX_MEMORY_PLANES 4

/* What is known of a format that can have a modifier. */
typedef struct
{
  VkFormat format;
  guint n_planes;
  guint bytes[MAX_FORMAT_PLANES]; /* of a pixel of each plane */
  guint chroma; /* log2 of the subsampling of all planes but the first, both ways */
} LayerFormat;

/* NULL: it has none. */
const LayerFormat *layer_find_format (VkFormat format);
guint layer_count_memory_planes (const LayerFormat *format, guint64 modifier);

/* The next layer's or the driver's functions. */
typedef struct
{
  ChainDevice chain;
#define LAYER_NEXT(X)                                                                              \
  X (CreateImage)                                                                                  \
  X (DestroyImage)                                                                                 \
  X (GetImageMemoryRequirements)                                                                   \
  X (GetImageMemoryRequirements2)                                                                  \
  X (GetImageSubresourceLayout)                                                                    \
  X (AllocateMemory)                                                                               \
  X (FreeMemory)                                                                                   \
  X (MapMemory)                                                                                    \
  X (BindImageMemory)                                                                              \
  X (BindImageMemory2)                                                                             \
  X (BeginCommandBuffer)                                                                           \
  X (CmdPipelineBarrier)                                                                           \
  X (QueueSubmit)
#define X(name) PFN_vk##name name;
  LAYER_NEXT (X)
#undef X
  VkPhysicalDeviceMemoryProperties memory;
} LayerDevice;

/* What the layer does in place of the driver with a device. */
extern const ChainFunction layer_device_functions[];
