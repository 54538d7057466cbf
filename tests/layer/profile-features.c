/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The optional features that effvk asks for: those that the profile has. */

#include "profile.h"

#include <string.h>

/* Which older headers do not have; its first member is cooperativeMatrix. */
#define COOPERATIVE_MATRIX_FEATURES ((VkStructureType) 1000506000)

/* Where a structure of features has which. */
typedef struct
{
  const char *name;
  VkStructureType type;
  gsize offset;
} Feature;

#define FEATURE(name, type, structure)                                                             \
  {                                                                                                \
#name, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_##type##_FEATURES,                                    \
        G_STRUCT_OFFSET(VkPhysicalDevice##structure, name)                                         \
  }

static const Feature features[] = {
  FEATURE (shaderFloat16, SHADER_FLOAT16_INT8, ShaderFloat16Int8Features),
  FEATURE (shaderFloat16, VULKAN_1_2, Vulkan12Features),
  FEATURE (vulkanMemoryModel, VULKAN_MEMORY_MODEL, VulkanMemoryModelFeatures),
  FEATURE (vulkanMemoryModel, VULKAN_1_2, Vulkan12Features),
  FEATURE (subgroupSizeControl, SUBGROUP_SIZE_CONTROL, SubgroupSizeControlFeatures),
  FEATURE (subgroupSizeControl, VULKAN_1_3, Vulkan13Features),
  FEATURE (computeFullSubgroups, SUBGROUP_SIZE_CONTROL, SubgroupSizeControlFeatures),
  FEATURE (computeFullSubgroups, VULKAN_1_3, Vulkan13Features),
  { "cooperativeMatrix", COOPERATIVE_MATRIX_FEATURES, sizeof (VkBaseOutStructure) },
  { "pipelineExecutableInfo",
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
    G_STRUCT_OFFSET (VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR,
                     pipelineExecutableInfo) },
};

static gboolean
is_known (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (features); i++)
    if (strcmp (features[i].name, name) == 0)
      return TRUE;
  return FALSE;
}

/* What the profile says of features, or NULL. */
static JsonObject *
get_features (void)
{
  JsonObject *said;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!json_object_has_member (profile_get (), "features"))
    return NULL;
  said = json_object_get_object_member (profile_get (), "features");
  json_object_iter_init (&iter, said);
  while (json_object_iter_next (&iter, &name, &node))
    if (!is_known (name))
      g_error ("EFFVK_PROFILE: effvk asks for no feature \"%s\"", name);
  return said;
}

/* Clears what the profile lacks. Returns the name of the last that was set before; or NULL. */
static const char *
clear (VkBaseOutStructure *structure, gboolean look_only)
{
  JsonObject *said = get_features ();
  const char *found = NULL;

  for (guint i = 0; said && i < G_N_ELEMENTS (features); i++)
    {
      VkBool32 *value = G_STRUCT_MEMBER_P (structure, features[i].offset);

      if (features[i].type != structure->sType || !*value
          || json_object_get_boolean_member_with_default (said, features[i].name, TRUE))
        continue;
      found = features[i].name;
      if (!look_only)
        *value = VK_FALSE;
    }
  return found;
}

void
profile_change_features (void *chain)
{
  for (VkBaseOutStructure *at = chain; at; at = at->pNext)
    clear (at, FALSE);
}

const char *
profile_find_missing_feature (const void *chain)
{
  for (const VkBaseOutStructure *at = chain; at; at = at->pNext)
    {
      const char *missing = clear ((VkBaseOutStructure *) at, TRUE);

      if (missing)
        return missing;
    }
  return NULL;
}
