/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/queue-families.h"

GPtrArray *
effvk_device_open_queues (EffvkDevice *device, guint max)
{
  GPtrArray *devices = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree VkQueueFamilyProperties *families = NULL;
  guint32 n = 0;

  if (device->is_wrapped) /* its instance may not be ours */
    return devices;
  vkGetPhysicalDeviceQueueFamilyProperties (device->physical, &n, NULL);
  families = g_new0 (VkQueueFamilyProperties, n + 1);
  vkGetPhysicalDeviceQueueFamilyProperties (device->physical, &n, families);
  for (guint32 i = 0; i < n && devices->len < max; i++)
    {
      g_autoptr (GError) error = NULL;
      EffvkDevice *beside = NULL;

      if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT && families[i].queueCount > 0)
        beside = effvk_device_new_beside (device, i, &error);
      if (beside)
        g_ptr_array_add (devices, beside);
      if (error)
        g_debug ("queue family %u: %s", i, error->message);
    }
  return devices;
}
