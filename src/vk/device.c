/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An open device: which one, its queue, what its failures mean, and that it is shared. */

#include "vk/device.h"

#include "vk/cache.h"
#include "vk/instance.h"
#include "vk/matrix.h"
#include "vk/physical.h"
#include "vk/pipeline.h"
#include "vk/selector.h"

G_DEFINE_FINAL_TYPE (EffvkDevice, effvk_device, G_TYPE_OBJECT)
GQuark
effvk_device_error_quark (void)
{
  return g_quark_from_static_string ("effvk-device-error-quark");
}

/* The open devices: what device_key() gives for one → a GWeakRef to it. */
static GMutex open_lock;
static GHashTable *open_devices; /* NULL: none is open */

/* Two drivers may serve one GPU, so a UUID alone does not name a device. */
static char *
device_key (const EffvkDeviceInfo *info)
{
  return g_strdup_printf ("%s/%s", info->uuid, info->driver);
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* Returns the open device that @info describes, unless it was lost. Called with open_lock. */
static EffvkDevice *
find_open (const EffvkDeviceInfo *info)
{
  g_autofree char *key = device_key (info);
  GWeakRef *ref = open_devices != NULL ? g_hash_table_lookup (open_devices, key) : NULL;

  return ref != NULL ? g_weak_ref_get (ref) : NULL;
}

/* Called with open_lock. */
static void
share (EffvkDevice *device)
{
  GWeakRef *ref = g_new0 (GWeakRef, 1);

  if (open_devices == NULL)
    open_devices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, weak_ref_free);
  g_weak_ref_init (ref, device);
  g_hash_table_replace (open_devices, device_key (device->info), ref);
  device->shared = TRUE;
}

/* Takes an ending device out of the table, unless another took its place there. */
static void
unshare (EffvkDevice *device)
{
  EffvkDevice *other;

  g_mutex_lock (&open_lock);
  other = find_open (device->info);
  if (other == NULL && open_devices != NULL)
    {
      g_autofree char *key = device_key (device->info);

      g_hash_table_remove (open_devices, key);
      if (g_hash_table_size (open_devices) == 0)
        g_clear_pointer (&open_devices, g_hash_table_unref);
    }
  g_mutex_unlock (&open_lock);

  g_clear_object (&other);
}

static void
effvk_device_finalize (GObject *object)
{
  EffvkDevice *device = EFFVK_DEVICE (object);

  if (device->shared)
    unshare (device);

  if (effvk_device_is_hung (device))
    {
      g_message ("the device \"%s\" still does not answer: what it holds is left to the system",
                 device->info->name);
    }
  else
    {
      if (device->handle != VK_NULL_HANDLE)
        {
          effvk_cache_save (device);
          effvk_pipelines_free (device);
          device->vk.vkDestroyPipelineCache (device->handle, device->pipeline_cache, NULL);
          if (!device->is_wrapped)
            {
              g_rw_lock_writer_lock (&effvk_instance_devices_lock);
              device->vk.vkDestroyDevice (device->handle, NULL);
              g_rw_lock_writer_unlock (&effvk_instance_devices_lock);
            }
        }
      if (device->wrapped.destroy)
        device->wrapped.destroy (device->wrapped.user_data);
      effvk_instance_unref ();
    }

  g_clear_pointer (&device->info, effvk_device_info_free);
  g_mutex_clear (&device->queue_lock);
  g_mutex_clear (&device->pipelines_lock);
  g_mutex_clear (&device->cache_lock);
  g_mutex_clear (&device->precision_lock);

  G_OBJECT_CLASS (effvk_device_parent_class)->finalize (object);
}

static void
effvk_device_class_init (EffvkDeviceClass *class)
{
  G_OBJECT_CLASS (class)->finalize = effvk_device_finalize;
}

static void
effvk_device_init (EffvkDevice *device)
{
  g_mutex_init (&device->queue_lock);
  g_mutex_init (&device->pipelines_lock);
  g_mutex_init (&device->cache_lock);
  g_mutex_init (&device->precision_lock);
}

static EffvkDevice *
device_of (const EffvkPhysical *physical)
{
  EffvkDevice *device = g_object_new (EFFVK_TYPE_DEVICE, NULL);

  device->physical = physical->handle;
  device->queue_family = physical->queue_family;
  device->caps = physical->caps;
  device->info = effvk_device_info_copy (physical->info);
  return device;
}

/* What a device with a handle lacks. */
static void
complete (EffvkDevice *device)
{
  device->is_slow = device->caps.cpu || g_strcmp0 (g_getenv ("EFFVK_VALIDATION"), "1") == 0;
  volkLoadDeviceTable (&device->vk, device->handle);
  vkGetPhysicalDeviceMemoryProperties (device->physical, &device->memory);
  effvk_cache_load (device);
}

/* Opens a device. The caller's reference to the instance goes to the device, on failure too. */
static EffvkDevice *
open_device (const EffvkPhysical *physical, GError **error)
{
  g_autoptr (EffvkDevice) device = device_of (physical);
  const float priority = 1.0f;
  const VkDeviceQueueCreateInfo queue = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
    .queueFamilyIndex = physical->queue_family,
    .queueCount = 1,
    .pQueuePriorities = &priority,
  };
  const char *extensions[9];
  EffvkMatrixFeatures matrix;
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executables
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
          .pipelineExecutableInfo = VK_TRUE };
  VkDeviceCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
    .queueCreateInfoCount = 1,
    .pQueueCreateInfos = &queue,
    .ppEnabledExtensionNames = extensions,
  };
  VkResult result;

  if (physical->portability_subset)
    extensions[info.enabledExtensionCount++] = "VK_KHR_portability_subset";
  if (physical->dmabuf)
    {
      extensions[info.enabledExtensionCount++] = VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME;
      extensions[info.enabledExtensionCount++] = VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME;
    }
  if (physical->modifiers)
    {
      extensions[info.enabledExtensionCount++] = VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME;
      if (physical->format_lists)
        extensions[info.enabledExtensionCount++] = VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME;
    }
  if (physical->foreign)
    extensions[info.enabledExtensionCount++] = VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME;
  if (physical->host_alignment)
    extensions[info.enabledExtensionCount++] = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
  if (physical->executables)
    {
      extensions[info.enabledExtensionCount++]
          = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
      info.pNext = &executables;
    }
  if (device->caps.matrix)
    effvk_matrix_enable (&matrix, &info, extensions);
  device->tells_executables = physical->executables;
  device->imports_dmabuf = physical->dmabuf;
  device->imports_modifiers = physical->modifiers;
  device->host_alignment = physical->host_alignment;
  device->foreign_family
      = physical->foreign ? VK_QUEUE_FAMILY_FOREIGN_EXT : VK_QUEUE_FAMILY_EXTERNAL;

  g_rw_lock_writer_lock (&effvk_instance_devices_lock);
  result = vkCreateDevice (physical->handle, &info, NULL, &device->handle);
  g_rw_lock_writer_unlock (&effvk_instance_devices_lock);
  if (result != VK_SUCCESS)
    {
      device->handle = VK_NULL_HANDLE;
      effvk_device_check (NULL, result, "vkCreateDevice", error);
      g_prefix_error (error, "the device \"%s\" cannot be opened: ", device->info->name);
      return NULL;
    }

  complete (device);
  device->vk.vkGetDeviceQueue (device->handle, device->queue_family, 0, &device->queue);
  effvk_device_name (device, VK_OBJECT_TYPE_QUEUE, (guint64) (gsize) device->queue, "effvk");

  g_debug ("opened the device %u: \"%s\" (%s)", device->info->index, device->info->name,
           device->info->driver);
  return g_steal_pointer (&device);
}

EffvkDevice *
effvk_device_new_from_vulkan (const EffvkVulkanDevice *vulkan, GError **error)
{
  g_autoptr (EffvkPhysical) physical = NULL;
  EffvkDevice *device = NULL;

  g_return_val_if_fail (vulkan != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  /* Ours is not needed but to load Vulkan: the loader's functions serve the devices of all
     instances. */
  if (effvk_instance_ref (error) == VK_NULL_HANDLE)
    goto fail;
  physical
      = effvk_physical_new (vulkan->physical_device, 0, vulkan->api_version, vulkan->queue_family);
  if (physical->info->problem != NULL)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "the device \"%s\" cannot be used: %s", physical->info->name,
                   physical->info->problem);
      effvk_instance_unref ();
      goto fail;
    }
  device = device_of (physical);
  device->is_wrapped = TRUE;
  device->caps.matrix = FALSE; /* its features may not be enabled */
  device->wrapped = *vulkan;
  device->handle = vulkan->device;
  device->queue = vulkan->queue;
  complete (device);
  return device;

fail:
  if (vulkan->destroy != NULL)
    vulkan->destroy (vulkan->user_data);
  return NULL;
}

static void
tell_cpu_once (const EffvkDeviceInfo *info)
{
  static gsize told = 0;

  if (g_once_init_enter (&told))
    {
      g_message ("no GPU: running on the CPU device \"%s\"; pass device \"cpu\" to choose it on "
                 "purpose",
                 info->name);
      g_once_init_leave (&told, 1);
    }
}

/* That device, opened or as it is open already. */
static EffvkDevice *
take_device (const EffvkPhysical *physical, GError **error)
{
  EffvkDevice *device, *lost = NULL;

  if (effvk_instance_ref (error) == VK_NULL_HANDLE) /* the device's own */
    return NULL;
  /* held while the device is opened, lest two threads open it */
  g_mutex_lock (&open_lock);
  device = find_open (physical->info);
  if (device != NULL && effvk_device_is_lost (device))
    lost = g_steal_pointer (&device);
  if (device != NULL)
    effvk_instance_unref (); /* it has its own */
  else if ((device = open_device (physical, error)) != NULL)
    share (device);
  g_mutex_unlock (&open_lock);

  g_clear_object (&lost); /* its end takes the lock */
  return device;
}

/* The first from @rank on that opens; others are told of. */
static EffvkDevice *
take_first (GPtrArray *chosen, guint *rank, GError **error)
{
  g_autoptr (GError) first = NULL;

  for (; *rank < chosen->len; ++*rank)
    {
      g_autoptr (GError) problem = NULL;
      EffvkDevice *device = take_device (g_ptr_array_index (chosen, *rank), &problem);

      if (device != NULL)
        return device;
      if (*rank + 1 < chosen->len)
        g_message ("passed over: %s", problem->message);
      if (first == NULL)
        first = g_steal_pointer (&problem);
    }
  if (first != NULL)
    g_propagate_error (error, g_steal_pointer (&first));
  else
    g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NOT_FOUND,
                         "there is no other device");
  return NULL;
}

EffvkDevice *
effvk_device_new_ranked (const char *selector, guint *rank, GError **error)
{
  const char *text = selector == NULL || selector[0] == '\0' ? "auto" : selector;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GPtrArray) chosen = NULL;
  VkInstance instance = effvk_instance_ref (error);
  EffvkDevice *device = NULL;

  if (instance == VK_NULL_HANDLE)
    return NULL;
  list = effvk_physical_list (instance, error);
  chosen = list != NULL ? effvk_selector_choose (list, text, error) : NULL;
  if (chosen != NULL)
    device = take_first (chosen, rank, error);
  effvk_instance_unref ();

  if (device != NULL && device->caps.cpu && g_ascii_strcasecmp (text, "auto") == 0)
    tell_cpu_once (device->info);
  return device;
}

EffvkDevice *
effvk_device_new (const char *selector, GError **error)
{
  guint rank = 0;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return effvk_device_new_ranked (selector, &rank, error);
}

EffvkDevice *
effvk_device_new_beside (EffvkDevice *device, guint32 queue_family, GError **error)
{
  g_autoptr (EffvkPhysical) physical = NULL;

  if (effvk_instance_ref (error) == VK_NULL_HANDLE)
    return NULL;
  physical = effvk_physical_new (device->physical, device->info->index,
                                 effvk_instance_get_version (), queue_family);
  return open_device (physical, error);
}

GPtrArray *
effvk_device_list (GError **error)
{
  g_autoptr (GPtrArray) physicals = NULL;
  GPtrArray *list = NULL;
  VkInstance instance;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  instance = effvk_instance_ref (error);
  if (instance == VK_NULL_HANDLE)
    return NULL;

  physicals = effvk_physical_list (instance, error);
  if (physicals != NULL)
    {
      list = g_ptr_array_new_with_free_func ((GDestroyNotify) effvk_device_info_free);
      for (guint i = 0; i < physicals->len; i++)
        {
          EffvkPhysical *physical = g_ptr_array_index (physicals, i);

          g_ptr_array_add (list, effvk_device_info_copy (physical->info));
        }
    }

  effvk_instance_unref ();
  return list;
}

const char *
effvk_device_get_name (EffvkDevice *device)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  return device->info->name;
}

const char *
effvk_device_get_driver (EffvkDevice *device)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  return device->info->driver;
}

const char *
effvk_device_get_uuid (EffvkDevice *device)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), NULL);
  return device->info->uuid;
}

EffvkDeviceType
effvk_device_get_device_type (EffvkDevice *device)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), EFFVK_DEVICE_TYPE_OTHER);
  return device->info->type;
}

const EffvkDeviceCaps *
effvk_device_get_caps (EffvkDevice *device)
{
  return &device->caps;
}

gboolean
effvk_device_is_lost (EffvkDevice *device)
{
  g_return_val_if_fail (EFFVK_IS_DEVICE (device), TRUE);
  return g_atomic_int_get (&device->lost) != EFFVK_DEVICE_LOSS_NONE;
}

guint64
effvk_device_get_timeout (EffvkDevice *device)
{
  return (guint64) (device->is_slow ? 600 : 10) * 1000 * 1000 * 1000;
}

gboolean
effvk_device_is_hung (EffvkDevice *device)
{
  return g_atomic_int_get (&device->lost) == EFFVK_DEVICE_LOSS_HUNG;
}

/* The first loss that is noticed stands. */
