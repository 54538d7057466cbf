/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pipeline cache on disk: EFFVK_CACHE_DIR, or effvk/ in the user's cache directory, holds one
 * file for each device. An empty EFFVK_CACHE_DIR means none.
 *
 * Drivers trust what they are given, so a header of our own tells whose the data is and that it
 * is whole. */

#include "vk/cache.h"
#include "vk/physical.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define CACHE_MAGIC "effvkpc1" /* its last letter is the version of the header */
#define CACHE_MAX ((gsize) 64 << 20)

/* in the byte order of this machine, which is the only one that reads it */
typedef struct
{
  char magic[8];
  guint8 cache_uuid[VK_UUID_SIZE];
  guint32 vendor;
  guint32 device;
  guint32 driver_version;
  guint32 reserved;
  guint64 size; /* bytes that follow */
  guint8 sha256[32];
} CacheHeader;

G_STATIC_ASSERT (sizeof (CacheHeader) == 80);

char *
effvk_cache_path (const char *name)
{
  const char *directory = g_getenv ("EFFVK_CACHE_DIR");

  if (directory == NULL)
    return g_build_filename (g_get_user_cache_dir (), "effvk", name, NULL);
  if (directory[0] == '\0')
    return NULL;
  return g_build_filename (directory, name, NULL);
}

static char *
pipelines_path (EffvkDevice *device)
{
  g_autofree char *name = g_strdup_printf ("pipelines-%s.bin", device->info->uuid);

  return effvk_cache_path (name);
}

char *
effvk_cache_identity (EffvkDevice *device)
{
  g_autoptr (GString) uuid = g_string_new (NULL);
  VkPhysicalDeviceProperties properties;

  vkGetPhysicalDeviceProperties (device->physical, &properties);
  for (guint i = 0; i < VK_UUID_SIZE; i++)
    g_string_append_printf (uuid, "%02x", properties.pipelineCacheUUID[i]);
  return g_strdup_printf ("%04x:%04x driver %08x cache %s", properties.vendorID,
                          properties.deviceID, properties.driverVersion, uuid->str);
}

static void
fill_header (CacheHeader *header, EffvkDevice *device, gconstpointer data, gsize size)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize n = sizeof header->sha256;
  VkPhysicalDeviceProperties properties;

  vkGetPhysicalDeviceProperties (device->physical, &properties);

  memset (header, 0, sizeof *header);
  memcpy (header->magic, CACHE_MAGIC, sizeof header->magic);
  memcpy (header->cache_uuid, properties.pipelineCacheUUID, VK_UUID_SIZE);
  header->vendor = properties.vendorID;
  header->device = properties.deviceID;
  header->driver_version = properties.driverVersion;
  header->size = size;
  g_checksum_update (checksum, data, (gssize) size);
  g_checksum_get_digest (checksum, header->sha256, &n);
}

guint8 *
effvk_cache_read (const char *path, gsize max, gsize *size)
{
  g_autofree guint8 *data = NULL;
  struct stat st;
  gsize filled = 0;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

  if (fd < 0)
    return NULL;
  if (fstat (fd, &st) != 0 || !S_ISREG (st.st_mode) || st.st_size <= 0
      || (guint64) st.st_size > max)
    goto out;

  data = g_try_malloc ((gsize) st.st_size + 1);
  while (data != NULL && filled < (gsize) st.st_size)
    {
      gssize n = read (fd, data + filled, (gsize) st.st_size - filled);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          g_clear_pointer (&data, g_free);
          break;
        }
      filled += (gsize) n;
    }
  if (data != NULL)
    data[filled] = '\0';

out:
  close (fd);
  *size = filled;
  return g_steal_pointer (&data);
}

/* The file's contents where they are this device's and whole, or NULL. */
static guint8 *
read_cache (EffvkDevice *device, const char *path, gsize *size)
{
  g_autofree guint8 *file = effvk_cache_read (path, sizeof (CacheHeader) + CACHE_MAX, size);
  CacheHeader expected;

  if (file == NULL)
    return NULL;

  if (*size > sizeof expected)
    {
      fill_header (&expected, device, file + sizeof expected, *size - sizeof expected);
      if (memcmp (file, &expected, sizeof expected) == 0)
        return g_steal_pointer (&file);
    }

  g_debug ("%s is damaged or another driver's: ignored", path);
  return NULL;
}

void
effvk_cache_load (EffvkDevice *device)
{
  g_autofree char *path = pipelines_path (device);
  g_autofree guint8 *file = NULL;
  gsize size = 0;
  VkPipelineCacheCreateInfo info = { .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO };

  if (path != NULL)
    file = read_cache (device, path, &size);
  if (file != NULL)
    {
      info.pInitialData = file + sizeof (CacheHeader);
      info.initialDataSize = size - sizeof (CacheHeader);
      if (device->vk.vkCreatePipelineCache (device->handle, &info, NULL, &device->pipeline_cache)
          == VK_SUCCESS)
        {
          device->cache_size = info.initialDataSize;
          g_debug ("%s: %" G_GSIZE_FORMAT " bytes of built pipelines", path, info.initialDataSize);
          return;
        }
      info.pInitialData = NULL;
      info.initialDataSize = 0;
    }

  if (device->vk.vkCreatePipelineCache (device->handle, &info, NULL, &device->pipeline_cache)
      != VK_SUCCESS)
    device->pipeline_cache = VK_NULL_HANDLE;
}

static void
save (EffvkDevice *device, const char *path)
{
  g_autofree guint8 *file = NULL;
  g_autofree char *directory = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;
  gsize size = 0;

  if (device->vk.vkGetPipelineCacheData (device->handle, device->pipeline_cache, &size, NULL)
          != VK_SUCCESS
      || size == 0 || size == device->cache_size || size > CACHE_MAX)
    return;

  file = g_try_malloc (sizeof (CacheHeader) + size);
  /* a pipeline that is built meanwhile makes it incomplete: the save after that one has it */
  if (file == NULL
      || device->vk.vkGetPipelineCacheData (device->handle, device->pipeline_cache, &size,
                                            file + sizeof (CacheHeader))
             != VK_SUCCESS)
    return;
  fill_header ((CacheHeader *) file, device, file + sizeof (CacheHeader), size);

  if (g_mkdir_with_parents (directory, 0700) != 0
      || !g_file_set_contents_full (path, (const char *) file,
                                    (gssize) (sizeof (CacheHeader) + size),
                                    G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    {
      g_debug ("%s was not written: %s", path,
               error != NULL ? error->message : "its directory cannot be made");
      return;
    }
  device->cache_size = size;
}

void
effvk_cache_save (EffvkDevice *device)
{
  g_autofree char *path = pipelines_path (device);

  if (path == NULL || device->pipeline_cache == VK_NULL_HANDLE || effvk_device_is_lost (device))
    return;

  g_mutex_lock (&device->cache_lock);
  save (device, path);
  g_mutex_unlock (&device->cache_lock);
}
