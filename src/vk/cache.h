/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vk/device.h"

/* The path of a file in the folder of caches, or NULL where there is to be none. */
char *effvk_cache_path (const char *name);

/* The whole of a regular file of at most @max bytes, or NULL. A FIFO does not block it, and a file
 * that shrinks or grows meanwhile does not deceive it. A NUL that @size does not count follows, for
 * those who read it as text. */
guint8 *effvk_cache_read (const char *path, gsize max, gsize *size);

/* What a cached file is bound to: device, driver and its version, in one line. */
char *effvk_cache_identity (EffvkDevice *device);

/* Makes the device's pipeline cache, filled from disk where a file of this device and driver is
 * there and whole. Never fails: without a cache pipelines take longer to build. */
void effvk_cache_load (EffvkDevice *device);

/* Writes the device's pipeline cache to disk if it grew. Thread-safe. Never fails. */
void effvk_cache_save (EffvkDevice *device);
