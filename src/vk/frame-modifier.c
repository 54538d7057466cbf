/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames in DMA buffers that are tiled or compressed, as their DRM modifier says. They are imported
 * as an image of the device's, which knows how its pixels lie. */

#include "vk/dmabuf-memory.h"
#include "vk/frame-images.h"
#include "vk/modifiers.h"

#include <effvk/effvk-vulkan.h>
#include <sys/stat.h>

typedef struct
{
  EffvkDevice *device; /* held by the frame that this is of */
  VkImage handle;
  VkDeviceMemory memories[EFFVK_DMABUF_MAX_PLANES];
  guint n_memories;
} Image;

static void
image_free (gpointer data)
{
  Image *image = data;
  EffvkDevice *device = image->device;

  device->vk.vkDestroyImage (device->handle, image->handle, NULL);
  for (guint i = 0; i < image->n_memories; i++)
    device->vk.vkFreeMemory (device->handle, image->memories[i], NULL);
  g_free (image);
}

/* Two descriptors may be of one DMA buffer, which then has one inode (from Linux 5.3 on). */
static gboolean
is_same_file (int a, int b)
{
  struct stat of_a, of_b;

  return a == b
         || (fstat (a, &of_a) == 0 && fstat (b, &of_b) == 0 && of_a.st_dev == of_b.st_dev
             && of_a.st_ino == of_b.st_ino);
}

static gboolean
are_in_one_file (const EffvkDmabufPlane *planes, guint n_planes)
{
  for (guint i = 1; i < n_planes; i++)
    if (!is_same_file (planes[0].fd, planes[i].fd))
      return FALSE;
  return TRUE;
}

/* Images of subsampled formats have whole chroma pixels, which a frame's planes have as well. */
static VkExtent3D
extent_of (EffvkFormat format, guint width, guint height)
{
  const EffvkFormatInfo *info = effvk_format_get_info (format);
  guint x = (1u << info->chroma_x) - 1, y = (1u << info->chroma_y) - 1;

  return (VkExtent3D){ (width + x) & ~x, (height + y) & ~y, 1 };
}

static gboolean
create (Image *image, const EffvkModifier *modifier, VkExtent3D extent,
        const EffvkDmabufPlane *planes, GError **error)
{
  VkSubresourceLayout layouts[EFFVK_DMABUF_MAX_PLANES] = { 0 };
  const VkImageDrmFormatModifierExplicitCreateInfoEXT lie
      = { .sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT,
          .drmFormatModifier = modifier->modifier,
          .drmFormatModifierPlaneCount = modifier->n_planes,
          .pPlaneLayouts = layouts };
  const VkExternalMemoryImageCreateInfo external
      = { .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
          .pNext = &lie,
          .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT };
  const VkImageCreateInfo info
      = { .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
          .pNext = &external,
          .flags = modifier->is_disjoint ? VK_IMAGE_CREATE_DISJOINT_BIT : 0,
          .imageType = VK_IMAGE_TYPE_2D,
          .format = modifier->format,
          .extent = extent,
          .mipLevels = 1,
          .arrayLayers = 1,
          .samples = VK_SAMPLE_COUNT_1_BIT,
          .tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
          .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
          .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
          .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED };

  for (guint i = 0; i < modifier->n_planes; i++)
    {
      layouts[i].offset = planes[i].offset;
      layouts[i].rowPitch = planes[i].stride;
    }
  return effvk_device_make (image->device, vkCreateImage, &info, &image->handle,
                            "vkCreateImage of a DMA buffer", error);
}

/* What @i, a plane in memory, or all of the image needs. */
static VkMemoryRequirements
get_need (Image *image, const EffvkModifier *modifier, guint i)
{
  const VkImagePlaneMemoryRequirementsInfo plane
      = { .sType = VK_STRUCTURE_TYPE_IMAGE_PLANE_MEMORY_REQUIREMENTS_INFO,
          .planeAspect = VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT << i };
  const VkImageMemoryRequirementsInfo2 info
      = { .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2,
          .pNext = modifier->is_disjoint ? &plane : NULL,
          .image = image->handle };
  VkMemoryRequirements2 need = { .sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2 };

  image->device->vk.vkGetImageMemoryRequirements2 (image->device->handle, &info, &need);
  return need.memoryRequirements;
}

static gboolean
add_memory (Image *image, const EffvkModifier *modifier, int fd, GError **error)
{
  /* Some devices import only for one image, and all may do better then. */
  const VkMemoryDedicatedAllocateInfo dedicated
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, .image = image->handle };
  VkMemoryRequirements need = get_need (image, modifier, image->n_memories);
  guint64 alignment = MAX (need.alignment, 1);
  gsize size;

  if (!effvk_dmabuf_get_size (fd, &size, error))
    return FALSE;
  /* What a driver rounds up to need not be there. */
  if (need.size > (size + alignment - 1) / alignment * alignment)
    return effvk_device_frame_refuse (error,
                                      "a frame with such planes takes %" G_GUINT64_FORMAT
                                      " bytes, but the DMA buffer has %" G_GSIZE_FORMAT,
                                      need.size, size);
  if (!effvk_dmabuf_import (image->device, fd, &need, modifier->is_disjoint ? NULL : &dedicated,
                            &image->memories[image->n_memories], error))
    return FALSE;
  image->n_memories++;
  return TRUE;
}

static gboolean
bind (Image *image, const EffvkModifier *modifier, GError **error)
{
  VkBindImagePlaneMemoryInfo planes[EFFVK_DMABUF_MAX_PLANES];
  VkBindImageMemoryInfo infos[EFFVK_DMABUF_MAX_PLANES];

  for (guint i = 0; i < image->n_memories; i++)
    {
      planes[i] = (VkBindImagePlaneMemoryInfo){
        .sType = VK_STRUCTURE_TYPE_BIND_IMAGE_PLANE_MEMORY_INFO,
        .planeAspect = VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT << i,
      };
      infos[i] = (VkBindImageMemoryInfo){
        .sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO,
        .pNext = modifier->is_disjoint ? &planes[i] : NULL,
        .image = image->handle,
        .memory = image->memories[i],
      };
    }
  return effvk_device_check (image->device,
                             image->device->vk.vkBindImageMemory2 (image->device->handle,
                                                                   image->n_memories, infos),
                             "vkBindImageMemory2", error);
}

static Image *
import (EffvkDevice *device, const EffvkModifier *modifier, VkExtent3D extent,
        const EffvkDmabufPlane *planes, GError **error)
{
  Image *image = g_new0 (Image, 1);
  gboolean ok;

  image->device = device;
  ok = create (image, modifier, extent, planes, error);
  for (guint i = 0; ok && i < (modifier->is_disjoint ? modifier->n_planes : 1); i++)
    ok = add_memory (image, modifier, planes[i].fd, error);
  if (ok && bind (image, modifier, error))
    return image;
  image_free (image);
  return NULL;
}

/* The planes of the format, which are not those in memory. */
static EffvkFrameMemory *
frame_of (Image *image, EffvkFormat format, VkExtent3D extent)
{
  guint n_planes = effvk_format_get_n_planes (format);
  EffvkVulkanPlane planes[EFFVK_IMAGE_MAX_PLANES] = { 0 };

  for (guint i = 0; i < n_planes; i++)
    planes[i] = (EffvkVulkanPlane){
      .image = image->handle,
      .aspect = n_planes == 1 ? VK_IMAGE_ASPECT_COLOR_BIT : VK_IMAGE_ASPECT_PLANE_0_BIT << i,
      .width = extent.width,
      .height = extent.height,
      .layout = VK_IMAGE_LAYOUT_GENERAL,
    };
  return effvk_frame_images_new_imported (image->device, format, planes, n_planes, image,
                                          image_free);
}

static gboolean
check (const EffvkModifier *modifier, EffvkFormat format, VkExtent3D extent, guint n_planes,
       GError **error)
{
  if (n_planes != modifier->n_planes)
    return effvk_device_frame_refuse (error,
                                      "a frame of %s with the modifier 0x%016" G_GINT64_MODIFIER
                                      "x has %u planes in memory, found %u",
                                      effvk_format_to_string (format), modifier->modifier,
                                      modifier->n_planes, n_planes);
  if (extent.width > modifier->width || extent.height > modifier->height)
    return effvk_device_frame_refuse (error,
                                      "frames of %s with the modifier 0x%016" G_GINT64_MODIFIER
                                      "x are at most %ux%u, found %ux%u",
                                      effvk_format_to_string (format), modifier->modifier,
                                      modifier->width, modifier->height, extent.width,
                                      extent.height);
  return TRUE;
}

static EffvkFrameMemory *
new_linear (EffvkDevice *device, EffvkFormat format, const EffvkDmabufPlane *planes, guint n_planes,
            GError **error)
{
  guint expected = effvk_format_get_n_planes (format);

  if (n_planes == expected)
    return effvk_frame_memory_new_from_dmabuf (device, planes, n_planes, error);
  effvk_device_frame_refuse (error, "a linear frame of %s has %u planes, found %u",
                             effvk_format_to_string (format), expected, n_planes);
  return NULL;
}

EffvkFrameMemory *
effvk_frame_memory_new_from_dmabuf_with_modifier (EffvkDevice *device, EffvkFormat format,
                                                  guint width, guint height, guint64 modifier,
                                                  const EffvkDmabufPlane *planes, guint n_planes,
                                                  GError **error)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (effvk_format_get_n_planes (format) > 0, NULL);
  g_return_val_if_fail (width >= 1 && width <= EFFVK_IMAGE_MAX_SIZE, NULL);
  g_return_val_if_fail (height >= 1 && height <= EFFVK_IMAGE_MAX_SIZE, NULL);
  g_return_val_if_fail (planes != NULL, NULL);
  g_return_val_if_fail (n_planes >= 1 && n_planes <= EFFVK_DMABUF_MAX_PLANES, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  EffvkModifier found;
  VkExtent3D extent;
  Image *image;

  if (modifier == EFFVK_DMABUF_LINEAR)
    return new_linear (device, format, planes, n_planes, error);
  extent = extent_of (format, width, height);
  if (!effvk_dmabuf_check_device (device, error)
      || !effvk_modifier_find (device, format, modifier, !are_in_one_file (planes, n_planes),
                               &found, error)
      || !check (&found, format, extent, n_planes, error))
    return NULL;
  image = import (device, &found, extent, planes, error);
  return image ? frame_of (image, format, extent) : NULL;
}
