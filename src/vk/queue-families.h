/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/* A queue of each family of @device's hardware that computes, each of a device of its own: of the
 * first
 * @max. Those that cannot be opened are left out. Transfer full, element-type EffvkDevice. */
GPtrArray *effvk_device_open_queues (EffvkDevice *device, guint max);
