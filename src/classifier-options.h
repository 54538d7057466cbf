/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-classifier.h>

struct _EffvkClassifierOptions
{
  GObject parent_instance;
  EffvkPrecision precision;
  EffvkOutputActivation activation;
  guint top_k, batch_size, max_in_flight;
  gboolean logits, embeddings, heatmaps, plain_kernels;
};
