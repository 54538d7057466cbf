/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layer's images with modifiers, and the memory that is imported for them. */

#include "layer.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A plane in memory. */
typedef struct
{
  VkSubresourceLayout layout;
  guint8 *bytes; /* of the DMA buffer that is bound; NULL: none is */
  gsize size;
  gsize offset; /* of the plane's memory in it */
} Plane;

typedef struct
{
  const LayerFormat *format;
  guint64 modifier;
  guint width, height;
  gboolean is_disjoint;
  Plane planes[MAX_MEMORY_PLANES];
  guint n_planes;

  VkDeviceMemory own; /* of the linear image */
  guint8 *pixels;
  VkSubresourceLayout rows[MAX_FORMAT_PLANES];
} Image;

static GMutex lock;
static GHashTable *images;   /* VkImage → Image */
static GHashTable *files;    /* VkDeviceMemory → the file descriptor that was imported */
static GHashTable *commands; /* VkCommandBuffer → GArray of VkImage that they take over */

#define KEY(handle) ((gpointer) (gsize) (handle))

static void
image_free (gpointer data)
{
  Image *image = data;

  for (guint i = 0; i < image->n_planes; i++)
    if (image->planes[i].bytes)
      munmap (image->planes[i].bytes, image->planes[i].size);
  g_free (image);
}

static void
file_free (gpointer fd)
{
  close (GPOINTER_TO_INT (fd) - 1);
}

/* Under lock. */
static void
make_tables (void)
{
  if (images)
    return;
  images = g_hash_table_new_full (NULL, NULL, NULL, image_free);
  files = g_hash_table_new_full (NULL, NULL, NULL, file_free);
  commands = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
}

/* NULL: an image of the driver's alone. */
static Image *
find_image (VkImage handle)
{
  Image *image;

  g_mutex_lock (&lock);
  make_tables ();
  image = g_hash_table_lookup (images, KEY (handle));
  g_mutex_unlock (&lock);
  return image;
}

static gsize
row_bytes_of (const Image *image, guint plane)
{
  return (image->width >> (plane ? image->format->chroma : 0)) * image->format->bytes[plane];
}

static gsize
rows_of (const Image *image, guint plane)
{
  return image->height >> (plane ? image->format->chroma : 0);
}

/* Whether plane @i in memory has keys, and of which plane of the format it is. */
static gboolean
has_keys (const Image *image, guint i, guint *plane)
{
  *plane = i % image->format->n_planes;
  return i >= image->format->n_planes;
}

/* From its offset on. */
static gsize
get_plane_size (const Image *image, guint i)
{
  gsize stride = image->planes[i].layout.rowPitch;
  guint plane;

  return has_keys (image, i, &plane) ? tiles_get_keys_size (stride, rows_of (image, plane))
                                     : tiles_get_size (stride, rows_of (image, plane));
}

/* A driver's planes begin and repeat at whole tiles. */
static gboolean
is_possible (const Image *image)
{
  for (guint i = 0; i < image->n_planes; i++)
    {
      const VkSubresourceLayout *layout = &image->planes[i].layout;
      guint plane;
      gboolean keys = has_keys (image, i, &plane);
      gsize row = row_bytes_of (image, plane);

      if (layout->rowPitch < (keys ? tiles_get_keys_stride (row) : tiles_get_stride (row))
          || (!keys && (layout->rowPitch % TILE_WIDTH || layout->offset % TILE_WIDTH))
          || layout->size || layout->arrayPitch || layout->depthPitch)
        return FALSE;
    }
  return TRUE;
}

/* Memory that the CPU sees, which the driver's image is in for good. */
static VkResult
add_own_memory (LayerDevice *device, VkDevice handle, VkImage linear, Image *image)
{
  VkMemoryAllocateInfo allocate = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO };
  VkMemoryRequirements need;
  VkResult result;

  device->GetImageMemoryRequirements (handle, linear, &need);
  allocate.allocationSize = need.size;
  while (!(need.memoryTypeBits & (1u << allocate.memoryTypeIndex)
           && device->memory.memoryTypes[allocate.memoryTypeIndex].propertyFlags
                  & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT))
    if (++allocate.memoryTypeIndex == device->memory.memoryTypeCount)
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  result = device->AllocateMemory (handle, &allocate, NULL, &image->own);
  if (result == VK_SUCCESS)
    result = device->MapMemory (handle, image->own, 0, VK_WHOLE_SIZE, 0, (void **) &image->pixels);
  if (result == VK_SUCCESS)
    result = device->BindImageMemory (handle, linear, image->own, 0);
  for (guint i = 0; i < image->format->n_planes; i++)
    {
      const VkImageSubresource plane
          = { image->format->n_planes == 1 ? VK_IMAGE_ASPECT_COLOR_BIT
                                           : (guint) VK_IMAGE_ASPECT_PLANE_0_BIT << i };

      device->GetImageSubresourceLayout (handle, linear, &plane, &image->rows[i]);
    }
  return result;
}

static Image *
describe (const VkImageCreateInfo *info, const VkImageDrmFormatModifierExplicitCreateInfoEXT *drm)
{
  Image *image = g_new0 (Image, 1);

  image->format = layer_find_format (info->format);
  image->modifier = drm->drmFormatModifier;
  image->width = info->extent.width;
  image->height = info->extent.height;
  image->is_disjoint = (info->flags & VK_IMAGE_CREATE_DISJOINT_BIT) != 0;
  image->n_planes = drm->drmFormatModifierPlaneCount;
  for (guint i = 0; i < image->n_planes; i++)
    image->planes[i].layout = drm->pPlaneLayouts[i];
  return image;
}

static VKAPI_ATTR VkResult VKAPI_CALL
create_image (VkDevice handle, const VkImageCreateInfo *info,
              const VkAllocationCallbacks *allocator, VkImage *created)
{
  const VkImageDrmFormatModifierExplicitCreateInfoEXT *drm
      = chain_find (info->pNext,
                    VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT);
  LayerDevice *device = chain_find_device (handle);
  VkImageCreateInfo linear = *info;
  Image *image;
  VkResult result;

  if (!drm)
    return device->CreateImage (handle, info, allocator, created);
  image = describe (info, drm);
  if (!is_possible (image))
    {
      g_free (image);
      return VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT;
    }
  linear.pNext = NULL;
  linear.flags &= ~(VkImageCreateFlags) VK_IMAGE_CREATE_DISJOINT_BIT;
  linear.tiling = VK_IMAGE_TILING_LINEAR;
  result = device->CreateImage (handle, &linear, allocator, created);
  if (result == VK_SUCCESS)
    result = add_own_memory (device, handle, *created, image);
  if (result != VK_SUCCESS)
    {
      g_free (image);
      return result;
    }
  g_mutex_lock (&lock);
  make_tables ();
  g_hash_table_insert (images, KEY (*created), image);
  g_mutex_unlock (&lock);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_image (VkDevice handle, VkImage destroyed, const VkAllocationCallbacks *allocator)
{
  LayerDevice *device = chain_find_device (handle);
  Image *image = find_image (destroyed);
  VkDeviceMemory own = image ? image->own : VK_NULL_HANDLE;

  g_mutex_lock (&lock);
  g_hash_table_remove (images, KEY (destroyed));
  g_mutex_unlock (&lock);
  device->DestroyImage (handle, destroyed, allocator);
  device->FreeMemory (handle, own, NULL);
}

static VKAPI_ATTR VkResult VKAPI_CALL
get_modifier (VkDevice handle, VkImage asked, VkImageDrmFormatModifierPropertiesEXT *properties)
{
  properties->drmFormatModifier = find_image (asked)->modifier;
  return VK_SUCCESS;
}

/* Of all planes, or of @i alone. */
static void
get_need (LayerDevice *device, VkDevice handle, VkImage asked, int only, VkMemoryRequirements *need)
{
  const Image *image = find_image (asked);

  device->GetImageMemoryRequirements (handle, asked, need);
  if (!image)
    return;
  need->size = 0;
  for (guint i = 0; i < image->n_planes; i++)
    if (only < 0 || i == (guint) only)
      need->size = MAX (need->size, image->planes[i].layout.offset + get_plane_size (image, i));
}

static VKAPI_ATTR void VKAPI_CALL
get_requirements (VkDevice handle, VkImage asked, VkMemoryRequirements *need)
{
  get_need (chain_find_device (handle), handle, asked, -1, need);
}

static int
plane_of (const void *chain, VkStructureType type)
{
  /* the first members of both structures agree */
  const VkImagePlaneMemoryRequirementsInfo *plane = chain_find (chain, type);

  if (!plane)
    return -1;
  for (int i = 0; i < MAX_MEMORY_PLANES; i++)
    if (plane->planeAspect == (guint) VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT << i)
      return i;
  return -1;
}

static VKAPI_ATTR void VKAPI_CALL
get_requirements_2 (VkDevice handle, const VkImageMemoryRequirementsInfo2 *info,
                    VkMemoryRequirements2 *need)
{
  LayerDevice *device = chain_find_device (handle);
  VkMemoryDedicatedRequirements *dedicated
      = chain_find (need->pNext, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);

  if (!find_image (info->image))
    {
      device->GetImageMemoryRequirements2 (handle, info, need);
      return;
    }
  get_need (device, handle, info->image,
            plane_of (info->pNext, VK_STRUCTURE_TYPE_IMAGE_PLANE_MEMORY_REQUIREMENTS_INFO),
            &need->memoryRequirements);
  if (dedicated)
    dedicated->prefersDedicatedAllocation = dedicated->requiresDedicatedAllocation = VK_FALSE;
}

static VKAPI_ATTR VkResult VKAPI_CALL
allocate_memory (VkDevice handle, const VkMemoryAllocateInfo *info,
                 const VkAllocationCallbacks *allocator, VkDeviceMemory *memory)
{
  LayerDevice *device = chain_find_device (handle);
  const VkImportMemoryFdInfoKHR *found
      = chain_find (info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);
  VkImportMemoryFdInfoKHR import;
  VkMemoryAllocateInfo plain = *info;
  VkResult result;
  int fd;

  if (!found || found->handleType != VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT)
    return device->AllocateMemory (handle, info, allocator, memory);
  import = *found;
  import.pNext = NULL; /* the driver's image is not what it is for */
  plain.pNext = &import;
  fd = dup (import.fd); /* which is the driver's then */
  result = device->AllocateMemory (handle, &plain, allocator, memory);
  if (result != VK_SUCCESS)
    {
      close (fd);
      return result;
    }
  g_mutex_lock (&lock);
  make_tables ();
  g_hash_table_insert (files, KEY (*memory), GINT_TO_POINTER (fd + 1));
  g_mutex_unlock (&lock);
  return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
free_memory (VkDevice handle, VkDeviceMemory memory, const VkAllocationCallbacks *allocator)
{
  g_mutex_lock (&lock);
  make_tables ();
  g_hash_table_remove (files, KEY (memory));
  g_mutex_unlock (&lock);
  ((LayerDevice *) chain_find_device (handle))->FreeMemory (handle, memory, allocator);
}

/* Under lock. */
static void
bind_plane (Plane *plane, VkDeviceMemory memory, gsize offset)
{
  int fd = GPOINTER_TO_INT (g_hash_table_lookup (files, KEY (memory))) - 1;
  off_t size = fd >= 0 ? lseek (fd, 0, SEEK_END) : -1;
  void *bytes;

  if (size <= 0)
    return;
  bytes = mmap (NULL, (gsize) size, PROT_READ, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED)
    return;
  plane->bytes = bytes;
  plane->size = (gsize) size;
  plane->offset = offset;
}

static VKAPI_ATTR VkResult VKAPI_CALL
bind_memory_2 (VkDevice handle, uint32_t n, const VkBindImageMemoryInfo *infos)
{
  LayerDevice *device = chain_find_device (handle);
  VkResult result = VK_SUCCESS;

  for (guint i = 0; i < n && result == VK_SUCCESS; i++)
    {
      Image *image = find_image (infos[i].image);
      int only = plane_of (infos[i].pNext, VK_STRUCTURE_TYPE_BIND_IMAGE_PLANE_MEMORY_INFO);

      if (!image)
        {
          result = device->BindImageMemory2 (handle, 1, &infos[i]);
          continue;
        }
      g_mutex_lock (&lock);
      for (guint k = 0; k < image->n_planes; k++)
        if (image->is_disjoint ? k == (guint) only : only < 0)
          bind_plane (&image->planes[k], infos[i].memory, infos[i].memoryOffset);
      g_mutex_unlock (&lock);
    }
  return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
bind_memory (VkDevice handle, VkImage image, VkDeviceMemory memory, VkDeviceSize offset)
{
  const VkBindImageMemoryInfo info = { .sType = VK_STRUCTURE_TYPE_BIND_IMAGE_MEMORY_INFO,
                                       .image = image,
                                       .memory = memory,
                                       .memoryOffset = offset };

  return bind_memory_2 (handle, 1, &info);
}

static VKAPI_ATTR VkResult VKAPI_CALL
begin_commands (VkCommandBuffer buffer, const VkCommandBufferBeginInfo *info)
{
  g_mutex_lock (&lock);
  make_tables ();
  g_hash_table_remove (commands, buffer);
  g_mutex_unlock (&lock);
  return ((LayerDevice *) chain_find_device (buffer))->BeginCommandBuffer (buffer, info);
}

/* Remembers which images are taken over from others. */
static VKAPI_ATTR void VKAPI_CALL
record_barrier (VkCommandBuffer buffer, VkPipelineStageFlags before, VkPipelineStageFlags after,
                VkDependencyFlags flags, uint32_t n_memory, const VkMemoryBarrier *memory,
                uint32_t n_buffers, const VkBufferMemoryBarrier *buffers, uint32_t n_images,
                const VkImageMemoryBarrier *barriers)
{
  g_mutex_lock (&lock);
  make_tables ();
  for (guint i = 0; i < n_images; i++)
    {
      guint32 from = barriers[i].srcQueueFamilyIndex;
      GArray *taken = g_hash_table_lookup (commands, buffer);

      if (!g_hash_table_contains (images, KEY (barriers[i].image))
          || barriers[i].oldLayout != VK_IMAGE_LAYOUT_GENERAL
          || (from != VK_QUEUE_FAMILY_FOREIGN_EXT && from != VK_QUEUE_FAMILY_EXTERNAL))
        continue;
      if (!taken)
        {
          taken = g_array_new (FALSE, FALSE, sizeof (VkImage));
          g_hash_table_insert (commands, buffer, taken);
        }
      g_array_append_val (taken, barriers[i].image);
    }
  g_mutex_unlock (&lock);
  ((LayerDevice *) chain_find_device (buffer))
      ->CmdPipelineBarrier (buffer, before, after, flags, n_memory, memory, n_buffers, buffers,
                            n_images, barriers);
}

/* Where the image's pixels are in memory that is bound; FALSE where nothing is, or not all of
   it. */
static gboolean
find_tiles (const Image *image, guint plane, Tiles *tiles)
{
  for (guint i = plane; i < image->n_planes; i += image->format->n_planes)
    {
      const Plane *in = &image->planes[i];
      gsize offset = in->offset + in->layout.offset;

      if (!in->bytes || offset > in->size || get_plane_size (image, i) > in->size - offset)
        return FALSE;
      if (i == plane)
        {
          tiles->data = in->bytes + offset;
          tiles->stride = in->layout.rowPitch;
        }
      else
        {
          tiles->keys = in->bytes + offset;
          tiles->keys_stride = in->layout.rowPitch;
        }
    }
  return TRUE;
}

static void
read_pixels (Image *image)
{
  for (guint i = 0; i < image->format->n_planes; i++)
    {
      Tiles tiles = { 0 };

      if (find_tiles (image, i, &tiles))
        tiles_read (&tiles, image->pixels + image->rows[i].offset, image->rows[i].rowPitch,
                    row_bytes_of (image, i), rows_of (image, i));
    }
}

static VKAPI_ATTR VkResult VKAPI_CALL
submit (VkQueue queue, uint32_t n, const VkSubmitInfo *infos, VkFence fence)
{
  g_mutex_lock (&lock);
  make_tables ();
  for (guint i = 0; i < n; i++)
    for (guint k = 0; k < infos[i].commandBufferCount; k++)
      {
        GArray *taken = g_hash_table_lookup (commands, infos[i].pCommandBuffers[k]);

        for (guint j = 0; taken && j < taken->len; j++)
          {
            Image *image = g_hash_table_lookup (images, KEY (g_array_index (taken, VkImage, j)));

            if (image)
              read_pixels (image);
          }
      }
  g_mutex_unlock (&lock);
  return ((LayerDevice *) chain_find_device (queue))->QueueSubmit (queue, n, infos, fence);
}

const ChainFunction layer_device_functions[] = {
  { "vkCreateImage", (PFN_vkVoidFunction) create_image },
  { "vkDestroyImage", (PFN_vkVoidFunction) destroy_image },
  { "vkGetImageDrmFormatModifierPropertiesEXT", (PFN_vkVoidFunction) get_modifier },
  { "vkGetImageMemoryRequirements", (PFN_vkVoidFunction) get_requirements },
  { "vkGetImageMemoryRequirements2", (PFN_vkVoidFunction) get_requirements_2 },
  { "vkGetImageMemoryRequirements2KHR", (PFN_vkVoidFunction) get_requirements_2 },
  { "vkAllocateMemory", (PFN_vkVoidFunction) allocate_memory },
  { "vkFreeMemory", (PFN_vkVoidFunction) free_memory },
  { "vkBindImageMemory", (PFN_vkVoidFunction) bind_memory },
  { "vkBindImageMemory2", (PFN_vkVoidFunction) bind_memory_2 },
  { "vkBindImageMemory2KHR", (PFN_vkVoidFunction) bind_memory_2 },
  { "vkBeginCommandBuffer", (PFN_vkVoidFunction) begin_commands },
  { "vkCmdPipelineBarrier", (PFN_vkVoidFunction) record_barrier },
  { "vkQueueSubmit", (PFN_vkVoidFunction) submit },
  { 0 },
};
