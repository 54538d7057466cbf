/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/vulkan.h"

#ifdef HAVE_GST_VULKAN

#include <effvk/effvk-vulkan.h>
#include <gst/vulkan/vulkan.h>

#define DEVICE_KEY "gst-vulkan-device" /* of an EffvkDevice: the GstVulkanDevice */
#define WRAPPED_KEY "effvk-device"     /* of a GstVulkanDevice: GWeakRef to the EffvkDevice */

static GMutex lock; /* of all GstVulkanDevices' WRAPPED_KEY */

/* The element's lock guards its share. It is never held while GStreamer is asked, because that may
 * set a context, or go on to elements that ask in turn. */

/* A reference to what there is, or NULL. */
static gpointer
get (GstElement *element, gpointer *field)
{
  gpointer object;

  GST_OBJECT_LOCK (element);
  object = *field ? gst_object_ref (*field) : NULL;
  GST_OBJECT_UNLOCK (element);
  return object;
}

/* Takes @object where there is none yet. Returns a reference to the one that there is then. */
static gpointer
keep (GstElement *element, gpointer *field, gpointer object)
{
  gpointer kept;

  GST_OBJECT_LOCK (element);
  if (!*field)
    *field = gst_object_ref (object);
  kept = gst_object_ref (*field);
  GST_OBJECT_UNLOCK (element);
  gst_object_unref (object);
  return kept;
}

static void
clear (GstEffvkVulkan *vulkan)
{
  gst_clear_object (&vulkan->queue);
  gst_clear_object (&vulkan->device);
  gst_clear_object (&vulkan->instance);
}

void
gst_effvk_vulkan_clear (GstEffvkVulkan *vulkan, GstElement *element)
{
  GstEffvkVulkan old;

  GST_OBJECT_LOCK (element);
  old = *vulkan;
  *vulkan = (GstEffvkVulkan){ 0 };
  GST_OBJECT_UNLOCK (element);
  clear (&old);
}

gboolean
gst_effvk_vulkan_is_refused (GstEffvkVulkan *vulkan, GstElement *element)
{
  gboolean refused;

  GST_OBJECT_LOCK (element);
  refused = vulkan->refused;
  GST_OBJECT_UNLOCK (element);
  return refused;
}

gboolean
gst_effvk_vulkan_answer (GstEffvkVulkan *vulkan, GstElement *element, GstQuery *query)
{
  GstEffvkVulkan now = { .instance = get (element, &vulkan->instance),
                         .device = get (element, &vulkan->device),
                         .queue = get (element, &vulkan->queue) };
  gboolean answered
      = gst_vulkan_handle_context_query (element, query, NULL, now.instance, now.device)
        || (now.queue && gst_vulkan_queue_handle_context_query (element, query, now.queue));

  clear (&now);
  return answered;
}

static gboolean
choose_queue (GstVulkanDevice *device, GstVulkanQueue *queue, gpointer data)
{
  gpointer *chosen = data;
  guint32 flags = device->physical_device->queue_family_props[queue->family].queueFlags;

  if (!(flags & VK_QUEUE_COMPUTE_BIT))
    return TRUE;
  *chosen = gst_object_ref (queue);
  return FALSE;
}

static void
lock_queue (gpointer queue)
{
  gst_vulkan_queue_submit_lock (queue);
}

static void
unlock_queue (gpointer queue)
{
  gst_vulkan_queue_submit_unlock (queue);
}

/* 0.0 was asked for: the highest. */
static guint32
get_version (GstVulkanInstance *instance)
{
  guint major, minor, patch;

  g_object_get (instance, "requested-api-major", &major, "requested-api-minor", &minor, NULL);
  if (!major)
    gst_vulkan_instance_get_version (instance, &major, &minor, &patch);
  return VK_MAKE_VERSION (major, minor, 0);
}

static EffvkDevice *
new_device (GstVulkanQueue *queue, GError **error)
{
  const EffvkVulkanDevice description
      = { .api_version = get_version (queue->device->instance),
          .physical_device = gst_vulkan_device_get_physical_device (queue->device),
          .device = queue->device->device,
          .queue = queue->queue,
          .queue_family = queue->family,
          .lock_queue = lock_queue,
          .unlock_queue = unlock_queue,
          .destroy = gst_object_unref,
          .user_data = gst_object_ref (queue) }; /* which holds the device */

  return effvk_device_new_from_vulkan (&description, error);
}

static gboolean
can_use (GstVulkanDevice *gst)
{
  g_autoptr (EffvkDevice) device = NULL;
  gpointer queue = NULL;

  gst_vulkan_device_foreach_queue (gst, choose_queue, &queue);
  if (queue)
    device = new_device (queue, NULL);
  gst_clear_object (&queue);
  return device != NULL;
}

/* The queue of another device goes with it. */
static void
set_device (GstEffvkVulkan *vulkan, GstElement *element, GstVulkanDevice *device)
{
  gboolean refused = !can_use (device);
  GstEffvkVulkan old = { 0 };

  GST_OBJECT_LOCK (element);
  if (vulkan->device != device)
    old.queue = g_steal_pointer (&vulkan->queue);
  old.device = vulkan->device;
  vulkan->device = gst_object_ref (device);
  vulkan->refused = refused;
  GST_OBJECT_UNLOCK (element);
  clear (&old);
}

void
gst_effvk_vulkan_set_context (GstEffvkVulkan *vulkan, GstElement *element, GstContext *context)
{
  GstVulkanInstance *instance = NULL;
  GstVulkanDevice *device = NULL;
  GstEffvkVulkan old = { 0 };

  gst_vulkan_handle_set_context (element, context, NULL, &instance);
  if (instance)
    {
      GST_OBJECT_LOCK (element);
      old.instance = vulkan->instance;
      vulkan->instance = instance;
      GST_OBJECT_UNLOCK (element);
      clear (&old);
    }
  if (gst_context_get_vulkan_device (context, &device) && device)
    set_device (vulkan, element, device);
  gst_clear_object (&device);
}

/* All three: what the neighbours have, or what there is, so that images are handed on without a
 * transfer between families. */
static GstVulkanInstance *
find_instance (GstEffvkVulkan *vulkan, GstElement *element, GError **error)
{
  GstVulkanInstance *instance = get (element, &vulkan->instance);

  if (!instance)
    {
      gst_vulkan_global_context_query (element, GST_VULKAN_INSTANCE_CONTEXT_TYPE_STR);
      instance = get (element, &vulkan->instance); /* which it sets */
    }
  if (!instance && gst_vulkan_ensure_element_data (element, NULL, &instance))
    instance = keep (element, &vulkan->instance, instance);
  if (!instance)
    g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_NO_DRIVER,
                         "GStreamer's Vulkan instance cannot be opened");
  return instance;
}

static GstVulkanDevice *
find_device (GstEffvkVulkan *vulkan, GstElement *element, GError **error)
{
  g_autoptr (GstVulkanInstance) instance = find_instance (vulkan, element, error);
  GstVulkanDevice *device = instance ? get (element, &vulkan->device) : NULL;

  if (!instance || device)
    return device;
  if (!gst_vulkan_device_run_context_query (element, &device))
    device = gst_vulkan_instance_create_device (instance, error);
  return device ? keep (element, &vulkan->device, device) : NULL;
}

static GstVulkanQueue *
find_queue (GstEffvkVulkan *vulkan, GstElement *element, GError **error)
{
  g_autoptr (GstVulkanDevice) device = find_device (vulkan, element, error);
  GstVulkanQueue *queue = device ? get (element, &vulkan->queue) : NULL;
  gpointer chosen = NULL;

  if (!device || queue)
    return queue;
  if (gst_vulkan_queue_run_context_query (element, &queue))
    chosen = queue;
  else
    gst_vulkan_device_foreach_queue (device, choose_queue, &chosen);
  if (!chosen)
    g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                         "GStreamer's Vulkan device has no queue that computes");
  return chosen ? keep (element, &vulkan->queue, chosen) : NULL;
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* Under lock. */
static EffvkDevice *
wrap (GstVulkanQueue *queue, GError **error)
{
  EffvkDevice *device = new_device (queue, error);
  GWeakRef *weak;

  if (!device)
    return NULL;
  weak = g_new0 (GWeakRef, 1);
  g_weak_ref_init (weak, device);
  g_object_set_data (G_OBJECT (device), DEVICE_KEY, queue->device);
  g_object_set_data_full (G_OBJECT (queue->device), WRAPPED_KEY, weak, weak_ref_free);
  return device;
}

EffvkDevice *
gst_effvk_vulkan_get_device (GstEffvkVulkan *vulkan, GstElement *element, GError **error)
{
  g_autoptr (GstVulkanQueue) queue = find_queue (vulkan, element, error);
  EffvkDevice *device = NULL;
  GWeakRef *weak;

  if (queue)
    {
      g_mutex_lock (&lock);
      weak = g_object_get_data (G_OBJECT (queue->device), WRAPPED_KEY);
      device = weak ? g_weak_ref_get (weak) : NULL;
      if (!device)
        device = wrap (queue, error);
      g_mutex_unlock (&lock);
    }
  if (!device)
    g_prefix_error (error, "Frames in Vulkan images (memory:VulkanImage) cannot be classified: ");
  return device;
}

/* What a frame's EffvkFrameMemory holds. */
typedef struct
{
  GstMemory *memory[EFFVK_IMAGE_MAX_PLANES]; /* of each plane */
} Held;

static void
held_free (gpointer data)
{
  Held *held = data;

  for (guint i = 0; i < EFFVK_IMAGE_MAX_PLANES && held->memory[i]; i++)
    gst_memory_unref (held->memory[i]);
  g_free (held);
}

/* Other elements may have changed the images' state since the frame came: behind a tee. */
static void
update (EffvkVulkanPlane *planes, guint n_planes, gpointer data)
{
  Held *held = data;

  for (guint i = 0; i < n_planes; i++)
    {
      const GstVulkanBarrierImageInfo *barrier
          = &((GstVulkanImageMemory *) held->memory[i])->barrier;

      planes[i].layout = barrier->image_layout;
#if GST_CHECK_VERSION(1, 24, 0)
      planes[i].semaphore = barrier->parent.semaphore;
      planes[i].semaphore_value = barrier->parent.semaphore_value;
#endif
    }
}

/* Returns what is wrong, or NULL. */
static const char *
check (GstMemory *memory, EffvkDevice *device)
{
  const GstVulkanImageMemory *image = (const GstVulkanImageMemory *) memory;

  if (!gst_is_vulkan_image_memory (memory))
    return "only some of its planes are Vulkan images";
  if (g_object_get_data (G_OBJECT (device), DEVICE_KEY) != image->device)
    return "its images are of another Vulkan device than that of the pipeline's context, on which "
           "the "
           "network works";
  if (!(image->usage & VK_IMAGE_USAGE_TRANSFER_SRC_BIT))
    return "its images were made without VK_IMAGE_USAGE_TRANSFER_SRC_BIT";
  return NULL;
}

#define MAX_DISTANCE 100 /* elements; pads may be linked in a circle */

/* The pad of an element that gives what @sink takes, out of and into bins. */
static GstPad *
get_source (GstPad *sink)
{
  GstPad *pad = gst_pad_get_peer (sink);

  while (pad)
    {
      g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (pad));
      GstPad *next;

      if (GST_IS_GHOST_PAD (pad)) /* of a bin upstream */
        next = gst_ghost_pad_get_target (GST_GHOST_PAD (pad));
      else if (parent && GST_IS_GHOST_PAD (parent)) /* of the bin around */
        next = gst_pad_get_peer (GST_PAD (parent));
      else
        break;
      gst_object_unref (pad);
      pad = next;
    }
  return pad;
}

/* The frames of @sink, or those that they are made from, are uploaded by vulkanupload. */
static gboolean
is_uploaded (GstPad *sink, guint distance)
{
  g_autoptr (GstPad) source = get_source (sink);
  g_autoptr (GstElement) element = source ? gst_pad_get_parent_element (source) : NULL;
  GstElementFactory *factory = element ? gst_element_get_factory (element) : NULL;
  gboolean uploaded
      = factory && g_str_equal (gst_plugin_feature_get_name (factory), "vulkanupload");
  GList *sinks = NULL;

  if (!element || uploaded || distance == MAX_DISTANCE)
    return uploaded;
  GST_OBJECT_LOCK (element);
  for (GList *i = element->sinkpads; i; i = i->next)
    sinks = g_list_prepend (sinks, gst_object_ref (i->data));
  GST_OBJECT_UNLOCK (element);
  for (GList *i = sinks; i && !uploaded; i = i->next)
    uploaded = is_uploaded (i->data, distance + 1);
  g_list_free_full (sinks, gst_object_unref);
  return uploaded;
}

void
gst_effvk_vulkan_look_upstream (GstEffvkVulkan *vulkan, GstPad *sink)
{
  vulkan->uploaded = is_uploaded (sink, 0);
}

/* vulkanupload puts the next frame where the device still reads this one: it waits for no fence.
 * Behind a network the device can be late, so upstream gets no further than it. Decoders wait
 * themselves. */
void
gst_effvk_vulkan_wait (const GstEffvkVulkan *vulkan, EffvkDevice *device)
{
  if (vulkan->uploaded)
    effvk_device_wait_idle (device, NULL); /* the submission will tell what is wrong */
}

EffvkFrameMemory *
gst_effvk_vulkan_get_memory (EffvkDevice *device, const GstVideoInfo *info, GstBuffer *buffer,
                             char **reason)
{
  static const VkImageAspectFlagBits aspects[]
      = { VK_IMAGE_ASPECT_PLANE_0_BIT, VK_IMAGE_ASPECT_PLANE_1_BIT, VK_IMAGE_ASPECT_PLANE_2_BIT };
  guint n_planes = GST_VIDEO_INFO_N_PLANES (info), n = gst_buffer_n_memory (buffer);
  EffvkVulkanPlane planes[EFFVK_IMAGE_MAX_PLANES] = { 0 };
  Held *held = g_new0 (Held, 1);
  const char *problem = NULL;

  *reason = NULL;
  if (n_planes > EFFVK_IMAGE_MAX_PLANES || (n != n_planes && n != 1))
    problem = "it has neither an image nor one for each plane";
  for (guint i = 0; i < n_planes && !problem; i++)
    {
      GstMemory *memory = gst_buffer_peek_memory (buffer, n == 1 ? 0 : i);
      const GstVulkanImageMemory *image = (const GstVulkanImageMemory *) memory;

      problem = check (memory, device);
      if (problem)
        break;
      held->memory[i] = gst_memory_ref (memory);
      planes[i].image = image->image;
      planes[i].aspect = n == n_planes ? VK_IMAGE_ASPECT_COLOR_BIT : aspects[i];
      planes[i].array_layer = image->barrier.subresource_range.baseArrayLayer;
      planes[i].width = image->create_info.extent.width;
      planes[i].height = image->create_info.extent.height;
    }
  if (!problem)
    {
      update (planes, n_planes, held);
      return effvk_frame_memory_new_from_vulkan (device, planes, n_planes, update, held, held_free);
    }
  held_free (held);
  *reason = g_strdup_printf ("A frame of %s, %dx%d, in %u Vulkan images cannot be read: %s",
                             gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (info)),
                             GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), n, problem);
  return NULL;
}

#else

void
gst_effvk_vulkan_clear (GstEffvkVulkan *vulkan, GstElement *element)
{
}

gboolean
gst_effvk_vulkan_is_refused (GstEffvkVulkan *vulkan, GstElement *element)
{
  return FALSE;
}

void
gst_effvk_vulkan_set_context (GstEffvkVulkan *vulkan, GstElement *element, GstContext *context)
{
}

gboolean
gst_effvk_vulkan_answer (GstEffvkVulkan *vulkan, GstElement *element, GstQuery *query)
{
  return FALSE;
}

EffvkDevice *
gst_effvk_vulkan_get_device (GstEffvkVulkan *vulkan, GstElement *element, GError **error)
{
  g_set_error_literal (error, EFFVK_DEVICE_ERROR, EFFVK_DEVICE_ERROR_UNSUPPORTED,
                       "effvk was built without gstreamer-vulkan-1.0");
  return NULL;
}

void
gst_effvk_vulkan_look_upstream (GstEffvkVulkan *vulkan, GstPad *sink)
{
}

void
gst_effvk_vulkan_wait (const GstEffvkVulkan *vulkan, EffvkDevice *device)
{
}

EffvkFrameMemory *
gst_effvk_vulkan_get_memory (EffvkDevice *device, const GstVideoInfo *info, GstBuffer *buffer,
                             char **reason)
{
  *reason = g_strdup ("effvk was built without gstreamer-vulkan-1.0");
  return NULL;
}

#endif
