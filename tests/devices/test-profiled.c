/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A device that looks like the one in EFFVK_PROFILE has its queue families and features, and effvk
 * uses no others. */

#include "vk/instance.h"

#include <json-glib/json-glib.h>
#include <string.h>

static JsonObject *
get_profile (void)
{
  static JsonParser *parser;
  g_autoptr (GError) error = NULL;

  if (!parser)
    {
      parser = json_parser_new ();
      json_parser_load_from_file (parser, g_getenv ("EFFVK_PROFILE"), &error);
      g_assert_no_error (error);
    }
  return json_node_get_object (json_parser_get_root (parser));
}

static EffvkDevice *
open_device (void)
{
  g_autoptr (GError) error = NULL;
  EffvkDevice *device = effvk_device_new ("0", &error);

  g_assert_no_error (error);
  g_assert_nonnull (strstr (effvk_device_get_name (device), "(a profile)"));
  return device;
}

static VkQueueFamilyProperties *
list_families (EffvkDevice *device, guint32 *n)
{
  VkQueueFamilyProperties *families;

  *n = 0;
  vkGetPhysicalDeviceQueueFamilyProperties (device->physical, n, NULL);
  families = g_new0 (VkQueueFamilyProperties, *n);
  vkGetPhysicalDeviceQueueFamilyProperties (device->physical, n, families);
  return families;
}

static VkQueueFlags
get_flags (JsonObject *family)
{
  JsonArray *names = json_object_get_array_member (family, "flags");
  VkQueueFlags flags = 0;

  for (guint i = 0; i < json_array_get_length (names); i++)
    {
      const char *name = json_array_get_string_element (names, i);

      flags |= strcmp (name, "graphics") == 0   ? VK_QUEUE_GRAPHICS_BIT
               : strcmp (name, "compute") == 0  ? VK_QUEUE_COMPUTE_BIT
               : strcmp (name, "transfer") == 0 ? VK_QUEUE_TRANSFER_BIT
                                                : 0;
    }
  return flags;
}

/* Those of the profile, by both of Vulkan's functions. */
static void
test_families (void)
{
  JsonObject *profile = get_profile ();
  g_autoptr (EffvkDevice) device = NULL;
  g_autofree VkQueueFamilyProperties *families = NULL;
  g_autofree VkQueueFamilyProperties2 *families2 = NULL;
  JsonArray *expected;
  guint32 n, n2 = 0;

  if (!json_object_has_member (profile, "queue-families"))
    {
      g_test_message ("the profile has no queue families of its own");
      return;
    }
  device = open_device ();
  families = list_families (device, &n);
  expected = json_object_get_array_member (profile, "queue-families");
  g_assert_cmpuint (n, ==, json_array_get_length (expected));
  vkGetPhysicalDeviceQueueFamilyProperties2 (device->physical, &n2, NULL);
  g_assert_cmpuint (n2, ==, n);
  families2 = g_new0 (VkQueueFamilyProperties2, n);
  for (guint i = 0; i < n; i++)
    families2[i].sType = VK_STRUCTURE_TYPE_QUEUE_FAMILY_PROPERTIES_2;
  vkGetPhysicalDeviceQueueFamilyProperties2 (device->physical, &n2, families2);
  for (guint i = 0; i < n; i++)
    {
      JsonObject *family = json_array_get_object_element (expected, i);

      g_assert_cmphex (families[i].queueFlags, ==, get_flags (family));
      g_assert_cmpuint (families[i].queueCount, >=, 1);
      g_assert_cmpuint (families[i].queueCount, <=, json_object_get_int_member (family, "count"));
      if (json_object_has_member (family, "timestampValidBits"))
        g_assert_cmpuint (families[i].timestampValidBits, <=,
                          json_object_get_int_member (family, "timestampValidBits"));
      g_assert_cmpmem (&families[i], sizeof *families, &families2[i].queueFamilyProperties,
                       sizeof *families);
    }
}

/* A family that computes; one that tells the time, where there is one; and all that compute can
 * be opened. */
static void
test_queue (void)
{
  g_autoptr (EffvkDevice) device = open_device ();
  guint32 n;
  g_autofree VkQueueFamilyProperties *families = list_families (device, &n);
  gboolean tells_time = FALSE;

  for (guint32 i = 0; i < n; i++)
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (EffvkDevice) beside = effvk_device_new_beside (device, i, &error);

        g_assert_no_error (error);
        g_assert_cmpuint (beside->queue_family, ==, i);
        tells_time |= families[i].timestampValidBits > 0;
      }
  g_assert_cmpuint (device->queue_family, <, n);
  g_assert_true (families[device->queue_family].queueFlags & VK_QUEUE_COMPUTE_BIT);
  g_assert_cmpuint (families[device->queue_family].timestampValidBits > 0, ==, tells_time);
  g_assert_cmpint (device->caps.timestamps, ==, tells_time);
}

static gboolean
has (const char *feature)
{
  JsonObject *profile = get_profile ();

  return !json_object_has_member (profile, "features")
         || json_object_get_boolean_member_with_default (json_object_get_object_member (profile,
                                                                                        "features"),
                                                         feature, TRUE);
}

/* Opens a device with a feature as effvk does. */
static VkResult
try_feature (EffvkDevice *device, gpointer feature)
{
  const float priority = 1.0f;
  const VkDeviceQueueCreateInfo queue = { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                          .queueFamilyIndex = device->queue_family,
                                          .queueCount = 1,
                                          .pQueuePriorities = &priority };
  const VkDeviceCreateInfo info = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                    .pNext = feature,
                                    .queueCreateInfoCount = 1,
                                    .pQueueCreateInfos = &queue };
  VkDevice handle = VK_NULL_HANDLE;
  VkResult result = vkCreateDevice (device->physical, &info, NULL, &handle);

  if (result == VK_SUCCESS)
    {
      PFN_vkDestroyDevice destroy
          = (PFN_vkDestroyDevice) vkGetDeviceProcAddr (handle, "vkDestroyDevice");

      destroy (handle, NULL);
    }
  return result;
}

/* What the profile lacks is not there, and who asks for it gets no device; effvk does not. */
static void
test_features (void)
{
  g_autoptr (EffvkDevice) device = open_device ();
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES };
  VkPhysicalDeviceVulkanMemoryModelFeatures memory_model
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES,
          .pNext = &subgroup };
  VkPhysicalDeviceShaderFloat16Int8Features halves
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
          .pNext = &memory_model };
  VkPhysicalDeviceFeatures2 all
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &halves };

  vkGetPhysicalDeviceFeatures2 (device->physical, &all);
  g_assert_true (has ("shaderFloat16") || !halves.shaderFloat16);
  g_assert_true (has ("vulkanMemoryModel") || !memory_model.vulkanMemoryModel);
  g_assert_true (has ("subgroupSizeControl") || !subgroup.subgroupSizeControl);
  g_assert_true (has ("computeFullSubgroups") || !subgroup.computeFullSubgroups);
  if (!has ("shaderFloat16"))
    {
      memory_model.pNext = NULL;
      halves = (VkPhysicalDeviceShaderFloat16Int8Features){ .sType = halves.sType,
                                                            .shaderFloat16 = VK_TRUE };
      g_assert_cmpint (try_feature (device, &halves), ==, VK_ERROR_FEATURE_NOT_PRESENT);
    }
  g_assert_true (!device->caps.matrix
                 || (has ("cooperativeMatrix") && has ("shaderFloat16") && has ("vulkanMemoryModel")
                     && has ("subgroupSizeControl") && has ("computeFullSubgroups")));
  g_assert_true (!device->tells_executables || has ("pipelineExecutableInfo"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profiled/families", test_families);
  g_test_add_func ("/profiled/queue", test_queue);
  g_test_add_func ("/profiled/features", test_features);
  return g_test_run ();
}
