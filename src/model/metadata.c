/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/metadata.h"

#include "model/json.h"

const char *const effvk_interpolation_names[] = { "bilinear", "bicubic", NULL };
const char *const effvk_crop_mode_names[] = { "center", "squash", "border", NULL };
const char *const effvk_padding_names[] = { "symmetric", "same", NULL };
const char *const effvk_activation_names[] = { "none", "silu", "relu6", "relu", NULL };
const char *const effvk_output_names[] = { "auto", "softmax", "sigmoid", "none", NULL };
const char *const effvk_source_names[]
    = { "default", "assumed", "tensors", "config.json", "metadata", "override", "labels file" };

static void
append_floats (GString *out, const char *key, const float *values, guint n)
{
  g_string_append_printf (out, "\"%s\":[", key);
  for (guint i = 0; i < n; i++)
    {
      if (i)
        g_string_append_c (out, ',');
      effvk_json_append_float (out, values[i]);
    }
  g_string_append (out, "],");
}

char *
effvk_metadata_to_json (const EffvkArch *arch, const EffvkRecipe *recipe, char **labels,
                        const EffvkTaught *taught)
{
  GString *out = g_string_new ("{\"architecture\":");

  effvk_json_append_string (out, arch->variant);
  g_string_append_printf (out,
                          ",\"num_classes\":%u,\"input_size\":[%u,%u,%u],\"interpolation\":\"%s\","
                          "\"antialias\":%s,\"crop_mode\":\"%s\",\"resize_size\":%u,",
                          arch->classes, arch->in_channels, recipe->height, recipe->width,
                          effvk_interpolation_names[recipe->interpolation],
                          recipe->antialias ? "true" : "false",
                          effvk_crop_mode_names[recipe->crop_mode], recipe->resize_size);
  append_floats (out, "mean", recipe->mean, arch->in_channels);
  append_floats (out, "std", recipe->std, arch->in_channels);
  g_string_append_printf (out,
                          "\"padding\":\"%s\",\"activation\":\"%s\","
                          "\"output_activation\":\"%s\",\"bn_eps\":",
                          effvk_padding_names[arch->padding],
                          effvk_activation_names[arch->activation],
                          effvk_output_names[arch->output]);
  effvk_json_append_double (out, arch->bn_eps);
  if (labels)
    {
      g_string_append (out, ",\"label_names\":[");
      for (guint i = 0; labels[i]; i++)
        {
          if (i)
            g_string_append_c (out, ',');
          effvk_json_append_string (out, labels[i]);
        }
      g_string_append_c (out, ']');
    }
  if (taught && taught->unknown_threshold != 0)
    {
      g_string_append (out, ",\"unknown_threshold\":");
      effvk_json_append_double (out, taught->unknown_threshold);
    }
  if (taught && taught->teaching)
    g_string_append_printf (out, ",\"teaching\":%s", taught->teaching);
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}
