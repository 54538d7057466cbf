/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/frame-copies.h"

/* A frame of @format in images of imported memory, which others have between the copies: taken over
 * from them in VK_IMAGE_LAYOUT_GENERAL and given back. @destroy: called when the device is done
 * with the images; never when it hangs. */
EffvkFrameMemory *effvk_frame_images_new_imported (EffvkDevice *device, EffvkFormat format,
                                                   const EffvkVulkanPlane *planes, guint n_planes,
                                                   gpointer user_data, GDestroyNotify destroy);
