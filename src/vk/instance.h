/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/* The process's one VkInstance: made by the first reference, destroyed with the last.
 * Thread-safe. Returns VK_NULL_HANDLE with @error set on failure. */
VkInstance effvk_instance_ref (GError **error);
void effvk_instance_unref (void);

/* The Vulkan version that the instance was made for; valid while a reference is held. */
guint32 effvk_instance_get_version (void);

/* Vulkan's loader has no lock of its own in vkSetDebugUtilsObjectNameEXT (up to 1.4 at least). To
 * find the object's device it searches the devices of all instances. So whoever names an object
 * holds this lock as a reader. Whoever lists, makes or destroys devices holds it as a writer. So
 * does whoever makes or destroys instances beside the one above. */
extern GRWLock effvk_instance_devices_lock;

/* Whether an extension is in a list that Vulkan gave. */
gboolean effvk_has_extension (const VkExtensionProperties *extensions, guint n, const char *name);
