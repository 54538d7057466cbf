/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reference that kernels are measured by, on cases small enough to do by hand. */

#include "selftest/reference.h"

#include <math.h>

static void
assert_values (const double *got, const double *expected, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!(fabs (got[i] - expected[i]) <= 1e-12))
      g_error ("value %u is %.15g, expected %.15g", i, got[i], expected[i]);
}

#define ASSERT_VALUES(got, ...)                                                                    \
  assert_values (got, (const double[]){ __VA_ARGS__ },                                             \
                 sizeof ((double[]){ __VA_ARGS__ }) / sizeof (double))

static void
test_activations (void)
{
  const struct
  {
    EffvkActivation activation;
    double in, out;
  } cases[] = {
    { EFFVK_ACTIVATION_NONE, -3.5, -3.5 },
    { EFFVK_ACTIVATION_RELU6, -0.1, 0.0 },
    { EFFVK_ACTIVATION_RELU6, 5.5, 5.5 },
    { EFFVK_ACTIVATION_RELU6, 6.5, 6.0 },
    { EFFVK_ACTIVATION_RELU, -0.1, 0.0 },
    { EFFVK_ACTIVATION_RELU, 6.5, 6.5 },
    { EFFVK_ACTIVATION_SILU, 0.0, 0.0 },
    /* sigmoid (ln 3) = 3/4, sigmoid (-ln 3) = 1/4 */
    { EFFVK_ACTIVATION_SILU, 1.0986122886681098, 0.8239592165010823 },
    { EFFVK_ACTIVATION_SILU, -1.0986122886681098, -0.27465307216702745 },
    { EFFVK_ACTIVATION_SILU, -800.0, 0.0 },
    { EFFVK_ACTIVATION_SILU, 800.0, 800.0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      double out = effvk_reference_activate (cases[i].activation, cases[i].in);

      assert_values (&out, &cases[i].out, 1);
    }
}

static void
test_pointwise (void)
{
  /* Two images of 1x2 pixels and 2 channels, to 3 channels. */
  const float input[] = { 1, 2, 3, 4, /**/ 5, 6, 7, 8 };
  const float scale[] = { 1, 10, /**/ 100, 0 };
  const float residual[] = { 0.5f, 0, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 0, -1 };
  const float weight[] = { 1, 0, 0, 1, 1, 1 };
  const float bias[] = { 0, 1, -30 };
  EffvkPointwise op = { .weight = weight, .bias = bias };
  const EffvkExtent in = { 2, 1, 2, 2 }, out = { 2, 1, 2, 3 };
  double output[12];

  effvk_reference_pointwise (&op, in, input, NULL, NULL, out, output);
  ASSERT_VALUES (output, 1, 3, -27, 3, 5, -23, 5, 7, -19, 7, 9, -15);
  effvk_reference_pointwise (&op, in, input, scale, NULL, out, output);
  ASSERT_VALUES (output, 1, 21, -9, 3, 41, 13, 500, 1, 470, 700, 1, 670);
  /* The residual is added after the activation. */
  op.activation = EFFVK_ACTIVATION_RELU6;
  effvk_reference_pointwise (&op, in, input, NULL, residual, out, output);
  ASSERT_VALUES (output, 1.5, 3, 0, 3, 5, 0, 5, 6, 0, 6, 6, -1);
}

static void
test_conv (void)
{
  /* 2x3 pixels, 1 channel:  1 2 3
   *                         4 5 6 */
  const float input[] = { 1, 2, 3, 4, 5, 6 };
  const float ones[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
  const float digits[] = { 1, 10, 100, 1000, 10000, 100000, 1e6f, 1e7f, 1e8f };
  const float zero[] = { 0 }, bias[] = { 0.5f };
  const float residual[] = { 100, 200 };
  EffvkConv op = { .kernel = 3, .stride = 1, .pad_x = 1, .pad_y = 1, .weight = ones, .bias = bias };
  const EffvkExtent in = { 1, 2, 3, 1 };
  double output[6];

  effvk_reference_conv (&op, in, input, NULL, in, output);
  ASSERT_VALUES (output, 12.5, 21.5, 16.5, 12.5, 21.5, 16.5);

  /* The digits show which pixel meets which weight, row by row: a correlation, as in all
   * frameworks. */
  op.weight = digits;
  op.bias = zero;
  effvk_reference_conv (&op, in, input, NULL, (EffvkExtent){ 1, 1, 1, 1 }, output);
  ASSERT_VALUES (output, 540210000);

  /* Stride 2: columns 0 and 2, row 0. Nothing before the first pixel (SAME, even sizes): */
  op.weight = ones;
  op.stride = 2;
  effvk_reference_conv (&op, in, input, residual, (EffvkExtent){ 1, 1, 2, 1 }, output);
  ASSERT_VALUES (output, 112, 216);
  op.pad_x = op.pad_y = 0;
  effvk_reference_conv (&op, in, input, residual, (EffvkExtent){ 1, 1, 2, 1 }, output);
  ASSERT_VALUES (output, 121, 209);
}

static void
test_conv_channels (void)
{
  /* 1x1 pixels, two images, 2 channels to 2; only the middle of a 3x3 kernel meets a pixel. */
  const float input[] = { 1, 2, /**/ 3, 4 };
  const float bias[] = { 0, 1000 };
  float weight[2 * 2 * 9];
  EffvkConv op
      = { .kernel = 3, .stride = 1, .pad_x = 1, .pad_y = 1, .weight = weight, .bias = bias };
  const EffvkExtent extent = { 2, 1, 1, 2 };
  double output[4];

  for (guint i = 0; i < G_N_ELEMENTS (weight); i++)
    weight[i] = 1e6f;
  weight[4] = 1;        /* channel 0 to 0 */
  weight[9 + 4] = 10;   /* 1 to 0 */
  weight[18 + 4] = 100; /* 0 to 1 */
  weight[27 + 4] = -1;  /* 1 to 1 */
  effvk_reference_conv (&op, extent, input, NULL, extent, output);
  ASSERT_VALUES (output, 21, 1098, 43, 1296);
}

static void
test_depthwise (void)
{
  /* 2x2 pixels, channels (1 2 3 4) and (10 20 30 40). */
  const float input[] = { 1, 10, 2, 20, 3, 30, 4, 40 };
  const float bias[] = { 0, 1 };
  float weight[2 * 9] = { 0 };
  EffvkDepthwise op
      = { .kernel = 3, .stride = 1, .pad_x = 1, .pad_y = 1, .weight = weight, .bias = bias };
  const EffvkExtent extent = { 1, 2, 2, 2 };
  double output[8], sums[2];

  weight[5] = 1;     /* channel 0: the right neighbour */
  weight[9 + 1] = 1; /* channel 1: the one above */
  effvk_reference_depthwise (&op, extent, input, extent, output, sums);
  ASSERT_VALUES (output, 2, 1, 0, 1, 4, 11, 0, 21);
  ASSERT_VALUES (sums, 6, 34);
  op.activation = EFFVK_ACTIVATION_RELU6; /* the sums are of what comes out */
  op.stride = 2;
  effvk_reference_depthwise (&op, extent, input, (EffvkExtent){ 1, 1, 1, 2 }, output, sums);
  ASSERT_VALUES (output, 2, 1);
  ASSERT_VALUES (sums, 2, 1);
  op.pad_x = op.pad_y = 0;
  weight[8] = weight[9] = 1; /* channel 0: below to the right too, which is outside; 1: itself */
  effvk_reference_depthwise (&op, extent, input, (EffvkExtent){ 1, 1, 1, 2 }, output, sums);
  ASSERT_VALUES (output, 0, 6);
}

static void
test_squeeze_excite (void)
{
  const double ln3 = 1.0986122886681098;
  /* Two partial sums over 4 pixels: means 2 and 1; one squeezed channel. */
  const float sums[] = { 5, 1, 3, 3 };
  const float squeeze_weight[] = { 1, -1 }, squeeze_bias[] = { 0 };
  const float excite_weight[] = { (float) ln3, 0 }, excite_bias[] = { 0, (float) -ln3 };
  EffvkSqueezeExcite op = { .pixels = 4,
                            .squeezed = 1,
                            .squeeze_weight = squeeze_weight,
                            .squeeze_bias = squeeze_bias,
                            .excite_weight = excite_weight,
                            .excite_bias = excite_bias };
  double output[2];

  effvk_reference_squeeze_excite (&op, (EffvkExtent){ 1, 1, 2, 2 }, sums, output);
  g_assert_cmpfloat_with_epsilon (output[0], 0.75, 1e-7);
  g_assert_cmpfloat_with_epsilon (output[1], 0.25, 1e-7);
}

static void
test_head (void)
{
  /* 1x2 pixels of 1 channel: the activation comes before the mean. */
  const float input[] = { -4, 10 }, weight[] = { 1, -1 }, bias[] = { 0, 0.5f };
  EffvkHead op = { .activation = EFFVK_ACTIVATION_RELU6, .weight = weight, .bias = bias };
  double output[2];

  effvk_reference_head (&op, (EffvkExtent){ 1, 1, 2, 1 }, input, 2, output);
  ASSERT_VALUES (output, 3, 2.25);
}

static void
test_fully_connected (void)
{
  const float input[] = { 1, 2, /**/ -1, 0.5f }, weight[] = { 1, 2, 3, 4, 5, 6 };
  const float bias[] = { 0, 0, 100 };
  EffvkFullyConnected op = { .weight = weight, .bias = bias };
  double output[6];

  effvk_reference_fully_connected (&op, 2, 2, 3, input, output);
  ASSERT_VALUES (output, 5, 11, 117, 0, -1, 98);
}

static void
test_top_k (void)
{
  const float ln2 = 0.6931472f;
  const float logits[] = { -ln2, 0, -ln2, 0, -200 }; /* 1/6, 1/3, 1/6, 1/3, nothing */
  const float broken[][2] = { { NAN, 0 }, { 0, INFINITY }, { -INFINITY, 0 } };
  const guint order[] = { 1, 3, 0, 2, 4 };
  const double expected[] = { 1 / 3.0, 1 / 3.0, 1 / 6.0, 1 / 6.0, 0 };
  guint indices[5];
  double probabilities[5];

  for (guint k = 1; k <= 5; k++)
    {
      g_assert_true (effvk_reference_top_k (EFFVK_OUTPUT_ACTIVATION_SOFTMAX, logits, 5, k, indices,
                                            probabilities));
      for (guint i = 0; i < k; i++)
        {
          g_assert_cmpuint (indices[i], ==, order[i]);
          g_assert_cmpfloat_with_epsilon (probabilities[i], expected[i], 1e-7);
        }
    }
  g_assert_true (effvk_reference_top_k (EFFVK_OUTPUT_ACTIVATION_SIGMOID, logits, 5, 3, indices,
                                        probabilities));
  g_assert_cmpfloat_with_epsilon (probabilities[0], 1 / 2.0, 1e-7);
  g_assert_cmpfloat_with_epsilon (probabilities[2], 1 / 3.0, 1e-7);
  g_assert_true (
      effvk_reference_top_k (EFFVK_OUTPUT_ACTIVATION_NONE, logits, 5, 5, indices, probabilities));
  g_assert_cmpfloat (probabilities[4], ==, -200);
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    g_assert_false (effvk_reference_top_k (EFFVK_OUTPUT_ACTIVATION_SOFTMAX, broken[i], 2, 1,
                                           indices, probabilities));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reference/activations", test_activations);
  g_test_add_func ("/reference/pointwise", test_pointwise);
  g_test_add_func ("/reference/conv", test_conv);
  g_test_add_func ("/reference/conv-channels", test_conv_channels);
  g_test_add_func ("/reference/depthwise", test_depthwise);
  g_test_add_func ("/reference/squeeze-excite", test_squeeze_excite);
  g_test_add_func ("/reference/head", test_head);
  g_test_add_func ("/reference/fully-connected", test_fully_connected);
  g_test_add_func ("/reference/top-k", test_top_k);
  return g_test_run ();
}
