/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "model/metadata.h"

#include <string.h>

/* The JSON of a config.json, of a file's own metadata or of overrides, for a B0 of three
   classes. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) labels = NULL;
  EffvkArch arch;
  EffvkRecipe recipe;
  EffvkSources sources = { 0 };
  EffvkTaught taught = { 0 };
  const EffvkMetadataTarget target = { .arch = &arch,
                                       .recipe = &recipe,
                                       .sources = &sources,
                                       .taught = &taught,
                                       .labels = &labels,
                                       .training = EFFVK_TRAINING_TIMM,
                                       .member = "efficientnet_b0" };
  /* A copy of its own length, so that a byte read beyond is seen. */
  g_autofree char *json = g_memdup2 (data, size);

  if (!effvk_arch_init_variant (&arch, "b0", 3)
      || !effvk_variant_training (arch.variant, target.training, &recipe, &arch.padding,
                                  &arch.bn_eps))
    g_error ("b0 is not known");
  effvk_metadata_is_config (json ? json : "", size);
  if (effvk_metadata_apply (&target, EFFVK_SOURCE_CONFIG, json ? json : "", size, &error))
    {
      g_autofree char *text = effvk_metadata_to_json (&arch, &recipe, labels, &taught);

      if (labels && g_strv_length (labels) != arch.classes)
        g_error ("another number of labels than classes");
      /* What was written is read again. */
      if (!effvk_metadata_apply (&target, EFFVK_SOURCE_METADATA, text, strlen (text), &error))
        g_error ("%s: %s", error->message, text);
    }
  else if (!error || !g_utf8_validate (error->message, -1, NULL))
    g_error ("refused without a readable error");
  effvk_arch_clear (&arch);
  g_free (taught.teaching);
  return 0;
}
