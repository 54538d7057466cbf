/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/pack.h"

EffvkTensor
effvk_pack_tiles (const EffvkOpContext *context, const char *name, const float *weight,
                  const float *bias, guint out, guint in, guint taps, guint in_padded, guint tile,
                  gint32 *bias_texel)
{
  gsize tiles = effvk_div_up (out, tile), per_tile = (gsize) taps * in_padded * tile;
  gsize n_weights = tiles * per_tile, n = n_weights + tiles * tile;
  g_autofree float *packed = g_new0 (float, n);

  for (guint o = 0; o < out; o++)
    for (guint i = 0; i < in; i++)
      for (guint t = 0; t < taps; t++)
        packed[o / tile * per_tile + ((gsize) t * in_padded + i) * tile + o % tile]
            = weight[((gsize) o * in + i) * taps + t];
  memcpy (packed + n_weights, bias, out * sizeof (float));
  *bias_texel = (gint32) (n_weights / 4);
  return effvk_program_add_constant (context->program, name, context->storage, packed, n);
}

EffvkTensor
effvk_pack_filters (const EffvkOpContext *context, const float *weight, const float *bias,
                    guint channels, guint kernel)
{
  guint taps = kernel * kernel, stride = effvk_c4 (channels) * 4;
  gsize n = (gsize) (taps + 1) * stride;
  g_autofree float *packed = g_new0 (float, n);

  for (guint c = 0; c < channels; c++)
    for (guint t = 0; t < taps; t++)
      packed[t * stride + c] = weight[c * taps + t];
  memcpy (packed + taps * stride, bias, channels * sizeof (float));
  return effvk_program_add_constant (context->program, "depthwise weights", context->storage,
                                     packed, n);
}
