/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/* One command buffer for one submission that is waited for: uploads, read-backs, tests. */
typedef struct
{
  EffvkDevice *device;
  VkCommandPool pool;
  VkCommandBuffer commands;
  VkFence fence;
} EffvkOnce;

gboolean effvk_once_begin (EffvkOnce *once, EffvkDevice *device, GError **error);

/* Ends the command buffer with a barrier that makes all writes visible to the CPU, submits, waits.
 */
gboolean effvk_once_submit (EffvkOnce *once, GError **error);
void effvk_once_clear (EffvkOnce *once);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EffvkOnce, effvk_once_clear)
