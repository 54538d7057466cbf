/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-image.h>

/* How one colour component lies in a plane: its sample x begins at byte x * step + offset of its
 * row. */
typedef struct
{
  guint plane, step, offset;
} EffvkComponent;

typedef struct
{
  guint n_planes;
  gboolean yuv; /* components are Y, Cb, Cr rather than R, G, B; gray: all three are Y */
  guint chroma_x, chroma_y; /* log2 of the subsampling of Cb and Cr */
  EffvkComponent components[3];
  guint bytes[EFFVK_IMAGE_MAX_PLANES]; /* per (subsampled) pixel of each plane */
  guint depth; /* bits of a code; more than 8: a sample is a little-endian word of two bytes */
  guint shift; /* bits of a word below the code */
} EffvkFormatInfo;

const EffvkFormatInfo *effvk_format_get_info (EffvkFormat format);

/* Everything about a frame but its pixels: two frames with equal layouts share all preparation. */
typedef struct
{
  EffvkFormat format;
  guint width, height;
  EffvkRectangle crop;
  EffvkMatrix matrix;
  gboolean full_range;
  EffvkChromaSite site;
  EffvkOrientation orientation;
  guint par_n, par_d; /* width of a pixel over its height */
  /* in the staging buffer: strides are multiples of EFFVK_FRAME_MEMORY_ALIGNMENT, offsets and size
     of 256 bytes */
  gsize strides[EFFVK_IMAGE_MAX_PLANES], offsets[EFFVK_IMAGE_MAX_PLANES];
  gsize size;
} EffvkFrameLayout;

struct _EffvkImage
{
  EffvkFrameLayout layout;
  struct
  {
    const guint8 *data;
    gsize stride; /* of the source, bytes */
  } planes[EFFVK_IMAGE_MAX_PLANES];
  EffvkFrameMemory *memory; /* where the planes lie, when a device sees it */
  GBytes *bytes;            /* keeps the planes alive; NULL when they are the caller's */
};

/* Rows, and bytes of a row that hold pixels, of a plane. */
guint effvk_frame_plane_rows (const EffvkFrameLayout *layout, guint plane);
gsize effvk_frame_plane_row_bytes (const EffvkFrameLayout *layout, guint plane);

/* Whether the rectangle is not empty and inside the frame. */
gboolean effvk_frame_layout_contains (const EffvkFrameLayout *layout,
                                      const EffvkRectangle *rectangle);

/* Places the planes one after the other, with the strides that are set. */
void effvk_frame_layout_place (EffvkFrameLayout *layout);
gboolean effvk_frame_layout_equal (const EffvkFrameLayout *a, const EffvkFrameLayout *b);

/* Whether all planes were given, or are where only a device sees them. */
gboolean effvk_image_is_complete (const EffvkImage *image);

/* Copies the planes to @staging as the layout says: one memcpy() a plane where the strides agree,
 * else row by row. When the source's stride is a multiple of 4 and not wasteful the layout takes it
 * over (effvk_image_set_plane()), so that this is the common case. Returns the bytes copied. */
gsize effvk_image_copy_to (const EffvkImage *image, guint8 *staging);
