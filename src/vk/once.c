/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vk/once.h"

gboolean
effvk_once_begin (EffvkOnce *once, EffvkDevice *device, GError **error)
{
  VkCommandPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                   .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
                                   .queueFamilyIndex = device->queue_family };
  VkCommandBufferAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                           .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                           .commandBufferCount = 1 };
  VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
  VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                     .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT };

  once->device = g_object_ref (device);
  if (!effvk_device_make (device, vkCreateCommandPool, &pool, &once->pool, "vkCreateCommandPool",
                          error))
    return FALSE;
  allocate.commandPool = once->pool;
  return effvk_device_check_made (device,
                                  device->vk.vkAllocateCommandBuffers (device->handle, &allocate,
                                                                       &once->commands),
                                  &once->commands, "vkAllocateCommandBuffers", error)
         && effvk_device_make (device, vkCreateFence, &fence, &once->fence, "vkCreateFence", error)
         && effvk_device_check (device, device->vk.vkBeginCommandBuffer (once->commands, &begin),
                                "vkBeginCommandBuffer", error);
}

gboolean
effvk_once_submit (EffvkOnce *once, GError **error)
{
  EffvkDevice *device = once->device;
  VkMemoryBarrier barrier = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                              .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                              .dstAccessMask = VK_ACCESS_HOST_READ_BIT };

  device->vk.vkCmdPipelineBarrier (once->commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                   VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
  return effvk_device_check (device, device->vk.vkEndCommandBuffer (once->commands),
                             "vkEndCommandBuffer", error)
         && effvk_device_submit (device, &once->commands, 1, once->fence, error)
         && effvk_device_wait (device, once->fence, effvk_device_get_timeout (device), error) > 0;
}

void
effvk_once_clear (EffvkOnce *once)
{
  EffvkDevice *device = once->device;

  if (!device)
    return;
  if (!effvk_device_is_hung (device)) /* else it may still use them */
    {
      device->vk.vkDestroyFence (device->handle, once->fence, NULL);
      device->vk.vkDestroyCommandPool (device->handle, once->pool, NULL);
    }
  g_object_unref (device);
  *once = (EffvkOnce){ 0 };
}
