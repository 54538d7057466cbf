/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/fold.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define CHUNK 4096

/* The largest magnitude; infinite when a value is NaN or infinite. The comparison is of bit
 * patterns, which order as the magnitudes do and put NaN above infinity. */
static float
largest (const float *values, gsize n)
{
  guint32 most = 0, bits;
  float result;

  for (gsize i = 0; i < n; i++)
    {
      memcpy (&bits, &values[i], sizeof bits);
      bits &= 0x7fffffff;
      most = MAX (most, bits);
    }
  most = MIN (most, 0x7f800000);
  memcpy (&result, &most, sizeof result);
  return result;
}

static gboolean
report (const EffvkSafetensor *tensor, guint64 index, double value, const char *expected,
        GError **error)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (text, sizeof text, "%g", value);
  g_set_error (error, EFFVK_MODEL_ERROR, EFFVK_MODEL_ERROR_INVALID,
               "tensor \"%s\": expected %s, found %s at element %" G_GUINT64_FORMAT, tensor->name,
               expected, text, index);
  return FALSE;
}

static gboolean
check_finite (const EffvkSafetensors *file, const EffvkSafetensor *tensor, float *most,
              GError **error)
{
  float values[CHUNK];

  *most = 0;
  for (guint64 first = 0; first < tensor->n; first += CHUNK)
    {
      gsize n = (gsize) MIN (tensor->n - first, CHUNK);
      effvk_safetensor_read (file, tensor, first, n, values);
      float chunk = largest (values, n);
      *most = MAX (*most, chunk);
      if (isfinite (chunk))
        continue;
      for (gsize i = 0; i < n; i++)
        if (!isfinite (values[i]))
          return report (tensor, first + i, values[i], "finite numbers", error);
    }
  return TRUE;
}

/* gamma / sqrt(var + eps) and beta - mean * that, a channel. Transfer full. */
static double *
fold_scales (const EffvkSafetensors *file, const EffvkLayerInfo *layer, double bn_eps,
             double **shifts)
{
  guint n = layer->out;
  double *scales = g_new (double, n);
  g_autofree float *gamma = g_new (float, n), *beta = g_new (float, n), *mean = g_new (float, n),
                   *variance = g_new (float, n);

  effvk_safetensor_read (file, layer->parts[EFFVK_PART_GAMMA], 0, n, gamma);
  effvk_safetensor_read (file, layer->parts[EFFVK_PART_BETA], 0, n, beta);
  effvk_safetensor_read (file, layer->parts[EFFVK_PART_MEAN], 0, n, mean);
  effvk_safetensor_read (file, layer->parts[EFFVK_PART_VARIANCE], 0, n, variance);
  *shifts = g_new (double, n);
  for (guint i = 0; i < n; i++)
    {
      scales[i] = gamma[i] / sqrt (variance[i] + bn_eps);
      (*shifts)[i] = beta[i] - mean[i] * scales[i];
    }
  return scales;
}

gboolean
effvk_layer_check (const EffvkSafetensors *file, const EffvkLayerInfo *layer, double bn_eps,
                   GError **error)
{
  float most_weight = 0, most;

  for (EffvkPart part = 0; part < EFFVK_N_PARTS; part++)
    if (layer->parts[part])
      {
        if (!check_finite (file, layer->parts[part], &most, error))
          return FALSE;
        if (part == EFFVK_PART_WEIGHT)
          most_weight = most;
      }
  if (!layer->batch_norm)
    return TRUE;

  const EffvkSafetensor *variance = layer->parts[EFFVK_PART_VARIANCE];
  g_autofree float *values = g_new (float, layer->out);
  effvk_safetensor_read (file, variance, 0, layer->out, values);
  for (guint i = 0; i < layer->out; i++)
    if (!(values[i] + bn_eps > 0))
      return report (variance, i, values[i], "variances above minus epsilon", error);

  g_autofree double *shifts = NULL;
  g_autofree double *scales = fold_scales (file, layer, bn_eps, &shifts);
  for (guint i = 0; i < layer->out; i++)
    if (!(fabs (scales[i]) * most_weight <= FLT_MAX) || !(fabs (shifts[i]) <= FLT_MAX))
      return report (layer->parts[EFFVK_PART_GAMMA], i, scales[i],
                     "batch norm that folds into 32-bit weights", error);
  return TRUE;
}

void
effvk_layer_fold (const EffvkSafetensors *file, const EffvkLayerInfo *layer, double bn_eps,
                  EffvkWeights *weights)
{
  gsize row = (gsize) layer->in * layer->kernel * layer->kernel;

  weights->out = layer->out;
  weights->in = layer->in;
  weights->kernel = layer->kernel;
  weights->weight = g_new (float, row * layer->out);
  weights->bias = g_new (float, layer->out);
  effvk_safetensor_read (file, layer->parts[EFFVK_PART_WEIGHT], 0, row * layer->out,
                         weights->weight);
  if (!layer->batch_norm)
    {
      effvk_safetensor_read (file, layer->parts[EFFVK_PART_BIAS], 0, layer->out, weights->bias);
      return;
    }

  g_autofree double *shifts = NULL;
  g_autofree double *scales = fold_scales (file, layer, bn_eps, &shifts);
  for (guint i = 0; i < layer->out; i++)
    {
      float *w = weights->weight + i * row;
      for (gsize j = 0; j < row; j++)
        w[j] = (float) (w[j] * scales[i]);
      weights->bias[i] = (float) shifts[i];
    }
}
