/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/modifiers.h"

#include "vk/frame-copies.h"

/* The image whose planes have the format's bytes, or VK_FORMAT_UNDEFINED. */
static VkFormat
get_image_format (EffvkFormat format)
{
  switch (format)
    {
    case EFFVK_FORMAT_RGBA:
    case EFFVK_FORMAT_RGBX:
      return VK_FORMAT_R8G8B8A8_UNORM;
    case EFFVK_FORMAT_BGRA:
    case EFFVK_FORMAT_BGRX:
      return VK_FORMAT_B8G8R8A8_UNORM;
    case EFFVK_FORMAT_GRAY8:
      return VK_FORMAT_R8_UNORM;
    case EFFVK_FORMAT_GRAY16_LE:
      return VK_FORMAT_R16_UNORM;
    case EFFVK_FORMAT_I420:
    case EFFVK_FORMAT_YV12: /* bytes are copied, whatever they are called */
      return VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM;
    case EFFVK_FORMAT_Y42B:
      return VK_FORMAT_G8_B8_R8_3PLANE_422_UNORM;
    case EFFVK_FORMAT_Y444:
      return VK_FORMAT_G8_B8_R8_3PLANE_444_UNORM;
    case EFFVK_FORMAT_NV12:
    case EFFVK_FORMAT_NV21:
      return VK_FORMAT_G8_B8R8_2PLANE_420_UNORM;
    case EFFVK_FORMAT_NV16:
    case EFFVK_FORMAT_NV61:
      return VK_FORMAT_G8_B8R8_2PLANE_422_UNORM;
    case EFFVK_FORMAT_P010_10LE:
      return VK_FORMAT_G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16;
    case EFFVK_FORMAT_P012_LE:
      return VK_FORMAT_G12X4_B12X4R12X4_2PLANE_420_UNORM_3PACK16;
    case EFFVK_FORMAT_P016_LE:
      return VK_FORMAT_G16_B16R16_2PLANE_420_UNORM;
    default:
      return VK_FORMAT_UNDEFINED;
    }
}

/* What the driver tells of a format's modifiers. */
static VkDrmFormatModifierPropertiesEXT *
list_modifiers (EffvkDevice *device, VkFormat format, guint32 *n)
{
  VkDrmFormatModifierPropertiesListEXT list
      = { .sType = VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT };
  VkFormatProperties2 properties
      = { .sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2, .pNext = &list };

  vkGetPhysicalDeviceFormatProperties2 (device->physical, format, &properties);
  list.pDrmFormatModifierProperties
      = g_new0 (VkDrmFormatModifierPropertiesEXT, list.drmFormatModifierCount + 1);
  vkGetPhysicalDeviceFormatProperties2 (device->physical, format, &properties);
  *n = list.drmFormatModifierCount;
  return list.pDrmFormatModifierProperties;
}

/* Whether images to copy from can be made of DMA buffers. */
static gboolean
is_importable (EffvkDevice *device, EffvkModifier *modifier)
{
  const VkPhysicalDeviceExternalImageFormatInfo external
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO,
          .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT };
  const VkPhysicalDeviceImageDrmFormatModifierInfoEXT drm
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT,
          .pNext = &external,
          .drmFormatModifier = modifier->modifier,
          .sharingMode = VK_SHARING_MODE_EXCLUSIVE };
  const VkPhysicalDeviceImageFormatInfo2 info
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
          .pNext = &drm,
          .format = modifier->format,
          .type = VK_IMAGE_TYPE_2D,
          .tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
          .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT,
          .flags = modifier->is_disjoint ? VK_IMAGE_CREATE_DISJOINT_BIT : 0 };
  VkExternalImageFormatProperties imported
      = { .sType = VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES };
  VkImageFormatProperties2 properties
      = { .sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, .pNext = &imported };
  VkExternalMemoryFeatureFlags features;

  if (vkGetPhysicalDeviceImageFormatProperties2 (device->physical, &info, &properties)
      != VK_SUCCESS)
    return FALSE;
  modifier->width = properties.imageFormatProperties.maxExtent.width;
  modifier->height = properties.imageFormatProperties.maxExtent.height;
  features = imported.externalMemoryProperties.externalMemoryFeatures;
  return features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT
         /* a memory of several images is for none of them alone */
         && !(modifier->is_disjoint && features & VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT);
}

/* Whether frames can be imported so; the result is in @found. */
static gboolean
can_import (EffvkDevice *device, VkFormat format,
            const VkDrmFormatModifierPropertiesEXT *properties, gboolean disjoint,
            EffvkModifier *found)
{
  VkFormatFeatureFlags needed
      = VK_FORMAT_FEATURE_TRANSFER_SRC_BIT | (disjoint ? VK_FORMAT_FEATURE_DISJOINT_BIT : 0);

  *found = (EffvkModifier){ .modifier = properties->drmFormatModifier,
                            .n_planes = properties->drmFormatModifierPlaneCount,
                            .format = format,
                            .is_disjoint = disjoint };
  return (properties->drmFormatModifierTilingFeatures & needed) == needed && found->n_planes >= 1
         && found->n_planes <= EFFVK_DMABUF_MAX_PLANES && is_importable (device, found);
}

gboolean
effvk_modifier_find (EffvkDevice *device, EffvkFormat format, guint64 modifier, gboolean disjoint,
                     EffvkModifier *found, GError **error)
{
  VkFormat image_format = get_image_format (format);
  g_autofree VkDrmFormatModifierPropertiesEXT *all = NULL;
  guint32 n = 0;

  if (!device->imports_modifiers)
    return effvk_device_frame_refuse (error,
                                      "the device \"%s\" imports DMA buffers only with the linear "
                                      "modifier, found 0x%016" G_GINT64_MODIFIER "x: it has no %s",
                                      effvk_device_get_name (device), modifier,
                                      VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME);
  if (image_format != VK_FORMAT_UNDEFINED)
    all = list_modifiers (device, image_format, &n);
  for (guint32 i = 0; i < n; i++)
    if (all[i].drmFormatModifier == modifier
        && can_import (device, image_format, &all[i], disjoint, found))
      return TRUE;
  return effvk_device_frame_refuse (
      error,
      "the device \"%s\" imports no frames of %s with the modifier 0x%016" G_GINT64_MODIFIER "x%s",
      effvk_device_get_name (device), effvk_format_to_string (format), modifier,
      disjoint ? " whose planes are in different DMA buffers" : "");
}

EffvkDmabufModifier *
effvk_device_list_dmabuf_modifiers (EffvkDevice *device, EffvkFormat format, guint *n_modifiers)
{
  g_autofree VkDrmFormatModifierPropertiesEXT *all = NULL;
  VkFormat image_format = get_image_format (format);
  guint n_planes = effvk_format_get_n_planes (format);
  EffvkDmabufModifier *modifiers;
  EffvkModifier found;
  guint32 n = 0;

  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_return_val_if_fail (n_modifiers != NULL, NULL);

  *n_modifiers = 0;
  if (!device->imports_dmabuf || n_planes == 0)
    return NULL;
  if (device->imports_modifiers && image_format != VK_FORMAT_UNDEFINED)
    all = list_modifiers (device, image_format, &n);
  modifiers = g_new0 (EffvkDmabufModifier, n + 1);
  modifiers[(*n_modifiers)++] = (EffvkDmabufModifier){ EFFVK_DMABUF_LINEAR, n_planes };
  for (guint32 i = 0; i < n; i++)
    if (all[i].drmFormatModifier != EFFVK_DMABUF_LINEAR
        && can_import (device, image_format, &all[i], FALSE, &found))
      modifiers[(*n_modifiers)++] = (EffvkDmabufModifier){ found.modifier, found.n_planes };
  return modifiers;
}
