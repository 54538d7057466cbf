/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "model/model.h"

static void
read_weights (EffvkModel *model)
{
  const EffvkLayer ends[] = { EFFVK_LAYER_STEM, EFFVK_LAYER_HEAD, EFFVK_LAYER_CLASSIFIER };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      g_auto (EffvkWeights) weights = { 0 };
      effvk_model_get_weights (model, ends[i], 0, &weights);
    }
}

/* Of a model that was loaded, or refused with @error. */
static void
ask (EffvkModel *model, const GError *error)
{
  g_autofree char *text = NULL;

  if (!model)
    {
      if (!error || !g_utf8_validate (error->message, -1, NULL))
        g_error ("refused without a readable error");
      return;
    }
  text = effvk_model_inspect (model);
  if (!g_utf8_validate (text, -1, NULL))
    g_error ("inspect is not UTF-8");
  read_weights (model);
}

void
fuzz_model (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_from_bytes (bytes, &error);

  ask (model, error);
}

void
fuzz_model_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkModel) model = effvk_model_new_from_file (path, &error);

  ask (model, error);
}
