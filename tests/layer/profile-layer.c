/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the profile layer does in place of the driver. */

#include "chain.h"
#include "profile.h"

#include <string.h>

#define PORTABILITY "VK_KHR_portability_subset"

typedef struct
{
  ChainInstance chain;
  PFN_vkGetPhysicalDeviceProperties get_properties;
  PFN_vkGetPhysicalDeviceProperties2 get_properties2;
  PFN_vkGetPhysicalDeviceQueueFamilyProperties get_families;
  PFN_vkGetPhysicalDeviceQueueFamilyProperties2 get_families2;
  PFN_vkGetPhysicalDeviceFeatures2 get_features2;
  PFN_vkGetPhysicalDeviceMemoryProperties get_memory;
  PFN_vkEnumerateDeviceExtensionProperties list_extensions;
} Instance;

#define NEXT(X)                                                                                    \
  X (AllocateMemory)                                                                               \
  X (CreateCommandPool)                                                                            \
  X (GetDeviceQueue)                                                                               \
  X (GetDeviceQueue2)                                                                              \
  X (GetBufferMemoryRequirements)                                                                  \
  X (GetImageMemoryRequirements)                                                                   \
  X (GetImageMemoryRequirements2)                                                                  \
  X (GetMemoryFdPropertiesKHR)                                                                     \
  X (GetMemoryHostPointerPropertiesEXT)

typedef struct
{
  ChainDevice chain;
  gboolean changed;        /* it has the profile's memory types */
  gboolean lists_families; /* it has the profile's queue families */
#define X(name) PFN_vk##name name;
  NEXT (X)
#undef X
} Device;

static Instance *
find_instance (VkPhysicalDevice physical)
{
  return chain_find_instance (physical);
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

static GArray *
list_families (VkPhysicalDevice physical)
{
  Instance *instance = find_instance (physical);
  GArray *families = g_array_new (FALSE, TRUE, sizeof (VkQueueFamilyProperties));
  uint32_t n = 0;

  instance->get_families (physical, &n, NULL);
  g_array_set_size (families, n);
  instance->get_families (physical, &n, (VkQueueFamilyProperties *) (gpointer) families->data);
  if (is_changed (physical))
    profile_change_queue_families (families);
  return families;
}

static VKAPI_ATTR void VKAPI_CALL
get_families (VkPhysicalDevice physical, uint32_t *n, VkQueueFamilyProperties *families)
{
  g_autoptr (GArray) all = list_families (physical);

  *n = families ? MIN (*n, all->len) : all->len;
  for (guint i = 0; families && i < *n; i++)
    families[i] = g_array_index (all, VkQueueFamilyProperties, i);
}

static VKAPI_ATTR void VKAPI_CALL
get_families2 (VkPhysicalDevice physical, uint32_t *n, VkQueueFamilyProperties2 *families)
{
  Instance *instance = find_instance (physical);
  g_autoptr (GArray) all = list_families (physical);
  uint32_t one = 1;

  *n = families ? MIN (*n, all->len) : all->len;
  if (families && !(is_changed (physical) && profile_lists_queue_families ()))
    instance->get_families2 (physical, n, families);
  for (guint i = 0; families && i < *n; i++)
    {
      if (is_changed (physical) && profile_lists_queue_families ()) /* for what is chained to it */
        instance->get_families2 (physical, &one, &families[i]);
      families[i].queueFamilyProperties = g_array_index (all, VkQueueFamilyProperties, i);
    }
}

static VKAPI_ATTR void VKAPI_CALL
get_features2 (VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *features)
{
  find_instance (physical)->get_features2 (physical, features);
  if (is_changed (physical))
    profile_change_features (features->pNext);
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
  Instance *instance = chain_find_instance (physical);
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

static void
add_instance (ChainInstance *chain, VkInstance handle)
{
  Instance *instance = (Instance *) chain;

#define GET(member, name) instance->member = (PFN_##name) chain->get_proc_addr (handle, #name)
  GET (get_properties, vkGetPhysicalDeviceProperties);
  GET (get_properties2, vkGetPhysicalDeviceProperties2);
  GET (get_families, vkGetPhysicalDeviceQueueFamilyProperties);
  GET (get_families2, vkGetPhysicalDeviceQueueFamilyProperties2);
  GET (get_features2, vkGetPhysicalDeviceFeatures2);
  GET (get_memory, vkGetPhysicalDeviceMemoryProperties);
  GET (list_extensions, vkEnumerateDeviceExtensionProperties);
#undef GET
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_device (VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
               const VkAllocationCallbacks *allocator, VkDevice *handle)
{
  g_autofree VkDeviceQueueCreateInfo *queues = NULL;
  VkDeviceCreateInfo drivers = *info;

  if (is_changed (physical) && profile_find_missing_feature (info->pNext))
    return VK_ERROR_FEATURE_NOT_PRESENT;
  if (is_changed (physical) && profile_lists_queue_families ())
    {
      if (info->queueCreateInfoCount != 1) /* they would lie in one family of the driver's */
        return VK_ERROR_INITIALIZATION_FAILED;
      queues = g_memdup2 (info->pQueueCreateInfos, sizeof *queues);
      queues->queueFamilyIndex = 0;
      drivers.pQueueCreateInfos = queues;
    }
  return chain_create_device_without (PORTABILITY, physical, &drivers, allocator, handle);
}

static void
add_device (ChainDevice *chain, VkPhysicalDevice physical)
{
  Device *device = (Device *) chain;

  device->changed = is_changed (physical) && profile_get_memory_type () >= 0;
  device->lists_families = is_changed (physical) && profile_lists_queue_families ();
#define X(name) device->name = (PFN_vk##name) chain->get_proc_addr (chain->handle, "vk" #name);
  NEXT (X)
#undef X
}

/* The profile's types of memory for the driver's. */
static void
change_bits (Device *device, guint32 *bits, gboolean mapped)
{
  if (device->changed)
    *bits = *bits & 1u << profile_get_memory_type () ? profile_get_memory_bits (mapped) : 0;
}

/* The driver's family for the profile's. Barriers name the profile's: that means nothing to drivers
 * for CPUs. */
static uint32_t
get_family (const Device *device, uint32_t family)
{
  return device->lists_families ? 0 : family;
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_command_pool (VkDevice handle, const VkCommandPoolCreateInfo *info,
                     const VkAllocationCallbacks *allocator, VkCommandPool *pool)
{
  Device *device = chain_find_device (handle);
  VkCommandPoolCreateInfo drivers = *info;

  drivers.queueFamilyIndex = get_family (device, info->queueFamilyIndex);
  return device->CreateCommandPool (handle, &drivers, allocator, pool);
}

static VKAPI_ATTR void VKAPI_CALL
get_queue (VkDevice handle, uint32_t family, uint32_t index, VkQueue *queue)
{
  Device *device = chain_find_device (handle);

  device->GetDeviceQueue (handle, get_family (device, family), index, queue);
}

static VKAPI_ATTR void VKAPI_CALL
get_queue2 (VkDevice handle, const VkDeviceQueueInfo2 *info, VkQueue *queue)
{
  Device *device = chain_find_device (handle);
  VkDeviceQueueInfo2 drivers = *info;

  drivers.queueFamilyIndex = get_family (device, info->queueFamilyIndex);
  device->GetDeviceQueue2 (handle, &drivers, queue);
}

static VKAPI_ATTR VkResult VKAPI_CALL
allocate_memory (VkDevice handle, const VkMemoryAllocateInfo *info,
                 const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
  Device *device = chain_find_device (handle);
  VkMemoryAllocateInfo drivers = *info;

  if (device->changed)
    drivers.memoryTypeIndex = (guint32) profile_get_memory_type ();
  return device->AllocateMemory (handle, &drivers, allocator, memory);
}

static VKAPI_ATTR void VKAPI_CALL
get_buffer_requirements (VkDevice handle, VkBuffer buffer, VkMemoryRequirements *need)
{
  Device *device = chain_find_device (handle);

  device->GetBufferMemoryRequirements (handle, buffer, need);
  change_bits (device, &need->memoryTypeBits, FALSE);
}

static VKAPI_ATTR void VKAPI_CALL
get_image_requirements (VkDevice handle, VkImage image, VkMemoryRequirements *need)
{
  Device *device = chain_find_device (handle);

  device->GetImageMemoryRequirements (handle, image, need);
  change_bits (device, &need->memoryTypeBits, FALSE);
}

static VKAPI_ATTR void VKAPI_CALL
get_image_requirements2 (VkDevice handle, const VkImageMemoryRequirementsInfo2 *info,
                         VkMemoryRequirements2 *need)
{
  Device *device = chain_find_device (handle);

  device->GetImageMemoryRequirements2 (handle, info, need);
  change_bits (device, &need->memoryRequirements.memoryTypeBits, FALSE);
}

static VKAPI_ATTR VkResult VKAPI_CALL
get_fd_properties (VkDevice handle, VkExternalMemoryHandleTypeFlagBits type, int fd,
                   VkMemoryFdPropertiesKHR *properties)
{
  Device *device = chain_find_device (handle);
  VkResult result = device->GetMemoryFdPropertiesKHR (handle, type, fd, properties);

  if (result == VK_SUCCESS)
    change_bits (device, &properties->memoryTypeBits, FALSE);
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
get_pointer_properties (VkDevice handle, VkExternalMemoryHandleTypeFlagBits type,
                        const void *pointer, VkMemoryHostPointerPropertiesEXT *properties)
{
  Device *device = chain_find_device (handle);
  VkResult result = device->GetMemoryHostPointerPropertiesEXT (handle, type, pointer, properties);

  if (result == VK_SUCCESS)
    change_bits (device, &properties->memoryTypeBits, TRUE);
  return result;
}

static PFN_vkVoidFunction
find_device_function (const char *name, PFN_vkVoidFunction next)
{
  static const ChainFunction all[] = {
    { "vkAllocateMemory", (PFN_vkVoidFunction) allocate_memory },
    { "vkCreateCommandPool", (PFN_vkVoidFunction) create_command_pool },
    { "vkGetDeviceQueue", (PFN_vkVoidFunction) get_queue },
    { "vkGetDeviceQueue2", (PFN_vkVoidFunction) get_queue2 },
    { "vkGetBufferMemoryRequirements", (PFN_vkVoidFunction) get_buffer_requirements },
    { "vkGetImageMemoryRequirements", (PFN_vkVoidFunction) get_image_requirements },
    { "vkGetImageMemoryRequirements2", (PFN_vkVoidFunction) get_image_requirements2 },
    { "vkGetMemoryFdPropertiesKHR", (PFN_vkVoidFunction) get_fd_properties },
    { "vkGetMemoryHostPointerPropertiesEXT", (PFN_vkVoidFunction) get_pointer_properties },
    { 0 },
  };
  PFN_vkVoidFunction function = chain_find_function (all, name);

  return function && next ? function : next; /* what the driver lacks, the layer lacks */
}

static PFN_vkVoidFunction
find_instance_function (const char *name)
{
  static const ChainFunction all[] = {
    { "vkCreateDevice", (PFN_vkVoidFunction) create_device },
    { "vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction) get_properties },
    { "vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction) get_properties2 },
    { "vkGetPhysicalDeviceProperties2KHR", (PFN_vkVoidFunction) get_properties2 },
    { "vkGetPhysicalDeviceQueueFamilyProperties", (PFN_vkVoidFunction) get_families },
    { "vkGetPhysicalDeviceQueueFamilyProperties2", (PFN_vkVoidFunction) get_families2 },
    { "vkGetPhysicalDeviceQueueFamilyProperties2KHR", (PFN_vkVoidFunction) get_families2 },
    { "vkGetPhysicalDeviceFeatures2", (PFN_vkVoidFunction) get_features2 },
    { "vkGetPhysicalDeviceFeatures2KHR", (PFN_vkVoidFunction) get_features2 },
    { "vkGetPhysicalDeviceMemoryProperties", (PFN_vkVoidFunction) get_memory },
    { "vkEnumerateDeviceExtensionProperties", (PFN_vkVoidFunction) list_extensions },
    { 0 },
  };

  return chain_find_function (all, name);
}

const ChainLayer chain_layer = {
  .instance_size = sizeof (Instance),
  .device_size = sizeof (Device),
  .add_instance = add_instance,
  .add_device = add_device,
  .find_instance_function = find_instance_function,
  .find_device_function = find_device_function,
};
