/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the layer claims. */

#include "layer.h"

#include <string.h>

#define LAYER_NAME "VK_LAYER_EFFVK_drm_modifier"

typedef struct
{
  ChainInstance chain;
  PFN_vkEnumerateDeviceExtensionProperties list_extensions;
  PFN_vkGetPhysicalDeviceFormatProperties2 get_format;
  PFN_vkGetPhysicalDeviceImageFormatProperties2 get_image_format;
  PFN_vkGetPhysicalDeviceMemoryProperties get_memory;
} Instance;

static const VkExtensionProperties claimed = { VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME,
                                               VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_SPEC_VERSION };

static const LayerFormat formats[] = {
  { VK_FORMAT_R8G8B8A8_UNORM, 1, { 4 }, 0 },
  { VK_FORMAT_B8G8R8A8_UNORM, 1, { 4 }, 0 },
  { VK_FORMAT_G8_B8R8_2PLANE_420_UNORM, 2, { 1, 2 }, 1 },
  { VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM, 3, { 1, 1, 1 }, 1 },
  { VK_FORMAT_G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16, 2, { 2, 4 }, 1 },
};

static const guint64 modifiers[]
    = { MODIFIER_NOT_COPIED, MODIFIER_TILED, MODIFIER_NOT_IMPORTED, MODIFIER_COMPRESSED };

static Instance *
find_instance (VkPhysicalDevice physical)
{
  return chain_find_instance (physical);
}

const LayerFormat *
layer_find_format (VkFormat format)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i].format == format)
      return &formats[i];
  return NULL;
}

guint
layer_count_memory_planes (const LayerFormat *format, guint64 modifier)
{
  return modifier == MODIFIER_COMPRESSED ? 2 * format->n_planes : format->n_planes;
}

static VKAPI_ATTR VkResult VKAPI_CALL
list_extensions (VkPhysicalDevice physical, const char *layer, uint32_t *n,
                 VkExtensionProperties *extensions)
{
  gboolean ours = layer && strcmp (layer, LAYER_NAME) == 0;
  uint32_t room = *n;
  VkResult result = VK_SUCCESS;

  if (layer && !ours)
    return find_instance (physical)->list_extensions (physical, layer, n, extensions);
  *n = 0;
  if (!ours)
    {
      *n = extensions ? room - (room > 0) : 0; /* the last is ours */
      result = find_instance (physical)->list_extensions (physical, NULL, n, extensions);
    }
  if (result != VK_SUCCESS)
    return result;
  if (extensions && *n >= room)
    return VK_INCOMPLETE;
  if (extensions)
    extensions[*n] = claimed;
  ++*n;
  return VK_SUCCESS;
}

static VkFormatFeatureFlags
get_features (const LayerFormat *format, guint64 modifier)
{
  VkFormatFeatureFlags features = modifier == MODIFIER_NOT_COPIED
                                      ? VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT
                                      : VK_FORMAT_FEATURE_TRANSFER_SRC_BIT;

  if (modifier == MODIFIER_TILED && format->n_planes > 1)
    features |= VK_FORMAT_FEATURE_DISJOINT_BIT;
  return features;
}

/* @format: (nullable) */
static guint
list_modifiers (const LayerFormat *format, VkDrmFormatModifierPropertiesEXT *list)
{
  guint n = 0;

  for (guint i = 0; format && i < G_N_ELEMENTS (modifiers); i++)
    if (layer_count_memory_planes (format, modifiers[i]) <= MAX_MEMORY_PLANES)
      list[n++] = (VkDrmFormatModifierPropertiesEXT){
        modifiers[i],
        layer_count_memory_planes (format, modifiers[i]),
        get_features (format, modifiers[i]),
      };
  return n;
}

static VKAPI_ATTR void VKAPI_CALL
get_format (VkPhysicalDevice physical, VkFormat format, VkFormatProperties2 *properties)
{
  VkDrmFormatModifierPropertiesListEXT *list
      = chain_find (properties->pNext, VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT);
  VkDrmFormatModifierPropertiesList2EXT *list_2
      = chain_find (properties->pNext, VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_2_EXT);
  VkDrmFormatModifierPropertiesEXT all[G_N_ELEMENTS (modifiers)];
  guint n = list_modifiers (layer_find_format (format), all);
  guint room = list ? list->drmFormatModifierCount : 0;
  guint room_2 = list_2 ? list_2->drmFormatModifierCount : 0;

  find_instance (physical)->get_format (physical, format, properties); /* may fill the lists */
  if (list && list->pDrmFormatModifierProperties)
    for (guint i = 0; i < MIN (n, room); i++)
      list->pDrmFormatModifierProperties[i] = all[i];
  if (list)
    list->drmFormatModifierCount = n;
  if (list_2 && list_2->pDrmFormatModifierProperties)
    for (guint i = 0; i < MIN (n, room_2); i++)
      list_2->pDrmFormatModifierProperties[i]
          = (VkDrmFormatModifierProperties2EXT){ all[i].drmFormatModifier,
                                                 all[i].drmFormatModifierPlaneCount,
                                                 all[i].drmFormatModifierTilingFeatures };
  if (list_2)
    list_2->drmFormatModifierCount = n;
}

/* Of images with a modifier, which are linear ones of the driver's. */
static VKAPI_ATTR VkResult VKAPI_CALL
get_image_format (VkPhysicalDevice physical, const VkPhysicalDeviceImageFormatInfo2 *info,
                  VkImageFormatProperties2 *properties)
{
  Instance *instance = find_instance (physical);
  const LayerFormat *format = layer_find_format (info->format);
  VkPhysicalDeviceImageFormatInfo2 linear = *info;
  VkImageFormatProperties2 of_linear = { .sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2 };
  const VkPhysicalDeviceImageDrmFormatModifierInfoEXT *drm
      = chain_find (info->pNext,
                    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT);
  const VkPhysicalDeviceExternalImageFormatInfo *external
      = chain_find (info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
  VkExternalImageFormatProperties *imported
      = chain_find (properties->pNext, VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES);
  VkResult result;

  if (info->tiling != VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
    return instance->get_image_format (physical, info, properties);
  if (!format || !drm || drm->drmFormatModifier < MODIFIER (1)
      || drm->drmFormatModifier > MODIFIER (G_N_ELEMENTS (modifiers))
      || (external && external->handleType != VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT)
      || (info->flags & VK_IMAGE_CREATE_DISJOINT_BIT
          && !(get_features (format, drm->drmFormatModifier) & VK_FORMAT_FEATURE_DISJOINT_BIT)))
    return VK_ERROR_FORMAT_NOT_SUPPORTED;
  linear.pNext = NULL;
  linear.tiling = VK_IMAGE_TILING_LINEAR;
  linear.flags &= ~(VkImageCreateFlags) VK_IMAGE_CREATE_DISJOINT_BIT;
  result = instance->get_image_format (physical, &linear, &of_linear);
  properties->imageFormatProperties = of_linear.imageFormatProperties;
  if (imported && external)
    imported->externalMemoryProperties = (VkExternalMemoryProperties){
      drm->drmFormatModifier == MODIFIER_NOT_IMPORTED ? 0
                                                      : VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
      0,
      VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
    };
  return result;
}

static void
add_instance (ChainInstance *chain, VkInstance handle)
{
  Instance *instance = (Instance *) chain;

#define GET(member, name) instance->member = (PFN_##name) chain->get_proc_addr (handle, #name)
  GET (list_extensions, vkEnumerateDeviceExtensionProperties);
  GET (get_format, vkGetPhysicalDeviceFormatProperties2);
  GET (get_image_format, vkGetPhysicalDeviceImageFormatProperties2);
  GET (get_memory, vkGetPhysicalDeviceMemoryProperties);
#undef GET
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_device (VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
               const VkAllocationCallbacks *allocator, VkDevice *handle)
{
  return chain_create_device_without (claimed.extensionName, physical, info, allocator, handle);
}

static void
add_device (ChainDevice *chain, VkPhysicalDevice physical)
{
  LayerDevice *device = (LayerDevice *) chain;

#define X(name) device->name = (PFN_vk##name) chain->get_proc_addr (chain->handle, "vk" #name);
  LAYER_NEXT (X)
#undef X
  find_instance (physical)->get_memory (physical, &device->memory);
}

static PFN_vkVoidFunction
find_instance_function (const char *name)
{
  static const ChainFunction all[] = {
    { "vkCreateDevice", (PFN_vkVoidFunction) create_device },
    { "vkEnumerateDeviceExtensionProperties", (PFN_vkVoidFunction) list_extensions },
    { "vkGetPhysicalDeviceFormatProperties2", (PFN_vkVoidFunction) get_format },
    { "vkGetPhysicalDeviceFormatProperties2KHR", (PFN_vkVoidFunction) get_format },
    { "vkGetPhysicalDeviceImageFormatProperties2", (PFN_vkVoidFunction) get_image_format },
    { "vkGetPhysicalDeviceImageFormatProperties2KHR", (PFN_vkVoidFunction) get_image_format },
    { 0 },
  };
  PFN_vkVoidFunction function = chain_find_function (all, name);

  return function ? function : chain_find_function (layer_device_functions, name);
}

static PFN_vkVoidFunction
find_device_function (const char *name, PFN_vkVoidFunction next)
{
  PFN_vkVoidFunction function = chain_find_function (layer_device_functions, name);

  return function ? function : next;
}

const ChainLayer chain_layer = {
  .instance_size = sizeof (Instance),
  .device_size = sizeof (LayerDevice),
  .add_instance = add_instance,
  .add_device = add_device,
  .find_instance_function = find_instance_function,
  .find_device_function = find_device_function,
};
