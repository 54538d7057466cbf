/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dmabuf.h"

#include <errno.h>
#include <gst/allocators/gstdmabuf.h>
#include <poll.h>

#define WRITER_TIMEOUT 1000 /* ms: nothing waits for ever */

gboolean
effvk_dmabuf_parse_caps (GstVideoInfo *info, const GstCaps *caps)
{
#if GST_CHECK_VERSION(1, 24, 0)
  GstVideoInfoDmaDrm drm;

  return gst_video_info_dma_drm_from_caps (&drm, caps)
         && gst_video_info_dma_drm_to_video_info (&drm, info);
#else
  return FALSE;
#endif
}

/* An import, kept with the frame's first GstMemory. */
typedef struct
{
  EffvkDevice *device; /* the memory's */
  EffvkDmabufPlane planes[EFFVK_IMAGE_MAX_PLANES];
  EffvkFrameMemory *memory;
} Import;

static GMutex lock; /* of all imports: a frame may be in several elements */

static GQuark
import_quark (void)
{
  return g_quark_from_static_string ("effvk-dmabuf-import");
}

static void
import_free (gpointer data)
{
  Import *import = data;

  effvk_frame_memory_unref (import->memory);
  g_free (import);
}

static gboolean
find_plane (GstBuffer *buffer, gsize at, gsize stride, EffvkDmabufPlane *plane)
{
  guint index, n;
  gsize skip, offset;
  GstMemory *memory;

  if (!gst_buffer_find_memory (buffer, at, 1, &index, &n, &skip))
    return FALSE;
  memory = gst_buffer_peek_memory (buffer, index);
  if (!gst_is_dmabuf_memory (memory))
    return FALSE;
  gst_memory_get_sizes (memory, &offset, NULL);
  plane->fd = gst_dmabuf_memory_get_fd (memory);
  plane->offset = offset + skip;
  plane->stride = stride;
  return TRUE;
}

/* A decoder may hand frames on that its device still writes. */
static gboolean
wait_for_writer (int fd)
{
  struct pollfd wait = { .fd = fd, .events = POLLIN };
  gint64 end = g_get_monotonic_time () + WRITER_TIMEOUT * G_TIME_SPAN_MILLISECOND;
  int result;

  do
    result = poll (&wait, 1, (int) (MAX (end - g_get_monotonic_time (), 0) / 1000));
  while (result < 0 && errno == EINTR);
  return result > 0;
}

/* Under lock. */
static EffvkFrameMemory *
import (EffvkDevice *device, GstMemory *first, const EffvkDmabufPlane *planes, guint n_planes,
        GError **error)
{
  Import *known = gst_mini_object_get_qdata (GST_MINI_OBJECT (first), import_quark ());
  EffvkFrameMemory *memory;

  if (known && known->device == device
      && memcmp (known->planes, planes, n_planes * sizeof *planes) == 0)
    return effvk_frame_memory_ref (known->memory);
  memory = effvk_frame_memory_new_from_dmabuf (device, planes, n_planes, error);
  if (!memory)
    return NULL;
  known = g_new0 (Import, 1);
  known->device = device;
  memcpy (known->planes, planes, n_planes * sizeof *planes);
  known->memory = memory;
  gst_mini_object_set_qdata (GST_MINI_OBJECT (first), import_quark (), known, import_free);
  return effvk_frame_memory_ref (memory);
}

EffvkFrameMemory *
effvk_dmabuf_get_memory (EffvkDevice *device, const GstVideoInfo *info, GstBuffer *buffer,
                         char **reason)
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);
  guint n_planes = GST_VIDEO_INFO_N_PLANES (info);
  EffvkDmabufPlane planes[EFFVK_IMAGE_MAX_PLANES] = { 0 };
  EffvkFrameMemory *memory;
  g_autoptr (GError) error = NULL;

  *reason = NULL;
  for (guint i = 0; i < n_planes && i < EFFVK_IMAGE_MAX_PLANES; i++)
    {
      gsize at = meta ? meta->offset[i] : GST_VIDEO_INFO_PLANE_OFFSET (info, i);
      int stride = meta ? meta->stride[i] : GST_VIDEO_INFO_PLANE_STRIDE (info, i);

      if (stride <= 0 || !find_plane (buffer, at, (gsize) stride, &planes[i]))
        *reason = g_strdup_printf ("Plane %u of a frame is in no DMA buffer", i);
      else if (!wait_for_writer (planes[i].fd))
        *reason
            = g_strdup_printf ("A DMA buffer's writer was not done after %d ms", WRITER_TIMEOUT);
      if (*reason)
        return NULL;
    }
  g_mutex_lock (&lock);
  memory = import (device, gst_buffer_peek_memory (buffer, 0), planes, n_planes, &error);
  g_mutex_unlock (&lock);
  if (!memory)
    *reason = g_strdup_printf ("A frame's DMA buffer cannot be imported: %s", error->message);
  return memory;
}
