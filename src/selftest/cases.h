/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/trial.h"

/* An op's part of the self-test. */
typedef struct
{
  const char *name;
  const EffvkKernel *kernels;
  const guint *n_kernels;
  /* Draws the shape and the values number @index of a series, runs the kernel that the trial names
   * and compares. Twelve successive indices go through the op's variants, three from a multiple of
   * 3 through most. FALSE with @error set when that could not be done. */
  gboolean (*run) (EffvkTrial *trial, guint index, GError **error);
} EffvkSelftestCase;

/* Of ops with files of their own. */
gboolean effvk_selftest_run_preprocess (EffvkTrial *trial, guint index, GError **error);
gboolean effvk_selftest_run_heatmap (EffvkTrial *trial, guint index, GError **error);
gboolean effvk_selftest_run_top_k (EffvkTrial *trial, guint index, GError **error);

extern const EffvkSelftestCase effvk_selftest_cases[];
extern const guint effvk_selftest_n_cases;
