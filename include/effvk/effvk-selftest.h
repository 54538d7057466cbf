/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-device.h>

G_BEGIN_DECLS

/**
 * EffvkSelftestFunc:
 * @op: the operation, for instance "pointwise"
 * @kernel: the kernel, for instance "lanes"
 * @shape: what was computed, for people
 * @nmse: normalised mean squared error against a double-precision reference
 * @passed: whether @nmse is within the precision's bound
 * @user_data: as given to effvk_selftest_run()
 *
 * Told about every comparison of effvk_selftest_run().
 *
 * Since: 0.1
 */
typedef void (*EffvkSelftestFunc) (const char *op, const char *kernel, const char *shape,
                                   double nmse, gboolean passed, gpointer user_data);

/**
 * effvk_selftest_run:
 * @device: a device
 * @precision: fp32 or fp16; auto means fp32
 * @seed: the same seed makes the same shapes and values
 * @n_shapes: random shapes to try per kernel
 * @func: (scope call) (nullable): told about every comparison
 * @user_data: for @func
 * @n_failed: (out) (optional): comparisons that failed
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Runs every kernel that the device can run on random shapes and values, and compares with a plain
 * double-precision computation on the CPU. The bound is an NMSE of 1e-7 in fp32 and 1e-4 in fp16.
 *
 * Returns: whether every comparison could be made; @n_failed tells how they ended
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_selftest_run (EffvkDevice *device, EffvkPrecision precision, guint32 seed,
                                       guint n_shapes, EffvkSelftestFunc func, gpointer user_data,
                                       guint *n_failed, GError **error);

G_END_DECLS
