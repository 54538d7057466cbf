/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#include <gio/gio.h>

/* What every layer needs: its place in the loader's chain, and what it knows of instances and
   devices. */

/* The structure of a type in a chain, or NULL. */
void *chain_find (const void *chain, VkStructureType type);

/* Where the next layer, or the driver, is. */
VkLayerInstanceCreateInfo *chain_find_instance_link (const VkInstanceCreateInfo *info);
VkLayerDeviceCreateInfo *chain_find_device_link (const VkDeviceCreateInfo *info);

/* Instances or devices, by what the loader has in the first word of them and all that is dispatched
 * with them. Begins as { 0 }; @lock guards it. */
typedef struct
{
  GHashTable *table;
} ChainTable;

void chain_table_add (ChainTable *table, GMutex *lock, void *dispatchable, gpointer what);
gpointer chain_table_find (ChainTable *table, GMutex *lock, void *dispatchable);
gpointer chain_table_steal (ChainTable *table, GMutex *lock, void *dispatchable);
