/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/video-image.h"

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
gst_effvk_video_image_new (const GstVideoInfo *info, guint width, guint height, char **reason)
{
  GstVideoTransferFunction transfer = info->colorimetry.transfer;
  EffvkFormat format
      = effvk_format_from_string (gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (info)));
  EffvkImage *image;

  *reason = NULL;
  if (transfer == GST_VIDEO_TRANSFER_SMPTE2084 || transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67)
    {
      *reason = g_strdup_printf ("The video is HDR (%s), which looks wrong to a model trained on "
                                 "SDR pictures; convert it to SDR first",
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
