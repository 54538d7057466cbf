/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The VkInstance that all devices of the process share, and the validation layers.
 *
 * Vulkan is loaded at run time, so that a program which links with effvk still starts on a
 * system without it. */

#include "vk/device.h"

#ifndef _WIN32
#include <dlfcn.h> /* before volk includes it, so that dlopen() stays visible */
#endif

/* volk defines variables with the names of Vulkan's functions. Seen from outside they would
 * take the place of the functions in libvulkan for every other user in the process. */
#pragma GCC visibility push(hidden)
#define VOLK_IMPLEMENTATION
#include <volk.h>
#pragma GCC visibility pop

#include "vk/instance.h"

#include <string.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

#define NO_DRIVER_HINT "install a Vulkan driver: mesa-vulkan-drivers, or that of the GPU's vendor"

/* Headers older than the extension lack it; the layer of the system may still have it. */
#ifndef VK_EXT_layer_settings
#define VK_EXT_LAYER_SETTINGS_EXTENSION_NAME "VK_EXT_layer_settings"
#define VK_STRUCTURE_TYPE_LAYER_SETTINGS_CREATE_INFO_EXT ((VkStructureType) 1000496000)
#define VK_LAYER_SETTING_TYPE_BOOL32_EXT 0

typedef struct
{
  const char *pLayerName;
  const char *pSettingName;
  int type;
  uint32_t valueCount;
  const void *pValues;
} VkLayerSettingEXT;

typedef struct
{
  VkStructureType sType;
  const void *pNext;
  uint32_t settingCount;
  const VkLayerSettingEXT *pSettings;
} VkLayerSettingsCreateInfoEXT;
#endif

static GMutex instance_lock;

/* under instance_lock; what a reference protects is also read without it */
static struct
{
  guint refs;
  gboolean loaded;
  VkInstance handle;
  guint32 version;
  VkDebugUtilsMessengerEXT messenger;
  PFN_vkSetDebugUtilsObjectNameEXT set_name;
  PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger;
} instance;

GRWLock effvk_instance_devices_lock;

static guint n_messages; /* atomic */

guint
effvk_validation_get_n_messages (void)
{
  return g_atomic_int_get (&n_messages);
}

static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message (VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
            const VkDebugUtilsMessengerCallbackDataEXT *data, void *user_data)
{
  const char *text = data->pMessage != NULL ? data->pMessage : "(no text)";
  const char *id = data->pMessageIdName;

  (void) types;
  (void) user_data;

  if (severity < VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT)
    return VK_FALSE;

  g_atomic_int_inc (&n_messages);
  if (id == NULL || strstr (text, id) != NULL)
    g_warning ("Vulkan validation: %s", text);
  else
    g_warning ("Vulkan validation: [%s] %s", id, text);
  return VK_FALSE;
}

gboolean
effvk_has_extension (const VkExtensionProperties *extensions, guint n, const char *name)
{
  for (guint i = 0; i < n; i++)
    {
      if (strcmp (extensions[i].extensionName, name) == 0)
        return TRUE;
    }
  return FALSE;
}

/* The instance extensions of a layer, or of the loader and the drivers where @layer is NULL. */
static VkExtensionProperties *
list_extensions (const char *layer, guint32 *n)
{
  g_autofree VkExtensionProperties *list = NULL;
  VkResult result;

  do
    {
      *n = 0;
      result = vkEnumerateInstanceExtensionProperties (layer, n, NULL);
      if (result != VK_SUCCESS)
        *n = 0; /* a call that fails may leave anything there */
      g_free (list);
      list = g_new0 (VkExtensionProperties, *n + 1);
      if (result == VK_SUCCESS)
        result = vkEnumerateInstanceExtensionProperties (layer, n, list);
    }
  while (result == VK_INCOMPLETE);

  if (result != VK_SUCCESS)
    *n = 0;
  return g_steal_pointer (&list);
}

static gboolean
has_layer (const char *name)
{
  g_autofree VkLayerProperties *list = NULL;
  guint32 n = 0;

  if (vkEnumerateInstanceLayerProperties (&n, NULL) != VK_SUCCESS)
    return FALSE;
  list = g_new0 (VkLayerProperties, n + 1);
  if (vkEnumerateInstanceLayerProperties (&n, list) < 0)
    return FALSE;

  for (guint32 i = 0; i < n; i++)
    {
      if (strcmp (list[i].layerName, name) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
want_validation (void)
{
  static gsize warned = 0;

  if (g_strcmp0 (g_getenv ("EFFVK_VALIDATION"), "1") != 0)
    return FALSE;
  if (has_layer (VALIDATION_LAYER))
    return TRUE;

  if (g_once_init_enter (&warned))
    {
      g_warning ("EFFVK_VALIDATION=1, but the layer %s is not installed", VALIDATION_LAYER);
      g_once_init_leave (&warned, 1);
    }
  return FALSE;
}

static gboolean
load (GError **error)
{
  if (!instance.loaded && volkInitialize () != VK_SUCCESS)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NO_DRIVER,
                   "the Vulkan loader (libvulkan.so.1) is not installed; %s", NO_DRIVER_HINT);
      return FALSE;
    }
  instance.loaded = TRUE;

  instance.version = MIN (volkGetInstanceVersion (), VK_API_VERSION_1_3);
  if (instance.version < VK_API_VERSION_1_1)
    {
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                   "the Vulkan loader is of version %u.%u, expected 1.1 or later",
                   VK_API_VERSION_MAJOR (instance.version),
                   VK_API_VERSION_MINOR (instance.version));
      return FALSE;
    }
  return TRUE;
}

static gboolean
create (GError **error)
{
  const VkValidationFeatureEnableEXT enables[]
      = { VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT };
  const VkBool32 yes = VK_TRUE;
  /* Newer layers watch buffers that shaders access through descriptors only when told to. */
  const VkLayerSettingEXT setting = {
    .pLayerName = VALIDATION_LAYER,
    .pSettingName = "syncval_shader_accesses_heuristic",
    .type = VK_LAYER_SETTING_TYPE_BOOL32_EXT,
    .valueCount = 1,
    .pValues = &yes,
  };
  VkLayerSettingsCreateInfoEXT settings = {
    .sType = VK_STRUCTURE_TYPE_LAYER_SETTINGS_CREATE_INFO_EXT,
    .settingCount = 1,
    .pSettings = &setting,
  };
  VkValidationFeaturesEXT features = {
    .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
    .enabledValidationFeatureCount = G_N_ELEMENTS (enables),
    .pEnabledValidationFeatures = enables,
  };
  VkDebugUtilsMessengerCreateInfoEXT messenger = {
    .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
    .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT
                       | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
    /* GENERAL would be the loader's opinion of drivers that are none of our business */
    .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
    .pfnUserCallback = on_message,
  };
  const VkApplicationInfo application = {
    .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
    .pEngineName = "effvk",
    .engineVersion = 1,
    .apiVersion = instance.version,
  };
  VkInstanceCreateInfo info = {
    .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
    .pApplicationInfo = &application,
  };
  const char *layers[] = { VALIDATION_LAYER };
  const char *names[4];
  guint32 n_extensions = 0, n_names = 0, n_layer_extensions = 0;
  g_autofree VkExtensionProperties *extensions = list_extensions (NULL, &n_extensions);
  g_autofree VkExtensionProperties *layer_extensions = NULL;
  gboolean validate = want_validation ();
  gboolean debug_utils;
  VkResult result;

  if (validate)
    layer_extensions = list_extensions (VALIDATION_LAYER, &n_layer_extensions);

  debug_utils = effvk_has_extension (extensions, n_extensions, VK_EXT_DEBUG_UTILS_EXTENSION_NAME)
                || effvk_has_extension (layer_extensions, n_layer_extensions,
                                        VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
  if (debug_utils)
    names[n_names++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;

  if (effvk_has_extension (extensions, n_extensions, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME))
    {
      names[n_names++] = VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
      info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }

  if (validate)
    {
      info.ppEnabledLayerNames = layers;
      info.enabledLayerCount = G_N_ELEMENTS (layers);
      if (effvk_has_extension (layer_extensions, n_layer_extensions,
                               VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME))
        {
          names[n_names++] = VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME;
          features.pNext = info.pNext;
          info.pNext = &features;
        }
      if (effvk_has_extension (layer_extensions, n_layer_extensions,
                               VK_EXT_LAYER_SETTINGS_EXTENSION_NAME))
        {
          names[n_names++] = VK_EXT_LAYER_SETTINGS_EXTENSION_NAME;
          settings.pNext = info.pNext;
          info.pNext = &settings;
        }
      if (debug_utils)
        {
          messenger.pNext = info.pNext;
          info.pNext = &messenger;
        }
    }
  info.ppEnabledExtensionNames = names;
  info.enabledExtensionCount = n_names;

  result = vkCreateInstance (&info, NULL, &instance.handle);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
    {
      instance.handle = VK_NULL_HANDLE;
      g_set_error (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NO_DRIVER,
                   "there is no Vulkan driver on this system%s; %s",
                   g_getenv ("VK_ICD_FILENAMES") || g_getenv ("VK_DRIVER_FILES")
                       ? " among those that VK_ICD_FILENAMES or VK_DRIVER_FILES names"
                       : "",
                   NO_DRIVER_HINT);
      return FALSE;
    }
  if (result != VK_SUCCESS)
    {
      instance.handle = VK_NULL_HANDLE;
      return effvk_device_check (NULL, result, "vkCreateInstance", error);
    }

  volkLoadInstanceOnly (instance.handle);

  if (debug_utils)
    {
      instance.set_name = (PFN_vkSetDebugUtilsObjectNameEXT)
          vkGetInstanceProcAddr (instance.handle, "vkSetDebugUtilsObjectNameEXT");
      instance.destroy_messenger = (PFN_vkDestroyDebugUtilsMessengerEXT)
          vkGetInstanceProcAddr (instance.handle, "vkDestroyDebugUtilsMessengerEXT");
    }
  if (validate && debug_utils)
    {
      PFN_vkCreateDebugUtilsMessengerEXT create_messenger = (PFN_vkCreateDebugUtilsMessengerEXT)
          vkGetInstanceProcAddr (instance.handle, "vkCreateDebugUtilsMessengerEXT");

      messenger.pNext = NULL;
      if (create_messenger == NULL
          || create_messenger (instance.handle, &messenger, NULL, &instance.messenger)
                 != VK_SUCCESS)
        {
          instance.messenger = VK_NULL_HANDLE;
          g_warning ("the messages of %s cannot be read", VALIDATION_LAYER);
        }
    }
  return TRUE;
}

VkInstance
effvk_instance_ref (GError **error)
{
  VkInstance handle = VK_NULL_HANDLE;

  g_mutex_lock (&instance_lock);
  if (instance.refs > 0 || (load (error) && create (error)))
    {
      instance.refs++;
      handle = instance.handle;
    }
  g_mutex_unlock (&instance_lock);

  return handle;
}

void
effvk_instance_unref (void)
{
  g_mutex_lock (&instance_lock);
  g_assert (instance.refs > 0);
  if (--instance.refs == 0)
    {
      if (instance.messenger != VK_NULL_HANDLE)
        instance.destroy_messenger (instance.handle, instance.messenger, NULL);
      vkDestroyInstance (instance.handle, NULL);
      instance.messenger = VK_NULL_HANDLE;
      instance.handle = VK_NULL_HANDLE;
      instance.set_name = NULL;
    }
  g_mutex_unlock (&instance_lock);
}

guint32
effvk_instance_get_version (void)
{
  return instance.version;
}

void
effvk_device_name (EffvkDevice *device, VkObjectType type, guint64 handle, const char *name)
{
  const VkDebugUtilsObjectNameInfoEXT info = {
    .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
    .objectType = type,
    .objectHandle = handle,
    .pObjectName = name,
  };

  /* a failure costs a debugger a name, and nothing else */
  if (instance.set_name != NULL && name != NULL && handle != 0 && !device->is_wrapped)
    {
      g_rw_lock_reader_lock (&effvk_instance_devices_lock);
      instance.set_name (device->handle, &info);
      g_rw_lock_reader_unlock (&effvk_instance_devices_lock);
    }
}
