/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Vulkan layer for tests: it lets drivers that open without hardware compile our kernels. RADV
 * does (RADV_FORCE_FAMILY=navi21): it has no memory and no queue then. The layer claims a type of
 * memory, which that driver takes from the C library, and commands, fences and submissions that do
 * nothing. So nothing runs, and answers mean nothing.
 */

#include "chain.h"

#include <string.h>

typedef struct
{
  ChainInstance chain;
  PFN_vkGetPhysicalDeviceMemoryProperties get_memory;
} Instance;

typedef struct
{
  ChainDevice chain;
  PFN_vkGetBufferMemoryRequirements get_requirements;
} Device;

static VKAPI_ATTR void VKAPI_CALL
get_memory (VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *memory)
{
  Instance *instance = chain_find_instance (physical);

  instance->get_memory (physical, memory);
  memory->memoryHeapCount = memory->memoryTypeCount = 1;
  memory->memoryHeaps[0]
      = (VkMemoryHeap){ (VkDeviceSize) 8 << 30, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT };
  memory->memoryTypes[0]
      = (VkMemoryType){ VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
                            | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
                            | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                        0 };
}

static VKAPI_ATTR void VKAPI_CALL
get_requirements (VkDevice handle, VkBuffer buffer, VkMemoryRequirements *need)
{
  Device *device = chain_find_device (handle);

  device->get_requirements (handle, buffer, need);
  need->memoryTypeBits = 1;
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_fence (VkDevice device, const VkFenceCreateInfo *info,
              const VkAllocationCallbacks *allocator, VkFence *fence)
{
  *fence = (VkFence) (guintptr) g_malloc0 (1);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_fence (VkDevice device, VkFence fence, const VkAllocationCallbacks *allocator)
{
  g_free ((gpointer) (guintptr) fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL
reset_fences (VkDevice device, uint32_t n, const VkFence *fences)
{
  return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
wait_fences (VkDevice device, uint32_t n, const VkFence *fences, VkBool32 all, uint64_t timeout)
{
  return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
get_fence_status (VkDevice device, VkFence fence)
{
  return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
submit (VkQueue queue, uint32_t n, const VkSubmitInfo *infos, VkFence fence)
{
  return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
begin (VkCommandBuffer commands, const VkCommandBufferBeginInfo *info)
{
  return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
end (VkCommandBuffer commands)
{
  return VK_SUCCESS;
}

/* Whatever the command takes: its caller clears the arguments. */
static void
record_nothing (void)
{
}

static void
add_instance (ChainInstance *chain, VkInstance handle)
{
  Instance *instance = (Instance *) chain;

  instance->get_memory = (PFN_vkGetPhysicalDeviceMemoryProperties)
                             chain->get_proc_addr (handle, "vkGetPhysicalDeviceMemoryProperties");
}

static void
add_device (ChainDevice *chain, VkPhysicalDevice physical)
{
  Device *device = (Device *) chain;

  device->get_requirements
      = (PFN_vkGetBufferMemoryRequirements) chain->get_proc_addr (chain->handle,
                                                                  "vkGetBufferMemoryRequirements");
}

static PFN_vkVoidFunction
find_instance_function (const char *name)
{
  static const ChainFunction all[] = {
    { "vkGetPhysicalDeviceMemoryProperties", (PFN_vkVoidFunction) get_memory },
    { 0 },
  };

  return chain_find_function (all, name);
}

static PFN_vkVoidFunction
find_device_function (const char *name, PFN_vkVoidFunction next)
{
  static const ChainFunction all[] = {
    { "vkGetBufferMemoryRequirements", (PFN_vkVoidFunction) get_requirements },
    { "vkCreateFence", (PFN_vkVoidFunction) create_fence },
    { "vkDestroyFence", (PFN_vkVoidFunction) destroy_fence },
    { "vkResetFences", (PFN_vkVoidFunction) reset_fences },
    { "vkWaitForFences", (PFN_vkVoidFunction) wait_fences },
    { "vkGetFenceStatus", (PFN_vkVoidFunction) get_fence_status },
    { "vkQueueSubmit", (PFN_vkVoidFunction) submit },
    { "vkBeginCommandBuffer", (PFN_vkVoidFunction) begin },
    { "vkEndCommandBuffer", (PFN_vkVoidFunction) end },
    { 0 },
  };
  PFN_vkVoidFunction function = chain_find_function (all, name);

  if (function)
    return function;
  return next && strncmp (name, "vkCmd", 5) == 0 ? record_nothing : next;
}

const ChainLayer chain_layer = {
  .instance_size = sizeof (Instance),
  .device_size = sizeof (Device),
  .add_instance = add_instance,
  .add_device = add_device,
  .find_instance_function = find_instance_function,
  .find_device_function = find_device_function,
};
