/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/pipeline.h"

/* Whether the device's compiler tells what it made of a shader
   (VK_KHR_pipeline_executable_properties). */
gboolean effvk_executables_are_supported (VkPhysicalDevice physical,
                                          const VkExtensionProperties *extensions, guint n);

/* Compiles a pipeline anew and returns what the compiler says of it, as aa{sv}. Each of its
 * executables has "name" (s), "subgroup-size" (u) and "statistics" (a{sv}: by the driver's names,
 * x, t, d or b). NULL with @error set on failure, and where the device says nothing. */
GVariant *effvk_executables_describe (EffvkDevice *device, const EffvkPipelineKey *key,
                                      GError **error);
