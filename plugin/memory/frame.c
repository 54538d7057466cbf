/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/frame.h"

#include "memory/frame-allocator.h"
#include "memory/frame-import.h"

static EffvkMatrix
convert_matrix (const GstVideoInfo *info)
{
  switch (info->colorimetry.matrix)
    {
    case GST_VIDEO_COLOR_MATRIX_BT709:
      return EFFVK_MATRIX_BT709;
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:
      return EFFVK_MATRIX_SMPTE240M;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return EFFVK_MATRIX_BT2020;
    case GST_VIDEO_COLOR_MATRIX_UNKNOWN:
      return GST_VIDEO_INFO_HEIGHT (info) < 720 ? EFFVK_MATRIX_BT601 : EFFVK_MATRIX_BT709;
    default:
      return EFFVK_MATRIX_BT601;
    }
}

/* Y'CbCr is of limited range unless the caps say so, all else is not. */
static gboolean
is_full_range (const GstVideoInfo *info)
{
  return info->colorimetry.range == GST_VIDEO_COLOR_RANGE_UNKNOWN
             ? !GST_VIDEO_INFO_IS_YUV (info)
             : info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
}

static EffvkChromaSite
convert_site (const GstVideoInfo *info)
{
  GstVideoChromaSite site = info->chroma_site;

  if (site == GST_VIDEO_CHROMA_SITE_UNKNOWN)
    return EFFVK_CHROMA_SITE_LEFT;
  if (!(site & GST_VIDEO_CHROMA_SITE_H_COSITED))
    return EFFVK_CHROMA_SITE_CENTER;
  return site & GST_VIDEO_CHROMA_SITE_V_COSITED ? EFFVK_CHROMA_SITE_TOP_LEFT
                                                : EFFVK_CHROMA_SITE_LEFT;
}

EffvkImage *
gst_effvk_frame_new_image (const GstVideoInfo *info, guint width, guint height, char **reason)
{
  GstVideoTransferFunction transfer = info->colorimetry.transfer;
  EffvkFormat format
      = effvk_format_from_string (gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (info)));
  EffvkImage *image;

  *reason = NULL;
  if (transfer == GST_VIDEO_TRANSFER_SMPTE2084 || transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67)
    {
      *reason = g_strdup_printf ("The video is HDR (%s), which looks wrong to a model trained on "
                                 "SDR pictures; convert it to "
                                 "SDR before",
                                 transfer == GST_VIDEO_TRANSFER_SMPTE2084 ? "PQ" : "HLG");
      return NULL;
    }
  image = effvk_image_new (format, width, height);
  if (!image)
    {
      *reason = g_strdup_printf (
          "Frames of %s, %ux%u, cannot be classified; at most %dx%d in one of %s can",
          gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (info)), width, height,
          EFFVK_IMAGE_MAX_SIZE, EFFVK_IMAGE_MAX_SIZE, GST_EFFVK_FRAME_FORMATS);
      return NULL;
    }
  effvk_image_set_colorimetry (image, convert_matrix (info), is_full_range (info),
                               convert_site (info));
  /* An absurd one is taken for square. */
  effvk_image_set_pixel_aspect_ratio (image, (guint) GST_VIDEO_INFO_PAR_N (info),
                                      (guint) GST_VIDEO_INFO_PAR_D (info));
  return image;
}

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
  fitting = gst_effvk_frame_new_image (info, width, height, reason);
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
gst_effvk_frame_describe (EffvkImage **image, EffvkDevice *device, const GstVideoInfo *info,
                          const GstVideoFrame *frame, gboolean again, char **reason)
{
  EffvkFrameMemory *memory;

  *reason = NULL;
  if (!fit_size (image, info, (guint) GST_VIDEO_FRAME_WIDTH (frame),
                 (guint) GST_VIDEO_FRAME_HEIGHT (frame), reason)
      || !set_planes (*image, frame, reason))
    return FALSE;
  memory = gst_effvk_frame_allocator_get_memory (frame->buffer);
  effvk_image_set_memory (*image, memory ? memory : gst_effvk_frame_import (device, frame, again));
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
