/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "look.h"

#include <math.h>

gboolean
tool_look_check (ToolLookOptions *options, const char *command)
{
  if (!tool_check_precision (command, options->target.precision, &options->precision))
    return FALSE;
  if (isfinite (options->interval) && options->interval >= 0 && options->interval <= 1e6)
    return TRUE;
  tool_usage_error (command, "--interval takes 0 to 1000000 seconds, not %g", options->interval);
  return FALSE;
}

gboolean
tool_look_init (ToolLook *look, const ToolLookOptions *options, ToolLookFlags flags, guint top_k,
                GError **error)
{
  g_autoptr (EffvkClassifierOptions) classifier_options = effvk_classifier_options_new ();
  g_autoptr (EffvkDevice) device = NULL;

  look->model = tool_load_model (&options->target, error);
  device = look->model ? effvk_device_new (options->target.device, error) : NULL;
  if (!device)
    return FALSE;
  effvk_classifier_options_set_precision (classifier_options, options->precision);
  effvk_classifier_options_set_top_k (classifier_options, top_k);
  effvk_classifier_options_set_embeddings (classifier_options, (flags & TOOL_LOOK_EMBEDDINGS) != 0);
  effvk_classifier_options_set_heatmaps (classifier_options, (flags & TOOL_LOOK_HEATMAPS) != 0);
  look->classifier = effvk_classifier_new (device, look->model, classifier_options, error);
  return look->classifier != NULL;
}

void
tool_look_clear (ToolLook *look)
{
  g_clear_object (&look->classifier);
  g_clear_object (&look->model);
}
