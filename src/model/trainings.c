/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/trainings.h"

#include "model/variants.h"

#include <string.h>

/* The names of timm that are no member's, or that say something else than the member's. A "*"
 * stands for anything; the first row that fits decides. */
static const struct
{
  const char *pattern;
  EffvkNamed named;
} rows[] = {
  /* Pruned from TensorFlow's weights. EdgeTPU's were pruned from timm's own. */
  { "efficientnet_b1_pruned", EFFVK_NAMED_TENSORFLOW },
  { "efficientnet_b2_pruned", EFFVK_NAMED_TENSORFLOW },
  { "efficientnet_b3_pruned", EFFVK_NAMED_TENSORFLOW },
  { "efficientnet_es_pruned", EFFVK_NAMED_OWN },
  { "efficientnet_el_pruned", EFFVK_NAMED_OWN },
  /* Old names. */
  { "efficientnet_b2a", EFFVK_NAMED_OWN },
  { "efficientnet_b3a", EFFVK_NAMED_OWN },
  /* Of V2, before its weights were published. */
  { "efficientnetv2_rw_t", EFFVK_NAMED_OWN },
  { "efficientnetv2_rw_s", EFFVK_NAMED_OWN },
  { "efficientnetv2_rw_m", EFFVK_NAMED_OWN },
  /* B0 scaled down. */
  { "tinynet_a", EFFVK_NAMED_OWN },
  { "tinynet_b", EFFVK_NAMED_OWN },
  { "tinynet_c", EFFVK_NAMED_OWN },
  { "tinynet_d", EFFVK_NAMED_OWN },
  { "tinynet_e", EFFVK_NAMED_OWN },
  /* Other layers, of which some have tensors of the same names and shapes. */
  { "efficientnet_blur_*", EFFVK_NAMED_OTHER },
  { "efficientnet_*_gn", EFFVK_NAMED_OTHER },
  { "efficientnet_*_evos", EFFVK_NAMED_OTHER },
  { "efficientnet_cc_*", EFFVK_NAMED_OTHER },
  { "tf_efficientnet_cc_*", EFFVK_NAMED_OTHER },
  { "efficientnet_x_*", EFFVK_NAMED_OTHER },
  { "efficientnet_h_*", EFFVK_NAMED_OTHER },
  { "gc_efficientnetv2_*", EFFVK_NAMED_OTHER },
  { "test_efficientnet*", EFFVK_NAMED_OTHER },
  { "mnasnet_*", EFFVK_NAMED_OTHER },
  { "semnasnet_*", EFFVK_NAMED_OTHER },
  { "spnasnet_*", EFFVK_NAMED_OTHER },
  { "fbnet*", EFFVK_NAMED_OTHER },
  { "mixnet_*", EFFVK_NAMED_OTHER },
  { "tf_mixnet_*", EFFVK_NAMED_OTHER },
  { "mobilenet*", EFFVK_NAMED_OTHER },
  { "tf_mobilenet*", EFFVK_NAMED_OTHER },
};

/* What timm's old names of TensorFlow's weights end in. */
static const char *const endings[] = { "_ap", "_ns", "_ns_475", "_in21k", "_in21ft1k" };

static EffvkNamed
find_ported (char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_has_suffix (name, endings[i]))
      {
        name[strlen (name) - strlen (endings[i])] = 0;
        break;
      }
  return effvk_variant_find (name) ? EFFVK_NAMED_TENSORFLOW : EFFVK_NAMED_UNKNOWN;
}

EffvkNamed
effvk_training_named (const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);
  char *tag = strchr (lower, '.');

  if (tag)
    *tag = 0;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_pattern_match_simple (rows[i].pattern, lower))
      return rows[i].named;
  if (g_str_has_prefix (lower, "tf_"))
    return find_ported (lower);
  return effvk_variant_find (lower) ? EFFVK_NAMED_OWN : EFFVK_NAMED_UNKNOWN;
}
