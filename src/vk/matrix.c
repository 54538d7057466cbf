/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/matrix.h"

#include "vk/instance.h"

/* What the kernels' blocks are made of. */
#define SIDE 16

#ifndef VK_KHR_cooperative_matrix
/* Names and numbers of the Vulkan registry. */
#define VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME "VK_KHR_cooperative_matrix"
#define VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR                          \
  ((VkStructureType) 1000506000)
#define VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR ((VkStructureType) 1000506001)

typedef enum
{
  VK_COMPONENT_TYPE_FLOAT16_KHR = 0,
  VK_COMPONENT_TYPE_FLOAT32_KHR = 1,
} VkComponentTypeKHR;

typedef enum
{
  VK_SCOPE_SUBGROUP_KHR = 3,
} VkScopeKHR;

typedef struct
{
  VkStructureType sType;
  void *pNext;
  uint32_t MSize, NSize, KSize;
  VkComponentTypeKHR AType, BType, CType, ResultType;
  VkBool32 saturatingAccumulation;
  VkScopeKHR scope;
} VkCooperativeMatrixPropertiesKHR;

typedef VkResult (VKAPI_PTR *PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR) (
    VkPhysicalDevice, uint32_t *, VkCooperativeMatrixPropertiesKHR *);
#endif

static void
chain_features (EffvkMatrixFeatures *features, gpointer next)
{
  *features = (EffvkMatrixFeatures){ 0 };
  features->halves.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES;
  features->memory_model.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES;
  features->subgroup_size.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES;
  features->matrix.type = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;
  features->halves.pNext = &features->memory_model;
  features->memory_model.pNext = &features->subgroup_size;
  features->subgroup_size.pNext = &features->matrix;
  features->matrix.next = next;
}

static gboolean
divides_side (guint32 length)
{
  return length == SIDE / 2 || length == SIDE;
}

/* Whether kernels can be made of such products. */
static gboolean
is_ours (const VkCooperativeMatrixPropertiesKHR *kind)
{
  return divides_side (kind->MSize) && divides_side (kind->NSize) && divides_side (kind->KSize)
         && kind->AType == VK_COMPONENT_TYPE_FLOAT16_KHR
         && kind->BType == VK_COMPONENT_TYPE_FLOAT16_KHR
         && kind->CType == VK_COMPONENT_TYPE_FLOAT32_KHR
         && kind->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR
         && kind->scope == VK_SCOPE_SUBGROUP_KHR;
}

/* Finds the largest of the device's products that are ours. */
static gboolean
find_kind (VkPhysicalDevice physical, EffvkDeviceCaps *caps)
{
  PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get
      = (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR) vkGetInstanceProcAddr (
          volkGetLoadedInstance (), "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
  g_autofree VkCooperativeMatrixPropertiesKHR *kinds = NULL;
  guint32 n = 0, largest = 0;

  if (!get || get (physical, &n, NULL) != VK_SUCCESS)
    return FALSE;
  kinds = g_new0 (VkCooperativeMatrixPropertiesKHR, n + 1);
  for (guint32 i = 0; i < n; i++)
    kinds[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
  if (get (physical, &n, kinds) < 0)
    return FALSE;
  for (guint32 i = 0; i < n; i++)
    if (is_ours (&kinds[i]) && kinds[i].MSize * kinds[i].NSize * kinds[i].KSize > largest)
      {
        largest = kinds[i].MSize * kinds[i].NSize * kinds[i].KSize;
        caps->matrix_m = kinds[i].MSize;
        caps->matrix_n = kinds[i].NSize;
        caps->matrix_k = kinds[i].KSize;
      }
  return largest > 0;
}

gboolean
effvk_matrix_find (VkPhysicalDevice physical, const VkExtensionProperties *extensions, guint n,
                   EffvkDeviceCaps *caps)
{
  EffvkMatrixFeatures features;
  VkPhysicalDeviceFeatures2 all
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &features.halves };

  if (!effvk_has_extension (extensions, n, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME))
    return FALSE;
  chain_features (&features, NULL);
  vkGetPhysicalDeviceFeatures2 (physical, &all);
  return features.matrix.matrix && features.halves.shaderFloat16
         && features.memory_model.vulkanMemoryModel && features.subgroup_size.subgroupSizeControl
         && features.subgroup_size.computeFullSubgroups && find_kind (physical, caps);
}

void
effvk_matrix_enable (EffvkMatrixFeatures *features, VkDeviceCreateInfo *info,
                     const char **extensions)
{
  chain_features (features, (gpointer) info->pNext);
  features->halves.shaderFloat16 = VK_TRUE;
  features->memory_model.vulkanMemoryModel = VK_TRUE;
  features->subgroup_size.subgroupSizeControl = VK_TRUE;
  features->subgroup_size.computeFullSubgroups = VK_TRUE;
  features->matrix.matrix = VK_TRUE;
  info->pNext = &features->halves;
  extensions[info->enabledExtensionCount++] = VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
}
