/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/physical.h"

/* The devices of @list (of EffvkPhysical) that a selector chooses, see effvk_device_new(). "auto"
 * and "gpu" choose all that match and can be used, the best first. Others choose the first of them.
 * The devices belong to @list. Returns NULL with @error set where there is none. */
GPtrArray *effvk_selector_choose (GPtrArray *list, const char *text, GError **error);
