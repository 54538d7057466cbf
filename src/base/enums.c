/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <effvk/effvk-types.h>

GType
effvk_precision_get_type (void)
{
  static const GEnumValue values[] = {
    { EFFVK_PRECISION_AUTO, "EFFVK_PRECISION_AUTO", "auto" },
    { EFFVK_PRECISION_FP32, "EFFVK_PRECISION_FP32", "fp32" },
    { EFFVK_PRECISION_FP16, "EFFVK_PRECISION_FP16", "fp16" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("EffvkPrecision", values));
  return type;
}

GType
effvk_output_activation_get_type (void)
{
  static const GEnumValue values[] = {
    { EFFVK_OUTPUT_ACTIVATION_AUTO, "EFFVK_OUTPUT_ACTIVATION_AUTO", "auto" },
    { EFFVK_OUTPUT_ACTIVATION_SOFTMAX, "EFFVK_OUTPUT_ACTIVATION_SOFTMAX", "softmax" },
    { EFFVK_OUTPUT_ACTIVATION_SIGMOID, "EFFVK_OUTPUT_ACTIVATION_SIGMOID", "sigmoid" },
    { EFFVK_OUTPUT_ACTIVATION_NONE, "EFFVK_OUTPUT_ACTIVATION_NONE", "none" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("EffvkOutputActivation", values));
  return type;
}
