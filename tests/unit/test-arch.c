/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/layers.h"
#include "model/variants.h"

#include <math.h>

/* Parameters with 1000 classes: torchvision's documentation for B0 to B7 and V2-S to V2-L, Keras'
 * for V2-B and the published ports' for Lite. */
static const struct
{
  const char *name, *canonical;
  guint64 parameters;
  guint size;
} members[] = {
  { "b0", "efficientnet_b0", 5288548, 224 },
  { "B1", "efficientnet_b1", 7794184, 240 },
  { "efficientnet_b2", "efficientnet_b2", 9109994, 288 },
  { "efficientnet-b3", "efficientnet_b3", 12233232, 300 },
  { "b4", "efficientnet_b4", 19341616, 380 },
  { "b5", "efficientnet_b5", 30389784, 456 },
  { "b6", "efficientnet_b6", 43040704, 528 },
  { "b7", "efficientnet_b7", 66347960, 600 },
  { "b8", "efficientnet_b8", 87413142, 672 },
  { "lite0", "efficientnet_lite0", 4652008, 224 },
  { "lite1", "efficientnet_lite1", 5416680, 240 },
  { "lite2", "efficientnet_lite2", 6092072, 260 },
  { "lite3", "efficientnet_lite3", 8197096, 280 },
  { "lite4", "efficientnet_lite4", 13006568, 300 },
  { "v2-b0", "efficientnet_v2_b0", 7139704, 224 },
  { "v2-b1", "efficientnet_v2_b1", 8141052, 240 },
  { "v2-b2", "efficientnet_v2_b2", 10096086, 260 },
  { "v2-b3", "efficientnet_v2_b3", 14358406, 300 },
  { "v2-s", "efficientnet_v2_s", 21458488, 384 },
  { "efficientnetv2_m", "efficientnet_v2_m", 54139356, 480 },
  { "v2_l", "efficientnet_v2_l", 118515272, 480 },
  { "v2-xl", "efficientnet_v2_xl", 208119808, 512 },
};

static void
test_members (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      EffvkArch arch;
      g_assert_true (effvk_arch_init_variant (&arch, members[i].name, 1000));
      g_assert_cmpstr (arch.variant, ==, members[i].canonical);
      g_assert_cmpuint (effvk_arch_n_parameters (&arch), ==, members[i].parameters);
      g_assert_cmpuint (arch.width, ==, members[i].size);
      g_assert_cmpstr (effvk_arch_recognise (&arch), ==, members[i].canonical);
      effvk_arch_clear (&arch);
    }
}

static void
test_l2 (void)
{
  EffvkArch arch;

  /* 480 million parameters, as published. */
  g_assert_true (effvk_arch_init_variant (&arch, "l2", 1000));
  g_assert_cmpuint (effvk_arch_n_parameters (&arch), >, 475000000);
  g_assert_cmpuint (effvk_arch_n_parameters (&arch), <, 485000000);
  g_assert_cmpuint (arch.stem_out, ==, 136);
  g_assert_cmpuint (arch.head_out, ==, 5504);
  effvk_arch_clear (&arch);
}

static void
test_unknown (void)
{
  static const char *const names[]
      = { "",        "b",       "b9",       "b00",          "lite5",
          "v2",      "v3-s",    "resnet50", "phi=",         "phi=x",
          "phi=nan", "phi=1e9", "phi=1 ",   "efficientnet", "efficientnet_" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      EffvkArch arch;
      if (effvk_arch_init_variant (&arch, names[i], 10))
        g_error ("\"%s\" was accepted", names[i]);
      effvk_arch_clear (&arch);
    }
}

static void
test_phi (void)
{
  EffvkArch arch, b0;

  g_assert_true (effvk_arch_init_variant (&b0, "b0", 10));
  g_assert_true (effvk_arch_init_variant (&arch, "phi=0", 10));
  g_assert_cmpuint (arch.width, ==, b0.width);
  g_assert_cmpuint (effvk_arch_n_parameters (&arch), ==, effvk_arch_n_parameters (&b0));
  effvk_arch_clear (&arch);

  /* 1.1^-2 of 32 is 26.4, which becomes 24; 1.15^-2 of 224 is 169.4, which becomes 168; 1.2^-2 of 4
   * is 2.8, which becomes 3. */
  g_assert_true (effvk_arch_init_variant (&arch, "phi=-2", 10));
  g_assert_cmpuint (arch.stem_out, ==, 24);
  g_assert_cmpuint (arch.width, ==, 168);
  guint repeats = 0;
  for (guint i = 0; i < arch.blocks->len; i++)
    repeats += g_array_index (arch.blocks, EffvkBlock, i).stage == 6;
  g_assert_cmpuint (repeats, ==, 3);
  effvk_arch_clear (&arch);
  effvk_arch_clear (&b0);
}

/* Each block takes what the one before gives; strides multiply to 32; residuals where they fit. */
static void
test_chain (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      EffvkArch arch;
      g_assert_true (effvk_arch_init_variant (&arch, members[i].name, 10));
      guint channels = arch.stem_out, stride = arch.stem_stride;
      for (guint j = 0; j < arch.blocks->len; j++)
        {
          const EffvkBlock *b = &g_array_index (arch.blocks, EffvkBlock, j);
          g_assert_cmpuint (b->in, ==, channels);
          g_assert_cmpuint (b->in % 8, ==, 0);
          g_assert_cmpuint (b->expanded % b->in, ==, 0);
          g_assert_cmpint (b->residual, ==, b->in == b->out && b->stride == 1);
          channels = b->out;
          stride *= b->stride;
        }
      g_assert_cmpuint (stride, ==, 32);
      effvk_arch_clear (&arch);
    }
}

/* The published figures, in 10^9: torchvision's GFLOPS column counts multiply-adds. */
static void
test_macs (void)
{
  static const struct
  {
    const char *name;
    double macs;
  } rows[] = { { "b0", 0.386 },    { "b1", 0.687 },   { "b3", 1.827 },   { "b7", 37.75 },
               { "lite0", 0.385 }, { "v2-s", 8.366 }, { "v2-m", 24.58 }, { "v2-l", 56.08 } };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      EffvkArch arch;
      g_assert_true (effvk_arch_init_variant (&arch, rows[i].name, 1000));
      double found = (double) effvk_arch_macs (&arch) / 1e9;
      g_assert_cmpfloat (fabs (found - rows[i].macs), <, 0.002 * rows[i].macs);
      effvk_arch_clear (&arch);
    }
}

static void
test_padding (void)
{
  static const struct
  {
    guint in, kernel, stride, out, same_before;
  } rows[] = {
    { 224, 3, 2, 112, 0 }, { 112, 5, 2, 56, 1 }, { 112, 3, 1, 112, 1 }, { 56, 5, 1, 56, 2 },
    { 7, 3, 2, 4, 1 },     { 7, 5, 2, 4, 2 },    { 1, 5, 2, 1, 2 },     { 1, 3, 1, 1, 1 },
    { 2, 5, 2, 1, 1 },     { 5, 1, 1, 5, 0 },    { 5, 1, 2, 3, 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_assert_cmpuint (effvk_arch_conv_output (rows[i].in, rows[i].kernel, rows[i].stride,
                                                EFFVK_PADDING_SAME),
                        ==, rows[i].out);
      g_assert_cmpuint (effvk_arch_conv_output (rows[i].in, rows[i].kernel, rows[i].stride,
                                                EFFVK_PADDING_SYMMETRIC),
                        ==, rows[i].out);
      g_assert_cmpuint (effvk_arch_conv_pad_before (rows[i].in, rows[i].kernel, rows[i].stride,
                                                    EFFVK_PADDING_SAME),
                        ==, rows[i].same_before);
      g_assert_cmpuint (effvk_arch_conv_pad_before (rows[i].in, rows[i].kernel, rows[i].stride,
                                                    EFFVK_PADDING_SYMMETRIC),
                        ==, (rows[i].kernel - 1) / 2);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/arch/members", test_members);
  g_test_add_func ("/arch/l2", test_l2);
  g_test_add_func ("/arch/unknown", test_unknown);
  g_test_add_func ("/arch/phi", test_phi);
  g_test_add_func ("/arch/chain", test_chain);
  g_test_add_func ("/arch/macs", test_macs);
  g_test_add_func ("/arch/padding", test_padding);
  return g_test_run ();
}
