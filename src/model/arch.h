/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <effvk/effvk-types.h>

/* The architecture as data: an EfficientNet is a stem, a list of stages, and a head. */

typedef enum
{
  EFFVK_ACTIVATION_NONE,
  EFFVK_ACTIVATION_SILU,
  EFFVK_ACTIVATION_RELU6,
  EFFVK_ACTIVATION_RELU,
} EffvkActivation;

typedef enum
{
  EFFVK_PADDING_SYMMETRIC, /* (k - 1) / 2 on both sides, as torchvision */
  EFFVK_PADDING_SAME,      /* TensorFlow: the smaller half before, the larger after */
} EffvkPadding;

typedef enum
{
  EFFVK_BLOCK_MBCONV, /* expand (absent when the ratio is 1), depthwise, squeeze-excite, project */
  EFFVK_BLOCK_FUSED,  /* full kxk convolution, project (absent when the ratio is 1) */
} EffvkBlockKind;

/* A row of the paper's table 1: what the members of a family scale. */
typedef struct
{
  EffvkBlockKind kind;
  guint expand; /* ratio */
  guint kernel; /* 3 or 5 */
  guint stride; /* of the first block; the others have 1 */
  guint in, out;
  guint repeats;
  double se_ratio; /* squeezed channels over the block's input channels; 0: no squeeze-excite */
} EffvkStage;

/* One block, with the widths that the tensors say. */
typedef struct
{
  EffvkBlockKind kind;
  guint stage; /* from 1, as in features.N */
  guint kernel, stride;
  guint in, expanded, out; /* channels; expanded == in: no expand (MBConv), no project (fused) */
  guint squeezed;          /* channels between squeeze and excite; 0: none */
  gboolean residual;       /* the block's input is added to its output */
} EffvkBlock;

typedef struct
{
  char *variant;                  /* "efficientnet_b0" */
  guint in_channels;              /* 3 or 1 */
  guint width, height;            /* of the input, in pixels */
  guint stem_kernel, stem_stride; /* 3, 2 */
  guint stem_out;
  GArray *blocks; /* (element-type EffvkBlock) */
  guint head_out;
  guint classes;
  EffvkActivation activation;
  EffvkOutputActivation output; /* never AUTO */
  EffvkPadding padding;
  double bn_eps;
} EffvkArch;

void effvk_arch_clear (EffvkArch *arch);

/* The architecture of a named member ("b3", "lite0", "v2-s", also "efficientnet_b3"), by compound
 * scaling where the paper scales and from tables otherwise. False when the name is unknown. */
gboolean effvk_arch_init_variant (EffvkArch *arch, const char *name, guint classes);

/* Spatial size after a convolution, and the padding before the first pixel. */
guint effvk_arch_conv_output (guint in, guint kernel, guint stride, EffvkPadding padding);
guint effvk_arch_conv_pad_before (guint in, guint kernel, guint stride, EffvkPadding padding);

/* What makes scores of the answers where no file says: one output is a probability of its own. */
EffvkOutputActivation effvk_arch_default_output (guint classes);

guint64 effvk_arch_macs (const EffvkArch *arch);

/* Bytes in fp32 of the activations that are alive at once, where that is most, for one image. */
guint64 effvk_arch_activation_bytes (const EffvkArch *arch);
