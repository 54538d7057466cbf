/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vulkan-world.h"

#define LAYER "VK_LAYER_KHRONOS_validation"

static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message (VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
            const VkDebugUtilsMessengerCallbackDataEXT *data, void *user_data)
{
  g_warning ("the world's Vulkan: %s", data->pMessage);
  return VK_FALSE;
}

static gboolean
has_layer (void)
{
  VkLayerProperties layers[64];
  guint32 n = G_N_ELEMENTS (layers);

  vkEnumerateInstanceLayerProperties (&n, layers);
  for (guint32 i = 0; i < n; i++)
    if (g_str_equal (layers[i].layerName, LAYER))
      return TRUE;
  return FALSE;
}

static void
make_instance (World *world)
{
  const char *layers[] = { LAYER };
  const char *extensions[] = { VK_EXT_DEBUG_UTILS_EXTENSION_NAME };
  const VkValidationFeatureEnableEXT enables[]
      = { VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT };
  const VkDebugUtilsMessengerCreateInfoEXT messenger
      = { .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
          .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT
                             | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
          .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
          .pfnUserCallback = on_message };
  const VkValidationFeaturesEXT features
      = { .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
          .enabledValidationFeatureCount = G_N_ELEMENTS (enables),
          .pEnabledValidationFeatures = enables };
  const VkApplicationInfo application
      = { .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2 };
  VkInstanceCreateInfo info
      = { .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application };
  guint32 n = 1;

  g_assert_cmpint (volkInitialize (), ==, VK_SUCCESS);
  if (has_layer ())
    {
      info.pNext = &features;
      info.ppEnabledLayerNames = layers;
      info.enabledLayerCount = 1;
      info.ppEnabledExtensionNames = extensions;
      info.enabledExtensionCount = 1;
    }
  else
    g_test_message ("without " LAYER);
  g_assert_cmpint (vkCreateInstance (&info, NULL, &world->instance), ==, VK_SUCCESS);
  volkLoadInstanceOnly (world->instance);
  if (info.enabledLayerCount)
    vkCreateDebugUtilsMessengerEXT (world->instance, &messenger, NULL, &world->messenger);
  vkEnumeratePhysicalDevices (world->instance, &n, &world->physical);
  g_assert_cmpuint (n, ==, 1);
}

void
world_init (World *world)
{
  const float priority = 1.0f;
  const VkDeviceQueueCreateInfo queue = { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                          .queueCount = 1,
                                          .pQueuePriorities = &priority };
  VkPhysicalDeviceTimelineSemaphoreFeatures timeline
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES };
  VkPhysicalDeviceFeatures2 features
      = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &timeline };
  VkDeviceCreateInfo info = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                              .queueCreateInfoCount = 1,
                              .pQueueCreateInfos = &queue };
  VkCommandPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO };

  *world = (World){ 0 };
  g_mutex_init (&world->lock);
  make_instance (world);
  vkGetPhysicalDeviceFeatures2 (world->physical, &features);
  world->timeline = timeline.timelineSemaphore;
  if (world->timeline)
    info.pNext = &timeline; /* and no other feature */
  g_assert_cmpint (vkCreateDevice (world->physical, &info, NULL, &world->device), ==, VK_SUCCESS);
  volkLoadDeviceTable (&world->vk, world->device);
  world->vk.vkGetDeviceQueue (world->device, 0, 0, &world->queue);
  world->vk.vkCreateCommandPool (world->device, &pool, NULL, &world->pool);
  vkGetPhysicalDeviceMemoryProperties (world->physical, &world->memory);
}

void
world_clear (World *world)
{
  world->vk.vkDestroyCommandPool (world->device, world->pool, NULL);
  world->vk.vkDestroyDevice (world->device, NULL);
  if (world->messenger)
    vkDestroyDebugUtilsMessengerEXT (world->instance, world->messenger, NULL);
  vkDestroyInstance (world->instance, NULL);
  g_mutex_clear (&world->lock);
}

static void
lock_queue (gpointer data)
{
  World *world = data;

  g_mutex_lock (&world->lock);
  world->n_locked++;
}

static void
unlock_queue (gpointer data)
{
  g_mutex_unlock (&((World *) data)->lock);
}

static void
device_gone (gpointer data)
{
  g_atomic_int_inc (&((World *) data)->n_devices_gone);
}

EffvkVulkanDevice
world_describe (World *world)
{
  return (EffvkVulkanDevice){ .api_version = VK_API_VERSION_1_2,
                              .physical_device = world->physical,
                              .device = world->device,
                              .queue = world->queue,
                              .lock_queue = lock_queue,
                              .unlock_queue = unlock_queue,
                              .destroy = device_gone,
                              .user_data = world };
}

static VkDeviceMemory
allocate (World *world, const VkMemoryRequirements *need, VkMemoryPropertyFlags flags)
{
  VkMemoryAllocateInfo info
      = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = need->size };
  VkDeviceMemory memory;

  while (!(need->memoryTypeBits & (1u << info.memoryTypeIndex))
         || (world->memory.memoryTypes[info.memoryTypeIndex].propertyFlags & flags) != flags)
    g_assert_cmpuint (++info.memoryTypeIndex, <, world->memory.memoryTypeCount);
  g_assert_cmpint (world->vk.vkAllocateMemory (world->device, &info, NULL, &memory), ==,
                   VK_SUCCESS);
  return memory;
}

/* Texels of one plane. */
static VkFormat
plane_format (EffvkFormat format, guint plane)
{
  gsize bytes, rows;
  gboolean deep = format == EFFVK_FORMAT_P010_10LE || format == EFFVK_FORMAT_GRAY16_LE;

  effvk_format_get_plane_size (format, plane, 2, 2, &bytes, &rows);
  if (format == EFFVK_FORMAT_BGRA)
    return VK_FORMAT_B8G8R8A8_UNORM;
  if (effvk_format_get_n_planes (format) == 2 && plane == 1)
    return deep ? VK_FORMAT_R16G16_UNORM : VK_FORMAT_R8G8_UNORM;
  if (deep)
    return VK_FORMAT_R16_UNORM;
  return bytes == 8   ? VK_FORMAT_R8G8B8A8_UNORM
         : bytes == 6 ? VK_FORMAT_R8G8B8_UNORM
                      : VK_FORMAT_R8_UNORM;
}

static gboolean
make_image (Frame *frame, guint i, VkFormat format)
{
  World *world = frame->world;
  EffvkVulkanPlane *plane = &frame->planes[i];
  const VkImageCreateInfo info
      = { .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
          .imageType = VK_IMAGE_TYPE_2D,
          .format = format,
          .extent = { plane->width, plane->height, 1 },
          .mipLevels = 1,
          .arrayLayers = 1,
          .samples = VK_SAMPLE_COUNT_1_BIT,
          .tiling = VK_IMAGE_TILING_OPTIMAL,
          .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT };
  VkImageFormatProperties properties;
  VkMemoryRequirements need;

  if (vkGetPhysicalDeviceImageFormatProperties (world->physical, format, info.imageType,
                                                info.tiling, info.usage, 0, &properties)
      != VK_SUCCESS)
    return FALSE;
  g_assert_cmpint (world->vk.vkCreateImage (world->device, &info, NULL, &plane->image), ==,
                   VK_SUCCESS);
  world->vk.vkGetImageMemoryRequirements (world->device, plane->image, &need);
  frame->memory[i] = allocate (world, &need, 0);
  world->vk.vkBindImageMemory (world->device, plane->image, frame->memory[i], 0);
  return TRUE;
}

static void
record_barrier (World *world, VkCommandBuffer commands, VkImage image, VkImageLayout from,
                VkImageLayout to)
{
  const VkImageMemoryBarrier barrier
      = { .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
          .srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
          .dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT,
          .oldLayout = from,
          .newLayout = to,
          .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
          .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
          .image = image,
          .subresourceRange
          = { .aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .levelCount = 1, .layerCount = 1 } };

  world->vk.vkCmdPipelineBarrier (commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                  VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
}

/* Puts a plane's bytes into its image, in a submission of its own. */
static void
upload (Frame *frame, guint i, const guint8 *pixels, gsize size, guint columns, guint rows,
        gboolean first)
{
  World *world = frame->world;
  EffvkVulkanPlane *plane = &frame->planes[i];
  const VkBufferCreateInfo create = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                      .size = size,
                                      .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT };
  const VkBufferImageCopy region
      = { .imageSubresource = { plane->aspect, 0, 0, 1 }, .imageExtent = { columns, rows, 1 } };
  const VkCommandBufferAllocateInfo allocate_commands
      = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
          .commandPool = world->pool,
          .commandBufferCount = 1 };
  const VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
  VkCommandBuffer commands;
  VkSubmitInfo submit = { .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                          .commandBufferCount = 1,
                          .pCommandBuffers = &commands };
  VkMemoryRequirements need;
  VkDeviceMemory memory;
  VkBuffer buffer;
  void *map;

  world->vk.vkCreateBuffer (world->device, &create, NULL, &buffer);
  world->vk.vkGetBufferMemoryRequirements (world->device, buffer, &need);
  memory = allocate (world, &need,
                     VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
  world->vk.vkBindBufferMemory (world->device, buffer, memory, 0);
  world->vk.vkMapMemory (world->device, memory, 0, VK_WHOLE_SIZE, 0, &map);
  memcpy (map, pixels, size);

  world->vk.vkAllocateCommandBuffers (world->device, &allocate_commands, &commands);
  world->vk.vkBeginCommandBuffer (commands, &begin);
  record_barrier (world, commands, plane->image, first ? VK_IMAGE_LAYOUT_UNDEFINED : plane->layout,
                  VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
  world->vk.vkCmdCopyBufferToImage (commands, buffer, plane->image,
                                    VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &region);
  record_barrier (world, commands, plane->image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                  plane->layout);
  world->vk.vkEndCommandBuffer (commands);
  g_mutex_lock (&world->lock);
  g_assert_cmpint (world->vk.vkQueueSubmit (world->queue, 1, &submit, VK_NULL_HANDLE), ==,
                   VK_SUCCESS);
  world->vk.vkQueueWaitIdle (world->queue);
  g_mutex_unlock (&world->lock);
  world->vk.vkFreeCommandBuffers (world->device, world->pool, 1, &commands);
  world->vk.vkDestroyBuffer (world->device, buffer, NULL);
  world->vk.vkFreeMemory (world->device, memory, NULL);
}

gboolean
frame_init (Frame *frame, World *world, EffvkFormat format, guint width, guint height,
            VkFormat multi_planar, VkImageLayout layout, guint seed)
{
  static const VkImageAspectFlagBits aspects[]
      = { VK_IMAGE_ASPECT_PLANE_0_BIT, VK_IMAGE_ASPECT_PLANE_1_BIT, VK_IMAGE_ASPECT_PLANE_2_BIT };
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GBytes) bytes = NULL;
  gsize total = 0, offset = 0, size[EFFVK_IMAGE_MAX_PLANES], row[EFFVK_IMAGE_MAX_PLANES];
  gsize rows[EFFVK_IMAGE_MAX_PLANES];
  guint8 *pixels;

  *frame = (Frame){ .world = world, .n_planes = effvk_format_get_n_planes (format) };
  for (guint i = 0; i < frame->n_planes; i++)
    {
      effvk_format_get_plane_size (format, i, width, height, &row[i], &rows[i]);
      total += size[i] = row[i] * rows[i];
    }
  pixels = g_malloc (total);
  for (gsize i = 0; i < total; i++)
    pixels[i] = (guint8) g_rand_int_range (rand, 0, 256);
  bytes = g_bytes_new_take (pixels, total);
  frame->plain = effvk_image_new_from_bytes (format, width, height, bytes);

  for (guint i = 0; i < frame->n_planes; offset += size[i++])
    {
      EffvkVulkanPlane *plane = &frame->planes[i];
      gsize columns;

      /* a plane that is halved has one sample where others have two */
      columns = i
                        && (format == EFFVK_FORMAT_NV12 || format == EFFVK_FORMAT_I420
                            || format == EFFVK_FORMAT_P010_10LE)
                    ? (width + 1) / 2
                    : width;
      *plane = (EffvkVulkanPlane){ .aspect = multi_planar ? aspects[i] : VK_IMAGE_ASPECT_COLOR_BIT,
                                   .width = multi_planar ? width : (guint) columns,
                                   .height = multi_planar ? height : (guint) rows[i],
                                   .layout = layout };
      if (multi_planar && i > 0)
        plane->image = frame->planes[0].image;
      else if (!make_image (frame, i, multi_planar ? multi_planar : plane_format (format, i)))
        {
          frame_clear (frame);
          return FALSE;
        }
      upload (frame, i, pixels + offset, size[i], (guint) columns, (guint) rows[i],
              !multi_planar || i == 0);
    }
  return TRUE;
}

void
frame_clear (Frame *frame)
{
  World *world = frame->world;

  for (guint i = 0; i < frame->n_planes; i++)
    if (i == 0 || frame->planes[i].image != frame->planes[0].image)
      {
        world->vk.vkDestroyImage (world->device, frame->planes[i].image, NULL);
        world->vk.vkFreeMemory (world->device, frame->memory[i], NULL);
      }
  effvk_image_free (frame->plain);
}
