/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-format.h>
#include <effvk/effvk-types.h>

G_BEGIN_DECLS

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
 * A raw frame: a format, a size in pixels, and where its pixels are. An image points to planes in
 * system memory, but does not own them. One that effvk_image_new_from_bytes_checked() made holds a
 * reference to them. The pixels may also be in memory that a device sees
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
 * Makes an image without pixels. effvk_image_set_plane() gives them. RGB and gray begin as full
 * range. Y'CbCr begins as limited range with chroma sited left: BT.601 below 720 lines, BT.709 from
 * there on.
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
 * @data: the first byte of the plane's first row
 * @stride: bytes from a row to the next, at least the row's own bytes
 * @size: bytes readable at @data
 *
 * Sets where the pixels of a plane are. The image does not own them. They must stay readable until
 * the call that takes the image (classify or submit) returns. With effvk_image_set_memory() they
 * must stay until the result is collected.
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
 * Says that the planes lie in @memory. effvk_image_set_plane() still tells where. A classifier of
 * that memory's device may then read the pixels there instead of copying them. Their offsets in
 * @memory and their strides have to be multiples of %EFFVK_FRAME_MEMORY_ALIGNMENT, and no other
 * frame may be in the submission. The pixels must not change until the image's result is collected.
 * Otherwise the result may mix two frames.
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
