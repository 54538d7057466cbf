/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/dmabuf-buffer.h"

#include "memory/frame.h"
#include "memory/import-cache.h"

#include <errno.h>
#include <gst/allocators/gstdmabuf.h>
#include <poll.h>

#define WRITER_TIMEOUT 1000 /* ms: nothing waits for ever */

#if GST_CHECK_VERSION(1, 24, 0)
/* The same frames in rows one after the other: GStreamer has no GstVideoInfo of others, nor their
   defaults. */
static GstCaps *
make_linear (const GstCaps *caps, guint32 fourcc)
{
  g_autofree char *name = gst_video_dma_drm_fourcc_to_string (fourcc, EFFVK_DMABUF_LINEAR);
  GstCaps *linear = gst_caps_copy (caps);

  gst_caps_set_simple (linear, "drm-format", G_TYPE_STRING, name, NULL);
  return linear;
}
#endif

gboolean
gst_effvk_dmabuf_parse_caps (GstVideoInfo *info, guint64 *modifier, const GstCaps *caps)
{
#if GST_CHECK_VERSION(1, 24, 0)
  g_autoptr (GstCaps) linear = NULL;
  GstVideoInfoDmaDrm drm;

  if (!gst_video_info_dma_drm_from_caps (&drm, caps))
    return FALSE;
  *modifier = drm.drm_modifier;
  linear = make_linear (caps, drm.drm_fourcc);
  return gst_video_info_dma_drm_from_caps (&drm, linear)
         && gst_video_info_dma_drm_to_video_info (&drm, info);
#else
  return FALSE;
#endif
}

static EffvkFormat
format_of (GstVideoFormat format)
{
  return effvk_format_from_string (gst_video_format_to_string (format));
}

#if GST_CHECK_VERSION(1, 24, 0)
/* Appends how caps name what the device can import. */
static void
add_format (GValue *list, EffvkDevice *device, GstVideoFormat format)
{
  guint32 fourcc = gst_video_dma_drm_fourcc_from_format (format);
  guint n;
  g_autofree EffvkDmabufModifier *modifiers
      = effvk_device_list_dmabuf_modifiers (device, format_of (format), &n);

  for (guint i = 0; i < n; i++)
    {
      GValue name = G_VALUE_INIT;

      g_value_init (&name, G_TYPE_STRING);
      g_value_take_string (&name,
                           gst_video_dma_drm_fourcc_to_string (fourcc, modifiers[i].modifier));
      gst_value_list_append_and_take_value (list, &name);
    }
}

static void
list_free (gpointer list)
{
  g_value_unset (list);
  g_free (list);
}

/* The values of drm-format in caps of a device, which its driver is asked for once. */
static const GValue *
list_formats (EffvkDevice *device)
{
  static const GstVideoFormat formats[] = {
    GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_BGRA, GST_VIDEO_FORMAT_BGRx,
    GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_RGBx, GST_VIDEO_FORMAT_NV21, GST_VIDEO_FORMAT_YV12,
    GST_VIDEO_FORMAT_NV16, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_UYVY, GST_VIDEO_FORMAT_P010_10LE,
  };
  static GMutex formats_lock;
  GValue *list;

  g_mutex_lock (&formats_lock);
  list = g_object_get_data (G_OBJECT (device), "effvk-dmabuf-formats");
  if (!list)
    {
      list = g_new0 (GValue, 1);
      g_value_init (list, GST_TYPE_LIST);
      for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
        add_format (list, device, formats[i]);
      g_object_set_data_full (G_OBJECT (device), "effvk-dmabuf-formats", list, list_free);
    }
  g_mutex_unlock (&formats_lock);
  return list;
}

/* Leaves of a structure what the device can import; FALSE: nothing. */
static gboolean
restrict_structure (GstCapsFeatures *features, GstStructure *structure, gpointer device)
{
  const GValue *wanted = gst_structure_get_value (structure, "drm-format");
  const GValue *formats;
  GValue both = G_VALUE_INIT;

  if (!gst_caps_features_contains (features, GST_EFFVK_FEATURE_DMABUF))
    return TRUE;
  formats = list_formats (device);
  if (!wanted)
    gst_structure_set_value (structure, "drm-format", formats);
  else if (gst_value_intersect (&both, wanted, formats))
    gst_structure_take_value (structure, "drm-format", &both);
  else
    return FALSE;
  return TRUE;
}
#endif

GstCaps *
gst_effvk_dmabuf_restrict_caps (GstCaps *caps, EffvkDevice *device)
{
#if GST_CHECK_VERSION(1, 24, 0)
  if (effvk_device_can_import_dmabuf (device))
    {
      caps = gst_caps_make_writable (caps);
      gst_caps_filter_and_map_in_place (caps, restrict_structure, device);
      return caps;
    }
#endif
  return gst_effvk_frame_caps_remove (caps, GST_EFFVK_FEATURE_DMABUF);
}

/* A frame as it is imported. */
typedef struct
{
  EffvkFormat format;
  guint width, height; /* in memory */
  guint64 modifier;
  EffvkDmabufPlane planes[EFFVK_DMABUF_MAX_PLANES];
  guint n_planes;
} Frame;

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

static EffvkFrameMemory *
import (EffvkDevice *device, gconstpointer layout, GError **error)
{
  const Frame *frame = layout;

  return effvk_frame_memory_new_from_dmabuf_with_modifier (device, frame->format, frame->width,
                                                           frame->height, frame->modifier,
                                                           frame->planes, frame->n_planes, error);
}

/* What caps and meta say of a frame. Only a meta tells how frames lie that are not linear. */
static gboolean
describe (Frame *frame, const GstVideoInfo *info, guint64 modifier, const GstVideoMeta *meta,
          char **reason)
{
  memset (frame, 0, sizeof *frame); /* padding too, as it is compared */
  frame->format = format_of (GST_VIDEO_INFO_FORMAT (info));
  frame->width = meta ? meta->width : (guint) GST_VIDEO_INFO_WIDTH (info);
  frame->height = meta ? meta->height : (guint) GST_VIDEO_INFO_HEIGHT (info);
  frame->modifier = modifier;
  frame->n_planes = modifier != EFFVK_DMABUF_LINEAR && meta
                        ? meta->n_planes
                        : (guint) GST_VIDEO_INFO_N_PLANES (info);
  if (modifier != EFFVK_DMABUF_LINEAR && !meta)
    *reason = g_strdup_printf ("A frame with the DRM modifier 0x%016" G_GINT64_MODIFIER
                               "x has no video meta, which tells where its planes are",
                               modifier);
  else if (frame->n_planes < 1 || frame->n_planes > EFFVK_DMABUF_MAX_PLANES)
    *reason = g_strdup_printf ("A frame's video meta says %u planes, expected 1 to %d",
                               frame->n_planes, EFFVK_DMABUF_MAX_PLANES);
  else if (frame->width < 1 || frame->width > EFFVK_IMAGE_MAX_SIZE || frame->height < 1
           || frame->height > EFFVK_IMAGE_MAX_SIZE)
    *reason
        = g_strdup_printf ("A frame's video meta says %ux%u, expected at most %dx%d", frame->width,
                           frame->height, EFFVK_IMAGE_MAX_SIZE, EFFVK_IMAGE_MAX_SIZE);
  return *reason == NULL;
}

static gboolean
find_planes (Frame *frame, const GstVideoInfo *info, GstBuffer *buffer, char **reason)
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  for (guint i = 0; i < frame->n_planes && !*reason; i++)
    {
      EffvkDmabufPlane *plane = &frame->planes[i];
      gsize at = meta ? meta->offset[i] : GST_VIDEO_INFO_PLANE_OFFSET (info, i);
      int stride = meta ? meta->stride[i] : GST_VIDEO_INFO_PLANE_STRIDE (info, i);

      if (stride <= 0 || !find_plane (buffer, at, (gsize) stride, plane))
        *reason = g_strdup_printf ("Plane %u of a frame is in no DMA buffer", i);
      else if (!wait_for_writer (plane->fd))
        *reason
            = g_strdup_printf ("A DMA buffer's writer was not done after %d ms", WRITER_TIMEOUT);
    }
  return *reason == NULL;
}

EffvkFrameMemory *
gst_effvk_dmabuf_get_memory (EffvkDevice *device, const GstVideoInfo *info, guint64 modifier,
                             GstBuffer *buffer, char **reason)
{
  static const GstEffvkImporter importer = { .import = import };
  EffvkFrameMemory *memory;
  g_autoptr (GError) error = NULL;
  Frame frame;

  *reason = NULL;
  if (!describe (&frame, info, modifier, gst_buffer_get_video_meta (buffer), reason)
      || !find_planes (&frame, info, buffer, reason))
    return NULL;
  memory
      = gst_effvk_import_cache_get (gst_buffer_peek_memory (buffer, 0), device, &importer,
                                    &(GstEffvkImportLayout){ &frame, sizeof frame }, TRUE, &error);
  if (!memory)
    *reason = g_strdup_printf ("A frame's DMA buffer cannot be imported: %s", error->message);
  return memory;
}
