/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-device.h>
#include <effvk/effvk-image.h>

G_BEGIN_DECLS

/**
 * effvk_frame_memory_new:
 * @device: a device; a reference is taken
 * @size: in bytes, at least 1
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Allocates memory that both the CPU and @device see. Frames that are written there need no copy,
 * see effvk_image_set_memory(). The CPU's cache covers it where the device has such memory, so
 * reading is not slow either.
 *
 * Returns: (transfer full): the memory, with undefined contents, or %NULL with @error set
 *
 * Since: 0.1
 */
EFFVK_API EffvkFrameMemory *effvk_frame_memory_new (EffvkDevice *device, gsize size,
                                                    GError **error);

/**
 * effvk_image_upload:
 * @image: an image with all its planes set
 * @device: a device
 * @copied: (out) (optional): the bytes that were copied
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Copies the pixels of a frame to memory that @device sees. Use it for a frame that is submitted
 * more than once, such as one with more regions than a submission holds. Nothing is copied where
 * the pixels lie in such memory already, or where only a device sees them.
 *
 * Returns: (transfer full): an image with the same pixels, or %NULL with @error set. Where nothing
 *   was copied, @image must outlive it.
 *
 * Since: 0.1
 */
EFFVK_API EffvkImage *effvk_image_upload (const EffvkImage *image, EffvkDevice *device,
                                          gsize *copied, GError **error);

/**
 * effvk_device_can_import_data:
 * @device: a device
 *
 * Tells whether the device can read the program's own memory.
 *
 * Three things are needed: the driver has VK_EXT_external_memory_host, the device shares the CPU's
 * memory, and effvk_device_new() made it.
 *
 * Returns: whether effvk_frame_memory_new_from_data() can work, and is no slower than copying
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_device_can_import_data (EffvkDevice *device);

/**
 * effvk_frame_memory_new_from_data: (skip)
 * @device: a device; a reference is taken
 * @data: memory of the program's
 * @size: in bytes, at least 1
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Lets @device read frames where the program has them, see effvk_image_set_memory(). Whole pages
 * are imported. @data must stay allocated until effvk_frame_memory_revoke(), or until the last
 * reference is gone. An import takes time. It pays where many frames come in the same memory.
 *
 * Returns: (transfer full): the memory, or %NULL with @error set: %EFFVK_DEVICE_ERROR_UNSUPPORTED
 *   where the device cannot import it
 *
 * Since: 0.1
 */
EFFVK_API EffvkFrameMemory *effvk_frame_memory_new_from_data (EffvkDevice *device, guint8 *data,
                                                              gsize size, GError **error);

/**
 * effvk_frame_memory_revoke: (skip)
 * @memory: made by effvk_frame_memory_new_from_data(); no frame in it is in flight
 *
 * Lets go of the program's memory. The program may free it then, even while others hold references
 * to @memory. No frame can be in it any more. Not thread-safe with other uses of @memory.
 *
 * Since: 0.1
 */
EFFVK_API void effvk_frame_memory_revoke (EffvkFrameMemory *memory);

/**
 * effvk_device_can_import_dmabuf:
 * @device: a device
 *
 * Tells whether the device can import DMA buffers.
 *
 * Two things are needed: the driver has VK_EXT_external_memory_dma_buf, and effvk_device_new() made
 * the device.
 *
 * Returns: whether effvk_frame_memory_new_from_dmabuf() can work
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_device_can_import_dmabuf (EffvkDevice *device);

/**
 * EffvkDmabufPlane: (skip)
 * @fd: of the DMA buffer that the plane is in; planes may share one
 * @offset: of the plane in it, in bytes
 * @stride: bytes from a row to the next
 *
 * Where a plane of a frame is. With the linear DRM modifier, rows lie one after the other. With
 * another modifier, that modifier defines what @stride means.
 *
 * Since: 0.1
 */
typedef struct
{
  int fd;
  gsize offset, stride;
} EffvkDmabufPlane;

/**
 * effvk_frame_memory_new_from_dmabuf: (skip)
 * @device: a device; a reference is taken
 * @planes: (array length=n_planes): where the planes are
 * @n_planes: 1 to %EFFVK_IMAGE_MAX_PLANES
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Imports a frame's DMA buffers. Give the memory to an #EffvkImage of the frame's format and size
 * with effvk_image_set_memory(). That image needs no effvk_image_set_plane(). A classifier on
 * @device copies the pixels on the device.
 *
 * What wrote the pixels must be done. The pixels must not change until the result is collected. The
 * files are kept open, so @fd may be closed. Importing takes time: keep the memory for all frames
 * that come in these buffers.
 *
 * Returns: (transfer full): the memory, or %NULL with @error set: %EFFVK_DEVICE_ERROR_UNSUPPORTED
 *   where the device cannot import it
 *
 * Since: 0.1
 */
EFFVK_API EffvkFrameMemory *effvk_frame_memory_new_from_dmabuf (EffvkDevice *device,
                                                                const EffvkDmabufPlane *planes,
                                                                guint n_planes, GError **error);

/**
 * EFFVK_DMABUF_MAX_PLANES: (skip)
 *
 * How many planes in memory a frame with a DRM modifier has at most.
 *
 * Since: 0.1
 */
#define EFFVK_DMABUF_MAX_PLANES 4

/**
 * EFFVK_DMABUF_LINEAR: (skip)
 *
 * The linear DRM modifier: rows lie one after the other.
 *
 * Since: 0.1
 */
#define EFFVK_DMABUF_LINEAR 0

/**
 * EffvkDmabufModifier: (skip)
 * @modifier: how pixels lie in memory, in the terms of drm_fourcc.h
 * @n_planes: planes in memory of a frame: those of the format, and with some compressed modifiers
 * more
 *
 * A DRM modifier that a device can import frames with.
 *
 * Since: 0.1
 */
typedef struct
{
  guint64 modifier;
  guint n_planes;
} EffvkDmabufModifier;

/**
 * effvk_device_list_dmabuf_modifiers: (skip)
 * @device: a device
 * @format: of the frames
 * @n_modifiers: (out): how many
 *
 * Asks the driver, each time. %EFFVK_DMABUF_LINEAR comes first. Every format can be imported with
 * it where DMA buffers can be imported at all. Tiled and compressed modifiers need
 * VK_EXT_image_drm_format_modifier, and a driver that takes them for the format. Formats of packed
 * 4:2:2 have only the linear one.
 *
 * Returns: (array length=n_modifiers) (transfer full) (nullable): what
 *   effvk_frame_memory_new_from_dmabuf_with_modifier() takes, to be freed with g_free(), or %NULL
 *   where there are none
 *
 * Since: 0.1
 */
EFFVK_API EffvkDmabufModifier *effvk_device_list_dmabuf_modifiers (EffvkDevice *device,
                                                                   EffvkFormat format,
                                                                   guint *n_modifiers);

/**
 * effvk_frame_memory_new_from_dmabuf_with_modifier: (skip)
 * @device: a device; a reference is taken
 * @format: of the frame
 * @width: of the frame in memory, in pixels
 * @height: of the frame in memory, in pixels
 * @modifier: one of effvk_device_list_dmabuf_modifiers()
 * @planes: (array length=n_planes): where the planes in memory are
 * @n_planes: as many as the modifier has, at most %EFFVK_DMABUF_MAX_PLANES
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Imports frames that are tiled or compressed, as effvk_frame_memory_new_from_dmabuf() does linear
 * ones. The linear modifier is taken too. The #EffvkImage that gets the memory must have @format,
 * and be no larger than @width and @height. Planes may lie in different DMA buffers where the
 * device can bind them one by one. No device can for formats with one plane.
 *
 * Returns: (transfer full): the memory, or %NULL with @error set: %EFFVK_DEVICE_ERROR_UNSUPPORTED
 *   where the device cannot import it
 *
 * Since: 0.1
 */
EFFVK_API EffvkFrameMemory *effvk_frame_memory_new_from_dmabuf_with_modifier (
    EffvkDevice *device, EffvkFormat format, guint width, guint height, guint64 modifier,
    const EffvkDmabufPlane *planes, guint n_planes, GError **error);

G_END_DECLS
