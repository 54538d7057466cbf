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
 * Runs every kernel that the device can run, on random shapes and values. Compares the answers with
 * a plain double-precision computation on the CPU. The bound is an NMSE of 1e-7 in fp32 and 1e-4 in
 * fp16.
 *
 * Returns: whether every comparison could be made; @n_failed tells how they ended
 *
 * Since: 0.1
 */
EFFVK_API gboolean effvk_selftest_run (EffvkDevice *device, EffvkPrecision precision, guint32 seed,
                                       guint n_shapes, EffvkSelftestFunc func, gpointer user_data,
                                       guint *n_failed, GError **error);

/**
 * effvk_selftest_replay:
 * @device: a device
 * @precision: fp32 or fp16; auto means fp32
 * @seed: the same seed makes the same shapes and values
 * @n_replays: how often to run each network, 1 to 1,000,000; 100 takes seconds
 * @func: (scope call) (nullable): told about every comparison, from this thread
 * @user_data: for @func
 * @n_failed: (out) (optional): comparisons that failed
 * @error: return location of a #GError in the %EFFVK_DEVICE_ERROR domain
 *
 * Checks that the device gives the same answer to the last bit each time. Small networks of odd
 * sizes are recorded once and run @n_replays times, with other work in between. They are compared
 * with a run of one operation at a time. The same runs at once on a queue of each family that
 * computes. Bytes are copied through mapped memory, and through memory that is not coherent where
 * the device has such.
 *
 * The operations that @func is told of are "network", with the kernels "replayed" and "queues", and
 * "memory", with "mapped" and "not-coherent". The error is 0 or infinite.
 *
 * May be called from any thread.
 *
 * Returns: whether every comparison could be made; @n_failed tells how they ended
 *
 * Since: 0.2
 */
EFFVK_API gboolean effvk_selftest_replay (EffvkDevice *device, EffvkPrecision precision,
                                          guint32 seed, guint n_replays, EffvkSelftestFunc func,
                                          gpointer user_data, guint *n_failed, GError **error);

G_END_DECLS
