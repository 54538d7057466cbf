/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "classify/request.h"

#include "memory/dmabuf-buffer.h"
#include "memory/frame.h"
#include "memory/vulkan.h"

/* A crop moves the picture in the frame. */
static void
set_parts (GstEffvkRequest *request, const GstVideoInfo *info, GstBuffer *buffer,
           const EffvkRectangle *parts, guint n_parts)
{
  guint x, y, width, height;

  request->n_images = parts ? n_parts : 1;
  if (!parts)
    return;
  gst_effvk_frame_get_picture (info, buffer, &x, &y, &width, &height);
  request->parts = g_memdup2 (parts, n_parts * sizeof *parts);
  for (guint i = 0; i < n_parts; i++)
    {
      request->parts[i].x += x;
      request->parts[i].y += y;
    }
}

GstEffvkFramesKind
gst_effvk_frames_kind (const GstCaps *caps)
{
  return gst_effvk_frame_caps_are (caps, GST_EFFVK_FEATURE_VULKAN)   ? GST_EFFVK_FRAMES_IN_VULKAN
         : gst_effvk_frame_caps_are (caps, GST_EFFVK_FEATURE_DMABUF) ? GST_EFFVK_FRAMES_IN_DMABUF
                                                                     : GST_EFFVK_FRAMES_MAPPED;
}

/* Points @image at the frame's pixels. */
static gboolean
take_frame (GstEffvkRequest *request, EffvkImage **image, const GstEffvkFramesPlace *place,
            EffvkDevice *device, const GstVideoInfo *info, GstBuffer *buffer, gboolean again,
            char **reason)
{
  if (place->kind != GST_EFFVK_FRAMES_MAPPED)
    {
      g_autoptr (EffvkFrameMemory) memory
          = place->kind == GST_EFFVK_FRAMES_IN_VULKAN
                ? gst_effvk_vulkan_get_memory (device, info, buffer, reason)
                : gst_effvk_dmabuf_get_memory (device, info, place->modifier, buffer, reason);

      request->way = place->kind == GST_EFFVK_FRAMES_IN_VULKAN
                         ? "the device copies them from its images"
                         : "the device imports their DMA buffers";
      return memory && gst_effvk_frame_describe_memory (image, info, buffer, memory, reason);
    }
  if (!gst_effvk_frame_map (&request->frame, info, buffer, reason))
    {
      request->frame.buffer = NULL;
      return FALSE;
    }
  gst_buffer_ref (buffer); /* the mapping holds none: released with it */
  return gst_effvk_frame_describe (image, device, info, &request->frame, again, &request->way,
                                   reason);
}

static GstEffvkRequest *
request_alloc (void)
{
  GstEffvkRequest *request = g_new0 (GstEffvkRequest, 1);

  g_atomic_ref_count_init (&request->references);
  request->results = g_ptr_array_new_with_free_func ((GDestroyNotify) effvk_result_unref);
  return request;
}

GstEffvkRequest *
gst_effvk_request_new (EffvkImage **image, const GstEffvkFramesPlace *place, EffvkDevice *device,
                       const GstVideoInfo *info, GstBuffer *buffer, const EffvkRectangle *parts,
                       guint n_parts, guint batch, char **reason)
{
  g_autoptr (GstEffvkRequest) request = request_alloc ();
  gboolean again = n_parts > batch;

  if (!take_frame (request, image, place, device, info, buffer, again, reason))
    return NULL;
  if (again) /* without memory for that, each submission copies */
    request->image = effvk_image_upload (*image, device, &request->copied, NULL);
  if (!request->image)
    request->image = effvk_image_copy (*image);
  effvk_image_set_memory (*image, NULL); /* which is held for the request only */
  set_parts (request, info, buffer, parts, n_parts);
  return g_steal_pointer (&request);
}

GstEffvkRequest *
gst_effvk_request_new_for_image (const EffvkImage *image)
{
  GstEffvkRequest *request = request_alloc ();

  request->image = effvk_image_copy (image);
  request->n_images = 1;
  return request;
}

GstEffvkRequest *
gst_effvk_request_ref (GstEffvkRequest *request)
{
  g_atomic_ref_count_inc (&request->references);
  return request;
}

void
gst_effvk_request_unref (GstEffvkRequest *request)
{
  if (!g_atomic_ref_count_dec (&request->references))
    return;
  gst_effvk_request_release_pixels (request);
  g_ptr_array_unref (request->results);
  g_free (request->parts);
  g_clear_error (&request->error);
  g_free (request);
}

void
gst_effvk_request_release_pixels (GstEffvkRequest *request)
{
  GstBuffer *buffer = request->frame.buffer;

  g_clear_pointer (&request->image, effvk_image_free);
  if (!buffer)
    return;
  gst_video_frame_unmap (&request->frame);
  request->frame.buffer = NULL;
  gst_buffer_unref (buffer);
}
