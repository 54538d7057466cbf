/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VK_KHR_cooperative_matrix, which Debian 12's headers do not have yet. */
#pragma once

#include "vk/device.h"

/* Whether the device multiplies matrices of halves whose sides are 8 or 16, in one subgroup, and
 * adds them up in fp32. It must also have what else these shaders need. The sides of the largest go
 * to
 * @caps. */
gboolean effvk_matrix_find (VkPhysicalDevice physical, const VkExtensionProperties *extensions,
                            guint n, EffvkDeviceCaps *caps);

/* What has to be enabled for them. */
typedef struct
{
  VkPhysicalDeviceShaderFloat16Int8Features halves;
  VkPhysicalDeviceVulkanMemoryModelFeatures memory_model;
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size;
  struct
  {
    VkStructureType type;
    void *next;
    VkBool32 matrix, robust_access;
  } matrix;
} EffvkMatrixFeatures;

/* Fills @features, which @info points at afterwards, and adds one to its @extensions. */
void effvk_matrix_enable (EffvkMatrixFeatures *features, VkDeviceCreateInfo *info,
                          const char **extensions);
