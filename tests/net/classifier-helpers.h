/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk.h>

/* A classifier that gives the logits too, which show more than the three best. */
static inline EffvkClassifier *
new_classifier (EffvkDevice *device, EffvkModel *model, guint batch, guint in_flight)
{
  g_autoptr (EffvkClassifierOptions) options = effvk_classifier_options_new ();
  g_autoptr (GError) error = NULL;
  EffvkClassifier *classifier;

  effvk_classifier_options_set_batch_size (options, batch);
  effvk_classifier_options_set_max_in_flight (options, in_flight);
  effvk_classifier_options_set_top_k (options, 3);
  effvk_classifier_options_set_logits (options, TRUE);
  classifier = effvk_classifier_new (device, model, options, &error);
  g_assert_no_error (error);
  return classifier;
}

/* To the last bit. */
static inline void
assert_same (EffvkResult *a, EffvkResult *b)
{
  guint n, m;
  const float *x = effvk_result_get_logits (a, &n), *y = effvk_result_get_logits (b, &m);

  g_assert_cmpuint (n, ==, m);
  g_assert_cmpmem (x, n * sizeof *x, y, m * sizeof *y);
}

/* Or else the test is skipped. Below a layer that gives modifiers, it is the driver that must
   import. */
static inline gboolean
can_import_dmabuf (EffvkDevice *device)
{
  if (effvk_device_can_import_dmabuf (device))
    return TRUE;
  g_test_skip ("the device has no VK_EXT_external_memory_dma_buf");
  return FALSE;
}
