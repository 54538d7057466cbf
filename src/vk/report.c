/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a device says of itself, as text for whoever looks into a report. */

#include "vk/device.h"

static void
add_limits (GString *text, const VkPhysicalDeviceLimits *limits)
{
  const struct
  {
    const char *name;
    guint64 value;
  } all[] = {
    { "maxComputeSharedMemorySize", limits->maxComputeSharedMemorySize },
    { "maxComputeWorkGroupInvocations", limits->maxComputeWorkGroupInvocations },
    { "maxComputeWorkGroupSize[0]", limits->maxComputeWorkGroupSize[0] },
    { "maxComputeWorkGroupCount[0]", limits->maxComputeWorkGroupCount[0] },
    { "maxTexelBufferElements", limits->maxTexelBufferElements },
    { "maxStorageBufferRange", limits->maxStorageBufferRange },
    { "maxPushConstantsSize", limits->maxPushConstantsSize },
    { "maxPerStageDescriptorStorageBuffers", limits->maxPerStageDescriptorStorageBuffers },
    { "maxPerStageDescriptorSampledImages", limits->maxPerStageDescriptorSampledImages },
    { "maxMemoryAllocationCount", limits->maxMemoryAllocationCount },
    { "minStorageBufferOffsetAlignment", limits->minStorageBufferOffsetAlignment },
    { "minTexelBufferOffsetAlignment", limits->minTexelBufferOffsetAlignment },
    { "nonCoherentAtomSize", limits->nonCoherentAtomSize },
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    g_string_append_printf (text, "limit %s: %" G_GUINT64_FORMAT "\n", all[i].name, all[i].value);
}

static void
add_memory (GString *text, const VkPhysicalDeviceMemoryProperties *memory)
{
  static const struct
  {
    VkMemoryPropertyFlags flag;
    const char *name;
  } flags[] = {
    { VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, "device-local" },
    { VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT, "host-visible" },
    { VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, "host-coherent" },
    { VK_MEMORY_PROPERTY_HOST_CACHED_BIT, "host-cached" },
  };

  for (guint32 i = 0; i < memory->memoryTypeCount; i++)
    {
      const VkMemoryType *type = &memory->memoryTypes[i];

      g_string_append_printf (text, "memory type %u: %" G_GUINT64_FORMAT " MiB", i,
                              memory->memoryHeaps[type->heapIndex].size >> 20);
      for (guint f = 0; f < G_N_ELEMENTS (flags); f++)
        if (type->propertyFlags & flags[f].flag)
          g_string_append_printf (text, " %s", flags[f].name);
      g_string_append_c (text, '\n');
    }
}

static void
add_queues (GString *text, EffvkDevice *device)
{
  g_autofree VkQueueFamilyProperties *families = NULL;
  guint32 n = 0;

  vkGetPhysicalDeviceQueueFamilyProperties (device->physical, &n, NULL);
  families = g_new0 (VkQueueFamilyProperties, n + 1);
  vkGetPhysicalDeviceQueueFamilyProperties (device->physical, &n, families);
  for (guint32 i = 0; i < n; i++)
    g_string_append_printf (text, "queue family %u: %u queues, flags 0x%x, %u timestamp bits%s\n",
                            i, families[i].queueCount, families[i].queueFlags,
                            families[i].timestampValidBits,
                            i == device->queue_family ? ", used" : "");
}

char *
effvk_device_describe (EffvkDevice *device)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const EffvkDeviceCaps *caps = &device->caps;
  VkPhysicalDeviceProperties properties;

  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  g_autofree char *matrix
      = caps->matrix ? g_strdup_printf ("%ux%ux%u", caps->matrix_m, caps->matrix_n, caps->matrix_k)
                     : g_strdup ("no");

  vkGetPhysicalDeviceProperties (device->physical, &properties);
  g_string_append_printf (text, "device: %s\ndriver: %s\n", effvk_device_get_name (device),
                          effvk_device_get_driver (device));
  g_string_append_printf (text, "vendor, device, driver version: 0x%04x, 0x%04x, 0x%08x\n",
                          properties.vendorID, properties.deviceID, properties.driverVersion);
  g_string_append_printf (text, "Vulkan: %u.%u.%u\n", VK_API_VERSION_MAJOR (properties.apiVersion),
                          VK_API_VERSION_MINOR (properties.apiVersion),
                          VK_API_VERSION_PATCH (properties.apiVersion));
  g_string_append_printf (text, "subgroups: %u lanes, %s; matrix units: %s; timestamps: %s\n",
                          caps->subgroup_size, caps->subgroup_shuffle ? "shuffle" : "no shuffle",
                          matrix, caps->timestamps ? "yes" : "no");
  add_limits (text, &properties.limits);
  add_memory (text, &device->memory);
  add_queues (text, device);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
