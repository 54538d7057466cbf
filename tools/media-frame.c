/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-frame.h"

#include "common/video-image.h"

#include <gio/gio.h>
#include <string.h>

static void
release_sample (ToolMediaFrame *frame)
{
  if (frame->sample)
    {
      gst_video_frame_unmap (&frame->frame);
      g_clear_pointer (&frame->sample, gst_sample_unref);
    }
}

/* What the caps leave open. A still picture is JPEG's: full range, chroma between the pixels. */
static void
complete_info (GstVideoInfo *info, GstCaps *caps, gboolean still)
{
  const char *site = gst_structure_get_string (gst_caps_get_structure (caps, 0), "chroma-site");

  /* Where the caps have no colorimetry, GstVideoInfo forgets the site that they do have. */
  if (site)
    info->chroma_site = gst_video_chroma_site_from_string (site);
  else if (still)
    info->chroma_site = GST_VIDEO_CHROMA_SITE_NONE;
  if (still && info->colorimetry.range == GST_VIDEO_COLOR_RANGE_UNKNOWN)
    info->colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
}

/* Makes the image anew when the caps have changed. */
static gboolean
prepare_image (ToolMediaFrame *frame, GstCaps *caps, gboolean still, GError **error)
{
  g_autofree char *reason = NULL;

  if (frame->caps && gst_caps_is_equal (caps, frame->caps))
    return TRUE;
  gst_caps_replace (&frame->caps, NULL);
  g_clear_pointer (&frame->image, effvk_image_free);
  if (!gst_video_info_from_caps (&frame->info, caps))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                           "the decoder's caps are not those of raw video");
      return FALSE;
    }
  complete_info (&frame->info, caps, still);
  frame->image = gst_effvk_video_image_new (&frame->info, (guint) frame->info.width,
                                            (guint) frame->info.height, &reason);
  if (!frame->image)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, reason);
      return FALSE;
    }
  gst_caps_replace (&frame->caps, caps);
  return TRUE;
}

/* Plane @i of the mapped frame, and how many bytes of it can be read. */
static const guint8 *
get_plane (const GstVideoFrame *frame, guint i, gsize *stride, gsize *size)
{
  const GstMapInfo *map = &frame->map[frame->meta ? i : 0];
  const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, i);

  if (GST_VIDEO_FRAME_PLANE_STRIDE (frame, i) <= 0 || data < map->data
      || data > map->data + map->size)
    return NULL;
  *stride = (gsize) GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
  *size = (gsize) (map->data + map->size - data);
  return data;
}

static gboolean
set_planes (ToolMediaFrame *frame)
{
  gsize stride, size;

  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (&frame->frame); i++)
    {
      const guint8 *data = get_plane (&frame->frame, i, &stride, &size);

      if (!data || !effvk_image_set_plane (frame->image, i, data, stride, size))
        return FALSE;
    }
  return TRUE;
}

static gboolean
set_crop (ToolMediaFrame *frame)
{
  GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (frame->frame.buffer);
  guint width = (guint) frame->info.width, height = (guint) frame->info.height;

  return crop ? effvk_image_set_crop (frame->image, crop->x, crop->y, crop->width, crop->height)
              : effvk_image_set_crop (frame->image, 0, 0, width, height);
}

void
tool_media_frame_clear (ToolMediaFrame *frame)
{
  release_sample (frame);
  gst_caps_replace (&frame->caps, NULL);
  g_clear_pointer (&frame->image, effvk_image_free);
}

gboolean
tool_media_frame_set (ToolMediaFrame *frame, GstSample *sample, gboolean still, guint64 number,
                      GError **error)
{
  release_sample (frame);
  if (!prepare_image (frame, gst_sample_get_caps (sample), still, error))
    {
      gst_sample_unref (sample);
      return FALSE;
    }
  if (!gst_video_frame_map (&frame->frame, &frame->info, gst_sample_get_buffer (sample),
                            GST_MAP_READ))
    {
      gst_sample_unref (sample);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "frame %" G_GUINT64_FORMAT " cannot be read", number);
      return FALSE;
    }
  frame->sample = sample;
  if (!set_planes (frame) || !set_crop (frame))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "frame %" G_GUINT64_FORMAT " is smaller than its caps or its crop say", number);
      return FALSE;
    }
  return TRUE;
}

/* Raw video of one format, or of any that effvk takes as it is (NULL). */
static GstCaps *
make_caps (const char *only)
{
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-raw");
  GValue formats = G_VALUE_INIT, format = G_VALUE_INIT;

  g_value_init (&formats, GST_TYPE_LIST);
  g_value_init (&format, G_TYPE_STRING);
  for (int i = EFFVK_FORMAT_UNKNOWN + 1; effvk_format_get_n_planes ((EffvkFormat) i) > 0; i++)
    {
      const char *name = effvk_format_to_string ((EffvkFormat) i);

      if (only && strcmp (name, only) != 0)
        continue;
      g_value_set_static_string (&format, name);
      gst_value_list_append_value (&formats, &format);
    }
  gst_caps_set_value (caps, "format", &formats);
  g_value_unset (&format);
  g_value_unset (&formats);
  return caps;
}

GstCaps *
tool_media_frame_caps (void)
{
  return make_caps (NULL);
}

/* The same as the decoder's where effvk takes that. Otherwise 4:2:0 stays 4:2:0, and what has more
 * colour becomes RGB and keeps it. */
GstCaps *
tool_media_frame_choose_caps (GstCaps *caps)
{
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps)
      || effvk_format_from_string (gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (&info))))
    return make_caps (NULL);
  return make_caps (GST_VIDEO_FORMAT_INFO_IS_YUV (info.finfo)
                            && GST_VIDEO_FORMAT_INFO_W_SUB (info.finfo, 1) == 1
                            && GST_VIDEO_FORMAT_INFO_H_SUB (info.finfo, 1) == 1
                        ? "I420"
                        : "RGBx");
}
