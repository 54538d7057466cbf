/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the samples of each format lie, as GStreamer has it. The oracles of the preprocessing take
 * bytes from effvk's own table: here it is compared with another one. */
#include "base/image.h"

#include <gst/video/video.h>

/* But for the bytes' offsets, of which GStreamer's own table has some wrong (VYUY, P010). */
static void
check_component (const EffvkFormatInfo *info, const GstVideoFormatInfo *expected, guint i)
{
  const EffvkComponent *component = &info->components[i];
  guint from = GST_VIDEO_FORMAT_INFO_IS_GRAY (expected) ? 0 : i; /* gray: all three are Y */

  g_assert_cmpuint (component->plane, ==, GST_VIDEO_FORMAT_INFO_PLANE (expected, from));
  g_assert_cmpuint (component->step, ==, GST_VIDEO_FORMAT_INFO_PSTRIDE (expected, from));
  g_assert_cmpuint (info->depth, ==, GST_VIDEO_FORMAT_INFO_DEPTH (expected, from));
  g_assert_cmpuint (info->shift, ==, GST_VIDEO_FORMAT_INFO_SHIFT (expected, from));
  g_assert_cmpuint (i ? info->chroma_x : 0, ==, GST_VIDEO_FORMAT_INFO_W_SUB (expected, from));
  g_assert_cmpuint (i ? info->chroma_y : 0, ==, GST_VIDEO_FORMAT_INFO_H_SUB (expected, from));
}

/* Odd sizes are those that rounding could be wrong for. */
static void
check_sizes (EffvkFormat format, GstVideoFormat theirs, guint width, guint height)
{
  GstVideoInfo info;

  gst_video_info_set_format (&info, theirs, width, height);
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (&info); i++)
    {
      gsize row, rows,
          end = i + 1 < GST_VIDEO_INFO_N_PLANES (&info) ? GST_VIDEO_INFO_PLANE_OFFSET (&info, i + 1)
                                                        : GST_VIDEO_INFO_SIZE (&info);
      gsize stride = (gsize) GST_VIDEO_INFO_PLANE_STRIDE (&info, i);

      g_assert_true (effvk_format_get_plane_size (format, i, width, height, &row, &rows));
      g_assert_cmpuint (row, <=, stride);
      g_assert_cmpuint (row + 8, >, stride); /* which GStreamer pads, at most to the next 8 */
      g_assert_cmpuint (rows * stride, <=, end - GST_VIDEO_INFO_PLANE_OFFSET (&info, i));
    }
}

/* What GStreamer makes of noise: its pixel is alpha and three components, of 8 or 16 bits. */
static void
check_unpacked (const EffvkFormatInfo *info, const GstVideoFormatInfo *theirs)
{
  const guint width = 8;
  guint8 bytes[EFFVK_IMAGE_MAX_PLANES][64];
  gpointer data[GST_VIDEO_MAX_PLANES] = { bytes[0], bytes[1], bytes[2] };
  const gint strides[GST_VIDEO_MAX_PLANES] = { 64, 64, 64 };
  guint16 pixels[4 * 8];

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i / 64][i % 64] = (guint8) g_test_rand_int_range (0, 256);
  for (guint i = 0; i < sizeof bytes && info->depth > 8; i += 2) /* nothing above the code */
    bytes[i / 64][i % 64 + 1] &= (guint8) (0xff >> (16 - info->depth - info->shift));
  theirs->unpack_func (theirs, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, pixels, data, strides, 0, 0,
                       (gint) width);
  for (guint x = 0; x < width; x += 2) /* the pixels that have all three */
    for (guint i = 0; i < 3; i++)
      {
        const EffvkComponent *component = &info->components[i];
        guint sample = x >> (i ? info->chroma_x : 0);
        const guint8 *at = bytes[component->plane] + sample * component->step + component->offset;
        guint code = info->depth > 8 ? (guint) (at[0] | at[1] << 8) >> info->shift : at[0];
        guint got = info->depth > 8 ? pixels[x * 4 + 1 + i] >> (16 - info->depth)
                                    : ((const guint8 *) pixels)[x * 4 + 1 + i];

        g_assert_cmpuint (code, ==, got);
      }
}

static void
test_all (void)
{
  guint n_known = 0;

  for (int format = EFFVK_FORMAT_RGB; format <= EFFVK_FORMAT_Y444_16LE; format++)
    {
      const char *name = effvk_format_to_string ((EffvkFormat) format);
      const EffvkFormatInfo *info = effvk_format_get_info ((EffvkFormat) format);
      GstVideoFormat theirs = gst_video_format_from_string (name);
      const GstVideoFormatInfo *expected;

      g_test_message ("%s", name);
      if (theirs == GST_VIDEO_FORMAT_UNKNOWN) /* this GStreamer is older than the format */
        continue;
      n_known++;
      expected = gst_video_format_get_info (theirs);
      g_assert_cmpuint (info->n_planes, ==, GST_VIDEO_FORMAT_INFO_N_PLANES (expected));
      g_assert_cmpint (info->yuv, ==, !!GST_VIDEO_FORMAT_INFO_IS_YUV (expected));
      for (guint i = 0; i < 3; i++)
        check_component (info, expected, i);
      if (!GST_VIDEO_FORMAT_INFO_IS_GRAY (expected)) /* of which it makes Y'CbCr */
        check_unpacked (info, expected);
      for (guint size = 1; size < 12; size++)
        check_sizes ((EffvkFormat) format, theirs, size, 12 - size);
    }
  g_assert_cmpuint (n_known, >=, 40); /* all that GStreamer 1.20 has */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layout/all", test_all);
  return g_test_run ();
}
