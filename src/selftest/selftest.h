/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/cases.h"

/* Whether the device can run a kernel in the test's storage. */
gboolean effvk_selftest_can_run (const EffvkSelftest *test, const EffvkKernel *kernel);

/* Number @index of effvk_selftest_cases, with every kernel that the device can run, on @n_shapes
 * shapes. The same seed makes the same shapes and values as in the whole self-test. */
gboolean effvk_selftest_run_case (EffvkSelftest *test, guint index, guint32 seed, guint n_shapes,
                                  GError **error);
