/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/arch.h"

#include <string.h>

void
effvk_arch_clear (EffvkArch *arch)
{
  g_free (arch->variant);
  g_clear_pointer (&arch->blocks, g_array_unref);
  memset (arch, 0, sizeof *arch);
}

guint
effvk_arch_conv_output (guint in, guint kernel, guint stride, EffvkPadding padding)
{
  if (padding == EFFVK_PADDING_SAME)
    return (in + stride - 1) / stride;
  return (in + (kernel - 1) / 2 * 2 - kernel) / stride + 1;
}

guint
effvk_arch_conv_pad_before (guint in, guint kernel, guint stride, EffvkPadding padding)
{
  if (padding == EFFVK_PADDING_SYMMETRIC)
    return (kernel - 1) / 2;
  guint covered = (effvk_arch_conv_output (in, kernel, stride, padding) - 1) * stride + kernel;
  return covered > in ? (covered - in) / 2 : 0;
}

EffvkOutputActivation
effvk_arch_default_output (guint classes)
{
  return classes == 1 ? EFFVK_OUTPUT_ACTIVATION_SIGMOID : EFFVK_OUTPUT_ACTIVATION_SOFTMAX;
}

guint64
effvk_arch_macs (const EffvkArch *arch)
{
  guint w
      = effvk_arch_conv_output (arch->width, arch->stem_kernel, arch->stem_stride, arch->padding);
  guint h
      = effvk_arch_conv_output (arch->height, arch->stem_kernel, arch->stem_stride, arch->padding);
  guint64 macs = (guint64) w * h * arch->stem_out * arch->in_channels * arch->stem_kernel
                 * arch->stem_kernel;

  for (guint i = 0; i < arch->blocks->len; i++)
    {
      const EffvkBlock *b = &g_array_index (arch->blocks, EffvkBlock, i);
      guint64 before = (guint64) w * h, taps = (guint64) b->kernel * b->kernel;
      w = effvk_arch_conv_output (w, b->kernel, b->stride, arch->padding);
      h = effvk_arch_conv_output (h, b->kernel, b->stride, arch->padding);
      guint64 after = (guint64) w * h;

      if (b->kind == EFFVK_BLOCK_FUSED)
        {
          gboolean project = b->expanded != b->in;
          macs += after * taps * b->in * (project ? b->expanded : b->out);
          macs += project ? after * b->expanded * b->out : 0;
        }
      else
        {
          macs += b->expanded != b->in ? before * b->in * b->expanded : 0;
          macs += after * taps * b->expanded;
          macs += after * b->expanded * b->out;
        }
      macs += (guint64) 2 * b->expanded * b->squeezed;
    }

  const EffvkBlock *last = &g_array_index (arch->blocks, EffvkBlock, arch->blocks->len - 1);
  macs += (guint64) w * h * last->out * arch->head_out;
  return macs + (guint64) arch->head_out * arch->classes;
}

static guint64
tensor_bytes (guint w, guint h, guint channels)
{
  return (guint64) w * h * ((channels + 3) / 4 * 4) * sizeof (float);
}

guint64
effvk_arch_activation_bytes (const EffvkArch *arch)
{
  guint w
      = effvk_arch_conv_output (arch->width, arch->stem_kernel, arch->stem_stride, arch->padding);
  guint h
      = effvk_arch_conv_output (arch->height, arch->stem_kernel, arch->stem_stride, arch->padding);
  guint64 input = tensor_bytes (arch->width, arch->height, arch->in_channels);
  guint64 most = tensor_bytes (w, h, arch->stem_out);

  for (guint i = 0; i < arch->blocks->len; i++)
    {
      const EffvkBlock *b = &g_array_index (arch->blocks, EffvkBlock, i);
      guint64 in = tensor_bytes (w, h, b->in), residual = b->residual ? in : 0;
      guint64 wide = tensor_bytes (w, h, b->expanded);
      w = effvk_arch_conv_output (w, b->kernel, b->stride, arch->padding);
      h = effvk_arch_conv_output (h, b->kernel, b->stride, arch->padding);
      guint64 filtered = tensor_bytes (w, h, b->expanded), out = tensor_bytes (w, h, b->out);

      if (b->expanded == b->in)
        wide = in;
      else if (b->kind == EFFVK_BLOCK_MBCONV)
        most = MAX (most, in + wide);
      if (b->kind == EFFVK_BLOCK_MBCONV)
        most = MAX (most, wide + filtered + (wide == in ? 0 : residual));
      else
        most = MAX (most, in + filtered);
      most = MAX (most, filtered + residual + out);
    }
  return input + most;
}
