/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chain.h"

void *
chain_find (const void *chain, VkStructureType type)
{
  const VkBaseInStructure *found = chain;

  while (found && found->sType != type)
    found = found->pNext;
  return (void *) found;
}

VkLayerInstanceCreateInfo *
chain_find_instance_link (const VkInstanceCreateInfo *info)
{
  VkLayerInstanceCreateInfo *link
      = chain_find (info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);

  while (link && link->function != VK_LAYER_LINK_INFO)
    link = chain_find (link->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  return link;
}

VkLayerDeviceCreateInfo *
chain_find_device_link (const VkDeviceCreateInfo *info)
{
  VkLayerDeviceCreateInfo *link
      = chain_find (info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);

  while (link && link->function != VK_LAYER_LINK_INFO)
    link = chain_find (link->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  return link;
}

static gpointer
key_of (void *dispatchable)
{
  return *(gpointer *) dispatchable;
}

void
chain_table_add (ChainTable *table, GMutex *lock, void *dispatchable, gpointer what)
{
  g_mutex_lock (lock);
  if (!table->table)
    table->table = g_hash_table_new (NULL, NULL);
  g_hash_table_insert (table->table, key_of (dispatchable), what);
  g_mutex_unlock (lock);
}

gpointer
chain_table_find (ChainTable *table, GMutex *lock, void *dispatchable)
{
  gpointer what;

  g_mutex_lock (lock);
  what = g_hash_table_lookup (table->table, key_of (dispatchable));
  g_mutex_unlock (lock);
  return what;
}

gpointer
chain_table_steal (ChainTable *table, GMutex *lock, void *dispatchable)
{
  gpointer what;

  g_mutex_lock (lock);
  what = g_hash_table_lookup (table->table, key_of (dispatchable));
  g_hash_table_remove (table->table, key_of (dispatchable));
  g_mutex_unlock (lock);
  return what;
}
