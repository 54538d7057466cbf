/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that is not coherent: the CPU sees a copy of it, as if all of it were in its cache. */

#include "fault-layer.h"

#include <string.h>

#define LINE 64 /* bytes; of a cache */

typedef struct
{
  gsize size;
  guint8 *device; /* the driver's map; NULL: it is not mapped */
  guint8 *cache;  /* what the CPU reads and writes */
  guint8 *clean;  /* the cache as it was when it was last the same as the memory */
} Memory;

/* Of so many bytes one is spoiled. */
#define SPOILED 16

static GMutex lock; /* what follows */
static gboolean spoils, spoils_now;
static guint spoil_in;       /* invalidations; 0: not */
static GHashTable *memories; /* VkDeviceMemory → Memory */

#define KEY(handle) ((gpointer) (gsize) (handle))

static void
memory_free (gpointer data)
{
  Memory *memory = data;

  g_free (memory->cache);
  g_free (memory->clean);
  g_free (memory);
}

gboolean
fault_memory_is_incoherent (void)
{
  return g_strcmp0 (g_getenv ("EFFVK_FAULT_INCOHERENT"), "1") == 0;
}

void
fault_memory_describe (VkPhysicalDeviceMemoryProperties *properties)
{
  for (guint32 i = 0; fault_memory_is_incoherent () && i < properties->memoryTypeCount; i++)
    properties->memoryTypes[i].propertyFlags
        &= ~(VkMemoryPropertyFlags) VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
}

void
fault_memory_add (VkDeviceMemory handle, VkDeviceSize size)
{
  Memory *memory;

  if (!fault_memory_is_incoherent ())
    return;
  memory = g_new0 (Memory, 1);
  memory->size = size;
  g_mutex_lock (&lock);
  if (!memories)
    memories = g_hash_table_new_full (NULL, NULL, NULL, memory_free);
  g_hash_table_insert (memories, KEY (handle), memory);
  g_mutex_unlock (&lock);
}

void
fault_memory_remove (VkDeviceMemory handle)
{
  g_mutex_lock (&lock);
  if (memories)
    g_hash_table_remove (memories, KEY (handle));
  g_mutex_unlock (&lock);
}

/* Under lock. */
static Memory *
find (VkDeviceMemory handle)
{
  return memories ? g_hash_table_lookup (memories, KEY (handle)) : NULL;
}

void
fault_memory_map (VkDeviceMemory handle, void **data)
{
  Memory *memory;

  g_mutex_lock (&lock);
  memory = find (handle);
  if (memory && !memory->cache)
    {
      memory->cache = g_malloc (memory->size);
      memory->clean = g_malloc (memory->size);
      fault_spoil (memory->cache, memory->size); /* of an earlier use of these lines */
      memcpy (memory->clean, memory->cache, memory->size);
    }
  if (memory)
    {
      memory->device = *data;
      *data = memory->cache;
    }
  g_mutex_unlock (&lock);
}

typedef void (*LineFunc) (Memory *memory, gsize offset, gsize size);

/* The CPU's writes, and nothing else, reach the device. */
static void
flush_line (Memory *memory, gsize offset, gsize size)
{
  if (memcmp (memory->cache + offset, memory->clean + offset, size) == 0)
    return;
  memcpy (memory->device + offset, memory->cache + offset, size);
  memcpy (memory->clean + offset, memory->cache + offset, size);
}

void
fault_memory_spoil (gboolean on)
{
  g_mutex_lock (&lock);
  spoils = on;
  g_mutex_unlock (&lock);
}

void
fault_memory_spoil_once (guint n)
{
  g_mutex_lock (&lock);
  spoil_in = n;
  g_mutex_unlock (&lock);
}

static void
invalidate_line (Memory *memory, gsize offset, gsize size)
{
  memcpy (memory->cache + offset, memory->device + offset, size);
  for (gsize i = 0; i < size && (spoils || spoils_now); i += SPOILED)
    memory->cache[offset + i] ^= 1;
  memcpy (memory->clean + offset, memory->cache + offset, size);
}

static void
each_line (guint32 n, const VkMappedMemoryRange *ranges, LineFunc func)
{
  g_mutex_lock (&lock);
  for (guint32 i = 0; i < n; i++)
    {
      Memory *memory = find (ranges[i].memory);
      gsize end = memory && ranges[i].size != VK_WHOLE_SIZE
                      ? MIN (memory->size, ranges[i].offset + ranges[i].size)
                  : memory ? memory->size
                           : 0;

      for (gsize offset = ranges[i].offset; memory && memory->device && offset < end;
           offset += LINE)
        func (memory, offset, MIN (LINE, end - offset));
    }
  g_mutex_unlock (&lock);
}

void
fault_memory_flush (guint32 n, const VkMappedMemoryRange *ranges)
{
  each_line (n, ranges, flush_line);
}

void
fault_memory_invalidate (guint32 n, const VkMappedMemoryRange *ranges)
{
  g_mutex_lock (&lock);
  spoils_now = spoil_in == 1;
  spoil_in -= spoil_in > 0;
  g_mutex_unlock (&lock);
  each_line (n, ranges, invalidate_line);
}
