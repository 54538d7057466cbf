/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which call fails, and what the fault layer does in place of the driver without a device. */

#include "fault-layer.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__ ((visibility ("default")))

typedef struct
{
  ChainInstance chain;
  PFN_vkEnumeratePhysicalDevices list_devices;
  PFN_vkEnumerateDeviceExtensionProperties list_extensions;
  PFN_vkGetPhysicalDeviceMemoryProperties get_memory;
} Instance;

static GMutex lock; /* what follows */
static guint counts[FAULT_N_CALLS];
static guint armed, at; /* the call, and which one of it; at 0: none */
static VkResult with;
static gboolean failed;
static int n_objects;

static Instance *
find_instance (void *dispatchable)
{
  return chain_find_instance (dispatchable);
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
  device->DeviceWaitIdle (device->chain.handle);
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
  VkResult result = fault_begin (FAULT_CALL_CreateInstance, NULL);

  if (result == VK_SUCCESS)
    return chain_create_instance (info, allocator, handle);
  fault_spoil (handle, sizeof *handle);
  return result;
}

static void
add_instance (ChainInstance *chain, VkInstance handle)
{
  Instance *instance = (Instance *) chain;

#define GET(member, name) instance->member = (PFN_##name) chain->get_proc_addr (handle, #name)
  GET (list_devices, vkEnumeratePhysicalDevices);
  GET (list_extensions, vkEnumerateDeviceExtensionProperties);
  GET (get_memory, vkGetPhysicalDeviceMemoryProperties);
#undef GET
  fault_count_objects (1);
}

static void
remove_instance (ChainInstance *chain)
{
  fault_count_objects (-1);
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_device (VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
               const VkAllocationCallbacks *allocator, VkDevice *handle)
{
  VkResult result = fault_begin (FAULT_CALL_CreateDevice, NULL);

  if (result == VK_SUCCESS)
    return chain_create_device (physical, info, allocator, handle);
  fault_spoil (handle, sizeof *handle);
  return result;
}

static void
add_device (ChainDevice *chain, VkPhysicalDevice physical)
{
  FaultDevice *device = (FaultDevice *) chain;

  g_mutex_init (&device->queue_lock);
#define X(call, ...) device->call = (PFN_vk##call) chain->get_proc_addr (chain->handle, "vk" #call);
  FAULT_MAKES (X)
  FAULT_ENDS (X)
  FAULT_OTHERS (X)
  X (DeviceWaitIdle)
#undef X
  fault_count_objects (1);
}

static void
remove_device (ChainDevice *chain)
{
  g_mutex_clear (&((FaultDevice *) chain)->queue_lock);
  fault_count_objects (-1);
}

static PFN_vkVoidFunction
find_device_function (const char *name, PFN_vkVoidFunction next)
{
  PFN_vkVoidFunction function = chain_find_function (fault_device_functions, name);

  return function && next ? function : next; /* what the driver lacks, the layer lacks */
}

static PFN_vkVoidFunction
find_instance_function (const char *name)
{
  static const ChainFunction all[] = {
    { "vkCreateInstance", (PFN_vkVoidFunction) create_instance },
    { "vkCreateDevice", (PFN_vkVoidFunction) create_device },
    { "vkEnumeratePhysicalDevices", (PFN_vkVoidFunction) list_devices },
    { "vkEnumerateDeviceExtensionProperties", (PFN_vkVoidFunction) list_extensions },
    { "vkGetPhysicalDeviceMemoryProperties", (PFN_vkVoidFunction) get_memory },
    { 0 },
  };
  PFN_vkVoidFunction function = chain_find_function (all, name);

  return function ? function : chain_find_function (fault_device_functions, name);
}

const ChainLayer chain_layer = {
  .instance_size = sizeof (Instance),
  .device_size = sizeof (FaultDevice),
  .add_instance = add_instance,
  .add_device = add_device,
  .remove_instance = remove_instance,
  .remove_device = remove_device,
  .find_instance_function = find_instance_function,
  .find_device_function = find_device_function,
  .begin = read_environment,
};
