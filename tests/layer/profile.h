/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <json-glib/json-glib.h>

/*
 * A Vulkan layer for tests: devices look like the one that the file in EFFVK_PROFILE describes, see
 * tests/devices/README.md. With EFFVK_PROFILE_ONLY only devices whose name contains it do.
 *
 * A limit is never better than the driver's own, so that what runs is what the driver can.
 */

/* The file, read once. */
JsonObject *profile_get (void);

gboolean profile_is_for (const VkPhysicalDeviceProperties *properties);

/* Each changes what the driver says into what the profile says. */
void profile_change_properties (VkPhysicalDeviceProperties *properties);
void profile_change_subgroup (VkPhysicalDeviceSubgroupProperties *subgroup);
void profile_change_memory (VkPhysicalDeviceMemoryProperties *memory);

/* Of VkQueueFamilyProperties: the driver's, and then the profile's. */
void profile_change_queue_families (GArray *families);
/* Whether the profile has families of its own. All lie in the driver's first. */
gboolean profile_lists_queue_families (void);

/* Clears those features in the structures of a chain that the profile does not have. */
void profile_change_features (void *chain);
/* The name of a feature that a chain asks for and the profile does not have; or NULL. */
const char *profile_find_missing_feature (const void *chain);

/* Whether the device has the extension. */
gboolean profile_has_extension (const char *name);
/* Whether the device has VK_KHR_portability_subset, which the driver lacks. */
gboolean profile_is_portability_subset (void);

/* The driver's type of memory for all of the profile's; -1: the types are the driver's own. */
int profile_get_memory_type (void);
/* The profile's types of memory, a bit each: all, or those that the CPU can map. */
guint32 profile_get_memory_bits (gboolean mapped);
