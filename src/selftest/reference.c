/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/reference.h"

#include <math.h>

/* The index of a value in an [N,H,W,C] array. */
static gsize
at (EffvkExtent extent, guint n, guint y, guint x, guint c)
{
  return (((gsize) n * extent.h + y) * extent.w + x) * extent.c + c;
}

/* The value of a pixel that may lie outside, where all is zero. */
static double
pixel (EffvkExtent extent, const float *values, guint n, gint y, gint x, guint c)
{
  if (y < 0 || y >= (gint) extent.h || x < 0 || x >= (gint) extent.w)
    return 0.0;
  return values[at (extent, n, (guint) y, (guint) x, c)];
}

double
effvk_reference_activate (EffvkActivation activation, double value)
{
  switch (activation)
    {
    case EFFVK_ACTIVATION_SILU:
      return value / (1.0 + exp (-value));
    case EFFVK_ACTIVATION_RELU6:
      return CLAMP (value, 0.0, 6.0);
    case EFFVK_ACTIVATION_RELU:
      return MAX (value, 0.0);
    case EFFVK_ACTIVATION_NONE:
      break;
    }
  return value;
}

void
effvk_reference_pointwise (const EffvkPointwise *op, EffvkExtent in, const float *input,
                           const float *scale, const float *residual, EffvkExtent out,
                           double *output)
{
  for (guint n = 0; n < out.n; n++)
    for (guint y = 0; y < out.h; y++)
      for (guint x = 0; x < out.w; x++)
        for (guint c = 0; c < out.c; c++)
          {
            double sum = op->bias[c];

            for (guint k = 0; k < in.c; k++)
              sum += (double) input[at (in, n, y, x, k)] * (scale ? scale[n * in.c + k] : 1.0)
                     * op->weight[c * in.c + k];
            output[at (out, n, y, x, c)] = effvk_reference_activate (op->activation, sum)
                                           + (residual ? residual[at (out, n, y, x, c)] : 0.0);
          }
}

void
effvk_reference_conv (const EffvkConv *op, EffvkExtent in, const float *input,
                      const float *residual, EffvkExtent out, double *output)
{
  guint size = op->kernel;

  for (guint n = 0; n < out.n; n++)
    for (guint y = 0; y < out.h; y++)
      for (guint x = 0; x < out.w; x++)
        for (guint c = 0; c < out.c; c++)
          {
            double sum = op->bias[c];

            for (guint k = 0; k < in.c; k++)
              for (guint i = 0; i < size; i++)
                for (guint j = 0; j < size; j++)
                  sum += pixel (in, input, n, (gint) (y * op->stride + i) - (gint) op->pad_y,
                                (gint) (x * op->stride + j) - (gint) op->pad_x, k)
                         * op->weight[((c * in.c + k) * size + i) * size + j];
            output[at (out, n, y, x, c)] = effvk_reference_activate (op->activation, sum)
                                           + (residual ? residual[at (out, n, y, x, c)] : 0.0);
          }
}

void
effvk_reference_depthwise (const EffvkDepthwise *op, EffvkExtent in, const float *input,
                           EffvkExtent out, double *output, double *sums)
{
  guint size = op->kernel;

  for (guint n = 0; n < out.n; n++)
    for (guint c = 0; c < out.c; c++)
      {
        sums[n * out.c + c] = 0.0;
        for (guint y = 0; y < out.h; y++)
          for (guint x = 0; x < out.w; x++)
            {
              double sum = op->bias[c], result;

              for (guint i = 0; i < size; i++)
                for (guint j = 0; j < size; j++)
                  sum += pixel (in, input, n, (gint) (y * op->stride + i) - (gint) op->pad_y,
                                (gint) (x * op->stride + j) - (gint) op->pad_x, c)
                         * op->weight[(c * size + i) * size + j];
              result = effvk_reference_activate (op->activation, sum);
              output[at (out, n, y, x, c)] = result;
              sums[n * out.c + c] += result;
            }
      }
}

void
effvk_reference_squeeze_excite (const EffvkSqueezeExcite *op, EffvkExtent in, const float *sums,
                                double *output)
{
  g_autofree double *mean = g_new (double, in.c);
  g_autofree double *squeezed = g_new (double, op->squeezed);

  for (guint n = 0; n < in.n; n++)
    {
      for (guint c = 0; c < in.c; c++)
        {
          mean[c] = 0.0;
          for (guint t = 0; t < in.w; t++)
            mean[c] += sums[at (in, n, 0, t, c)];
          mean[c] /= op->pixels;
        }
      for (guint s = 0; s < op->squeezed; s++)
        {
          double sum = op->squeeze_bias[s];

          for (guint c = 0; c < in.c; c++)
            sum += mean[c] * op->squeeze_weight[s * in.c + c];
          squeezed[s] = effvk_reference_activate (op->activation, sum);
        }
      for (guint c = 0; c < in.c; c++)
        {
          double sum = op->excite_bias[c];

          for (guint s = 0; s < op->squeezed; s++)
            sum += squeezed[s] * op->excite_weight[c * op->squeezed + s];
          output[n * in.c + c] = 1.0 / (1.0 + exp (-sum));
        }
    }
}

void
effvk_reference_head (const EffvkHead *op, EffvkExtent in, const float *input, guint channels,
                      double *output)
{
  for (guint n = 0; n < in.n; n++)
    for (guint c = 0; c < channels; c++)
      {
        double total = 0.0;

        for (guint y = 0; y < in.h; y++)
          for (guint x = 0; x < in.w; x++)
            {
              double sum = op->bias[c];

              for (guint k = 0; k < in.c; k++)
                sum += (double) input[at (in, n, y, x, k)] * op->weight[c * in.c + k];
              total += effvk_reference_activate (op->activation, sum);
            }
        output[n * channels + c] = total / (in.h * in.w);
      }
}

void
effvk_reference_fully_connected (const EffvkFullyConnected *op, guint n, guint inputs,
                                 guint classes, const float *input, double *output)
{
  for (guint i = 0; i < n; i++)
    for (guint c = 0; c < classes; c++)
      {
        double sum = op->bias[c];

        for (guint k = 0; k < inputs; k++)
          sum += (double) input[i * inputs + k] * op->weight[c * inputs + k];
        output[i * classes + c] = sum;
      }
}

typedef struct
{
  float logit;
  guint index;
} RankedLogit;

/* Best first; among equals the lower index. */
static int
compare_logits (const void *a, const void *b)
{
  const RankedLogit *x = a, *y = b;

  if (x->logit != y->logit)
    return x->logit > y->logit ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

gboolean
effvk_reference_top_k (EffvkOutputActivation activation, const float *logits, guint classes,
                       guint k, guint *indices, double *scores)
{
  g_autofree RankedLogit *sorted = g_new (RankedLogit, classes);
  double sum = 0.0;

  for (guint i = 0; i < classes; i++)
    {
      if (!isfinite (logits[i]))
        return FALSE;
      sorted[i] = (RankedLogit){ logits[i], i };
    }
  qsort (sorted, classes, sizeof *sorted, compare_logits);
  for (guint i = 0; i < classes; i++)
    sum += exp ((double) logits[i] - sorted[0].logit);
  for (guint rank = 0; rank < k; rank++)
    {
      double logit = sorted[rank].logit;

      indices[rank] = sorted[rank].index;
      if (activation == EFFVK_OUTPUT_ACTIVATION_SOFTMAX)
        scores[rank] = exp (logit - sorted[0].logit) / sum;
      else if (activation == EFFVK_OUTPUT_ACTIVATION_SIGMOID)
        scores[rank] = 1.0 / (1.0 + exp (-logit));
      else
        scores[rank] = logit;
    }
  return TRUE;
}
