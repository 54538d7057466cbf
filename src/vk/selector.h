/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/physical.h"

/* The device of a list (of EffvkPhysical) that a selector, see effvk_device_new(), chooses: the
 * first of the best that match and can be used. Returns NULL with @error set where none is. */
const EffvkPhysical *effvk_selector_choose (GPtrArray *list, const char *text, GError **error);
