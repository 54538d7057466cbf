/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames: formats, planes, strides, crops, and the copy to a staging buffer. */
#include "base/image.h"

#include <string.h>

static const EffvkFormat formats[] = {
  EFFVK_FORMAT_RGB,       EFFVK_FORMAT_BGR,       EFFVK_FORMAT_RGBA,      EFFVK_FORMAT_BGRA,
  EFFVK_FORMAT_RGBX,      EFFVK_FORMAT_BGRX,      EFFVK_FORMAT_GRAY8,     EFFVK_FORMAT_I420,
  EFFVK_FORMAT_YV12,      EFFVK_FORMAT_NV12,      EFFVK_FORMAT_NV21,      EFFVK_FORMAT_ARGB,
  EFFVK_FORMAT_ABGR,      EFFVK_FORMAT_XRGB,      EFFVK_FORMAT_XBGR,      EFFVK_FORMAT_RGBP,
  EFFVK_FORMAT_BGRP,      EFFVK_FORMAT_GBR,       EFFVK_FORMAT_Y42B,      EFFVK_FORMAT_Y444,
  EFFVK_FORMAT_NV16,      EFFVK_FORMAT_NV61,      EFFVK_FORMAT_NV24,      EFFVK_FORMAT_YUY2,
  EFFVK_FORMAT_UYVY,      EFFVK_FORMAT_YVYU,      EFFVK_FORMAT_VYUY,      EFFVK_FORMAT_AYUV,
  EFFVK_FORMAT_VUYA,      EFFVK_FORMAT_GRAY16_LE, EFFVK_FORMAT_P010_10LE, EFFVK_FORMAT_P012_LE,
  EFFVK_FORMAT_P016_LE,   EFFVK_FORMAT_I420_10LE, EFFVK_FORMAT_I420_12LE, EFFVK_FORMAT_I422_10LE,
  EFFVK_FORMAT_I422_12LE, EFFVK_FORMAT_Y444_10LE, EFFVK_FORMAT_Y444_12LE, EFFVK_FORMAT_Y444_16LE
};

static void
test_formats (void)
{
  static const guint n_planes[] = { 1, 1, 1, 1, 1, 1, 1, 3, 3, 2, 2, 1, 1, 1, 1, 3, 3, 3, 3, 3,
                                    2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3 };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      const EffvkFormatInfo *info = effvk_format_get_info (formats[i]);
      const char *name = effvk_format_to_string (formats[i]);

      g_assert_cmpint (effvk_format_from_string (name), ==, formats[i]);
      g_assert_cmpuint (effvk_format_get_n_planes (formats[i]), ==, n_planes[i]);
      for (guint c = 0; c < 3; c++)
        {
          g_assert_cmpuint (info->components[c].plane, <, n_planes[i]);
          g_assert_cmpuint (info->bytes[info->components[c].plane] % info->components[c].step, ==,
                            0);
          g_assert_cmpuint (info->components[c].offset, <, info->components[c].step);
        }
    }
  g_assert_cmpuint (effvk_format_get_n_planes ((EffvkFormat) (EFFVK_FORMAT_Y444_16LE + 1)), ==, 0);
  g_assert_cmpstr (effvk_format_to_string (EFFVK_FORMAT_RGBX), ==, "RGBx");
  g_assert_cmpstr (effvk_format_to_string (EFFVK_FORMAT_BGRX), ==, "BGRx");
  g_assert_cmpint (effvk_format_from_string ("nv12"), ==, EFFVK_FORMAT_UNKNOWN);
  g_assert_cmpint (effvk_format_from_string (""), ==, EFFVK_FORMAT_UNKNOWN);
  g_assert_cmpint (effvk_format_from_string (NULL), ==, EFFVK_FORMAT_UNKNOWN);
  g_assert_cmpstr (effvk_format_to_string (EFFVK_FORMAT_UNKNOWN), ==, "unknown");
  g_assert_cmpstr (effvk_format_to_string ((EffvkFormat) 1000), ==, "unknown");
  g_assert_cmpuint (effvk_format_get_n_planes (EFFVK_FORMAT_UNKNOWN), ==, 0);
  g_assert_cmpuint (effvk_format_get_n_planes ((EffvkFormat) 1000), ==, 0);
}

static void
check_enum (GType type, const char *name, int value, const char *nick)
{
  g_autoptr (GEnumClass) enum_class = g_type_class_ref (type);
  GEnumValue *found = g_enum_get_value_by_nick (enum_class, nick);

  g_assert_cmpstr (g_type_name (type), ==, name);
  g_assert_nonnull (found);
  g_assert_cmpint (found->value, ==, value);
}

static void
test_types (void)
{
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_RGB, 3, 2);
  GValue value = G_VALUE_INIT;

  check_enum (EFFVK_TYPE_FORMAT, "EffvkFormat", EFFVK_FORMAT_NV21, "nv21");
  check_enum (EFFVK_TYPE_MATRIX, "EffvkMatrix", EFFVK_MATRIX_SMPTE240M, "smpte240m");
  check_enum (EFFVK_TYPE_CHROMA_SITE, "EffvkChromaSite", EFFVK_CHROMA_SITE_TOP_LEFT, "top-left");
  check_enum (EFFVK_TYPE_ORIENTATION, "EffvkOrientation", EFFVK_ORIENTATION_FLIP_ROTATE_90,
              "flip-rotate-90");

  g_value_init (&value, EFFVK_TYPE_IMAGE);
  g_value_set_boxed (&value, image);
  g_assert_true (g_value_get_boxed (&value) != image);
  g_assert_cmpuint (effvk_image_get_width (g_value_get_boxed (&value)), ==, 3);
  g_value_unset (&value);
}

static void
test_new (void)
{
  g_autoptr (EffvkImage) sd = effvk_image_new (EFFVK_FORMAT_NV12, 1280, 719);
  g_autoptr (EffvkImage) hd = effvk_image_new (EFFVK_FORMAT_NV12, 1280, 720);
  g_autoptr (EffvkImage) largest
      = effvk_image_new (EFFVK_FORMAT_GRAY8, EFFVK_IMAGE_MAX_SIZE, EFFVK_IMAGE_MAX_SIZE);

  g_assert_nonnull (largest);
  g_assert_null (effvk_image_new (EFFVK_FORMAT_UNKNOWN, 1, 1));
  g_assert_null (effvk_image_new ((EffvkFormat) 1000, 1, 1));
  g_assert_null (effvk_image_new (EFFVK_FORMAT_RGB, 0, 1));
  g_assert_null (effvk_image_new (EFFVK_FORMAT_RGB, 1, 0));
  g_assert_null (effvk_image_new (EFFVK_FORMAT_RGB, EFFVK_IMAGE_MAX_SIZE + 1, 1));
  g_assert_null (effvk_image_new (EFFVK_FORMAT_RGB, 1, EFFVK_IMAGE_MAX_SIZE + 1));

  g_assert_cmpint (sd->layout.matrix, ==, EFFVK_MATRIX_BT601);
  g_assert_cmpint (hd->layout.matrix, ==, EFFVK_MATRIX_BT709);
  g_assert_cmpint (hd->layout.site, ==, EFFVK_CHROMA_SITE_LEFT);
  g_assert_false (hd->layout.full_range);
  g_assert_cmpuint (hd->layout.crop.width, ==, 1280);
  g_assert_cmpuint (hd->layout.crop.height, ==, 720);
  g_assert_false (effvk_image_is_complete (hd));
  effvk_image_free (NULL);
}

static void
test_layout (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    for (guint size = 1; size < 10; size++)
      {
        g_autoptr (EffvkImage) image = effvk_image_new (formats[i], size, size + 2);
        const EffvkFrameLayout *layout = &image->layout;
        gsize end = 0;

        for (guint p = 0; p < effvk_format_get_n_planes (formats[i]); p++)
          {
            g_assert_cmpuint (layout->strides[p] % 4, ==, 0);
            g_assert_cmpuint (layout->offsets[p] % 256, ==, 0);
            g_assert_cmpuint (layout->strides[p], >=, effvk_frame_plane_row_bytes (layout, p));
            g_assert_cmpuint (layout->offsets[p], >=, end);
            end = layout->offsets[p] + layout->strides[p] * effvk_frame_plane_rows (layout, p);
          }
        g_assert_cmpuint (layout->size, >=, end);
        g_assert_cmpuint (layout->size % 256, ==, 0);
      }
}

static void
test_plane_sizes (void)
{
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_NV12, 5, 3);

  g_assert_cmpuint (effvk_frame_plane_row_bytes (&image->layout, 0), ==, 5);
  g_assert_cmpuint (effvk_frame_plane_rows (&image->layout, 0), ==, 3);
  g_assert_cmpuint (effvk_frame_plane_row_bytes (&image->layout, 1), ==, 6); /* 3 pairs */
  g_assert_cmpuint (effvk_frame_plane_rows (&image->layout, 1), ==, 2);
}

static void
test_set_plane (void)
{
  static const guint8 data[64];
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_NV12, 5, 3);
  EffvkFrameLayout before = image->layout;

  g_assert_false (effvk_image_set_plane (image, 2, data, 8, 64)); /* no such plane */
  g_assert_false (effvk_image_set_plane (image, 0, NULL, 8, 64));
  g_assert_false (effvk_image_set_plane (image, 0, data, 4, 64)); /* stride below a row */
  g_assert_false (effvk_image_set_plane (image, 0, data, 8, 20)); /* one byte short */
  g_assert_false (effvk_image_set_plane (image, 0, data, 0, 0));
  g_assert_false (effvk_image_set_plane (image, 0, data, G_MAXSIZE, 64));
  g_assert_false (effvk_image_set_plane (image, 0, data, G_MAXSIZE / 2 + 1, 64));
  g_assert_true (effvk_frame_layout_equal (&before, &image->layout));
  g_assert_false (effvk_image_is_complete (image));

  /* The last row may end with its pixels. */
  g_assert_true (effvk_image_set_plane (image, 0, data, 8, 21));
  g_assert_false (effvk_image_is_complete (image));
  g_assert_true (effvk_image_set_plane (image, 1, data, 6, 12));
  g_assert_true (effvk_image_is_complete (image));
}

/* Strides that are taken over, and strides that are not: the copy puts every row where the layout
 * says, and reads nothing beyond the source. */
static void
test_copy (void)
{
  static const guint paddings[] = { 0, 1, 3, 4, 11, 100 };
  const guint width = 13, height = 7;

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    for (guint k = 0; k < G_N_ELEMENTS (paddings); k++)
      {
        g_autoptr (EffvkImage) image = effvk_image_new (formats[i], width, height);
        guint n_planes = effvk_format_get_n_planes (formats[i]);
        guint8 *planes[EFFVK_IMAGE_MAX_PLANES] = { NULL };
        gsize strides[EFFVK_IMAGE_MAX_PLANES], expected = 0, copied;
        g_autofree guint8 *staging = NULL;

        for (guint p = 0; p < n_planes; p++)
          {
            gsize row = effvk_frame_plane_row_bytes (&image->layout, p);
            gsize rows = effvk_frame_plane_rows (&image->layout, p), size;

            strides[p] = row + paddings[k];
            size = strides[p] * (rows - 1) + row;
            planes[p] = g_malloc (size); /* exactly, so that a tool like ASan sees more */
            for (gsize b = 0; b < size; b++)
              planes[p][b] = (guint8) g_test_rand_int ();
            g_assert_true (effvk_image_set_plane (image, p, planes[p], strides[p], size));
            expected += row * rows;
          }
        staging = g_malloc (image->layout.size);
        copied = effvk_image_copy_to (image, staging);
        g_assert_cmpuint (copied, >=, expected);
        g_assert_cmpuint (copied, <=, image->layout.size);
        for (guint p = 0; p < n_planes; p++)
          {
            for (gsize y = 0; y < effvk_frame_plane_rows (&image->layout, p); y++)
              g_assert_cmpmem (staging + image->layout.offsets[p] + y * image->layout.strides[p],
                               effvk_frame_plane_row_bytes (&image->layout, p),
                               planes[p] + y * strides[p],
                               effvk_frame_plane_row_bytes (&image->layout, p));
            g_free (planes[p]);
          }
      }
}

/* A usual decoder's stride is kept, so that a plane is one memcpy(); a wasteful one is not. */
static void
test_strides (void)
{
  g_autofree guint8 *data = g_malloc0 (64 * 64);
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_GRAY8, 30, 8);
  g_autofree guint8 *staging = NULL;

  g_assert_cmpuint (image->layout.strides[0], ==, 32);
  g_assert_true (effvk_image_set_plane (image, 0, data, 48, 64 * 64));
  g_assert_cmpuint (image->layout.strides[0], ==, 48);
  g_assert_cmpuint (image->layout.size, ==, 512); /* 48 * 8 bytes, up to a multiple of 256 */
  staging = g_malloc (image->layout.size);
  g_assert_cmpuint (effvk_image_copy_to (image, staging), ==, 48 * 7 + 30);

  g_assert_true (effvk_image_set_plane (image, 0, data, 33, 64 * 64));
  g_assert_cmpuint (image->layout.strides[0], ==, 32);
  g_assert_true (effvk_image_set_plane (image, 0, data, 400, 64 * 64));
  g_assert_cmpuint (image->layout.strides[0], ==, 32);
  g_assert_cmpuint (effvk_image_copy_to (image, staging), ==, 30 * 8);
}

static void
test_from_bytes (void)
{
  static const guint8 data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 };
  g_autoptr (GBytes) bytes = g_bytes_new (data, 17);
  g_autoptr (GBytes) small = g_bytes_new (data, 16);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (EffvkImage) image = effvk_image_new_from_bytes (EFFVK_FORMAT_I420, 3, 3, bytes);
  g_autoptr (EffvkImage) copy = NULL;
  guint8 staging[768];

  g_assert_nonnull (image);
  g_assert_true (effvk_image_is_complete (image));
  g_assert_null (effvk_image_new_from_bytes (EFFVK_FORMAT_I420, 3, 3, small));
  g_assert_null (effvk_image_new_from_bytes (EFFVK_FORMAT_I420, 3, 3, empty));
  g_assert_null (effvk_image_new_from_bytes (EFFVK_FORMAT_UNKNOWN, 3, 3, bytes));
  g_assert_null (effvk_image_new_from_bytes (EFFVK_FORMAT_RGB, 0, 3, bytes));

  /* The copy keeps the pixels alive by itself. */
  copy = effvk_image_copy (image);
  g_clear_pointer (&image, effvk_image_free);
  g_clear_pointer (&bytes, g_bytes_unref);
  g_assert_cmpuint (copy->layout.size, ==, sizeof staging);
  g_assert_cmpuint (effvk_image_copy_to (copy, staging), ==, 17);
  g_assert_cmpmem (staging, 3, data, 3);
  g_assert_cmpmem (staging + EFFVK_FRAME_MEMORY_ALIGNMENT, 3, data + 3, 3);
  g_assert_cmpmem (staging + 256, 2, data + 9, 2);
  g_assert_cmpmem (staging + 512 + EFFVK_FRAME_MEMORY_ALIGNMENT, 2, data + 15, 2);
}

static void
test_crop (void)
{
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_RGB, 10, 8);
  EffvkFrameLayout before = image->layout;

  g_assert_false (effvk_image_set_crop (image, 0, 0, 11, 8));
  g_assert_false (effvk_image_set_crop (image, 0, 0, 10, 9));
  g_assert_false (effvk_image_set_crop (image, 0, 0, 0, 8));
  g_assert_false (effvk_image_set_crop (image, 0, 0, 10, 0));
  g_assert_false (effvk_image_set_crop (image, 10, 0, 1, 1));
  g_assert_false (effvk_image_set_crop (image, 0, 8, 1, 1));
  g_assert_false (effvk_image_set_crop (image, 1, 0, G_MAXUINT, 1));
  g_assert_false (effvk_image_set_crop (image, G_MAXUINT, 0, 2, 1));
  g_assert_true (effvk_frame_layout_equal (&before, &image->layout));
  g_assert_true (effvk_image_set_crop (image, 9, 7, 1, 1));
  g_assert_false (effvk_frame_layout_equal (&before, &image->layout));
}

/* Whatever changes the preparation of a frame changes its layout; pixels do not. */
static void
test_layout_equal (void)
{
  static const guint8 data[4096];
  g_autoptr (EffvkImage) a = effvk_image_new (EFFVK_FORMAT_I420, 64, 16);
  g_autoptr (EffvkImage) b = effvk_image_copy (a);
  g_autoptr (EffvkImage) other = effvk_image_new (EFFVK_FORMAT_YV12, 64, 16);

  g_assert_true (effvk_frame_layout_equal (&a->layout, &b->layout));
  g_assert_false (effvk_frame_layout_equal (&a->layout, &other->layout));
  g_assert_true (effvk_image_set_plane (b, 0, data, 64, 1024));
  g_assert_true (effvk_frame_layout_equal (&a->layout, &b->layout));
  g_assert_true (effvk_image_set_plane (b, 1, data, 48, 384));
  g_assert_false (effvk_frame_layout_equal (&a->layout, &b->layout));
  g_assert_true (effvk_image_set_plane (b, 1, data, 32, 256));
  g_assert_true (effvk_frame_layout_equal (&a->layout, &b->layout));
  effvk_image_set_colorimetry (b, EFFVK_MATRIX_BT601, FALSE, EFFVK_CHROMA_SITE_LEFT);
  g_assert_true (effvk_frame_layout_equal (&a->layout, &b->layout));
  effvk_image_set_colorimetry (b, EFFVK_MATRIX_BT709, FALSE, EFFVK_CHROMA_SITE_LEFT);
  g_assert_false (effvk_frame_layout_equal (&a->layout, &b->layout));
  effvk_image_set_colorimetry (b, EFFVK_MATRIX_BT601, 2, EFFVK_CHROMA_SITE_LEFT);
  g_assert_false (effvk_frame_layout_equal (&a->layout, &b->layout));
  g_assert_cmpint (b->layout.full_range, ==, TRUE);
  effvk_image_set_colorimetry (b, EFFVK_MATRIX_BT601, FALSE, EFFVK_CHROMA_SITE_CENTER);
  g_assert_false (effvk_frame_layout_equal (&a->layout, &b->layout));
}

/* How a picture is shown is of its layout; what is refused changes nothing. */
static void
test_shown (void)
{
  g_autoptr (EffvkImage) image = effvk_image_new (EFFVK_FORMAT_NV12, 16, 8);
  const EffvkFrameLayout before = image->layout;

  g_assert_cmpint (before.orientation, ==, EFFVK_ORIENTATION_ROTATE_0);
  g_assert_cmpuint (before.par_n, ==, before.par_d);
  g_assert_false (effvk_image_set_orientation (image, (EffvkOrientation) 8));
  g_assert_false (effvk_image_set_orientation (image, (EffvkOrientation) -1));
  g_assert_false (effvk_image_set_pixel_aspect_ratio (image, 0, 1));
  g_assert_false (effvk_image_set_pixel_aspect_ratio (image, 1, 0));
  g_assert_false (effvk_image_set_pixel_aspect_ratio (image, EFFVK_IMAGE_MAX_PIXEL_ASPECT + 1, 1));
  g_assert_true (effvk_frame_layout_equal (&image->layout, &before));
  g_assert_true (effvk_image_set_orientation (image, EFFVK_ORIENTATION_ROTATE_270));
  g_assert_cmpint (effvk_image_get_orientation (image), ==, EFFVK_ORIENTATION_ROTATE_270);
  g_assert_false (effvk_frame_layout_equal (&image->layout, &before));
  g_assert_true (effvk_image_set_orientation (image, EFFVK_ORIENTATION_ROTATE_0));
  g_assert_true (effvk_image_set_pixel_aspect_ratio (image, 16, 15));
  g_assert_false (effvk_frame_layout_equal (&image->layout, &before));
}

/* The enumeration and the table of formats have the same entries, each under its own name. */
static void
test_format_names (void)
{
  g_autoptr (GEnumClass) values = g_type_class_ref (EFFVK_TYPE_FORMAT);

  for (guint i = 0; i < values->n_values; i++)
    {
      EffvkFormat format = (EffvkFormat) values->values[i].value;
      g_autofree char *nick = g_ascii_strdown (effvk_format_to_string (format), -1);

      g_strdelimit (nick, "_", '-');
      g_assert_cmpstr (nick, ==, values->values[i].value_nick);
      g_assert_cmpint (effvk_format_get_n_planes (format) > 0, ==, format != EFFVK_FORMAT_UNKNOWN);
    }
  g_assert_cmpuint (effvk_format_get_n_planes ((EffvkFormat) values->n_values), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image/formats", test_formats);
  g_test_add_func ("/image/format-names", test_format_names);
  g_test_add_func ("/image/types", test_types);
  g_test_add_func ("/image/new", test_new);
  g_test_add_func ("/image/layout", test_layout);
  g_test_add_func ("/image/plane-sizes", test_plane_sizes);
  g_test_add_func ("/image/set-plane", test_set_plane);
  g_test_add_func ("/image/copy", test_copy);
  g_test_add_func ("/image/strides", test_strides);
  g_test_add_func ("/image/from-bytes", test_from_bytes);
  g_test_add_func ("/image/crop", test_crop);
  g_test_add_func ("/image/layout-equal", test_layout_equal);
  g_test_add_func ("/image/shown", test_shown);
  return g_test_run ();
}
