/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/frame.h"

#include "memory/frame-allocator.h"
#include "memory/frame-import.h"

/* The format is in the caps then. */
static gboolean
is_drm (GstVideoFormat format)
{
#if GST_CHECK_VERSION(1, 24, 0)
  return format == GST_VIDEO_FORMAT_DMA_DRM;
#else
  return FALSE;
#endif
}

/* @meta: (nullable). GStreamer asserts on this. */
static gboolean
check_meta (const GstVideoMeta *meta, const GstVideoInfo *info, gboolean mapped, char **reason)
{
  if (!meta
      || ((meta->format == GST_VIDEO_INFO_FORMAT (info) || (!mapped && is_drm (meta->format)))
          && meta->width >= (guint) GST_VIDEO_INFO_WIDTH (info)
          && meta->height >= (guint) GST_VIDEO_INFO_HEIGHT (info)))
    return TRUE;
  *reason = g_strdup_printf ("A buffer's video meta says %s, %ux%u, but its caps say %s, %dx%d",
                             gst_video_format_to_string (meta->format), meta->width, meta->height,
                             gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (info)),
                             GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info));
  return FALSE;
}

gboolean
gst_effvk_frame_map (GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
                     char **reason)
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  *reason = NULL;
  if (!check_meta (meta, info, TRUE, reason))
    return FALSE;
  if (!meta && gst_buffer_get_size (buffer) < GST_VIDEO_INFO_SIZE (info))
    *reason = g_strdup_printf ("A buffer of %" G_GSIZE_FORMAT
                               " bytes does not hold the frame of %" G_GSIZE_FORMAT
                               " that its caps promise",
                               gst_buffer_get_size (buffer), GST_VIDEO_INFO_SIZE (info));
  else if (!gst_video_frame_map (frame, info, buffer,
                                 GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    *reason = g_strdup_printf ("A buffer of %" G_GSIZE_FORMAT
                               " bytes cannot be mapped as a frame of %s, %dx%d",
                               gst_buffer_get_size (buffer),
                               gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (info)),
                               GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info));
  return *reason == NULL;
}

/* Where a crop is made without a copy, the frame in memory is larger than the caps say. */
static gboolean
fit_size (EffvkImage **image, const GstVideoInfo *info, guint width, guint height, char **reason)
{
  EffvkImage *fitting;

  if (effvk_image_get_width (*image) == width && effvk_image_get_height (*image) == height)
    return TRUE;
  fitting = gst_effvk_video_image_new (info, width, height, reason);
  if (!fitting)
    return FALSE;
  effvk_image_set_orientation (fitting, effvk_image_get_orientation (*image));
  effvk_image_free (*image);
  *image = fitting;
  return TRUE;
}

static gboolean
set_planes (EffvkImage *image, const GstVideoFrame *frame, char **reason)
{
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (frame); i++)
    {
      const GstMapInfo *map = &frame->map[0];
      const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, i);
      int stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
      gsize size;

      /* A plane lies in the one mapping of the whole buffer, or in a mapping of its own. */
      if (data < map->data || data >= map->data + map->size)
        map = &frame->map[i];
      size = data >= map->data && data <= map->data + map->size
                 ? (gsize) (map->data + map->size - data)
                 : 0;
      if (stride <= 0 || !effvk_image_set_plane (image, i, data, (gsize) stride, size))
        {
          *reason = g_strdup_printf (
              "Plane %u of a %ux%u %s frame with a stride of %d does not fit into %" G_GSIZE_FORMAT
              " bytes",
              i, effvk_image_get_width (image), effvk_image_get_height (image),
              gst_video_format_to_string (GST_VIDEO_FRAME_FORMAT (frame)), stride, size);
          return FALSE;
        }
    }
  return TRUE;
}

static void
set_picture (EffvkImage *image, const GstVideoInfo *info, GstBuffer *buffer)
{
  guint x, y, width, height;

  gst_effvk_frame_get_picture (info, buffer, &x, &y, &width, &height);
  effvk_image_set_crop (image, x, y, width, height);
}

gboolean
gst_effvk_frame_describe_memory (EffvkImage **image, const GstVideoInfo *info, GstBuffer *buffer,
                                 EffvkFrameMemory *memory, char **reason)
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  *reason = NULL;
  if (!check_meta (meta, info, FALSE, reason)
      || !fit_size (image, info, meta ? meta->width : (guint) GST_VIDEO_INFO_WIDTH (info),
                    meta ? meta->height : (guint) GST_VIDEO_INFO_HEIGHT (info), reason))
    return FALSE;
  effvk_image_set_memory (*image, memory);
  set_picture (*image, info, buffer);
  return TRUE;
}

gboolean
gst_effvk_frame_describe_planes (EffvkImage **image, const GstVideoInfo *info,
                                 const GstVideoFrame *frame, char **reason)
{
  *reason = NULL;
  return fit_size (image, info, (guint) GST_VIDEO_FRAME_WIDTH (frame),
                   (guint) GST_VIDEO_FRAME_HEIGHT (frame), reason)
         && set_planes (*image, frame, reason);
}

gboolean
gst_effvk_frame_describe (EffvkImage **image, EffvkDevice *device, const GstVideoInfo *info,
                          const GstVideoFrame *frame, gboolean again, const char **way,
                          char **reason)
{
  g_autoptr (EffvkFrameMemory) imported = NULL;
  EffvkFrameMemory *own;

  if (!gst_effvk_frame_describe_planes (image, info, frame, reason))
    return FALSE;
  own = gst_effvk_frame_allocator_get_memory (frame->buffer);
  if (!own)
    imported = gst_effvk_frame_import (device, frame, again);
  effvk_image_set_memory (*image, own ? own : imported);
  *way = own        ? "the device reads them in memory of the element's pool"
         : imported ? "the device reads them in imported memory"
                    : "the CPU copies them to the device";
  set_picture (*image, info, frame->buffer);
  return TRUE;
}

void
gst_effvk_frame_get_picture (const GstVideoInfo *info, GstBuffer *buffer, guint *x, guint *y,
                             guint *width, guint *height)
{
  const GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (buffer);
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);
  guint64 whole_width = meta ? meta->width : (guint) GST_VIDEO_INFO_WIDTH (info);
  guint64 whole_height = meta ? meta->height : (guint) GST_VIDEO_INFO_HEIGHT (info);

  *x = *y = 0;
  *width = (guint) GST_VIDEO_INFO_WIDTH (info);
  *height = (guint) GST_VIDEO_INFO_HEIGHT (info);
  if (!crop || crop->width == 0 || crop->height == 0
      || crop->x + (guint64) crop->width > whole_width
      || crop->y + (guint64) crop->height > whole_height)
    return;
  *x = crop->x;
  *y = crop->y;
  *width = crop->width;
  *height = crop->height;
}

gboolean
gst_effvk_frame_caps_are (const GstCaps *caps, const char *feature)
{
  guint n = gst_caps_get_size (caps);

  for (guint i = 0; i < n; i++)
    if (!gst_caps_features_contains (gst_caps_get_features (caps, i), feature))
      return FALSE;
  return n > 0;
}

static gboolean
lacks (GstCapsFeatures *features, GstStructure *structure, gpointer feature)
{
  return !gst_caps_features_contains (features, feature);
}

GstCaps *
gst_effvk_frame_caps_remove (GstCaps *caps, const char *feature)
{
  caps = gst_caps_make_writable (caps);
  gst_caps_filter_and_map_in_place (caps, lacks, (gpointer) feature);
  return caps;
}
