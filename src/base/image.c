/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/image.h"

#include "base/frame-memory.h"

#include <string.h>

/* Staging strides are multiples of a texel, offsets and sizes of what any device asks for. */
#define PLANE_ALIGNMENT 256

/* A source's padding is copied along, in one memcpy(), when it makes a row at most this many times
 * as long. */
#define MAX_WASTE 2

/* clang-format off */
#define PACKED(name, yuv, bytes_per_pixel, a, b, c)                                                \
  {                                                                                                \
    name, { 1, yuv, 0, 0, { { 0, bytes_per_pixel, a }, { 0, bytes_per_pixel, b },                  \
                            { 0, bytes_per_pixel, c } }, { bytes_per_pixel }, 8, 0 }               \
  }
#define RGB(name, bytes_per_pixel, r, g, b) PACKED (name, FALSE, bytes_per_pixel, r, g, b)
#define GRAY(name, bytes, depth)                                                                   \
  {                                                                                                \
    name, { 1, FALSE, 0, 0, { { 0, bytes, 0 }, { 0, bytes, 0 }, { 0, bytes, 0 } }, { bytes },      \
            depth, 0 }                                                                             \
  }
/* Two pixels in four bytes. */
#define PACKED_422(name, y, u, v)                                                                  \
  {                                                                                                \
    name, { 1, TRUE, 1, 0, { { 0, 2, y }, { 0, 4, u }, { 0, 4, v } }, { 4 }, 8, 0 }                \
  }
#define PLANAR_RGB(name, r, g, b)                                                                  \
  {                                                                                                \
    name, { 3, FALSE, 0, 0, { { r, 1, 0 }, { g, 1, 0 }, { b, 1, 0 } }, { 1, 1, 1 }, 8, 0 }         \
  }
#define PLANAR(name, u, v, x, y)                                                                   \
  {                                                                                                \
    name, { 3, TRUE, x, y, { { 0, 1, 0 }, { u, 1, 0 }, { v, 1, 0 } }, { 1, 1, 1 }, 8, 0 }          \
  }
#define PLANAR_DEEP(name, x, y, depth)                                                             \
  {                                                                                                \
    name, { 3, TRUE, x, y, { { 0, 2, 0 }, { 1, 2, 0 }, { 2, 2, 0 } }, { 2, 2, 2 }, depth, 0 }      \
  }
#define SEMI_PLANAR(name, u, v, x, y)                                                              \
  {                                                                                                \
    name, { 2, TRUE, x, y, { { 0, 1, 0 }, { 1, 2, u }, { 1, 2, v } }, { 1, 2 }, 8, 0 }             \
  }
#define SEMI_PLANAR_DEEP(name, depth)                                                              \
  {                                                                                                \
    name, { 2, TRUE, 1, 1, { { 0, 2, 0 }, { 1, 4, 0 }, { 1, 4, 2 } }, { 2, 4 }, depth, 16 - depth }\
  }

/* Indexed by EffvkFormat. */
static const struct
{
  const char *name;
  EffvkFormatInfo info;
} formats[] = {
  { NULL, { 0 } },
  RGB ("RGB", 3, 0, 1, 2),
  RGB ("BGR", 3, 2, 1, 0),
  RGB ("RGBA", 4, 0, 1, 2),
  RGB ("BGRA", 4, 2, 1, 0),
  RGB ("RGBx", 4, 0, 1, 2),
  RGB ("BGRx", 4, 2, 1, 0),
  GRAY ("GRAY8", 1, 8),
  PLANAR ("I420", 1, 2, 1, 1),
  PLANAR ("YV12", 2, 1, 1, 1),
  SEMI_PLANAR ("NV12", 0, 1, 1, 1),
  SEMI_PLANAR ("NV21", 1, 0, 1, 1),
  RGB ("ARGB", 4, 1, 2, 3),
  RGB ("ABGR", 4, 3, 2, 1),
  RGB ("xRGB", 4, 1, 2, 3),
  RGB ("xBGR", 4, 3, 2, 1),
  PLANAR_RGB ("RGBP", 0, 1, 2),
  PLANAR_RGB ("BGRP", 2, 1, 0),
  PLANAR_RGB ("GBR", 2, 0, 1),
  PLANAR ("Y42B", 1, 2, 1, 0),
  PLANAR ("Y444", 1, 2, 0, 0),
  SEMI_PLANAR ("NV16", 0, 1, 1, 0),
  SEMI_PLANAR ("NV61", 1, 0, 1, 0),
  SEMI_PLANAR ("NV24", 0, 1, 0, 0),
  PACKED_422 ("YUY2", 0, 1, 3),
  PACKED_422 ("UYVY", 1, 0, 2),
  PACKED_422 ("YVYU", 0, 3, 1),
  PACKED_422 ("VYUY", 1, 2, 0),
  PACKED ("AYUV", TRUE, 4, 1, 2, 3),
  PACKED ("VUYA", TRUE, 4, 2, 1, 0),
  GRAY ("GRAY16_LE", 2, 16),
  SEMI_PLANAR_DEEP ("P010_10LE", 10),
  SEMI_PLANAR_DEEP ("P012_LE", 12),
  SEMI_PLANAR_DEEP ("P016_LE", 16),
  PLANAR_DEEP ("I420_10LE", 1, 1, 10),
  PLANAR_DEEP ("I420_12LE", 1, 1, 12),
  PLANAR_DEEP ("I422_10LE", 1, 0, 10),
  PLANAR_DEEP ("I422_12LE", 1, 0, 12),
  PLANAR_DEEP ("Y444_10LE", 0, 0, 10),
  PLANAR_DEEP ("Y444_12LE", 0, 0, 12),
  PLANAR_DEEP ("Y444_16LE", 0, 0, 16),
};
/* clang-format on */

G_DEFINE_BOXED_TYPE (EffvkImage, effvk_image, effvk_image_copy, effvk_image_free)

EffvkFormat
effvk_format_from_string (const char *name)
{
  for (guint i = 1; i < G_N_ELEMENTS (formats); i++)
    if (g_strcmp0 (name, formats[i].name) == 0)
      return (EffvkFormat) i;
  return EFFVK_FORMAT_UNKNOWN;
}

static gboolean
is_format (EffvkFormat format)
{
  return format > EFFVK_FORMAT_UNKNOWN && (guint) format < G_N_ELEMENTS (formats);
}

const char *
effvk_format_to_string (EffvkFormat format)
{
  return is_format (format) ? formats[format].name : "unknown";
}

const EffvkFormatInfo *
effvk_format_get_info (EffvkFormat format)
{
  return &formats[is_format (format) ? format : EFFVK_FORMAT_UNKNOWN].info;
}

guint
effvk_format_get_n_planes (EffvkFormat format)
{
  return effvk_format_get_info (format)->n_planes;
}

guint
effvk_frame_plane_rows (const EffvkFrameLayout *layout, guint plane)
{
  guint shift = plane ? effvk_format_get_info (layout->format)->chroma_y : 0;

  return (layout->height + (1u << shift) - 1) >> shift;
}

gsize
effvk_frame_plane_row_bytes (const EffvkFrameLayout *layout, guint plane)
{
  const EffvkFormatInfo *info = effvk_format_get_info (layout->format);
  guint shift = plane || info->n_planes == 1 ? info->chroma_x : 0;

  return (gsize) ((layout->width + (1u << shift) - 1) >> shift) * info->bytes[plane];
}

gboolean
effvk_format_get_plane_size (EffvkFormat format, guint plane, guint width, guint height,
                             gsize *row_bytes, gsize *rows)
{
  const EffvkFrameLayout layout = { .format = format, .width = width, .height = height };

  *row_bytes = *rows = 0;
  if (plane >= effvk_format_get_n_planes (format))
    return FALSE;
  *row_bytes = effvk_frame_plane_row_bytes (&layout, plane);
  *rows = effvk_frame_plane_rows (&layout, plane);
  return TRUE;
}

static gsize
align (gsize size, gsize alignment)
{
  return (size + alignment - 1) / alignment * alignment;
}

void
effvk_frame_layout_place (EffvkFrameLayout *layout)
{
  gsize offset = 0;

  for (guint i = 0; i < effvk_format_get_n_planes (layout->format); i++)
    {
      layout->offsets[i] = offset;
      offset += align (layout->strides[i] * effvk_frame_plane_rows (layout, i), PLANE_ALIGNMENT);
    }
  layout->size = offset;
}

gboolean
effvk_frame_layout_equal (const EffvkFrameLayout *a, const EffvkFrameLayout *b)
{
  if (a->format != b->format || a->width != b->width || a->height != b->height
      || a->crop.x != b->crop.x || a->crop.y != b->crop.y || a->crop.width != b->crop.width
      || a->crop.height != b->crop.height || a->matrix != b->matrix
      || a->full_range != b->full_range || a->site != b->site || a->size != b->size
      || a->orientation != b->orientation || a->par_n != b->par_n || a->par_d != b->par_d)
    return FALSE;
  for (guint i = 0; i < effvk_format_get_n_planes (a->format); i++)
    if (a->strides[i] != b->strides[i] || a->offsets[i] != b->offsets[i])
      return FALSE;
  return TRUE;
}

GQuark
effvk_image_error_quark (void)
{
  return g_quark_from_static_string ("effvk-image-error-quark");
}

EffvkImage *
effvk_image_new_checked (EffvkFormat format, guint width, guint height, GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  EffvkImage *image;

  if (!is_format (format))
    {
      g_set_error (error, EFFVK_IMAGE_ERROR, EFFVK_IMAGE_ERROR_FORMAT,
                   "Expected a format of EffvkFormat, found %d", (int) format);
      return NULL;
    }
  if (width < 1 || height < 1 || width > EFFVK_IMAGE_MAX_SIZE || height > EFFVK_IMAGE_MAX_SIZE)
    {
      g_set_error (error, EFFVK_IMAGE_ERROR, EFFVK_IMAGE_ERROR_SIZE,
                   "Expected 1 to %d pixels on each side, found %ux%u", EFFVK_IMAGE_MAX_SIZE, width,
                   height);
      return NULL;
    }
  image = g_new0 (EffvkImage, 1);
  image->layout.format = format;
  image->layout.width = image->layout.crop.width = width;
  image->layout.height = image->layout.crop.height = height;
  image->layout.matrix = height < 720 ? EFFVK_MATRIX_BT601 : EFFVK_MATRIX_BT709;
  image->layout.full_range = !effvk_format_get_info (format)->yuv;
  image->layout.site = EFFVK_CHROMA_SITE_LEFT;
  image->layout.par_n = image->layout.par_d = 1;
  for (guint i = 0; i < effvk_format_get_n_planes (format); i++)
    image->layout.strides[i]
        = align (effvk_frame_plane_row_bytes (&image->layout, i), EFFVK_FRAME_MEMORY_ALIGNMENT);
  effvk_frame_layout_place (&image->layout);
  return image;
}

EffvkImage *
effvk_image_new (EffvkFormat format, guint width, guint height)
{
  return effvk_image_new_checked (format, width, height, NULL);
}

/* Bytes of all planes, tightly packed. */
static gsize
packed_size (const EffvkFrameLayout *layout)
{
  gsize size = 0;

  for (guint i = 0; i < effvk_format_get_n_planes (layout->format); i++)
    size += effvk_frame_plane_row_bytes (layout, i) * effvk_frame_plane_rows (layout, i);
  return size;
}

EffvkImage *
effvk_image_new_from_bytes_checked (EffvkFormat format, guint width, guint height, GBytes *bytes,
                                    GError **error)
{
  g_return_val_if_fail (bytes != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_autoptr (EffvkImage) image = effvk_image_new_checked (format, width, height, error);
  gsize size, offset = 0;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  if (!image)
    return NULL;
  if (size < packed_size (&image->layout))
    {
      g_set_error (error, EFFVK_IMAGE_ERROR, EFFVK_IMAGE_ERROR_DATA,
                   "Expected at least %" G_GSIZE_FORMAT " bytes for %s of %ux%u, found "
                   "%" G_GSIZE_FORMAT,
                   packed_size (&image->layout), effvk_format_to_string (format), width, height,
                   size);
      return NULL;
    }
  for (guint i = 0; i < effvk_format_get_n_planes (format); i++)
    {
      gsize stride = effvk_frame_plane_row_bytes (&image->layout, i);

      effvk_image_set_plane (image, i, data + offset, stride, size - offset);
      offset += stride * effvk_frame_plane_rows (&image->layout, i);
    }
  image->bytes = g_bytes_ref (bytes);
  return g_steal_pointer (&image);
}

EffvkImage *
effvk_image_new_from_bytes (EffvkFormat format, guint width, guint height, GBytes *bytes)
{
  g_return_val_if_fail (bytes != NULL, NULL);

  return effvk_image_new_from_bytes_checked (format, width, height, bytes, NULL);
}

EffvkImage *
effvk_image_copy (const EffvkImage *image)
{
  g_return_val_if_fail (image != NULL, NULL);

  EffvkImage *copy = g_memdup2 (image, sizeof *image);

  if (copy->bytes)
    g_bytes_ref (copy->bytes);
  if (copy->memory)
    effvk_frame_memory_ref (copy->memory);
  return copy;
}

void
effvk_image_free (EffvkImage *image)
{
  if (!image)
    return;
  g_clear_pointer (&image->bytes, g_bytes_unref);
  g_clear_pointer (&image->memory, effvk_frame_memory_unref);
  g_free (image);
}

gboolean
effvk_image_set_plane (EffvkImage *image, guint plane, const guint8 *data, gsize stride, gsize size)
{
  g_return_val_if_fail (image != NULL, FALSE);

  EffvkFrameLayout *layout = &image->layout;
  gsize row, rows, staged;

  if (!data || plane >= effvk_format_get_n_planes (layout->format))
    return FALSE;
  row = effvk_frame_plane_row_bytes (layout, plane);
  rows = effvk_frame_plane_rows (layout, plane);
  if (stride < row || size < row || (rows > 1 && (size - row) / (rows - 1) < stride))
    return FALSE;

  image->planes[plane].data = data;
  image->planes[plane].stride = stride;
  /* Taking over the source's stride makes the copy one memcpy(). */
  staged = stride % EFFVK_FRAME_MEMORY_ALIGNMENT == 0 && stride <= row * MAX_WASTE
               ? stride
               : align (row, EFFVK_FRAME_MEMORY_ALIGNMENT);
  if (layout->strides[plane] != staged)
    {
      layout->strides[plane] = staged;
      effvk_frame_layout_place (layout);
    }
  return TRUE;
}

void
effvk_image_set_colorimetry (EffvkImage *image, EffvkMatrix matrix, gboolean full_range,
                             EffvkChromaSite site)
{
  g_return_if_fail (image != NULL);
  g_return_if_fail ((guint) matrix <= EFFVK_MATRIX_SMPTE240M);
  g_return_if_fail ((guint) site <= EFFVK_CHROMA_SITE_TOP_LEFT);

  image->layout.matrix = matrix;
  image->layout.full_range = full_range != FALSE;
  image->layout.site = site;
}

gboolean
effvk_image_set_orientation (EffvkImage *image, EffvkOrientation orientation)
{
  g_return_val_if_fail (image != NULL, FALSE);

  if (orientation < EFFVK_ORIENTATION_ROTATE_0 || orientation > EFFVK_ORIENTATION_FLIP_ROTATE_270)
    return FALSE;
  image->layout.orientation = orientation;
  return TRUE;
}

EffvkOrientation
effvk_image_get_orientation (const EffvkImage *image)
{
  g_return_val_if_fail (image != NULL, EFFVK_ORIENTATION_ROTATE_0);

  return image->layout.orientation;
}

gboolean
effvk_image_set_pixel_aspect_ratio (EffvkImage *image, guint width, guint height)
{
  g_return_val_if_fail (image != NULL, FALSE);

  if (width < 1 || height < 1 || width > EFFVK_IMAGE_MAX_PIXEL_ASPECT
      || height > EFFVK_IMAGE_MAX_PIXEL_ASPECT)
    return FALSE;
  image->layout.par_n = width;
  image->layout.par_d = height;
  return TRUE;
}

gboolean
effvk_frame_layout_contains (const EffvkFrameLayout *layout, const EffvkRectangle *rectangle)
{
  return rectangle->width >= 1 && rectangle->height >= 1 && rectangle->x < layout->width
         && rectangle->y < layout->height && rectangle->width <= layout->width - rectangle->x
         && rectangle->height <= layout->height - rectangle->y;
}

gboolean
effvk_image_set_crop (EffvkImage *image, guint x, guint y, guint width, guint height)
{
  g_return_val_if_fail (image != NULL, FALSE);

  const EffvkRectangle crop = { x, y, width, height };

  if (!effvk_frame_layout_contains (&image->layout, &crop))
    return FALSE;
  image->layout.crop = crop;
  return TRUE;
}

void
effvk_image_set_memory (EffvkImage *image, EffvkFrameMemory *memory)
{
  g_return_if_fail (image != NULL);

  if (image->memory == memory)
    return;
  g_clear_pointer (&image->memory, effvk_frame_memory_unref);
  image->memory = memory ? effvk_frame_memory_ref (memory) : NULL;
}

EffvkFormat
effvk_image_get_format (const EffvkImage *image)
{
  g_return_val_if_fail (image != NULL, EFFVK_FORMAT_UNKNOWN);

  return image->layout.format;
}

guint
effvk_image_get_width (const EffvkImage *image)
{
  g_return_val_if_fail (image != NULL, 0);

  return image->layout.width;
}

guint
effvk_image_get_height (const EffvkImage *image)
{
  g_return_val_if_fail (image != NULL, 0);

  return image->layout.height;
}

gboolean
effvk_image_is_complete (const EffvkImage *image)
{
  if (image->memory && image->memory->only_device_sees_it)
    return TRUE;
  for (guint i = 0; i < effvk_format_get_n_planes (image->layout.format); i++)
    if (!image->planes[i].data)
      return FALSE;
  return TRUE;
}

gsize
effvk_image_copy_to (const EffvkImage *image, guint8 *staging)
{
  const EffvkFrameLayout *layout = &image->layout;
  gsize copied = 0;

  for (guint i = 0; i < effvk_format_get_n_planes (layout->format); i++)
    {
      gsize row = effvk_frame_plane_row_bytes (layout, i), to_stride = layout->strides[i];
      gsize rows = effvk_frame_plane_rows (layout, i), stride = image->planes[i].stride;
      const guint8 *from = image->planes[i].data;
      guint8 *to = staging + layout->offsets[i];

      if (stride == to_stride) /* the source may end with the last row's pixels */
        {
          gsize size = stride * (rows - 1) + row;

          memcpy (to, from, size);
          copied += size;
          continue;
        }
      for (gsize y = 0; y < rows; y++)
        memcpy (to + y * to_stride, from + y * stride, row);
      copied += rows * row;
    }
  return copied;
}
