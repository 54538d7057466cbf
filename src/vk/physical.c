/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is known of a device without opening it. */

#include "vk/physical.h"
#include "vk/executables.h"
#include "vk/instance.h"
#include "vk/matrix.h"
#include "vk/pipeline.h"

G_DEFINE_BOXED_TYPE (EffvkDeviceInfo, effvk_device_info, effvk_device_info_copy,
                     effvk_device_info_free)

EffvkDeviceInfo *
effvk_device_info_copy (const EffvkDeviceInfo *info)
{
  EffvkDeviceInfo *copy = (EffvkDeviceInfo *) info;

  g_return_val_if_fail (info != NULL, NULL);

  g_atomic_int_inc (&copy->refs); /* immutable, so a reference is as good as a copy */
  return copy;
}

void
effvk_device_info_free (EffvkDeviceInfo *info)
{
  if (info == NULL || !g_atomic_int_dec_and_test (&info->refs))
    return;
  g_free (info->name);
  g_free (info->driver);
  g_free (info->uuid);
  g_free (info->problem);
  g_clear_pointer (&info->limits, g_variant_unref);
  g_free (info);
}

guint
effvk_device_info_get_index (const EffvkDeviceInfo *info)
{
  g_return_val_if_fail (info != NULL, 0);
  return info->index;
}

const char *
effvk_device_info_get_name (const EffvkDeviceInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);
  return info->name;
}

const char *
effvk_device_info_get_driver (const EffvkDeviceInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);
  return info->driver;
}

const char *
effvk_device_info_get_uuid (const EffvkDeviceInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);
  return info->uuid;
}

EffvkDeviceType
effvk_device_info_get_device_type (const EffvkDeviceInfo *info)
{
  g_return_val_if_fail (info != NULL, EFFVK_DEVICE_TYPE_OTHER);
  return info->type;
}

const char *
effvk_device_info_get_problem (const EffvkDeviceInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);
  return info->problem;
}

const char *
effvk_device_type_to_string (EffvkDeviceType type)
{
  switch (type)
    {
    case EFFVK_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated GPU";
    case EFFVK_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete GPU";
    case EFFVK_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual GPU";
    case EFFVK_DEVICE_TYPE_CPU:
      return "CPU";
    case EFFVK_DEVICE_TYPE_OTHER:
    default:
      return "other";
    }
}

GVariant *
effvk_device_info_get_limits (const EffvkDeviceInfo *info)
{
  g_return_val_if_fail (info != NULL, NULL);
  return info->limits != NULL ? g_variant_ref (info->limits) : NULL;
}

void
effvk_physical_free (EffvkPhysical *physical)
{
  if (physical == NULL)
    return;
  effvk_device_info_free (physical->info);
  g_free (physical);
}

static char *
format_uuid (const guint8 uuid[VK_UUID_SIZE])
{
  GString *text = g_string_sized_new (36);

  for (guint i = 0; i < VK_UUID_SIZE; i++)
    g_string_append_printf (text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                            uuid[i]);
  return g_string_free (text, FALSE);
}

/* The first family that computes and tells the time, else the first that computes. Such a family
 * on a GPU draws as well, and is the one that drivers give most of the device. @only: the one that
 * is to be taken, or -1. */
static gboolean
choose_queue_family (EffvkPhysical *physical, gint64 only)
{
  g_autofree VkQueueFamilyProperties *families = NULL;
  guint32 n = 0;
  guint32 bits = 0;
  gboolean found = FALSE;

  vkGetPhysicalDeviceQueueFamilyProperties (physical->handle, &n, NULL);
  families = g_new0 (VkQueueFamilyProperties, n + 1);
  vkGetPhysicalDeviceQueueFamilyProperties (physical->handle, &n, families);

  for (guint32 i = 0; i < n && bits == 0; i++)
    {
      if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) || families[i].queueCount == 0
          || (only >= 0 && i != only))
        continue;
      if (found && families[i].timestampValidBits == 0)
        continue;
      physical->queue_family = i;
      bits = families[i].timestampValidBits;
      found = TRUE;
    }

  physical->caps.timestamps = bits > 0;
  physical->caps.timestamp_mask = bits >= 64 ? G_MAXUINT64 : ((guint64) 1 << bits) - 1;
  return found;
}

static VkExtensionProperties *
list_extensions (VkPhysicalDevice handle, guint32 *n)
{
  g_autofree VkExtensionProperties *list = NULL;

  *n = 0;
  if (vkEnumerateDeviceExtensionProperties (handle, NULL, n, NULL) != VK_SUCCESS)
    *n = 0;
  list = g_new0 (VkExtensionProperties, *n + 1);
  if (vkEnumerateDeviceExtensionProperties (handle, NULL, n, list) < 0)
    *n = 0;
  return g_steal_pointer (&list);
}

/* "name, info", or what there is of it. */
static char *
format_driver (const VkPhysicalDeviceDriverProperties *driver,
               const VkPhysicalDeviceProperties *properties)
{
  if (driver->driverName[0] != '\0' && driver->driverInfo[0] != '\0')
    return g_strdup_printf ("%s, %s", driver->driverName, driver->driverInfo);
  if (driver->driverName[0] != '\0')
    return g_strdup (driver->driverName);
  return g_strdup_printf ("driver 0x%x of vendor 0x%04x", properties->driverVersion,
                          properties->vendorID);
}

/* What kernels are chosen by. */
static GVariant *
describe_limits (const VkPhysicalDeviceProperties *properties, const EffvkDeviceCaps *caps)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const VkPhysicalDeviceLimits *limits = &properties->limits;

  g_variant_dict_insert (&dict, "maxStorageBufferRange", "u", limits->maxStorageBufferRange);
  g_variant_dict_insert (&dict, "maxTexelBufferElements", "u", limits->maxTexelBufferElements);
  g_variant_dict_insert (&dict, "maxComputeSharedMemorySize", "u",
                         limits->maxComputeSharedMemorySize);
  g_variant_dict_insert (&dict, "maxComputeWorkGroupInvocations", "u",
                         limits->maxComputeWorkGroupInvocations);
  g_variant_dict_insert (&dict, "maxPerStageDescriptorStorageBuffers", "u",
                         limits->maxPerStageDescriptorStorageBuffers);
  g_variant_dict_insert (&dict, "subgroupSize", "u", caps->subgroup_size);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static char *
find_problem (const VkPhysicalDeviceProperties *properties)
{
  const VkPhysicalDeviceLimits *limits = &properties->limits;
  const struct
  {
    const char *what;
    guint32 found, expected;
  } checks[] = {
    { "bytes of push constants", limits->maxPushConstantsSize, EFFVK_MAX_PUSH },
    { "storage buffers in a shader", limits->maxPerStageDescriptorStorageBuffers, 4 },
    { "invocations in a workgroup", limits->maxComputeWorkGroupInvocations, 128 },
    { "invocations along the first axis of a workgroup", limits->maxComputeWorkGroupSize[0], 128 },
    { "bytes of shared memory", limits->maxComputeSharedMemorySize, 16384 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      if (checks[i].found < checks[i].expected)
        return g_strdup_printf ("it has %u %s, expected at least %u", checks[i].found,
                                checks[i].what, checks[i].expected);
    }
  return NULL;
}

/* Whether DMA buffers can be imported as buffers to copy from. */
static gboolean
imports_dmabuf (VkPhysicalDevice handle, const VkExtensionProperties *extensions, guint32 n)
{
  const VkPhysicalDeviceExternalBufferInfo info
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
          .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
          .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT };
  VkExternalBufferProperties properties = { .sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES };

  if (!effvk_has_extension (extensions, n, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME)
      || !effvk_has_extension (extensions, n, VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME))
    return FALSE;
  vkGetPhysicalDeviceExternalBufferProperties (handle, &info, &properties);
  return (properties.externalMemoryProperties.externalMemoryFeatures
          & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT)
         != 0;
}

/* Whether images can have DRM modifiers. */
static void
find_modifiers (EffvkPhysical *physical, guint32 version, const VkExtensionProperties *extensions,
                guint32 n)
{
  physical->format_lists = version < VK_API_VERSION_1_2; /* which has them */
  physical->modifiers
      = physical->dmabuf
        && effvk_has_extension (extensions, n, VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME)
        && (!physical->format_lists
            || effvk_has_extension (extensions, n, VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME));
}

/* What memory of the CPU's must be aligned to, to be imported; 0 where it cannot be, or would be
 * read over a bus. */
static guint
find_host_alignment (VkPhysicalDevice handle, VkPhysicalDeviceType type,
                     const VkExtensionProperties *extensions, guint32 n)
{
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT };
  VkPhysicalDeviceProperties2 properties
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &host };

  if ((type != VK_PHYSICAL_DEVICE_TYPE_CPU && type != VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU)
      || !effvk_has_extension (extensions, n, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
    return 0;
  vkGetPhysicalDeviceProperties2 (handle, &properties);
  return host.minImportedHostPointerAlignment <= 65536
             ? (guint) host.minImportedHostPointerAlignment
             : 0;
}

EffvkPhysical *
effvk_physical_new (VkPhysicalDevice handle, guint index, guint32 version, gint64 queue_family)
{
  EffvkPhysical *physical = g_new0 (EffvkPhysical, 1);
  EffvkDeviceInfo *info = g_new0 (EffvkDeviceInfo, 1);
  EffvkDeviceCaps *caps = &physical->caps;
  VkPhysicalDeviceDriverProperties driver
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES };
  VkPhysicalDeviceSubgroupProperties subgroup
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES };
  VkPhysicalDeviceIDProperties id
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES, .pNext = &subgroup };
  VkPhysicalDeviceProperties2 properties2
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &id };
  VkPhysicalDeviceProperties *properties = &properties2.properties;
  guint32 n_extensions = 0;
  g_autofree VkExtensionProperties *extensions = list_extensions (handle, &n_extensions);
  gboolean old;

  physical->handle = handle;
  physical->info = info;
  physical->portability_subset
      = effvk_has_extension (extensions, n_extensions, "VK_KHR_portability_subset");

  vkGetPhysicalDeviceProperties (handle, properties);
  version = MIN (version, properties->apiVersion);
  old = version < VK_API_VERSION_1_1;
  if (!old)
    {
      if (version >= VK_API_VERSION_1_2
          || effvk_has_extension (extensions, n_extensions,
                                  VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME))
        subgroup.pNext = &driver;
      vkGetPhysicalDeviceProperties2 (handle, &properties2);
      physical->dmabuf = imports_dmabuf (handle, extensions, n_extensions);
      find_modifiers (physical, version, extensions, n_extensions);
      physical->host_alignment
          = find_host_alignment (handle, properties->deviceType, extensions, n_extensions);
      /* Extended features and subgroups of a known size belong to Vulkan 1.3. */
      caps->matrix = version >= VK_API_VERSION_1_3
                     && effvk_matrix_find (handle, extensions, n_extensions, caps);
      physical->executables = effvk_executables_are_supported (handle, extensions, n_extensions);
      physical->foreign = effvk_has_extension (extensions, n_extensions,
                                               VK_EXT_QUEUE_FAMILY_FOREIGN_EXTENSION_NAME);
    }

  info->refs = 1;
  info->index = index;
  info->name = g_utf8_make_valid (properties->deviceName, -1);
  info->driver = format_driver (&driver, properties);
  info->uuid = format_uuid (id.deviceUUID);
  info->type = (int) properties->deviceType <= EFFVK_DEVICE_TYPE_CPU
                   ? (EffvkDeviceType) properties->deviceType
                   : EFFVK_DEVICE_TYPE_OTHER;

  caps->cpu = info->type == EFFVK_DEVICE_TYPE_CPU;
  caps->subgroup_size = MAX (subgroup.subgroupSize, 1);
  caps->subgroup_shuffle = (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0
                           && (subgroup.supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT) != 0;
  caps->max_shared_bytes = properties->limits.maxComputeSharedMemorySize;
  caps->max_workgroup_invocations = MIN (properties->limits.maxComputeWorkGroupInvocations,
                                         properties->limits.maxComputeWorkGroupSize[0]);
  caps->max_storage_buffers = properties->limits.maxPerStageDescriptorStorageBuffers;
  caps->max_texel_elements = properties->limits.maxTexelBufferElements;
  caps->max_storage_range = properties->limits.maxStorageBufferRange;
  caps->timestamp_period = properties->limits.timestampPeriod;

  info->limits = describe_limits (properties, caps);

  if (old)
    info->problem
        = g_strdup_printf ("it has Vulkan %u.%u, expected 1.1 or later",
                           VK_API_VERSION_MAJOR (version), VK_API_VERSION_MINOR (version));
  else if (!choose_queue_family (physical, queue_family))
    info->problem = g_strdup (queue_family < 0 ? "it has no queue that computes"
                                               : "its queue does not compute");
  else
    info->problem = find_problem (properties);

  return physical;
}

GPtrArray *
effvk_physical_list (VkInstance instance, GError **error)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify) effvk_physical_free);
  g_autofree VkPhysicalDevice *handles = NULL;
  guint32 n = 0;
  VkResult result;

  g_rw_lock_writer_lock (&effvk_instance_devices_lock);
  result = vkEnumeratePhysicalDevices (instance, &n, NULL);
  if (result == VK_SUCCESS && n > 0)
    {
      handles = g_new0 (VkPhysicalDevice, n);
      result = vkEnumeratePhysicalDevices (instance, &n, handles);
    }
  g_rw_lock_writer_unlock (&effvk_instance_devices_lock);

  /* Drivers that find none of their devices make the loader say so with an error. A device that
   * was plugged in between the two calls is not worth a loop. */
  if (result == VK_ERROR_INITIALIZATION_FAILED || result == VK_ERROR_INCOMPATIBLE_DRIVER)
    n = 0;
  else if (result != VK_INCOMPLETE
           && !effvk_device_check (NULL, result, "vkEnumeratePhysicalDevices", error))
    return NULL;

  for (guint32 i = 0; i < n; i++)
    g_ptr_array_add (list, effvk_physical_new (handles[i], i, effvk_instance_get_version (), -1));
  return g_steal_pointer (&list);
}
