/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device's queue: who may use it, what is submitted, and how long it is waited for. */
#include "vk/device.h"

void
effvk_device_lock_queue (EffvkDevice *device)
{
  if (device->wrapped.lock_queue)
    device->wrapped.lock_queue (device->wrapped.user_data);
  else
    g_mutex_lock (&device->queue_lock);
}

void
effvk_device_unlock_queue (EffvkDevice *device)
{
  if (device->wrapped.lock_queue)
    device->wrapped.unlock_queue (device->wrapped.user_data);
  else
    g_mutex_unlock (&device->queue_lock);
}

/* A failure says nothing of what was submitted, so it is asked once more. */
static VkResult
ask_fence (EffvkDevice *device, VkFence fence, guint64 timeout)
{
  VkResult result = VK_ERROR_UNKNOWN;

  for (guint i = 0; i < 2 && result != VK_SUCCESS && result != VK_NOT_READY; i++)
    {
      result = timeout ? device->vk.vkWaitForFences (device->handle, 1, &fence, VK_TRUE, timeout)
                       : device->vk.vkGetFenceStatus (device->handle, fence);
      if (result == VK_TIMEOUT || result == VK_ERROR_DEVICE_LOST)
        break;
    }
  return result;
}

int
effvk_device_wait (EffvkDevice *device, VkFence fence, guint64 timeout, GError **error)
{
  VkResult result = VK_ERROR_DEVICE_LOST;

  if (!effvk_device_is_lost (device)) /* else the fence may never be signalled */
    result = ask_fence (device, fence, timeout);
  if (result == VK_NOT_READY && timeout == 0)
    return 0;
  if (effvk_device_check (device, result, timeout ? "vkWaitForFences" : "vkGetFenceStatus", error))
    return 1;
  effvk_device_lose (device, EFFVK_DEVICE_LOSS_HUNG); /* unless the driver said that it is lost */
  return -1;
}

gboolean
effvk_device_wait_idle (EffvkDevice *device, GError **error)
{
  const VkFenceCreateInfo create = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
  VkFence fence;
  gboolean done;

  g_return_val_if_fail (EFFVK_IS_DEVICE (device), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!effvk_device_make (device, vkCreateFence, &create, &fence, "vkCreateFence", error))
    return FALSE;
  done = effvk_device_submit (device, NULL, 0, fence, error)
         && effvk_device_wait (device, fence, effvk_device_get_timeout (device), error) > 0;
  if (!effvk_device_is_hung (device)) /* else it may still signal it */
    device->vk.vkDestroyFence (device->handle, fence, NULL);
  return done;
}

gboolean
effvk_device_submit_locked (EffvkDevice *device, const VkSubmitInfo *info, VkFence fence,
                            GError **error)
{
  if (effvk_device_is_lost (device))
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_LOST, "the device \"%s\" was lost",
                   effvk_device_get_name (device));
      return FALSE;
    }

  return effvk_device_check (device, device->vk.vkQueueSubmit (device->queue, 1, info, fence),
                             "vkQueueSubmit", error);
}

gboolean
effvk_device_submit (EffvkDevice *device, const VkCommandBuffer *commands, guint n, VkFence fence,
                     GError **error)
{
  const VkSubmitInfo info = {
    .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
    .commandBufferCount = n,
    .pCommandBuffers = commands,
  };
  gboolean ok;

  effvk_device_lock_queue (device);
  ok = effvk_device_submit_locked (device, &info, fence, error);
  effvk_device_unlock_queue (device);
  return ok;
}
