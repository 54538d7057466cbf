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
 * Allocates memory that both the CPU and @device see: frames that are written there need no copy, see
 * effvk_image_set_memory(). It is cached for the CPU where the device has such memory, so reading is
 * not slow either.
 *
 * Returns: (transfer full): the memory, with undefined contents, or %NULL with @error set
 */
EFFVK_API EffvkFrameMemory *effvk_frame_memory_new (EffvkDevice *device, gsize size,
                                                    GError **error);

G_END_DECLS
