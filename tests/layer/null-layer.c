/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Vulkan layer for tests: it lets drivers that open without hardware compile our kernels. RADV
 * does (RADV_FORCE_FAMILY=navi21): it has no memory and no queue then. The layer claims a type of
 * memory, which that driver takes from the C library, and commands, fences and submissions that do
 * nothing. So nothing runs, and answers mean nothing.
 */

#include "chain.h"

#include <string.h>

#define EXPORT __attribute__ ((visibility ("default")))

typedef struct
{
  PFN_vkGetInstanceProcAddr get_proc_addr;
  PFN_vkDestroyInstance destroy;
  PFN_vkGetPhysicalDeviceMemoryProperties get_memory;
} Instance;

typedef struct
{
  PFN_vkGetDeviceProcAddr get_proc_addr;
  PFN_vkDestroyDevice destroy;
  PFN_vkGetBufferMemoryRequirements get_requirements;
} Device;

static GMutex lock; /* what follows */
static ChainTable instances, devices;

static VKAPI_ATTR void VKAPI_CALL
get_memory (VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *memory)
{
  Instance *instance = chain_table_find (&instances, &lock, physical);

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
  Device *device = chain_table_find (&devices, &lock, handle);

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

static VKAPI_ATTR VkResult VKAPI_CALL
create_instance (const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator,
                 VkInstance *handle)
{
  VkLayerInstanceCreateInfo *link = chain_find_instance_link (info);
  PFN_vkGetInstanceProcAddr get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  PFN_vkCreateInstance create = (PFN_vkCreateInstance) get (NULL, "vkCreateInstance");
  Instance *instance;
  VkResult result;

  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result = create (info, allocator, handle);
  if (result != VK_SUCCESS)
    return result;
  instance = g_new0 (Instance, 1);
  instance->get_proc_addr = get;
  instance->destroy = (PFN_vkDestroyInstance) get (*handle, "vkDestroyInstance");
  instance->get_memory
      = (PFN_vkGetPhysicalDeviceMemoryProperties) get (*handle,
                                                       "vkGetPhysicalDeviceMemoryProperties");
  chain_table_add (&instances, &lock, *handle, instance);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_instance (VkInstance handle, const VkAllocationCallbacks *allocator)
{
  Instance *instance;

  if (!handle)
    return;
  instance = chain_table_steal (&instances, &lock, handle);
  instance->destroy (handle, allocator);
  g_free (instance);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_device (VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
               const VkAllocationCallbacks *allocator, VkDevice *handle)
{
  VkLayerDeviceCreateInfo *link = chain_find_device_link (info);
  PFN_vkGetDeviceProcAddr get = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  PFN_vkCreateDevice create
      = (PFN_vkCreateDevice) link->u.pLayerInfo->pfnNextGetInstanceProcAddr (NULL,
                                                                             "vkCreateDevice");
  Device *device;
  VkResult result;

  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result = create (physical, info, allocator, handle);
  if (result != VK_SUCCESS)
    return result;
  device = g_new0 (Device, 1);
  device->get_proc_addr = get;
  device->destroy = (PFN_vkDestroyDevice) get (*handle, "vkDestroyDevice");
  device->get_requirements
      = (PFN_vkGetBufferMemoryRequirements) get (*handle, "vkGetBufferMemoryRequirements");
  chain_table_add (&devices, &lock, *handle, device);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_device (VkDevice handle, const VkAllocationCallbacks *allocator)
{
  Device *device;

  if (!handle)
    return;
  device = chain_table_steal (&devices, &lock, handle);
  device->destroy (handle, allocator);
  g_free (device);
}

typedef struct
{
  const char *name;
  PFN_vkVoidFunction function;
} Function;

static PFN_vkVoidFunction
find_function (const Function *all, guint n, const char *name)
{
  for (guint i = 0; i < n; i++)
    if (strcmp (name, all[i].name) == 0)
      return all[i].function;
  return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_device_proc_addr (VkDevice handle, const char *name)
{
  static const Function all[] = {
    { "vkGetDeviceProcAddr", (PFN_vkVoidFunction) get_device_proc_addr },
    { "vkDestroyDevice", (PFN_vkVoidFunction) destroy_device },
    { "vkGetBufferMemoryRequirements", (PFN_vkVoidFunction) get_requirements },
    { "vkCreateFence", (PFN_vkVoidFunction) create_fence },
    { "vkDestroyFence", (PFN_vkVoidFunction) destroy_fence },
    { "vkResetFences", (PFN_vkVoidFunction) reset_fences },
    { "vkWaitForFences", (PFN_vkVoidFunction) wait_fences },
    { "vkGetFenceStatus", (PFN_vkVoidFunction) get_fence_status },
    { "vkQueueSubmit", (PFN_vkVoidFunction) submit },
    { "vkBeginCommandBuffer", (PFN_vkVoidFunction) begin },
    { "vkEndCommandBuffer", (PFN_vkVoidFunction) end },
  };
  PFN_vkVoidFunction function = find_function (all, G_N_ELEMENTS (all), name);
  Device *device = chain_table_find (&devices, &lock, handle);

  if (function)
    return function;
  function = device->get_proc_addr (handle, name);
  return function && strncmp (name, "vkCmd", 5) == 0 ? record_nothing : function;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_instance_proc_addr (VkInstance handle, const char *name)
{
  static const Function all[] = {
    { "vkGetInstanceProcAddr", (PFN_vkVoidFunction) get_instance_proc_addr },
    { "vkGetDeviceProcAddr", (PFN_vkVoidFunction) get_device_proc_addr },
    { "vkCreateInstance", (PFN_vkVoidFunction) create_instance },
    { "vkDestroyInstance", (PFN_vkVoidFunction) destroy_instance },
    { "vkCreateDevice", (PFN_vkVoidFunction) create_device },
    { "vkDestroyDevice", (PFN_vkVoidFunction) destroy_device },
    { "vkGetPhysicalDeviceMemoryProperties", (PFN_vkVoidFunction) get_memory },
  };
  PFN_vkVoidFunction function = find_function (all, G_N_ELEMENTS (all), name);

  if (function || !handle)
    return function;
  return ((Instance *) chain_table_find (&instances, &lock, handle))->get_proc_addr (handle, name);
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion (VkNegotiateLayerInterface *negotiated);

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion (VkNegotiateLayerInterface *negotiated)
{
  negotiated->loaderLayerInterfaceVersion = 2;
  negotiated->pfnGetInstanceProcAddr = get_instance_proc_addr;
  negotiated->pfnGetDeviceProcAddr = get_device_proc_addr;
  negotiated->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
