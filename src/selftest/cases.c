/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/cases.h"

#include "ops/heatmap.h"
#include "ops/preprocess.h"
#include "selftest/reference.h"

#include <math.h>

/* Multiply-adds of one shape: the reference does about 10^9 a second. */
#define MAX_WORK 1e7

/* Of activations, as SiLU leaves them. */
#define LOW -0.3
#define HIGH 2.0

static EffvkTensorInfo
tensor_info (const char *name, EffvkStorage storage, EffvkExtent extent)
{
  return (EffvkTensorInfo){ name, storage, extent.n, extent.h, extent.w, extent.c };
}

static EffvkTrialInput
add_input (EffvkTrial *trial, const char *name, EffvkStorage storage, EffvkExtent extent,
           double low, double high)
{
  EffvkTensorInfo info = tensor_info (name, storage, extent);

  return effvk_trial_add_input (trial, &info, low, high);
}

static EffvkTensor
add_output (EffvkTrial *trial, const char *name, EffvkStorage storage, EffvkExtent extent,
            GError **error)
{
  EffvkTensorInfo info = tensor_info (name, storage, extent);

  return effvk_trial_add_output (trial, &info, error);
}

static EffvkExtent
random_extent (EffvkTrial *trial, guint max_side, guint max_channels)
{
  EffvkExtent extent
      = { (guint) g_rand_int_range (trial->rand, 1, 4), effvk_trial_size (trial, max_side),
          effvk_trial_size (trial, max_side), effvk_trial_size (trial, max_channels) };

  return extent;
}

/* One vector an image. */
static EffvkExtent
random_vectors (EffvkTrial *trial, guint max_channels)
{
  return random_extent (trial, 1, max_channels);
}

/* All four in every four indices from a multiple of 4, in another order in the next four. */
static EffvkActivation
nth_activation (EffvkTrial *trial, guint index)
{
  static const char *const names[] = { "no activation", "SiLU", "ReLU6", "ReLU" };
  EffvkActivation activation = (EffvkActivation) ((index + index / 4) % G_N_ELEMENTS (names));

  effvk_trial_describe (trial, "%s", names[activation]);
  return activation;
}

/* The output of a convolution along one axis when @before and any number of pixels up to kernel - 1
 * after are added to it. */
static guint
pad_any (EffvkTrial *trial, guint in, guint kernel, guint stride, guint before)
{
  guint after = (guint) g_rand_int_range (trial->rand, 0, (gint32) kernel);

  return (MAX (in + before + after, kernel) - kernel) / stride + 1;
}

/* A spatial convolution's output and its padding: both kinds that networks have, and others. */
static EffvkExtent
nth_padding (EffvkTrial *trial, guint index, EffvkExtent in, guint channels, guint kernel,
             guint stride, guint *pad_x, guint *pad_y)
{
  EffvkPadding padding = index % 3 ? EFFVK_PADDING_SYMMETRIC : EFFVK_PADDING_SAME;
  EffvkExtent out = { .n = in.n, .c = channels };

  if (index % 3 == 2)
    {
      *pad_x = (guint) g_rand_int_range (trial->rand, 0, (gint32) kernel);
      *pad_y = (*pad_x + 1) % kernel;
      out.w = pad_any (trial, in.w, kernel, stride, *pad_x);
      out.h = pad_any (trial, in.h, kernel, stride, *pad_y);
      effvk_trial_describe (trial, "padded %u,%u to %ux%u", *pad_x, *pad_y, out.h, out.w);
      return out;
    }
  effvk_trial_describe (trial, "%s", padding == EFFVK_PADDING_SAME ? "same" : "symmetric");
  *pad_x = effvk_arch_conv_pad_before (in.w, kernel, stride, padding);
  *pad_y = effvk_arch_conv_pad_before (in.h, kernel, stride, padding);
  out.w = effvk_arch_conv_output (in.w, kernel, stride, padding);
  out.h = effvk_arch_conv_output (in.h, kernel, stride, padding);
  return out;
}

/* Squeeze-excite of sums of @in, a part of each image's pixels in each. */
static EffvkTrialInput
draw_squeeze_excite (EffvkTrial *trial, EffvkExtent in, EffvkSqueezeExcite *op)
{
  EffvkTrialInput sums;
  gsize n_weights;
  double range;

  op->pixels = effvk_trial_size (trial, 3000);
  op->squeezed = effvk_trial_size (trial, 64);
  range = (double) op->pixels / in.w; /* partial sums of values of order one */
  n_weights = (gsize) op->squeezed * in.c;
  effvk_trial_describe (trial, "%u images, %u sums, %u to %u", in.n, in.w, in.c, op->squeezed);
  sums = add_input (trial, "sums", EFFVK_STORAGE_F32, in, LOW * range, HIGH * range);
  op->sums = sums.tensor;
  op->squeeze_weight = effvk_trial_weights (trial, n_weights, in.c);
  op->squeeze_bias = effvk_trial_weights (trial, op->squeezed, 0);
  op->excite_weight = effvk_trial_weights (trial, n_weights, op->squeezed);
  op->excite_bias = effvk_trial_weights (trial, in.c, 0);
  return sums;
}

/* [N,1,1,C], rounded. */
static float *
reference_gates (const EffvkSqueezeExcite *op, EffvkExtent in, const float *sums)
{
  gsize n = (gsize) in.n * in.c;
  g_autofree double *gates = g_new (double, n);
  float *rounded = g_new (float, n);

  effvk_reference_squeeze_excite (op, in, sums, gates);
  for (gsize i = 0; i < n; i++)
    rounded[i] = (float) gates[i];
  return rounded;
}

static gboolean
run_pointwise (EffvkTrial *trial, guint index, GError **error)
{
  EffvkStorage storage = trial->test->storage;
  EffvkTrialInput input, scale = { 0 }, residual = { 0 }, sums = { 0 };
  EffvkPointwise op = { 0 };
  EffvkSqueezeExcite squeeze = { 0 };
  EffvkExtent in, out, sums_extent = { 0 };
  gboolean excites = index % 4 == 3 || g_str_has_suffix (trial->context.kernel, "-excite");
  g_autofree double *expected = NULL;
  g_autofree float *gates = NULL;

  do
    {
      in = random_extent (trial, 23, 700);
      out = in;
      out.c = effvk_trial_size (trial, 300);
    }
  while ((double) effvk_extent_size (in) * out.c > MAX_WORK || (index % 2 && in.n == 1));
  effvk_trial_describe (trial, "%ux%ux%ux%u to %u", in.n, in.h, in.w, in.c, out.c);

  op.activation = nth_activation (trial, index);
  input = add_input (trial, "input", storage, in, LOW, HIGH);
  if (excites)
    {
      sums_extent = (EffvkExtent){ in.n, 1, effvk_trial_size (trial, 40), in.c };
      sums = draw_squeeze_excite (trial, sums_extent, &squeeze);
      squeeze.activation = (EffvkActivation) (3 - op.activation);
      op.squeeze_excite = &squeeze;
    }
  else if (index % 2) /* always with several images, which have scales of their own */
    {
      scale
          = add_input (trial, "scale", EFFVK_STORAGE_F32, (EffvkExtent){ in.n, 1, 1, in.c }, 0, 1);
      effvk_trial_describe (trial, "scale");
    }
  if (index % 3)
    {
      residual = add_input (trial, "residual", storage, out, -HIGH, HIGH);
      effvk_trial_describe (trial, "residual");
    }
  op.input = input.tensor;
  op.scale = scale.tensor;
  op.residual = residual.tensor;
  op.weight = effvk_trial_weights (trial, (gsize) out.c * in.c, in.c);
  op.bias = effvk_trial_weights (trial, out.c, 0);
  op.output = add_output (trial, "output", storage, out, error);
  if (!op.output || !effvk_pointwise (&trial->context, &op, error)
      || !effvk_trial_run (trial, error))
    return FALSE;

  expected = g_new (double, effvk_extent_size (out));
  if (excites)
    gates = reference_gates (&squeeze, sums_extent, sums.values);
  effvk_reference_pointwise (&op, in, input.values, excites ? gates : scale.values, residual.values,
                             out, expected);
  return effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_ZERO, error);
}

static gboolean
run_conv (EffvkTrial *trial, guint index, GError **error)
{
  EffvkStorage storage = trial->test->storage;
  EffvkConv op = { .kernel = index % 4 == 3 ? 1 : index % 4 == 1 ? 5 : 3, .stride = 1 + index % 2 };
  EffvkTrialInput input, residual = { 0 };
  EffvkExtent in, out;
  guint channels, taps = op.kernel * op.kernel;
  g_autofree double *expected = NULL;

  do
    {
      in = random_extent (trial, 23, 100);
      channels = effvk_trial_size (trial, 100);
    }
  while ((double) effvk_extent_size (in) * channels * taps > MAX_WORK);
  effvk_trial_describe (trial, "%ux%ux%ux%u to %u, %ux%u, stride %u", in.n, in.h, in.w, in.c,
                        channels, op.kernel, op.kernel, op.stride);

  op.activation = nth_activation (trial, index);
  out = nth_padding (trial, index, in, channels, op.kernel, op.stride, &op.pad_x, &op.pad_y);
  input = add_input (trial, "input", storage, in, LOW, HIGH);
  if (index % 3)
    {
      residual = add_input (trial, "residual", storage, out, -HIGH, HIGH);
      effvk_trial_describe (trial, "residual");
    }
  op.input = input.tensor;
  op.residual = residual.tensor;
  op.weight = effvk_trial_weights (trial, (gsize) channels * in.c * taps, in.c * taps);
  op.bias = effvk_trial_weights (trial, channels, 0);
  op.output = add_output (trial, "output", storage, out, error);
  if (!op.output || !effvk_conv (&trial->context, &op, error) || !effvk_trial_run (trial, error))
    return FALSE;

  expected = g_new (double, effvk_extent_size (out));
  effvk_reference_conv (&op, in, input.values, residual.values, out, expected);
  return effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_ZERO, error);
}

/* The means that a depthwise convolution's sums stand for, against the reference's sums. */
static gboolean
compare_sums (EffvkTrial *trial, EffvkTensor sums, EffvkExtent out, const double *expected,
              GError **error)
{
  const EffvkTensorInfo *info = effvk_program_get_info (trial->context.program, sums);
  g_autofree float *texels = effvk_trial_read (trial, sums, error);
  g_autofree double *expected_mean = g_new (double, (gsize) out.n *out.c);
  g_autofree float *mean = g_new (float, (gsize) out.n *out.c);
  g_autofree char *fault = NULL;
  double pixels = (double) out.h * out.w;
  gsize stride = 4 * (gsize) effvk_c4 (out.c);

  if (!texels)
    return FALSE;
  effvk_trial_describe (trial, "sums");
  if (info->storage != EFFVK_STORAGE_F32 || info->n != out.n || info->h != 1 || info->c != out.c)
    {
      fault = g_strdup_printf ("they are %ux%ux%ux%u, expected %ux1xTx%u in fp32", info->n, info->h,
                               info->w, info->c, out.n, out.c);
      effvk_trial_report (trial, INFINITY, FALSE, fault);
      return TRUE;
    }
  for (guint n = 0; n < out.n; n++)
    for (guint c = 0; c < out.c; c++)
      {
        double sum = 0.0;

        for (guint t = 0; t < info->w; t++)
          sum += texels[((gsize) n * info->w + t) * stride + c];
        mean[n * out.c + c] = (float) (sum / pixels);
        expected_mean[n * out.c + c] = expected[n * out.c + c] / pixels;
      }
  if (!effvk_trial_find_fault (trial, sums, texels, EFFVK_PADDING_CHANNELS_ZERO, &fault, error))
    return FALSE;
  effvk_trial_compare_values (trial, mean, expected_mean, (gsize) out.n * out.c, fault);
  return TRUE;
}

static gboolean
run_depthwise (EffvkTrial *trial, guint index, GError **error)
{
  EffvkStorage storage = trial->test->storage;
  EffvkDepthwise op = { .kernel = index % 2 ? 5 : 3, .stride = index / 2 % 2 ? 2 : 1 };
  EffvkExtent in = random_extent (trial, 31, 300), out;
  EffvkTensor sums = EFFVK_TENSOR_NONE;
  EffvkTrialInput input;
  guint taps = op.kernel * op.kernel;
  g_autofree double *expected = NULL;
  g_autofree double *expected_sums = NULL;

  while ((double) effvk_extent_size (in) * taps > MAX_WORK)
    in = random_extent (trial, 31, 300);
  if (index % 3 != 2) /* mostly an odd number of rows out: tiles are cut */
    in.h = op.stride == 1 ? in.h | 1 : in.h / 4 * 4 + 1;
  effvk_trial_describe (trial, "%ux%ux%ux%u, %ux%u, stride %u", in.n, in.h, in.w, in.c, op.kernel,
                        op.kernel, op.stride);
  op.activation = nth_activation (trial, index);
  out = nth_padding (trial, index, in, in.c, op.kernel, op.stride, &op.pad_x, &op.pad_y);
  op.squeeze = index % 3 != 1;

  input = add_input (trial, "input", storage, in, LOW, HIGH);
  op.input = input.tensor;
  op.weight = effvk_trial_weights (trial, (gsize) in.c * taps, taps);
  op.bias = effvk_trial_weights (trial, in.c, 0);
  op.output = add_output (trial, "output", storage, out, error);
  if (!op.output || !effvk_depthwise (&trial->context, &op, &sums, error))
    return FALSE;
  effvk_trial_watch (trial, sums);
  if (!effvk_trial_run (trial, error))
    return FALSE;

  expected = g_new (double, effvk_extent_size (out));
  expected_sums = g_new (double, (gsize) out.n *out.c);
  effvk_reference_depthwise (&op, in, input.values, out, expected, expected_sums);
  if (!effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_ZERO, error))
    return FALSE;
  if (op.squeeze != (sums != EFFVK_TENSOR_NONE))
    effvk_trial_report (trial, INFINITY, FALSE,
                        op.squeeze ? "no sums, but they were asked for" : "sums that nobody wants");
  return !sums || compare_sums (trial, sums, out, expected_sums, error);
}

static gboolean
run_squeeze_excite (EffvkTrial *trial, guint index, GError **error)
{
  EffvkExtent out = random_vectors (trial, 1300);
  EffvkExtent in = { out.n, 1, effvk_trial_size (trial, 40), out.c };
  EffvkSqueezeExcite op = { 0 };
  EffvkTrialInput sums = draw_squeeze_excite (trial, in, &op);
  g_autofree double *expected = NULL;

  op.activation = nth_activation (trial, index);
  op.output = add_output (trial, "gates", EFFVK_STORAGE_F32, out, error);
  if (!op.output || !effvk_squeeze_excite (&trial->context, &op, error)
      || !effvk_trial_run (trial, error))
    return FALSE;

  expected = g_new (double, effvk_extent_size (out));
  effvk_reference_squeeze_excite (&op, in, sums.values, expected);
  return effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_FINITE, error);
}

/* Its parts, one after the other, in double precision but for what one hands to the next. */
static void
reference_expand_depthwise (const EffvkExpandDepthwise *op, EffvkExtent in, const float *input,
                            EffvkExtent out, double *output, double *gates)
{
  EffvkExtent wide = { in.n, in.h, in.w, out.c }, sums_extent = { out.n, 1, 1, out.c };
  EffvkPointwise expand = { .activation = op->depthwise.activation,
                            .weight = op->expand_weight,
                            .bias = op->expand_bias };
  g_autofree double *expanded = g_new (double, effvk_extent_size (wide));
  g_autofree float *narrow = g_new (float, effvk_extent_size (wide));
  g_autofree double *sums = g_new (double, (gsize) out.n *out.c);

  effvk_reference_pointwise (&expand, in, input, NULL, NULL, wide, expanded);
  for (gsize i = 0; i < effvk_extent_size (wide); i++)
    narrow[i] = (float) expanded[i];
  effvk_reference_depthwise (&op->depthwise, wide, narrow, out, output, sums);
  for (gsize i = 0; i < effvk_extent_size (sums_extent); i++)
    narrow[i] = (float) sums[i];
  if (op->squeeze_excite)
    effvk_reference_squeeze_excite (op->squeeze_excite, sums_extent, narrow, gates);
}

static gboolean
run_expand_depthwise (EffvkTrial *trial, guint index, GError **error)
{
  EffvkStorage storage = trial->test->storage;
  EffvkExpandDepthwise op
      = { .depthwise = { .kernel = index % 2 ? 5 : 3, .stride = index / 2 % 2 ? 2 : 1 } };
  EffvkDepthwise *depthwise = &op.depthwise;
  EffvkSqueezeExcite squeeze = { .squeezed = effvk_trial_size (trial, 40) };
  guint taps = depthwise->kernel * depthwise->kernel, channels;
  EffvkExtent in, out;
  EffvkTrialInput input;
  g_autofree double *expected = NULL;
  g_autofree double *gates = NULL;

  do
    {
      in = random_extent (trial, 31, 60);
      channels = effvk_trial_size (trial, 200);
    }
  while ((double) in.n * in.h * in.w * channels * (in.c + taps) > MAX_WORK);
  effvk_trial_describe (trial, "%ux%ux%ux%u to %u, %ux%u, stride %u", in.n, in.h, in.w, in.c,
                        channels, depthwise->kernel, depthwise->kernel, depthwise->stride);
  depthwise->activation = squeeze.activation = nth_activation (trial, index);
  out = nth_padding (trial, index, in, channels, depthwise->kernel, depthwise->stride,
                     &depthwise->pad_x, &depthwise->pad_y);

  input = add_input (trial, "input", storage, in, LOW, HIGH);
  op.input = input.tensor;
  op.expand_weight = effvk_trial_weights (trial, (gsize) channels * in.c, in.c);
  op.expand_bias = effvk_trial_weights (trial, channels, 0);
  depthwise->weight = effvk_trial_weights (trial, (gsize) channels * taps, taps);
  depthwise->bias = effvk_trial_weights (trial, channels, 0);
  if (!effvk_expand_depthwise_fits (&trial->context, squeeze.squeezed, depthwise->kernel,
                                    depthwise->stride))
    return TRUE; /* a device with little shared memory has the three ops instead */
  depthwise->output = add_output (trial, "output", storage, out, error);
  if (!depthwise->output)
    return FALSE;
  if (index % 3 != 1)
    {
      EffvkTensorInfo info = { "gates", EFFVK_STORAGE_F32, out.n, 1, 1, channels };
      gsize n_weights = (gsize) squeeze.squeezed * channels;

      effvk_trial_describe (trial, "squeezed to %u", squeeze.squeezed);
      squeeze.pixels = out.h * out.w;
      squeeze.squeeze_weight = effvk_trial_weights (trial, n_weights, channels);
      squeeze.squeeze_bias = effvk_trial_weights (trial, squeeze.squeezed, 0);
      squeeze.excite_weight = effvk_trial_weights (trial, n_weights, squeeze.squeezed);
      squeeze.excite_bias = effvk_trial_weights (trial, channels, 0);
      squeeze.output = effvk_program_add_persistent (trial->context.program, &info);
      effvk_trial_watch (trial, squeeze.output);
      op.squeeze_excite = &squeeze;
    }
  if (!effvk_expand_depthwise (&trial->context, &op, error) || !effvk_trial_run (trial, error))
    return FALSE;

  expected = g_new (double, effvk_extent_size (out));
  gates = g_new (double, (gsize) out.n *out.c);
  reference_expand_depthwise (&op, in, input.values, out, expected, gates);
  if (!effvk_trial_compare (trial, depthwise->output, expected, EFFVK_PADDING_CHANNELS_ZERO, error))
    return FALSE;
  return !op.squeeze_excite
         || effvk_trial_compare (trial, squeeze.output, gates, EFFVK_PADDING_CHANNELS_FINITE,
                                 error);
}

static gboolean
run_head (EffvkTrial *trial, guint index, GError **error)
{
  EffvkExtent in, out = { 0, 1, 1, 0 };
  EffvkHead op = { 0 };
  EffvkTrialInput input;
  g_autofree double *expected = NULL;

  do
    {
      in = random_extent (trial, 17, 700);
      out.n = in.n;
      out.c = effvk_trial_size (trial, 400);
    }
  while ((double) effvk_extent_size (in) * out.c > MAX_WORK);
  effvk_trial_describe (trial, "%ux%ux%ux%u to %u", in.n, in.h, in.w, in.c, out.c);
  op.activation = nth_activation (trial, index);
  input = add_input (trial, "input", trial->test->storage, in, LOW, HIGH);
  op.input = input.tensor;
  op.weight = effvk_trial_weights (trial, (gsize) out.c * in.c, in.c);
  op.bias = effvk_trial_weights (trial, out.c, 0);
  op.output = add_output (trial, "pooled", EFFVK_STORAGE_F32, out, error);
  if (!op.output || !effvk_head (&trial->context, &op, error) || !effvk_trial_run (trial, error))
    return FALSE;

  expected = g_new (double, effvk_extent_size (out));
  effvk_reference_head (&op, in, input.values, out.c, expected);
  return effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_ZERO, error);
}

static gboolean
run_fully_connected (EffvkTrial *trial, guint index G_GNUC_UNUSED, GError **error)
{
  EffvkExtent in = random_vectors (trial, 1500);
  EffvkExtent out = { in.n, 1, 1, effvk_trial_size (trial, 1100) };
  EffvkFullyConnected op = { 0 };
  EffvkTrialInput input;
  g_autofree double *expected = NULL;

  effvk_trial_describe (trial, "%u images, %u to %u", in.n, in.c, out.c);
  input = add_input (trial, "input", EFFVK_STORAGE_F32, in, LOW, HIGH);
  op.input = input.tensor;
  op.weight = effvk_trial_weights (trial, (gsize) out.c * in.c, in.c);
  op.bias = effvk_trial_weights (trial, out.c, 0);
  op.output = add_output (trial, "logits", EFFVK_STORAGE_F32, out, error);
  if (!op.output || !effvk_fully_connected (&trial->context, &op, error)
      || !effvk_trial_run (trial, error))
    return FALSE;

  expected = g_new (double, effvk_extent_size (out));
  effvk_reference_fully_connected (&op, in.n, in.c, out.c, input.values, expected);
  return effvk_trial_compare (trial, op.output, expected, EFFVK_PADDING_CHANNELS_ZERO, error);
}

#define CASE(name, symbol)                                                                         \
  {                                                                                                \
    name, effvk_##symbol##_kernels, &effvk_##symbol##_n_kernels, run_##symbol                      \
  }

const EffvkSelftestCase effvk_selftest_cases[] = {
  { "heatmap", effvk_heatmap_kernels, &effvk_heatmap_n_kernels, effvk_selftest_run_heatmap },
  { "preprocess", effvk_preprocess_kernels, &effvk_preprocess_n_kernels,
    effvk_selftest_run_preprocess },
  CASE ("conv", conv),
  CASE ("pointwise", pointwise),
  CASE ("depthwise", depthwise),
  CASE ("squeeze-excite", squeeze_excite),
  CASE ("expand-depthwise", expand_depthwise),
  CASE ("head", head),
  CASE ("fully-connected", fully_connected),
  { "top-k", effvk_top_k_kernels, &effvk_top_k_n_kernels, effvk_selftest_run_top_k },
};
const guint effvk_selftest_n_cases = G_N_ELEMENTS (effvk_selftest_cases);
