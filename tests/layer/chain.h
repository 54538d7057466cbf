/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#include <gio/gio.h>

/*
 * What every layer needs: its place in the loader's chain, and what it knows of instances and
 * devices. A layer is this file, linked whole, and the layer's own chain_layer.
 */

/* A Vulkan function that the layer has in place of the next one. The last of a table is { 0 }. */
typedef struct
{
  const char *name;
  PFN_vkVoidFunction function;
} ChainFunction;

/* NULL: the table has none of this name. */
PFN_vkVoidFunction chain_find_function (const ChainFunction *table, const char *name);

/* What a layer knows of an instance, and of a device. Its own structures begin with these. */
typedef struct
{
  PFN_vkGetInstanceProcAddr get_proc_addr; /* the next layer's, or the driver's */
  PFN_vkDestroyInstance destroy;
} ChainInstance;

typedef struct
{
  PFN_vkGetDeviceProcAddr get_proc_addr;
  PFN_vkDestroyDevice destroy;
  VkDevice handle;
} ChainDevice;

typedef struct
{
  gsize instance_size, device_size; /* bytes of the layer's structures */

  /* fill in the rest of a structure */
  void (*add_instance) (ChainInstance *instance, VkInstance handle);
  void (*add_device) (ChainDevice *device, VkPhysicalDevice physical);

  /* clear the rest of it; NULL: nothing is to be done */
  void (*remove_instance) (ChainInstance *instance);
  void (*remove_device) (ChainDevice *device);

  /* The layer's functions of an instance. Those of a device that are asked of an instance are among
   * them where they must be. */
  PFN_vkVoidFunction (*find_instance_function) (const char *name);

  /* Its functions of a device. @next: the next layer's, or NULL where that has none. */
  PFN_vkVoidFunction (*find_device_function) (const char *name, PFN_vkVoidFunction next);

  /* before the loader asks for anything; may be NULL */
  void (*begin) (void);
} ChainLayer;

/* Every layer defines it. */
extern const ChainLayer chain_layer;

/* The layer's structure of an instance or a physical device. */
gpointer chain_find_instance (void *dispatchable);

/* Of a device, a queue or a command buffer. */
gpointer chain_find_device (void *dispatchable);

/* What a layer calls whose own function does something before. */
VKAPI_ATTR VkResult VKAPI_CALL chain_create_instance (const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkInstance *handle);
VKAPI_ATTR VkResult VKAPI_CALL chain_create_device (VkPhysicalDevice physical,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkDevice *handle);

/* The same without an extension that only the layer knows. */
VkResult chain_create_device_without (const char *extension, VkPhysicalDevice physical,
                                      const VkDeviceCreateInfo *info,
                                      const VkAllocationCallbacks *allocator, VkDevice *handle);

/* The structure of a type in Vulkan's chain of structures, or NULL. */
void *chain_find (const void *chain, VkStructureType type);
