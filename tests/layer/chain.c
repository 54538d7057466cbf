/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain.h"

#include <string.h>

#define EXPORT __attribute__ ((visibility ("default")))

/* Instances or devices, by what the loader has in the first word of them and all that is dispatched
 * with them. */
typedef struct
{
  GHashTable *table;
} Table;

static GMutex lock; /* what follows */
static Table instances, devices;

static gpointer
key_of (void *dispatchable)
{
  return *(gpointer *) dispatchable;
}

static void
add (Table *table, void *dispatchable, gpointer what)
{
  g_mutex_lock (&lock);
  if (!table->table)
    table->table = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (table->table, key_of (dispatchable), what);
  g_mutex_unlock (&lock);
}

static gpointer
find (Table *table, void *dispatchable)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);

  return g_hash_table_lookup (table->table, key_of (dispatchable));
}

static gpointer
steal (Table *table, void *dispatchable)
{
  gpointer what = find (table, dispatchable);

  g_mutex_lock (&lock);
  g_hash_table_remove (table->table, key_of (dispatchable));
  g_mutex_unlock (&lock);
  return what;
}

gpointer
chain_find_instance (void *dispatchable)
{
  return find (&instances, dispatchable);
}

gpointer
chain_find_device (void *dispatchable)
{
  return find (&devices, dispatchable);
}

void *
chain_find (const void *chain, VkStructureType type)
{
  const VkBaseInStructure *found = chain;

  while (found && found->sType != type)
    found = found->pNext;
  return (void *) found;
}

PFN_vkVoidFunction
chain_find_function (const ChainFunction *table, const char *name)
{
  for (; table->name; table++)
    if (strcmp (name, table->name) == 0)
      return table->function;
  return NULL;
}

VKAPI_ATTR VkResult VKAPI_CALL
chain_create_instance (const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator,
                       VkInstance *handle)
{
  VkLayerInstanceCreateInfo *link
      = chain_find (info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  PFN_vkGetInstanceProcAddr get;
  PFN_vkCreateInstance create;
  ChainInstance *instance;
  VkResult result;

  while (link->function != VK_LAYER_LINK_INFO)
    link = chain_find (link->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  create = (PFN_vkCreateInstance) get (NULL, "vkCreateInstance");
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result = create (info, allocator, handle);
  if (result != VK_SUCCESS)
    return result;
  instance = g_malloc0 (chain_layer.instance_size);
  instance->get_proc_addr = get;
  instance->destroy = (PFN_vkDestroyInstance) get (*handle, "vkDestroyInstance");
  chain_layer.add_instance (instance, *handle);
  add (&instances, *handle, instance);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_instance (VkInstance handle, const VkAllocationCallbacks *allocator)
{
  ChainInstance *instance;

  if (!handle)
    return;
  instance = steal (&instances, handle);
  instance->destroy (handle, allocator);
  if (chain_layer.remove_instance)
    chain_layer.remove_instance (instance);
  g_free (instance);
}

VKAPI_ATTR VkResult VKAPI_CALL
chain_create_device (VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                     const VkAllocationCallbacks *allocator, VkDevice *handle)
{
  VkLayerDeviceCreateInfo *link
      = chain_find (info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  PFN_vkGetDeviceProcAddr get;
  PFN_vkCreateDevice create;
  ChainDevice *device;
  VkResult result;

  while (link->function != VK_LAYER_LINK_INFO)
    link = chain_find (link->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  get = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  create = (PFN_vkCreateDevice) link->u.pLayerInfo->pfnNextGetInstanceProcAddr (NULL,
                                                                                "vkCreateDevice");
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result = create (physical, info, allocator, handle);
  if (result != VK_SUCCESS)
    return result;
  device = g_malloc0 (chain_layer.device_size);
  device->get_proc_addr = get;
  device->destroy = (PFN_vkDestroyDevice) get (*handle, "vkDestroyDevice");
  device->handle = *handle;
  chain_layer.add_device (device, physical);
  add (&devices, *handle, device);
  return VK_SUCCESS;
}

VkResult
chain_create_device_without (const char *extension, VkPhysicalDevice physical,
                             const VkDeviceCreateInfo *info, const VkAllocationCallbacks *allocator,
                             VkDevice *handle)
{
  g_autofree const char **names = g_new (const char *, info->enabledExtensionCount + 1);
  VkDeviceCreateInfo known = *info;

  known.ppEnabledExtensionNames = names;
  known.enabledExtensionCount = 0;
  for (guint i = 0; i < info->enabledExtensionCount; i++)
    if (strcmp (info->ppEnabledExtensionNames[i], extension) != 0)
      names[known.enabledExtensionCount++] = info->ppEnabledExtensionNames[i];
  return chain_create_device (physical, &known, allocator, handle);
}

static VKAPI_ATTR void VKAPI_CALL
destroy_device (VkDevice handle, const VkAllocationCallbacks *allocator)
{
  ChainDevice *device;

  if (!handle)
    return;
  device = steal (&devices, handle);
  device->destroy (handle, allocator);
  if (chain_layer.remove_device)
    chain_layer.remove_device (device);
  g_free (device);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_device_proc_addr (VkDevice handle, const char *name)
{
  ChainDevice *device = chain_find_device (handle);

  if (strcmp (name, "vkGetDeviceProcAddr") == 0)
    return (PFN_vkVoidFunction) get_device_proc_addr;
  if (strcmp (name, "vkDestroyDevice") == 0)
    return (PFN_vkVoidFunction) destroy_device;
  return chain_layer.find_device_function (name, device->get_proc_addr (handle, name));
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_instance_proc_addr (VkInstance handle, const char *name)
{
  static const ChainFunction all[] = {
    { "vkGetInstanceProcAddr", (PFN_vkVoidFunction) get_instance_proc_addr },
    { "vkGetDeviceProcAddr", (PFN_vkVoidFunction) get_device_proc_addr },
    { "vkCreateInstance", (PFN_vkVoidFunction) chain_create_instance },
    { "vkDestroyInstance", (PFN_vkVoidFunction) destroy_instance },
    { "vkCreateDevice", (PFN_vkVoidFunction) chain_create_device },
    { "vkDestroyDevice", (PFN_vkVoidFunction) destroy_device },
    { 0 },
  };
  PFN_vkVoidFunction function = chain_layer.find_instance_function (name);

  if (!function)
    function = chain_find_function (all, name);
  if (function || !handle)
    return function;
  return ((ChainInstance *) chain_find_instance (handle))->get_proc_addr (handle, name);
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion (VkNegotiateLayerInterface *negotiated);

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion (VkNegotiateLayerInterface *negotiated)
{
  if (chain_layer.begin)
    chain_layer.begin ();
  negotiated->loaderLayerInterfaceVersion = 2;
  negotiated->pfnGetInstanceProcAddr = get_instance_proc_addr;
  negotiated->pfnGetDeviceProcAddr = get_device_proc_addr;
  negotiated->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
