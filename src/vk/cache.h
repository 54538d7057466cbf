/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/* Makes the device's pipeline cache, filled from disk where a file of this device and driver is
 * there and whole. Never fails: without a cache pipelines take longer to build. */
void effvk_cache_load (EffvkDevice *device);

/* Writes the device's pipeline cache to disk if it grew. Thread-safe. Never fails. */
void effvk_cache_save (EffvkDevice *device);
