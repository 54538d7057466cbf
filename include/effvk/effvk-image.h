/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-types.h>

G_BEGIN_DECLS

/**
 * EffvkFormat:
 * @EFFVK_FORMAT_UNKNOWN: no format
 * @EFFVK_FORMAT_RGB: one plane, bytes R G B
 * @EFFVK_FORMAT_BGR: one plane, bytes B G R
 * @EFFVK_FORMAT_RGBA: one plane, bytes R G B A; alpha is ignored
 * @EFFVK_FORMAT_BGRA: one plane, bytes B G R A; alpha is ignored
 * @EFFVK_FORMAT_RGBX: one plane, bytes R G B and one unused
 * @EFFVK_FORMAT_BGRX: one plane, bytes B G R and one unused
 * @EFFVK_FORMAT_GRAY8: one plane, bytes Y
 * @EFFVK_FORMAT_I420: planes Y, U, V; U and V halved both ways
 * @EFFVK_FORMAT_YV12: planes Y, V, U; U and V halved both ways
 * @EFFVK_FORMAT_NV12: planes Y and UV interleaved; UV halved both ways
 * @EFFVK_FORMAT_NV21: planes Y and VU interleaved; VU halved both ways
 * @EFFVK_FORMAT_ARGB: one plane, bytes A R G B; alpha is ignored
 * @EFFVK_FORMAT_ABGR: one plane, bytes A B G R; alpha is ignored
 * @EFFVK_FORMAT_XRGB: one plane, one byte unused and R G B
 * @EFFVK_FORMAT_XBGR: one plane, one byte unused and B G R
 * @EFFVK_FORMAT_RGBP: planes R, G, B
 * @EFFVK_FORMAT_BGRP: planes B, G, R
 * @EFFVK_FORMAT_GBR: planes G, B, R
 * @EFFVK_FORMAT_Y42B: planes Y, U, V; U and V halved horizontally
 * @EFFVK_FORMAT_Y444: planes Y, U, V of the same size
 * @EFFVK_FORMAT_NV16: planes Y and UV interleaved; UV halved horizontally
 * @EFFVK_FORMAT_NV61: planes Y and VU interleaved; VU halved horizontally
 * @EFFVK_FORMAT_NV24: planes Y and UV interleaved, of the same size
 * @EFFVK_FORMAT_YUY2: one plane, two pixels in bytes Y U Y V
 * @EFFVK_FORMAT_UYVY: one plane, two pixels in bytes U Y V Y
 * @EFFVK_FORMAT_YVYU: one plane, two pixels in bytes Y V Y U
 * @EFFVK_FORMAT_VYUY: one plane, two pixels in bytes V Y U Y
 * @EFFVK_FORMAT_AYUV: one plane, bytes A Y U V; alpha is ignored
 * @EFFVK_FORMAT_VUYA: one plane, bytes V U Y A; alpha is ignored
 * @EFFVK_FORMAT_GRAY16_LE: one plane, Y of 16 bits, little-endian as all below
 * @EFFVK_FORMAT_P010_10LE: as NV12, 10 bits in the upper bits of 16
 * @EFFVK_FORMAT_P012_LE: as NV12, 12 bits in the upper bits of 16
 * @EFFVK_FORMAT_P016_LE: as NV12, 16 bits
 * @EFFVK_FORMAT_I420_10LE: as I420, 10 bits in the lower bits of 16
 * @EFFVK_FORMAT_I420_12LE: as I420, 12 bits in the lower bits of 16
 * @EFFVK_FORMAT_I422_10LE: as Y42B, 10 bits in the lower bits of 16
 * @EFFVK_FORMAT_I422_12LE: as Y42B, 12 bits in the lower bits of 16
 * @EFFVK_FORMAT_Y444_10LE: as Y444, 10 bits in the lower bits of 16
 * @EFFVK_FORMAT_Y444_12LE: as Y444, 12 bits in the lower bits of 16
 * @EFFVK_FORMAT_Y444_16LE: as Y444, 16 bits
 *
 * The layout of a raw frame. Names and meanings are those of GStreamer's video formats.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_FORMAT_UNKNOWN,
  EFFVK_FORMAT_RGB,
  EFFVK_FORMAT_BGR,
  EFFVK_FORMAT_RGBA,
  EFFVK_FORMAT_BGRA,
  EFFVK_FORMAT_RGBX,
  EFFVK_FORMAT_BGRX,
  EFFVK_FORMAT_GRAY8,
  EFFVK_FORMAT_I420,
  EFFVK_FORMAT_YV12,
  EFFVK_FORMAT_NV12,
  EFFVK_FORMAT_NV21,
  EFFVK_FORMAT_ARGB,
  EFFVK_FORMAT_ABGR,
  EFFVK_FORMAT_XRGB,
  EFFVK_FORMAT_XBGR,
  EFFVK_FORMAT_RGBP,
  EFFVK_FORMAT_BGRP,
  EFFVK_FORMAT_GBR,
  EFFVK_FORMAT_Y42B,
  EFFVK_FORMAT_Y444,
  EFFVK_FORMAT_NV16,
  EFFVK_FORMAT_NV61,
  EFFVK_FORMAT_NV24,
  EFFVK_FORMAT_YUY2,
  EFFVK_FORMAT_UYVY,
  EFFVK_FORMAT_YVYU,
  EFFVK_FORMAT_VYUY,
  EFFVK_FORMAT_AYUV,
  EFFVK_FORMAT_VUYA,
  EFFVK_FORMAT_GRAY16_LE,
  EFFVK_FORMAT_P010_10LE,
  EFFVK_FORMAT_P012_LE,
  EFFVK_FORMAT_P016_LE,
  EFFVK_FORMAT_I420_10LE,
  EFFVK_FORMAT_I420_12LE,
  EFFVK_FORMAT_I422_10LE,
  EFFVK_FORMAT_I422_12LE,
  EFFVK_FORMAT_Y444_10LE,
  EFFVK_FORMAT_Y444_12LE,
  EFFVK_FORMAT_Y444_16LE,
} EffvkFormat;

EFFVK_API GType effvk_format_get_type (void);
#define EFFVK_TYPE_FORMAT (effvk_format_get_type ())

/**
 * effvk_format_from_string:
 * @name: GStreamer's name of the format, for instance "NV12" or "RGBx"
 *
 * Looks a format up by its name.
 *
 * Returns: the format, or %EFFVK_FORMAT_UNKNOWN
 *
 * Since: 0.1
 */
EFFVK_API EffvkFormat effvk_format_from_string (const char *name);

/**
 * effvk_format_to_string:
 * @format: a format
 *
 * Names a format as GStreamer does.
 *
 * Returns: (transfer none) (nullable): the name, for instance "NV12", or %NULL for no format
 *
 * Since: 0.1
 */
EFFVK_API const char *effvk_format_to_string (EffvkFormat format);

/**
 * effvk_format_get_n_planes:
 * @format: a format
 *
 * Counts the planes of a frame in this format.
 *
 * Returns: 1 to %EFFVK_IMAGE_MAX_PLANES, or 0 for no format
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_format_get_n_planes (EffvkFormat format);

/**
 * effvk_format_get_plane_size:
 * @format: the layout
 * @plane: which plane, from 0
 * @width: of the frame, in pixels
 * @height: of the frame, in pixels
 * @row_bytes: (out): bytes of a row that hold pixels, without padding
 * @rows: (out): rows of the plane
 *
 * Subsampled planes are rounded up to whole samples.
 *
 * Returns: whether the format has the plane; otherwise both sizes are 0
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_format_get_plane_size (EffvkFormat format, guint plane, guint width,
                                                guint height, gsize *row_bytes, gsize *rows);

/**
 * EffvkMatrix:
 * @EFFVK_MATRIX_BT601: ITU-R BT.601
 * @EFFVK_MATRIX_BT709: ITU-R BT.709
 * @EFFVK_MATRIX_BT2020: ITU-R BT.2020, non-constant luminance
 * @EFFVK_MATRIX_SMPTE240M: SMPTE 240M
 *
 * How Y'CbCr was made from R'G'B'. Ignored for RGB and gray formats. Primaries are not converted:
 * R'G'B' of BT.2020 is taken for that of the model's pictures, a little less saturated than it is.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_MATRIX_BT601,
  EFFVK_MATRIX_BT709,
  EFFVK_MATRIX_BT2020,
  EFFVK_MATRIX_SMPTE240M,
} EffvkMatrix;

EFFVK_API GType effvk_matrix_get_type (void);
#define EFFVK_TYPE_MATRIX (effvk_matrix_get_type ())

/**
 * EffvkChromaSite:
 * @EFFVK_CHROMA_SITE_CENTER: chroma samples lie between luma samples (JPEG, MPEG-1)
 * @EFFVK_CHROMA_SITE_LEFT: cosited horizontally, between vertically (MPEG-2, H.264)
 * @EFFVK_CHROMA_SITE_TOP_LEFT: cosited both ways (BT.2020)
 *
 * Where the chroma samples of a frame lie between its luma samples.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_CHROMA_SITE_CENTER,
  EFFVK_CHROMA_SITE_LEFT,
  EFFVK_CHROMA_SITE_TOP_LEFT,
} EffvkChromaSite;

EFFVK_API GType effvk_chroma_site_get_type (void);
#define EFFVK_TYPE_CHROMA_SITE (effvk_chroma_site_get_type ())

/**
 * EffvkOrientation:
 * @EFFVK_ORIENTATION_ROTATE_0: the picture is upright as it is
 * @EFFVK_ORIENTATION_ROTATE_90: by a quarter
 * @EFFVK_ORIENTATION_ROTATE_180: by half a turn
 * @EFFVK_ORIENTATION_ROTATE_270: by three quarters
 * @EFFVK_ORIENTATION_FLIP_ROTATE_0: mirrored only
 * @EFFVK_ORIENTATION_FLIP_ROTATE_90: mirrored, then by a quarter
 * @EFFVK_ORIENTATION_FLIP_ROTATE_180: mirrored, then by half a turn
 * @EFFVK_ORIENTATION_FLIP_ROTATE_270: mirrored, then by three quarters
 *
 * How the picture must be turned, clockwise, and before that perhaps mirrored, left to right, to be
 * upright. Names and meanings are those of GStreamer's image-orientation tag.
 *
 * Since: 0.1
 */
typedef enum
{
  EFFVK_ORIENTATION_ROTATE_0,
  EFFVK_ORIENTATION_ROTATE_90,
  EFFVK_ORIENTATION_ROTATE_180,
  EFFVK_ORIENTATION_ROTATE_270,
  EFFVK_ORIENTATION_FLIP_ROTATE_0,
  EFFVK_ORIENTATION_FLIP_ROTATE_90,
  EFFVK_ORIENTATION_FLIP_ROTATE_180,
  EFFVK_ORIENTATION_FLIP_ROTATE_270,
} EffvkOrientation;

EFFVK_API GType effvk_orientation_get_type (void);
#define EFFVK_TYPE_ORIENTATION (effvk_orientation_get_type ())

/**
 * EffvkRectangle:
 * @x: left edge
 * @y: top edge
 * @width: at least 1
 * @height: at least 1
 *
 * A part of a frame, in pixels from its top left corner.
 *
 * Since: 0.1
 */
typedef struct
{
  guint x, y, width, height;
} EffvkRectangle;

/**
 * EFFVK_IMAGE_MAX_PLANES:
 *
 * How many planes a frame has at most.
 *
 * Since: 0.1
 */
#define EFFVK_IMAGE_MAX_PLANES 3

/**
 * EFFVK_IMAGE_MAX_SIZE:
 *
 * How wide and how high a frame is at most, in pixels.
 *
 * Since: 0.1
 */
#define EFFVK_IMAGE_MAX_SIZE 16384

/**
 * EFFVK_IMAGE_MAX_PIXEL_ASPECT:
 *
 * The largest number that a pixel aspect ratio is made of.
 *
 * Since: 0.1
 */
#define EFFVK_IMAGE_MAX_PIXEL_ASPECT 65535

/**
 * EffvkImageError:
 * @EFFVK_IMAGE_ERROR_FORMAT: the format is none of #EffvkFormat
 * @EFFVK_IMAGE_ERROR_SIZE: the width or the height is out of range
 * @EFFVK_IMAGE_ERROR_DATA: there are fewer bytes than such a frame has
 *
 * Why an image cannot be made.
 *
 * Since: 0.2
 */
typedef enum
{
  EFFVK_IMAGE_ERROR_FORMAT,
  EFFVK_IMAGE_ERROR_SIZE,
  EFFVK_IMAGE_ERROR_DATA,
} EffvkImageError;

EFFVK_API GType effvk_image_error_get_type (void);
#define EFFVK_TYPE_IMAGE_ERROR (effvk_image_error_get_type ())

#define EFFVK_IMAGE_ERROR (effvk_image_error_quark ())

/**
 * effvk_image_error_quark:
 *
 * Gets the domain of errors of images, %EFFVK_IMAGE_ERROR.
 *
 * Returns: the quark of the domain
 *
 * Since: 0.2
 */
EFFVK_API GQuark effvk_image_error_quark (void);

/**
 * EffvkImage:
 *
 * A raw frame: a format, a size in pixels, and where its pixels are. They are in planes in system
 * memory, which the image points to but does not own (unless made by
 * effvk_image_new_from_bytes_checked()), or in memory that a device sees
 * (effvk_image_set_memory()). One image may be reused for any number of frames. Not thread-safe.
 *
 * Since: 0.1
 */
typedef struct _EffvkImage EffvkImage;

#define EFFVK_TYPE_IMAGE (effvk_image_get_type ())
EFFVK_API GType effvk_image_get_type (void);

/**
 * effvk_image_new_checked: (rename-to effvk_image_new)
 * @format: the layout
 * @width: in pixels, 1 to %EFFVK_IMAGE_MAX_SIZE
 * @height: in pixels, 1 to %EFFVK_IMAGE_MAX_SIZE
 * @error: return location of a #GError in the %EFFVK_IMAGE_ERROR domain
 *
 * Makes an image without pixels; effvk_image_set_plane() gives them. Y'CbCr formats begin as BT.601
 * limited range below 720 lines and BT.709 limited range from there, chroma sited left; RGB and
 * gray as full range.
 *
 * Returns: (transfer full): the image, or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API EffvkImage *effvk_image_new_checked (EffvkFormat format, guint width, guint height,
                                               GError **error);

/**
 * effvk_image_new:
 * @format: the layout
 * @width: in pixels, 1 to %EFFVK_IMAGE_MAX_SIZE
 * @height: in pixels, 1 to %EFFVK_IMAGE_MAX_SIZE
 *
 * Makes an image without pixels, as effvk_image_new_checked() does, but does not say why it fails.
 *
 * Returns: (transfer full) (nullable): the image, or %NULL for an unknown format or a size out of
 * range
 *
 * Since: 0.1
 */
EFFVK_API EffvkImage *effvk_image_new (EffvkFormat format, guint width, guint height);

/**
 * effvk_image_new_from_bytes_checked: (rename-to effvk_image_new_from_bytes)
 * @format: the layout
 * @width: in pixels, 1 to %EFFVK_IMAGE_MAX_SIZE
 * @height: in pixels, 1 to %EFFVK_IMAGE_MAX_SIZE
 * @bytes: the planes one after the other, tightly packed (chroma planes rounded up to whole
 *   samples); a reference is taken
 * @error: return location of a #GError in the %EFFVK_IMAGE_ERROR domain
 *
 * Makes an image of a whole raw frame.
 *
 * Returns: (transfer full): the image, or %NULL with @error set
 *
 * Since: 0.2
 */
EFFVK_API EffvkImage *effvk_image_new_from_bytes_checked (EffvkFormat format, guint width,
                                                          guint height, GBytes *bytes,
                                                          GError **error);

/**
 * effvk_image_new_from_bytes:
 * @format: the layout
 * @width: in pixels
 * @height: in pixels
 * @bytes: the planes one after the other, tightly packed (chroma planes rounded up to whole
 * samples)
 *
 * Makes an image of a whole raw frame, as effvk_image_new_from_bytes_checked() does, but does not
 * say why it fails.
 *
 * Returns: (transfer full) (nullable): the image, which keeps a reference to @bytes, or %NULL when
 * format or size are invalid or @bytes is too small
 *
 * Since: 0.1
 */
EFFVK_API EffvkImage *effvk_image_new_from_bytes (EffvkFormat format, guint width, guint height,
                                                  GBytes *bytes);

/**
 * effvk_image_copy:
 * @image: an image
 *
 * Copies the description of a frame. The pixels are not copied: both images point to the same ones.
 *
 * Returns: (transfer full): the copy, to be freed with effvk_image_free()
 *
 * Since: 0.1
 */
EFFVK_API EffvkImage *effvk_image_copy (const EffvkImage *image);

/**
 * effvk_image_free:
 * @image: (transfer full) (nullable): an image
 *
 * Frees an image, but not the pixels that effvk_image_set_plane() pointed it to.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_image_free (EffvkImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkImage, effvk_image_free)

/**
 * effvk_image_set_plane: (skip)
 * @image: an image
 * @plane: which plane, from 0
 * @data: the first byte of the plane's first row; must stay readable until the call that takes the
 *   image (classify or submit) returns
 * @stride: bytes from a row to the next, at least the row's own bytes
 * @size: bytes readable at @data
 *
 * Sets where the pixels of a plane are. The image does not own them.
 *
 * Returns: whether the plane exists and @size holds all its rows; on failure the image is unchanged
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_image_set_plane (EffvkImage *image, guint plane, const guint8 *data,
                                          gsize stride, gsize size);

/**
 * effvk_image_set_colorimetry:
 * @image: an image
 * @matrix: how Y'CbCr was made from R'G'B'
 * @full_range: whether all 256 codes are used, rather than 16 to 235; of RGB and gray, too
 * @site: where chroma samples lie
 *
 * Sets how the numbers in the planes stand for colors.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_image_set_colorimetry (EffvkImage *image, EffvkMatrix matrix,
                                            gboolean full_range, EffvkChromaSite site);

/**
 * effvk_image_set_crop:
 * @image: an image
 * @x: left edge in pixels
 * @y: top edge in pixels
 * @width: in pixels, at least 1
 * @height: in pixels, at least 1
 *
 * Sets the part of the frame that is the picture. The default is the whole frame.
 *
 * Returns: whether the rectangle lies inside the frame; otherwise nothing changes
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_image_set_crop (EffvkImage *image, guint x, guint y, guint width,
                                         guint height);

/**
 * EffvkFrameMemory:
 *
 * Memory that the CPU and a device both see, made by effvk_frame_memory_new(). Reference counted;
 * all functions may be called from any thread.
 *
 * Since: 0.1
 */
typedef struct _EffvkFrameMemory EffvkFrameMemory;

/**
 * EFFVK_FRAME_MEMORY_ALIGNMENT:
 *
 * Bytes: frames whose planes and rows begin at multiples of it, from the memory's first byte, are
 * read in place.
 *
 * Since: 0.1
 */
#define EFFVK_FRAME_MEMORY_ALIGNMENT 16

#define EFFVK_TYPE_FRAME_MEMORY (effvk_frame_memory_get_type ())
EFFVK_API GType effvk_frame_memory_get_type (void);

/**
 * effvk_frame_memory_ref:
 * @memory: frame memory
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @memory
 *
 * Since: 0.1
 */
EFFVK_API EffvkFrameMemory *effvk_frame_memory_ref (EffvkFrameMemory *memory);

/**
 * effvk_frame_memory_unref:
 * @memory: (transfer full): frame memory
 *
 * Drops a reference. The memory is freed with the last one.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_frame_memory_unref (EffvkFrameMemory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EffvkFrameMemory, effvk_frame_memory_unref)

/**
 * effvk_frame_memory_get_data: (skip)
 * @memory: frame memory
 *
 * Gets the address of the memory.
 *
 * Returns: (transfer none): the first byte, valid as long as @memory
 *
 * Since: 0.1
 */
EFFVK_API guint8 *effvk_frame_memory_get_data (EffvkFrameMemory *memory);

/**
 * effvk_frame_memory_get_size:
 * @memory: frame memory
 *
 * Gets the size of the memory.
 *
 * Returns: the size in bytes, or 0 where only a device sees the memory
 *
 * Since: 0.1
 */
EFFVK_API gsize effvk_frame_memory_get_size (EffvkFrameMemory *memory);

/**
 * effvk_image_set_memory:
 * @image: an image
 * @memory: (nullable): what the planes lie in; a reference is taken
 *
 * Says that the planes, which effvk_image_set_plane() tells as ever, lie in @memory. A classifier
 * of that memory's device then reads the pixels there instead of copying them, if their offsets in
 * it and their strides are multiples of %EFFVK_FRAME_MEMORY_ALIGNMENT and no other frame is in its
 * submission: until the image's result is collected its pixels must not change, or the result is
 * that of some mixture.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_image_set_memory (EffvkImage *image, EffvkFrameMemory *memory);

/**
 * effvk_image_set_orientation:
 * @image: an image
 * @orientation: how the network must see the frame turned
 *
 * The default is %EFFVK_ORIENTATION_ROTATE_0. Size, planes, crop and regions stay those of the
 * frame as it lies in memory.
 *
 * Returns: whether there is such an orientation; otherwise nothing changes
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_image_set_orientation (EffvkImage *image, EffvkOrientation orientation);

/**
 * effvk_image_get_orientation:
 * @image: an image
 *
 * Gets how the frame must be turned.
 *
 * Returns: the orientation
 *
 * Since: 0.1
 */
EFFVK_API EffvkOrientation effvk_image_get_orientation (const EffvkImage *image);

/**
 * effvk_image_set_pixel_aspect_ratio:
 * @image: an image
 * @width: of a pixel, 1 to %EFFVK_IMAGE_MAX_PIXEL_ASPECT
 * @height: of a pixel, in the same unit
 *
 * Sets the proportions of the frame's pixels as it lies in memory, for models that keep those of
 * the picture. The default is 1:1.
 *
 * Returns: whether both are in range; otherwise nothing changes
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_image_set_pixel_aspect_ratio (EffvkImage *image, guint width,
                                                       guint height);

/**
 * effvk_image_get_format:
 * @image: an image
 *
 * Gets the layout of the frame.
 *
 * Returns: the format
 *
 * Since: 0.1
 */
EFFVK_API EffvkFormat effvk_image_get_format (const EffvkImage *image);

/**
 * effvk_image_get_width:
 * @image: an image
 *
 * Gets the width of the frame as it lies in memory.
 *
 * Returns: the width in pixels
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_image_get_width (const EffvkImage *image);

/**
 * effvk_image_get_height:
 * @image: an image
 *
 * Gets the height of the frame as it lies in memory.
 *
 * Returns: the height in pixels
 *
 * Since: 0.1
 */
EFFVK_API guint effvk_image_get_height (const EffvkImage *image);

G_END_DECLS
