/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define VK_NO_PROTOTYPES
#include <volk.h>

#include <effvk/effvk-device.h>

/* What becomes of Vulkan calls that fail. */

typedef enum
{
  EFFVK_DEVICE_LOSS_NONE,
  EFFVK_DEVICE_LOSS_LOST, /* the driver said so; what was submitted has ended */
  EFFVK_DEVICE_LOSS_HUNG, /* it did not answer in time; what was submitted may still be running */
} EffvkDeviceLoss;

/* Marks the device lost, unless it is already. @device: (nullable) */
void effvk_device_lose (EffvkDevice *device, EffvkDeviceLoss how);

/* Turns the failure of a Vulkan call into a GError and marks the device lost where it is.
 * Returns whether @result is a success (VK_SUCCESS; anything else is a failure here).
 * @device can be NULL where there is none yet. */
gboolean effvk_device_check (EffvkDevice *device, VkResult result, const char *call,
                             GError **error);

/* effvk_device_check() of a call that fills *@made, a handle. What a call that fails leaves there
 * is undefined, so it is cleared: whoever cleans up must not destroy it. */
#define effvk_device_check_made(device, result, made, what, error)                                 \
  (effvk_device_check (device, result, what, error) || (*(made) = VK_NULL_HANDLE, FALSE))

/* Makes an object: @call is one of vkCreate…() or vkAllocateMemory(). @what: for the error. */
#define effvk_device_make(device, call, info, made, what, error)                                   \
  effvk_device_check_made (device, (device)->vk.call ((device)->handle, info, NULL, made), made,   \
                           what, error)
