/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/variants.h"

#include <math.h>
#include <string.h>

#define SE 0.25

/* clang-format off */
static const EffvkStage b_stages[] = {
  /* kind               expand kernel stride in  out  repeats se */
  { EFFVK_BLOCK_MBCONV, 1, 3, 1,  32,  16, 1, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 2,  16,  24, 2, SE },
  { EFFVK_BLOCK_MBCONV, 6, 5, 2,  24,  40, 2, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 2,  40,  80, 3, SE },
  { EFFVK_BLOCK_MBCONV, 6, 5, 1,  80, 112, 3, SE },
  { EFFVK_BLOCK_MBCONV, 6, 5, 2, 112, 192, 4, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1, 192, 320, 1, SE },
};

static const EffvkStage v2_base_stages[] = {
  { EFFVK_BLOCK_FUSED,  1, 3, 1,  32,  16, 1, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  16,  32, 2, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  32,  48, 2, 0 },
  { EFFVK_BLOCK_MBCONV, 4, 3, 2,  48,  96, 3, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1,  96, 112, 5, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 2, 112, 192, 8, SE },
};

static const EffvkStage v2_s_stages[] = {
  { EFFVK_BLOCK_FUSED,  1, 3, 1,  24,  24,  2, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  24,  48,  4, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  48,  64,  4, 0 },
  { EFFVK_BLOCK_MBCONV, 4, 3, 2,  64, 128,  6, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1, 128, 160,  9, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 2, 160, 256, 15, SE },
};

static const EffvkStage v2_m_stages[] = {
  { EFFVK_BLOCK_FUSED,  1, 3, 1,  24,  24,  3, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  24,  48,  5, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  48,  80,  5, 0 },
  { EFFVK_BLOCK_MBCONV, 4, 3, 2,  80, 160,  7, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1, 160, 176, 14, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 2, 176, 304, 18, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1, 304, 512,  5, SE },
};

static const EffvkStage v2_l_stages[] = {
  { EFFVK_BLOCK_FUSED,  1, 3, 1,  32,  32,  4, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  32,  64,  7, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  64,  96,  7, 0 },
  { EFFVK_BLOCK_MBCONV, 4, 3, 2,  96, 192, 10, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1, 192, 224, 19, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 2, 224, 384, 25, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1, 384, 640,  7, SE },
};

static const EffvkStage v2_xl_stages[] = {
  { EFFVK_BLOCK_FUSED,  1, 3, 1,  32,  32,  4, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  32,  64,  8, 0 },
  { EFFVK_BLOCK_FUSED,  4, 3, 2,  64,  96,  8, 0 },
  { EFFVK_BLOCK_MBCONV, 4, 3, 2,  96, 192, 16, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1, 192, 256, 24, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 2, 256, 512, 32, SE },
  { EFFVK_BLOCK_MBCONV, 6, 3, 1, 512, 640,  8, SE },
};

/* EdgeTPU's first stage expands from its output's channels, not its input's. */
static const EffvkStage edge_stages[] = {
  { EFFVK_BLOCK_FUSED,  4, 3, 1,  32,  24, 1, 0 },
  { EFFVK_BLOCK_FUSED,  8, 3, 2,  24,  32, 2, 0 },
  { EFFVK_BLOCK_FUSED,  8, 3, 2,  32,  48, 4, 0 },
  { EFFVK_BLOCK_MBCONV, 8, 5, 2,  48,  96, 5, 0 },
  { EFFVK_BLOCK_MBCONV, 8, 5, 1,  96, 144, 4, 0 },
  { EFFVK_BLOCK_MBCONV, 8, 5, 2, 144, 192, 2, 0 },
};
/* clang-format on */

#define TABLE(stages) stages, G_N_ELEMENTS (stages)
/* A family and its table of stages. */
#define B EFFVK_FAMILY_B, TABLE (b_stages)
#define LITE_B EFFVK_FAMILY_LITE, TABLE (b_stages)
#define V2_BASE EFFVK_FAMILY_V2, TABLE (v2_base_stages)
#define V2_S EFFVK_FAMILY_V2, TABLE (v2_s_stages)
#define V2_M EFFVK_FAMILY_V2, TABLE (v2_m_stages)
#define V2_L EFFVK_FAMILY_V2, TABLE (v2_l_stages)
#define V2_XL EFFVK_FAMILY_V2, TABLE (v2_xl_stages)
#define EDGE EFFVK_FAMILY_EDGE, TABLE (edge_stages)

static const float torch_mean[3] = { 0.485f, 0.456f, 0.406f };
static const float torch_std[3] = { 0.229f, 0.224f, 0.225f };
static const float half_mean[3] = { 0.5f, 0.5f, 0.5f };
static const float half_std[3] = { 0.5f, 0.5f, 0.5f };
static const float lite_mean[3] = { 127.f / 255, 127.f / 255, 127.f / 255 };
static const float lite_std[3] = { 128.f / 255, 128.f / 255, 128.f / 255 };

#define TORCH torch_mean, torch_std
#define HALF half_mean, half_std
#define LITE lite_mean, lite_std
#define SYMMETRIC EFFVK_PADDING_SYMMETRIC
#define SAME EFFVK_PADDING_SAME
#define BILINEAR EFFVK_INTERPOLATION_BILINEAR
#define BICUBIC EFFVK_INTERPOLATION_BICUBIC

/* A member is a table of stages, the two coefficients that scale it, and how it was trained. */
typedef struct
{
  const char *name;
  EffvkFamily family;
  const EffvkStage *stages;
  guint n_stages;
  double width, depth;
  guint size, resize;
  EffvkInterpolation interpolation;
  const float *mean, *std;
  EffvkPadding padding;
  double bn_eps;
} Variant;

/* clang-format off */
static const Variant variants[] = {
  { "efficientnet_b0", B, 1.0, 1.0, 224, 256, BICUBIC, TORCH, SYMMETRIC, 1e-5 },
  { "efficientnet_b1", B, 1.0, 1.1, 240, 256, BICUBIC, TORCH, SYMMETRIC, 1e-5 },
  { "efficientnet_b2", B, 1.1, 1.2, 288, 288, BICUBIC, TORCH, SYMMETRIC, 1e-5 },
  { "efficientnet_b3", B, 1.2, 1.4, 300, 320, BICUBIC, TORCH, SYMMETRIC, 1e-5 },
  { "efficientnet_b4", B, 1.4, 1.8, 380, 384, BICUBIC, TORCH, SYMMETRIC, 1e-5 },
  { "efficientnet_b5", B, 1.6, 2.2, 456, 456, BICUBIC, TORCH, SYMMETRIC, 1e-3 },
  { "efficientnet_b6", B, 1.8, 2.6, 528, 528, BICUBIC, TORCH, SYMMETRIC, 1e-3 },
  { "efficientnet_b7", B, 2.0, 3.1, 600, 600, BICUBIC, TORCH, SYMMETRIC, 1e-3 },
  { "efficientnet_b8", B, 2.2, 3.6, 672, 704, BICUBIC, TORCH, SAME, 1e-3 },
  { "efficientnet_l2", B, 4.3, 5.3, 800, 832, BICUBIC, TORCH, SAME, 1e-3 },
  { "efficientnet_lite0", LITE_B, 1.0, 1.0, 224, 256, BICUBIC, LITE, SAME, 1e-3 },
  { "efficientnet_lite1", LITE_B, 1.0, 1.1, 240, 272, BICUBIC, LITE, SAME, 1e-3 },
  { "efficientnet_lite2", LITE_B, 1.1, 1.2, 260, 292, BICUBIC, LITE, SAME, 1e-3 },
  { "efficientnet_lite3", LITE_B, 1.2, 1.4, 280, 312, BICUBIC, LITE, SAME, 1e-3 },
  { "efficientnet_lite4", LITE_B, 1.4, 1.8, 300, 332, BICUBIC, LITE, SAME, 1e-3 },
  { "efficientnet_v2_b0", V2_BASE, 1.0, 1.0, 224, 256, BICUBIC, TORCH, SAME, 1e-3 },
  { "efficientnet_v2_b1", V2_BASE, 1.0, 1.1, 240, 272, BICUBIC, TORCH, SAME, 1e-3 },
  { "efficientnet_v2_b2", V2_BASE, 1.1, 1.2, 260, 292, BICUBIC, TORCH, SAME, 1e-3 },
  { "efficientnet_v2_b3", V2_BASE, 1.2, 1.4, 300, 332, BICUBIC, TORCH, SAME, 1e-3 },
  { "efficientnet_v2_s", V2_S, 1.0, 1.0, 384, 384, BILINEAR, TORCH, SYMMETRIC, 1e-3 },
  { "efficientnet_v2_m", V2_M, 1.0, 1.0, 480, 480, BILINEAR, TORCH, SYMMETRIC, 1e-3 },
  { "efficientnet_v2_l", V2_L, 1.0, 1.0, 480, 480, BICUBIC, HALF, SYMMETRIC, 1e-3 },
  { "efficientnet_v2_xl", V2_XL, 1.0, 1.0, 512, 512, BICUBIC, HALF, SAME, 1e-3 },
  { "efficientnet_es", EDGE, 1.0, 1.0, 224, 256, BICUBIC, LITE, SAME, 1e-3 },
  { "efficientnet_em", EDGE, 1.0, 1.1, 240, 272, BICUBIC, LITE, SAME, 1e-3 },
  { "efficientnet_el", EDGE, 1.2, 1.4, 300, 332, BICUBIC, LITE, SAME, 1e-3 },
};
/* clang-format on */

/* Channels scale to the nearest multiple of 8, but never lose more than a tenth by that. V2's small
 * members were made without the second half of the rule. */
static guint
scale_channels (guint channels, double width, EffvkFamily family)
{
  double scaled = channels * width;
  guint rounded = MAX (8, (guint) (scaled + 4) / 8 * 8);

  if (family != EFFVK_FAMILY_V2 && rounded < 0.9 * scaled)
    rounded += 8;
  return rounded;
}

static guint
scale_repeats (guint repeats, double depth)
{
  /* The small number absorbs rounding: 10 * 1.1 is 11. */
  return (guint) MAX (1, ceil (repeats * depth - 1e-9));
}

gboolean
effvk_family_has_residual (EffvkFamily family, const EffvkBlock *block)
{
  return block->in == block->out && block->stride == 1
         && !(family == EFFVK_FAMILY_EDGE && block->stage == 1);
}

static void
append_stage (GArray *blocks, const EffvkStage *stage, guint number, EffvkFamily family)
{
  gboolean from_out = family == EFFVK_FAMILY_EDGE && number == 1;

  for (guint i = 0; i < stage->repeats; i++)
    {
      guint in = i ? stage->out : stage->in;
      EffvkBlock block = {
        .kind = stage->kind,
        .stage = number,
        .kernel = stage->kernel,
        .stride = i ? 1 : stage->stride,
        .in = in,
        .expanded = (from_out ? stage->out : in) * stage->expand,
        .out = stage->out,
        .squeezed = stage->se_ratio > 0 ? MAX (1, (guint) (in * stage->se_ratio)) : 0,
      };
      block.residual = effvk_family_has_residual (family, &block);
      g_array_append_val (blocks, block);
    }
}

static void
scale (EffvkArch *arch, const Variant *variant, guint classes)
{
  gboolean lite = variant->family == EFFVK_FAMILY_LITE;

  memset (arch, 0, sizeof *arch);
  arch->variant = g_strdup (variant->name);
  arch->in_channels = 3;
  arch->width = arch->height = variant->size;
  arch->stem_kernel = 3;
  arch->stem_stride = 2;
  /* Lite keeps the two ends, which cost most for what they give, at B0's size. */
  arch->stem_out = lite ? variant->stages[0].in
                        : scale_channels (variant->stages[0].in, variant->width, variant->family);
  arch->head_out = lite ? 1280 : scale_channels (1280, variant->width, variant->family);
  arch->classes = classes;
  arch->activation = variant->family == EFFVK_FAMILY_EDGE ? EFFVK_ACTIVATION_RELU
                     : lite                               ? EFFVK_ACTIVATION_RELU6
                                                          : EFFVK_ACTIVATION_SILU;
  arch->output = effvk_arch_default_output (classes);
  arch->padding = variant->padding;
  arch->bn_eps = variant->bn_eps;
  arch->blocks = g_array_new (FALSE, TRUE, sizeof (EffvkBlock));

  guint in = arch->stem_out;
  for (guint i = 0; i < variant->n_stages; i++)
    {
      EffvkStage stage = variant->stages[i];
      stage.in = in;
      stage.out = in = scale_channels (stage.out, variant->width, variant->family);
      if (!lite || (i > 0 && i < variant->n_stages - 1))
        stage.repeats = scale_repeats (stage.repeats, variant->depth);
      if (lite)
        stage.se_ratio = 0;
      append_stage (arch->blocks, &stage, i + 1, variant->family);
    }
}

static void
scale_phi (Variant *variant, double phi)
{
  double size = variant->size * pow (1.15, phi);

  variant->width = pow (1.1, phi);
  variant->depth = pow (1.2, phi);
  variant->size = MAX (8, (guint) (size / 8 + 0.5) * 8);
}

void
effvk_arch_init_phi (EffvkArch *arch, double phi, guint classes)
{
  Variant variant = variants[0];

  scale_phi (&variant, phi);
  scale (arch, &variant, classes);
  g_free (arch->variant);
  arch->variant = g_strdup_printf ("efficientnet_phi=%g", phi);
}

/* "phi=-2": any member between and beyond those that have names. */
static gboolean
parse_phi (const char *name, double *phi)
{
  char *end;

  if (g_ascii_strncasecmp (name, "efficientnet_", 13) == 0)
    name += 13;
  if (g_ascii_strncasecmp (name, "phi=", 4) != 0 || !name[4])
    return FALSE;
  *phi = g_ascii_strtod (name + 4, &end);
  return *end == 0 && *phi >= -8 && *phi <= 16;
}

/* "B3", "efficientnet-b3", "v2-s", "efficientnetv2_s", "tf_efficientnet_b3.in1k" */
static const Variant *
find (const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);
  const char *member = g_strdelimit (lower, "-", '_');
  char *tag = strchr (lower, '.'); /* of the weights, in timm's names */

  if (tag)
    *tag = 0;
  if (g_str_has_prefix (member, "tf_"))
    member += strlen ("tf_");
  if (g_str_has_prefix (member, "efficientnet"))
    member += strlen ("efficientnet");
  if (*member == '_')
    member++;
  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    if (strcmp (member, variants[i].name + strlen ("efficientnet_")) == 0)
      return &variants[i];
  return NULL;
}

const char *
effvk_variant_find (const char *name)
{
  const Variant *variant = find (name);

  return variant ? variant->name : NULL;
}

gboolean
effvk_arch_init_variant (EffvkArch *arch, const char *name, guint classes)
{
  const Variant *variant = find (name);
  double phi;

  memset (arch, 0, sizeof *arch);
  if (variant)
    scale (arch, variant, classes);
  else if (parse_phi (name, &phi))
    effvk_arch_init_phi (arch, phi, classes);
  else
    return FALSE;
  return TRUE;
}

const char *
effvk_family_base (EffvkFamily family)
{
  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    if (variants[i].family == family)
      return variants[i].name;
  g_return_val_if_reached (NULL);
}

const guint *
effvk_family_strides (EffvkFamily family, guint n_stages)
{
  static const guint strides[] = { 1, 2, 2, 2, 1, 2, 1 };
  gboolean six = family == EFFVK_FAMILY_V2 || family == EFFVK_FAMILY_EDGE;
  gboolean seven = family != EFFVK_FAMILY_EDGE;

  return (six && n_stages == 6) || (seven && n_stages == 7) ? strides : NULL;
}

const EffvkStage *
effvk_family_find_stages (EffvkFamily family, guint n_stages)
{
  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    if (variants[i].family == family && variants[i].n_stages == n_stages)
      return variants[i].stages;
  g_return_val_if_reached (NULL);
}

const char *
effvk_family_stages (EffvkFamily family)
{
  static const char *const numbers[] = { "7", "7", "6 or 7", "6" };

  return numbers[family];
}

static gboolean
same_blocks (const EffvkArch *a, const EffvkArch *b)
{
  if (a->stem_out != b->stem_out || a->head_out != b->head_out || a->blocks->len != b->blocks->len)
    return FALSE;
  for (guint i = 0; i < a->blocks->len; i++)
    {
      const EffvkBlock *x = &g_array_index (a->blocks, EffvkBlock, i);
      const EffvkBlock *y = &g_array_index (b->blocks, EffvkBlock, i);
      if (x->kind != y->kind || x->stage != y->stage || x->kernel != y->kernel || x->in != y->in
          || x->expanded != y->expanded || x->out != y->out || x->squeezed != y->squeezed)
        return FALSE;
    }
  return TRUE;
}

const char *
effvk_arch_recognise (const EffvkArch *arch)
{
  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    {
      EffvkArch member;
      scale (&member, &variants[i], arch->classes);
      gboolean same = same_blocks (arch, &member);
      effvk_arch_clear (&member);
      if (same)
        return variants[i].name;
    }
  return NULL;
}

/* As the published TensorFlow models, where the table has torchvision's. */
static void
train_as_tensorflow (Variant *v)
{
  if (v->padding == SAME)
    return;
  v->padding = SAME;
  v->bn_eps = 1e-3;
  v->interpolation = BICUBIC;
  if (v->family == EFFVK_FAMILY_B)
    {
      if (strcmp (v->name, "efficientnet_b2") == 0)
        v->size = 260; /* torchvision's has 288 */
      v->resize = v->size + 32;
      return;
    }
  v->resize = v->size;
  v->mean = half_mean;
  v->std = half_std;
}

static gboolean
has_own (const Variant *v)
{
  return v->family != EFFVK_FAMILY_V2 && strcmp (v->name, "efficientnet_b8") != 0
         && strcmp (v->name, "efficientnet_l2") != 0;
}

gboolean
effvk_variant_has_own (const char *name)
{
  const Variant *variant = find (name);

  return variant && has_own (variant);
}

static void
train_as (Variant *v, EffvkTraining training)
{
  if (training == EFFVK_TRAINING_TORCHVISION)
    return;
  train_as_tensorflow (v);
  if (training == EFFVK_TRAINING_TIMM && has_own (v))
    {
      v->padding = SYMMETRIC;
      v->bn_eps = 1e-5;
      v->mean = torch_mean;
      v->std = torch_std;
    }
  if (training == EFFVK_TRAINING_LUKEMELAS || training == EFFVK_TRAINING_TRANSFORMERS)
    v->resize = v->size;
}

gboolean
effvk_variant_training (const char *name, EffvkTraining training, EffvkRecipe *recipe,
                        EffvkPadding *padding, double *bn_eps)
{
  Variant variant;
  double phi;

  if (find (name))
    variant = *find (name);
  else if (parse_phi (name, &phi))
    {
      variant = variants[0];
      scale_phi (&variant, phi);
      variant.resize = variant.size * variants[0].resize / variants[0].size;
    }
  else
    return FALSE;
  train_as (&variant, training);

  memset (recipe, 0, sizeof *recipe);
  recipe->width = recipe->height = variant.size;
  recipe->resize_size = variant.resize;
  recipe->interpolation = variant.interpolation;
  recipe->antialias = recipe->eight_bits = TRUE;
  recipe->crop_mode
      = training == EFFVK_TRAINING_TRANSFORMERS ? EFFVK_CROP_SQUASH : EFFVK_CROP_CENTER;
  memcpy (recipe->mean, variant.mean, sizeof recipe->mean);
  memcpy (recipe->std, variant.std, sizeof recipe->std);
  *padding = variant.padding;
  *bn_eps = variant.bn_eps;
  return TRUE;
}
