/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The heat map's part of the self-test: each cell is what the reference makes of its pixel. */
#include "ops/heatmap.h"
#include "selftest/cases.h"
#include "selftest/reference.h"

/* Multiply-adds of one shape. */
#define MAX_WORK 3e6

typedef struct
{
  guint images, height, width, in;
} Shape;

static Shape
choose_shape (EffvkTrial *trial, EffvkHeatmap *op)
{
  Shape shape;

  do
    {
      shape.images = (guint) g_rand_int_range (trial->rand, 1, 4);
      shape.height = effvk_trial_size (trial, 15);
      shape.width = effvk_trial_size (trial, 15);
      shape.in = effvk_trial_size (trial, 400);
      op->channels = effvk_trial_size (trial, 700);
    }
  while ((double) shape.images * shape.height * shape.width * shape.in * op->channels > MAX_WORK);
  op->classes = effvk_trial_size (trial, 50);
  effvk_trial_describe (trial, "%ux%ux%ux%u to %u channels, %u classes", shape.images, shape.height,
                        shape.width, shape.in, op->channels, op->classes);
  return shape;
}

/* The best class of each image, drawn. */
static void
choose_classes (EffvkTrial *trial, const EffvkTrialInput *best, const Shape *shape, guint k,
                guint classes)
{
  for (guint n = 0; n < shape->images; n++)
    best->values[(gsize) n * k * 4] = (float) g_rand_int_range (trial->rand, 0, (gint) classes);
}

static double
reference_cell (const EffvkHeatmap *op, const float *pixel, guint in, guint class)
{
  double cell = 0.0;

  for (guint c = 0; c < op->channels; c++)
    {
      double sum = op->bias[c];

      for (guint k = 0; k < in; k++)
        sum += (double) op->weight[(gsize) c * in + k] * pixel[k];
      cell += op->rows[(gsize) class * op->channels + c]
              * effvk_reference_activate (op->activation, sum);
    }
  return cell;
}

gboolean
effvk_selftest_run_heatmap (EffvkTrial *trial, guint index, GError **error)
{
  EffvkHeatmap op = { .activation = (EffvkActivation) (index % 4) };
  const Shape shape = choose_shape (trial, &op);
  const guint pixels = shape.height * shape.width, k = 1 + index % 5;
  EffvkTensorInfo in
      = { "input", trial->test->storage, shape.images, shape.height, shape.width, shape.in };
  EffvkTensorInfo best_info = { "top-k", EFFVK_STORAGE_F32, shape.images, 1, k, 4 };
  EffvkTensorInfo out = { "heatmap", EFFVK_STORAGE_F32, shape.images, 1, 1, pixels };
  EffvkTrialInput input = effvk_trial_add_input (trial, &in, -0.3, 2.0);
  EffvkTrialInput best = effvk_trial_add_input (trial, &best_info, 0.0, 1.0);
  g_autofree double *expected = g_new (double, (gsize) shape.images *pixels);

  choose_classes (trial, &best, &shape, k, op.classes);
  op.input = input.tensor;
  op.best = best.tensor;
  op.weight = effvk_trial_weights (trial, (gsize) op.channels * shape.in, shape.in);
  op.bias = effvk_trial_weights (trial, op.channels, 0);
  op.rows = effvk_trial_weights (trial, (gsize) op.classes * op.channels, op.channels);
  op.output = effvk_trial_add_output (trial, &out, error);
  if (!op.output || !effvk_heatmap (&trial->context, &op, error) || !effvk_trial_run (trial, error))
    return FALSE;
  for (guint n = 0; n < shape.images; n++)
    for (guint p = 0; p < pixels; p++)
      expected[n * pixels + p]
          = reference_cell (&op, input.values + ((gsize) n * pixels + p) * shape.in, shape.in,
                            (guint) best.values[(gsize) n * k * 4]);
  return effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_ZERO, error);
}
