/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The profile layer's place among the others. */

#include "chain.h"
#include "profile.h"

#include <string.h>

#define EXPORT __attribute__ ((visibility ("default")))
#define PORTABILITY "VK_KHR_portability_subset"

typedef struct
{
  PFN_vkGetInstanceProcAddr get_proc_addr;
  PFN_vkDestroyInstance destroy;
  PFN_vkGetPhysicalDeviceProperties get_properties;
  PFN_vkGetPhysicalDeviceProperties2 get_properties2;
  PFN_vkGetPhysicalDeviceQueueFamilyProperties get_families;
  PFN_vkGetPhysicalDeviceMemoryProperties get_memory;
  PFN_vkEnumerateDeviceExtensionProperties list_extensions;
} Instance;

#define NEXT(X)                                                                                    \
  X (DestroyDevice)                                                                                \
  X (AllocateMemory)                                                                               \
  X (GetBufferMemoryRequirements)                                                                  \
  X (GetImageMemoryRequirements)                                                                   \
  X (GetImageMemoryRequirements2)                                                                  \
  X (GetMemoryFdPropertiesKHR)                                                                     \
  X (GetMemoryHostPointerPropertiesEXT)

typedef struct
{
  PFN_vkGetDeviceProcAddr get_proc_addr;
  gboolean changed; /* it looks like the profile */
#define X(name) PFN_vk##name name;
  NEXT (X)
#undef X
} Device;

static GMutex lock; /* what follows */
static ChainTable instances, devices;

static Instance *
find_instance (void *dispatchable)
{
  return chain_table_find (&instances, &lock, dispatchable);
}

static Device *
find_device (void *dispatchable)
{
  return chain_table_find (&devices, &lock, dispatchable);
}

static gboolean
is_changed (VkPhysicalDevice physical)
{
  VkPhysicalDeviceProperties properties;

  find_instance (physical)->get_properties (physical, &properties);
  return profile_is_for (&properties);
}

static VKAPI_ATTR void VKAPI_CALL
get_properties (VkPhysicalDevice physical, VkPhysicalDeviceProperties *properties)
{
  find_instance (physical)->get_properties (physical, properties);
  if (profile_is_for (properties))
    profile_change_properties (properties);
}

static VKAPI_ATTR void VKAPI_CALL
get_properties2 (VkPhysicalDevice physical, VkPhysicalDeviceProperties2 *properties)
{
  VkPhysicalDeviceSubgroupProperties *subgroup
      = chain_find (properties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);

  find_instance (physical)->get_properties2 (physical, properties);
  if (!profile_is_for (&properties->properties))
    return;
  profile_change_properties (&properties->properties);
  if (subgroup)
    profile_change_subgroup (subgroup);
}

static VKAPI_ATTR void VKAPI_CALL
get_families (VkPhysicalDevice physical, uint32_t *n, VkQueueFamilyProperties *families)
{
  find_instance (physical)->get_families (physical, n, families);
  for (guint i = 0; families && i < *n && is_changed (physical); i++)
    profile_change_queue_family (&families[i]);
}

static VKAPI_ATTR void VKAPI_CALL
get_memory (VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *memory)
{
  find_instance (physical)->get_memory (physical, memory);
  if (is_changed (physical))
    profile_change_memory (memory);
}

static VKAPI_ATTR VkResult VKAPI_CALL
list_extensions (VkPhysicalDevice physical, const char *layer, uint32_t *n,
                 VkExtensionProperties *extensions)
{
  const VkExtensionProperties portability = { PORTABILITY, 1 };
  g_autofree VkExtensionProperties *all = NULL;
  Instance *instance = find_instance (physical);
  uint32_t n_all = 0, room = *n;
  VkResult result;

  if (layer || !is_changed (physical))
    return instance->list_extensions (physical, layer, n, extensions);
  result = instance->list_extensions (physical, NULL, &n_all, NULL);
  if (result != VK_SUCCESS)
    return result;
  all = g_new0 (VkExtensionProperties, n_all + 1);
  result = instance->list_extensions (physical, NULL, &n_all, all);
  if (result != VK_SUCCESS)
    return result;
  if (profile_is_portability_subset ())
    all[n_all++] = portability;
  *n = 0;
  for (guint i = 0; i < n_all; i++)
    if (strcmp (all[i].extensionName, PORTABILITY) == 0
        || profile_has_extension (all[i].extensionName))
      {
        if (extensions && *n == room)
          return VK_INCOMPLETE;
        if (extensions)
          extensions[*n] = all[i];
        ++*n;
      }
  return VK_SUCCESS;
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
#define GET(member, name) instance->member = (PFN_##name) get (*handle, #name)
  GET (destroy, vkDestroyInstance);
  GET (get_properties, vkGetPhysicalDeviceProperties);
  GET (get_properties2, vkGetPhysicalDeviceProperties2);
  GET (get_families, vkGetPhysicalDeviceQueueFamilyProperties);
  GET (get_memory, vkGetPhysicalDeviceMemoryProperties);
  GET (list_extensions, vkEnumerateDeviceExtensionProperties);
#undef GET
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
  g_autofree const char **names = g_new (const char *, info->enabledExtensionCount + 1);
  VkDeviceCreateInfo known = *info;
  Device *device;
  VkResult result;

  known.ppEnabledExtensionNames = names;
  known.enabledExtensionCount = 0;
  for (guint i = 0; i < info->enabledExtensionCount; i++)
    if (strcmp (info->ppEnabledExtensionNames[i], PORTABILITY) != 0)
      names[known.enabledExtensionCount++] = info->ppEnabledExtensionNames[i];
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result = create (physical, &known, allocator, handle);
  if (result != VK_SUCCESS)
    return result;
  device = g_new0 (Device, 1);
  device->get_proc_addr = get;
  device->changed = is_changed (physical) && profile_get_memory_type () >= 0;
#define X(name) device->name = (PFN_vk##name) get (*handle, "vk" #name);
  NEXT (X)
#undef X
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
  device->DestroyDevice (handle, allocator);
  g_free (device);
}

/* The profile's types of memory for the driver's. */
static void
change_bits (Device *device, guint32 *bits, gboolean mapped)
{
  if (device->changed)
    *bits = *bits & 1u << profile_get_memory_type () ? profile_get_memory_bits (mapped) : 0;
}

static VKAPI_ATTR VkResult VKAPI_CALL
allocate_memory (VkDevice handle, const VkMemoryAllocateInfo *info,
                 const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
  Device *device = find_device (handle);
  VkMemoryAllocateInfo drivers = *info;

  if (device->changed)
    drivers.memoryTypeIndex = (guint32) profile_get_memory_type ();
  return device->AllocateMemory (handle, &drivers, allocator, memory);
}

static VKAPI_ATTR void VKAPI_CALL
get_buffer_requirements (VkDevice handle, VkBuffer buffer, VkMemoryRequirements *need)
{
  Device *device = find_device (handle);

  device->GetBufferMemoryRequirements (handle, buffer, need);
  change_bits (device, &need->memoryTypeBits, FALSE);
}

static VKAPI_ATTR void VKAPI_CALL
get_image_requirements (VkDevice handle, VkImage image, VkMemoryRequirements *need)
{
  Device *device = find_device (handle);

  device->GetImageMemoryRequirements (handle, image, need);
  change_bits (device, &need->memoryTypeBits, FALSE);
}

static VKAPI_ATTR void VKAPI_CALL
get_image_requirements2 (VkDevice handle, const VkImageMemoryRequirementsInfo2 *info,
                         VkMemoryRequirements2 *need)
{
  Device *device = find_device (handle);

  device->GetImageMemoryRequirements2 (handle, info, need);
  change_bits (device, &need->memoryRequirements.memoryTypeBits, FALSE);
}

static VKAPI_ATTR VkResult VKAPI_CALL
get_fd_properties (VkDevice handle, VkExternalMemoryHandleTypeFlagBits type, int fd,
                   VkMemoryFdPropertiesKHR *properties)
{
  Device *device = find_device (handle);
  VkResult result = device->GetMemoryFdPropertiesKHR (handle, type, fd, properties);

  if (result == VK_SUCCESS)
    change_bits (device, &properties->memoryTypeBits, FALSE);
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
get_pointer_properties (VkDevice handle, VkExternalMemoryHandleTypeFlagBits type,
                        const void *pointer, VkMemoryHostPointerPropertiesEXT *properties)
{
  Device *device = find_device (handle);
  VkResult result = device->GetMemoryHostPointerPropertiesEXT (handle, type, pointer, properties);

  if (result == VK_SUCCESS)
    change_bits (device, &properties->memoryTypeBits, TRUE);
  return result;
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
    { "vkDestroyDevice", (PFN_vkVoidFunction) destroy_device },
    { "vkAllocateMemory", (PFN_vkVoidFunction) allocate_memory },
    { "vkGetBufferMemoryRequirements", (PFN_vkVoidFunction) get_buffer_requirements },
    { "vkGetImageMemoryRequirements", (PFN_vkVoidFunction) get_image_requirements },
    { "vkGetImageMemoryRequirements2", (PFN_vkVoidFunction) get_image_requirements2 },
    { "vkGetMemoryFdPropertiesKHR", (PFN_vkVoidFunction) get_fd_properties },
    { "vkGetMemoryHostPointerPropertiesEXT", (PFN_vkVoidFunction) get_pointer_properties },
  };
  PFN_vkVoidFunction function, drivers;

  if (strcmp (name, "vkGetDeviceProcAddr") == 0)
    return (PFN_vkVoidFunction) get_device_proc_addr;
  function = find_function (all, G_N_ELEMENTS (all), name);
  drivers = find_device (handle)->get_proc_addr (handle, name);
  return function && drivers ? function : drivers; /* what the driver lacks, the layer lacks */
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
    { "vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction) get_properties },
    { "vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction) get_properties2 },
    { "vkGetPhysicalDeviceProperties2KHR", (PFN_vkVoidFunction) get_properties2 },
    { "vkGetPhysicalDeviceQueueFamilyProperties", (PFN_vkVoidFunction) get_families },
    { "vkGetPhysicalDeviceMemoryProperties", (PFN_vkVoidFunction) get_memory },
    { "vkEnumerateDeviceExtensionProperties", (PFN_vkVoidFunction) list_extensions },
  };
  PFN_vkVoidFunction function = find_function (all, G_N_ELEMENTS (all), name);

  if (function || !handle)
    return function;
  return find_instance (handle)->get_proc_addr (handle, name);
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
