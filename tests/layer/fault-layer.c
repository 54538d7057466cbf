/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fault layer's place among the others, and which call fails. */

#include "fault-layer.h"

#include "chain.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__ ((visibility ("default")))

typedef struct
{
  PFN_vkGetInstanceProcAddr get_proc_addr;
  PFN_vkDestroyInstance destroy;
  PFN_vkEnumeratePhysicalDevices list_devices;
  PFN_vkEnumerateDeviceExtensionProperties list_extensions;
  PFN_vkGetPhysicalDeviceMemoryProperties get_memory;
} Instance;

static GMutex lock; /* what follows */
static ChainTable instances, devices;
static guint counts[FAULT_N_CALLS];
static guint armed, at; /* the call, and which one of it; at 0: none */
static VkResult with;
static gboolean failed;
static int n_objects;

static Instance *
find_instance (void *dispatchable)
{
  return chain_table_find (&instances, &lock, dispatchable);
}

FaultDevice *
fault_find_device (void *dispatchable)
{
  return chain_table_find (&devices, &lock, dispatchable);
}

/* Of a device that is lost these calls tell. */
static gboolean
tells_of_loss (FaultCall call)
{
  return call == FAULT_CALL_QueueSubmit || call == FAULT_CALL_WaitForFences
         || call == FAULT_CALL_GetFenceStatus || call == FAULT_CALL_GetQueryPoolResults;
}

/* What the device was given ends before anybody learns of it. */
static void
lose (FaultDevice *device)
{
  g_mutex_lock (&device->queue_lock);
  device->is_lost = TRUE;
  device->DeviceWaitIdle (device->handle);
  g_mutex_unlock (&device->queue_lock);
}

static gboolean
is_lost (FaultDevice *device)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&device->queue_lock);

  return device->is_lost;
}

VkResult
fault_begin (FaultCall call, FaultDevice *device)
{
  VkResult result = VK_SUCCESS;

  g_mutex_lock (&lock);
  counts[call]++;
  if (at > 0 && call == armed && counts[call] == at)
    {
      result = with;
      failed = TRUE;
    }
  g_mutex_unlock (&lock);
  if (device && result == VK_ERROR_DEVICE_LOST)
    lose (device);
  if (device && result == VK_SUCCESS && tells_of_loss (call) && is_lost (device))
    result = VK_ERROR_DEVICE_LOST;
  return result;
}

VkResult
fault_submit (FaultDevice *device, VkQueue queue, uint32_t n, const VkSubmitInfo *infos,
              VkFence fence)
{
  VkResult result = VK_ERROR_DEVICE_LOST;

  g_mutex_lock (&device->queue_lock);
  if (!device->is_lost)
    result = device->QueueSubmit (queue, n, infos, fence);
  g_mutex_unlock (&device->queue_lock);
  return result;
}

void
fault_spoil (void *output, gsize size)
{
  memset (output, 0xa5, size);
}

void
fault_count_objects (int n)
{
  g_mutex_lock (&lock);
  n_objects += n;
  g_mutex_unlock (&lock);
}

static void
arm (guint call, guint n, int result)
{
  g_mutex_lock (&lock);
  memset (counts, 0, sizeof counts);
  armed = call;
  at = n;
  with = (VkResult) result;
  failed = FALSE;
  g_mutex_unlock (&lock);
}

static gboolean
has_failed (void)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);

  return failed;
}

static guint
count (guint call)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);

  return counts[call];
}

static guint
count_objects (void)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);

  return (guint) n_objects;
}

#define X(call, ...) "vk" #call,
static const char *const calls[] = { FAULT_MAKES (X) FAULT_OTHERS (X) FAULT_OF_INSTANCE (X) NULL };
#undef X

EXPORT const FaultControl fault_control;
EXPORT const FaultControl fault_control = { calls,
                                            arm,
                                            has_failed,
                                            count,
                                            fault_kernels_break,
                                            fault_memory_spoil,
                                            fault_memory_spoil_once,
                                            count_objects };

/* EFFVK_FAULT, once. */
static void
read_environment (void)
{
  static gsize done = 0;
  g_auto (GStrv) words = NULL;

  if (!g_once_init_enter (&done))
    return;
  words = g_strsplit (g_getenv ("EFFVK_FAULT") ? g_getenv ("EFFVK_FAULT") : "", ":", -1);
  if (g_strv_length (words) == 3)
    for (guint i = 0; i < FAULT_N_CALLS; i++)
      if (strcmp (words[0], calls[i]) == 0)
        arm (i, (guint) strtoul (words[1], NULL, 10), atoi (words[2]));
  if (g_getenv ("EFFVK_FAULT_KERNELS"))
    fault_kernels_break (g_getenv ("EFFVK_FAULT_KERNELS"));
  g_once_init_leave (&done, 1);
}

static VKAPI_ATTR VkResult VKAPI_CALL
list_devices (VkInstance handle, uint32_t *n, VkPhysicalDevice *physicals)
{
  VkResult result = fault_begin (FAULT_CALL_EnumeratePhysicalDevices, NULL);

  if (result == VK_SUCCESS)
    return find_instance (handle)->list_devices (handle, n, physicals);
  if (physicals)
    fault_spoil (physicals, *n * sizeof *physicals);
  fault_spoil (n, sizeof *n);
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
list_extensions (VkPhysicalDevice physical, const char *layer, uint32_t *n,
                 VkExtensionProperties *extensions)
{
  VkResult result = fault_begin (FAULT_CALL_EnumerateDeviceExtensionProperties, NULL);

  if (result == VK_SUCCESS)
    return find_instance (physical)->list_extensions (physical, layer, n, extensions);
  if (extensions)
    fault_spoil (extensions, *n * sizeof *extensions);
  fault_spoil (n, sizeof *n);
  return result;
}

static VKAPI_ATTR void VKAPI_CALL
get_memory (VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *properties)
{
  find_instance (physical)->get_memory (physical, properties);
  fault_memory_describe (properties);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_instance (const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator,
                 VkInstance *handle)
{
  VkLayerInstanceCreateInfo *link = chain_find_instance_link (info);
  PFN_vkGetInstanceProcAddr get = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  PFN_vkCreateInstance create = (PFN_vkCreateInstance) get (NULL, "vkCreateInstance");
  Instance *instance;
  VkResult result = fault_begin (FAULT_CALL_CreateInstance, NULL);

  if (result != VK_SUCCESS)
    {
      fault_spoil (handle, sizeof *handle);
      return result;
    }
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result = create (info, allocator, handle);
  if (result != VK_SUCCESS)
    return result;
  instance = g_new0 (Instance, 1);
  instance->get_proc_addr = get;
#define GET(member, name) instance->member = (PFN_##name) get (*handle, #name)
  GET (destroy, vkDestroyInstance);
  GET (list_devices, vkEnumeratePhysicalDevices);
  GET (list_extensions, vkEnumerateDeviceExtensionProperties);
  GET (get_memory, vkGetPhysicalDeviceMemoryProperties);
#undef GET
  chain_table_add (&instances, &lock, *handle, instance);
  fault_count_objects (1);
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
  fault_count_objects (-1);
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
  FaultDevice *device;
  VkResult result = fault_begin (FAULT_CALL_CreateDevice, NULL);

  if (result != VK_SUCCESS)
    {
      fault_spoil (handle, sizeof *handle);
      return result;
    }
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  result = create (physical, info, allocator, handle);
  if (result != VK_SUCCESS)
    return result;
  device = g_new0 (FaultDevice, 1);
  device->get_proc_addr = get;
  device->handle = *handle;
  g_mutex_init (&device->queue_lock);
#define X(call, ...) device->call = (PFN_vk##call) get (*handle, "vk" #call);
  FAULT_MAKES (X)
  FAULT_ENDS (X)
  FAULT_OTHERS (X)
  X (DestroyDevice)
  X (DeviceWaitIdle)
#undef X
  chain_table_add (&devices, &lock, *handle, device);
  fault_count_objects (1);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_device (VkDevice handle, const VkAllocationCallbacks *allocator)
{
  FaultDevice *device;

  if (!handle)
    return;
  device = chain_table_steal (&devices, &lock, handle);
  device->DestroyDevice (handle, allocator);
  g_mutex_clear (&device->queue_lock);
  g_free (device);
  fault_count_objects (-1);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_device_proc_addr (VkDevice handle, const char *name)
{
  FaultDevice *device = fault_find_device (handle);
  PFN_vkVoidFunction function = fault_find_device_function (name);

  if (strcmp (name, "vkGetDeviceProcAddr") == 0)
    return (PFN_vkVoidFunction) get_device_proc_addr;
  if (strcmp (name, "vkDestroyDevice") == 0)
    return (PFN_vkVoidFunction) destroy_device;
  /* what the driver lacks, the layer lacks */
  return function && device->get_proc_addr (handle, name) ? function
                                                          : device->get_proc_addr (handle, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_instance_proc_addr (VkInstance handle,
                                                                        const char *name);

static PFN_vkVoidFunction
find_instance_function (const char *name)
{
  static const struct
  {
    const char *name;
    PFN_vkVoidFunction function;
  } all[] = {
    { "vkGetInstanceProcAddr", (PFN_vkVoidFunction) get_instance_proc_addr },
    { "vkGetDeviceProcAddr", (PFN_vkVoidFunction) get_device_proc_addr },
    { "vkCreateInstance", (PFN_vkVoidFunction) create_instance },
    { "vkDestroyInstance", (PFN_vkVoidFunction) destroy_instance },
    { "vkCreateDevice", (PFN_vkVoidFunction) create_device },
    { "vkDestroyDevice", (PFN_vkVoidFunction) destroy_device },
    { "vkEnumeratePhysicalDevices", (PFN_vkVoidFunction) list_devices },
    { "vkEnumerateDeviceExtensionProperties", (PFN_vkVoidFunction) list_extensions },
    { "vkGetPhysicalDeviceMemoryProperties", (PFN_vkVoidFunction) get_memory },
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (strcmp (name, all[i].name) == 0)
      return all[i].function;
  return fault_find_device_function (name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
get_instance_proc_addr (VkInstance handle, const char *name)
{
  PFN_vkVoidFunction function = find_instance_function (name);

  if (function || !handle)
    return function;
  return find_instance (handle)->get_proc_addr (handle, name);
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion (VkNegotiateLayerInterface *negotiated);

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion (VkNegotiateLayerInterface *negotiated)
{
  read_environment ();
  negotiated->loaderLayerInterfaceVersion = 2;
  negotiated->pfnGetInstanceProcAddr = get_instance_proc_addr;
  negotiated->pfnGetDeviceProcAddr = get_device_proc_addr;
  negotiated->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
