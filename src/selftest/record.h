/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

#include <effvk/effvk-device.h>

/* Whether the device's kernels pass a short self-test with a storage. How it ended is remembered on
 * disk, for this version of effvk, device and driver: it takes a while. FALSE with @error set,
 * which says what failed. */
gboolean effvk_selftest_passes (EffvkDevice *device, EffvkPrecision precision, GError **error);
