/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/physical.h"

/* The devices of a list (of EffvkPhysical) that a selector, see effvk_device_new(), chooses, the
 * best first: all that match and can be used with "auto" and "gpu", else the first of them. They
 * belong to @list. Returns NULL with
 * @error set where there is none. */
GPtrArray *effvk_selector_choose (GPtrArray *list, const char *text, GError **error);
