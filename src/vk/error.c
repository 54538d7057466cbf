/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/device.h"

void
effvk_device_lose (EffvkDevice *device, EffvkDeviceLoss how)
{
  if (device != NULL)
    g_atomic_int_compare_and_exchange (&device->lost, EFFVK_DEVICE_LOSS_NONE, how);
}

static const char *
result_name (VkResult result)
{
  switch (result)
    {
#define NAME(value)                                                                                \
  case value:                                                                                      \
    return #value
      NAME (VK_SUCCESS);
      NAME (VK_NOT_READY);
      NAME (VK_TIMEOUT);
      NAME (VK_INCOMPLETE);
      NAME (VK_ERROR_OUT_OF_HOST_MEMORY);
      NAME (VK_ERROR_OUT_OF_DEVICE_MEMORY);
      NAME (VK_ERROR_INITIALIZATION_FAILED);
      NAME (VK_ERROR_DEVICE_LOST);
      NAME (VK_ERROR_MEMORY_MAP_FAILED);
      NAME (VK_ERROR_LAYER_NOT_PRESENT);
      NAME (VK_ERROR_EXTENSION_NOT_PRESENT);
      NAME (VK_ERROR_FEATURE_NOT_PRESENT);
      NAME (VK_ERROR_INCOMPATIBLE_DRIVER);
      NAME (VK_ERROR_TOO_MANY_OBJECTS);
      NAME (VK_ERROR_FORMAT_NOT_SUPPORTED);
      NAME (VK_ERROR_FRAGMENTED_POOL);
      NAME (VK_ERROR_OUT_OF_POOL_MEMORY);
      NAME (VK_ERROR_INVALID_EXTERNAL_HANDLE);
      NAME (VK_ERROR_FRAGMENTATION);
      NAME (VK_ERROR_INVALID_SHADER_NV);
      NAME (VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT);
      NAME (VK_ERROR_UNKNOWN);
#undef NAME
    default:
      return NULL;
    }
}

gboolean
effvk_device_check (EffvkDevice *device, VkResult result, const char *call, GError **error)
{
  const char *name = result_name (result);
  g_autofree char *number = NULL;
  const char *more = "";
  EffvkDeviceError code;

  switch (result)
    {
    case VK_SUCCESS:
      return TRUE;
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      code = EFFVK_DEVICE_ERROR_OUT_OF_MEMORY;
      more = ": the system has no memory left for it";
      break;
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      code = EFFVK_DEVICE_ERROR_OUT_OF_MEMORY;
      more = ": the device has no memory left for it";
      break;
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_FRAGMENTATION:
      code = EFFVK_DEVICE_ERROR_OUT_OF_MEMORY;
      break;
    case VK_ERROR_DEVICE_LOST:
      code = EFFVK_DEVICE_ERROR_LOST;
      more = ": the device was lost and must be opened anew";
      effvk_device_lose (device, EFFVK_DEVICE_LOSS_LOST);
      break;
    case VK_TIMEOUT:
      code = EFFVK_DEVICE_ERROR_TIMEOUT;
      more = ": the device did not answer in time";
      effvk_device_lose (device, EFFVK_DEVICE_LOSS_HUNG);
      break;
    case VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT:
      code = EFFVK_DEVICE_ERROR_UNSUPPORTED;
      more = ": planes with these offsets and strides cannot be read";
      break;
    default:
      code = EFFVK_DEVICE_ERROR_FAILED;
      break;
    }

  if (name == NULL)
    name = number = g_strdup_printf ("VkResult %d", (int) result);
  g_set_error (error, EFFVK_DEVICE_ERROR, code, "%s: %s%s", call, name, more);
  return FALSE;
}
