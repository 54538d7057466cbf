/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

ToolStatus
tool_init (char ***argv)
{
  g_autofree char *variant = NULL;
  gint n_classes = 1000;
  gint64 seed = 0;
  const GOptionEntry entries[] = {
    { "variant", 'v', 0, G_OPTION_ARG_STRING, &variant,
      "b0 to b8, l2, lite0 to lite4, v2-b0 to v2-b3, v2-s, v2-m, v2-l, v2-xl, es, em, el", "NAME" },
    { "classes", 'c', 0, G_OPTION_ARG_INT, &n_classes, "How many classes (default: 1000)", "N" },
    { "seed", 's', 0, G_OPTION_ARG_INT64, &seed,
      "The same seed makes the same weights (default: 0)", "N" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (GError) error = NULL;

  if (!tool_parse (
          "init", "OUT.safetensors",
          "Makes an untrained model whose activations have sane statistics, for tests and\n"
          "benchmarks.",
          NULL, entries, argv)
      || !tool_check_range ("init", "classes", n_classes, 1, 1000000)
      || !tool_check_range ("init", "seed", seed, 0, G_MAXUINT32))
    return TOOL_USAGE;
  if (!variant)
    return tool_usage_error ("init", "--variant is needed");
  if (g_strv_length (*argv) != 2)
    return tool_usage_error ("init", "takes one file to write, but has %u",
                             g_strv_length (*argv) - 1);

  if (!tool_check_replaceable ((*argv)[1]))
    return TOOL_FAILED;
  model = effvk_model_new_random (variant, (guint) n_classes, (guint32) seed, &error);
  if (!model || !effvk_model_save (model, (*argv)[1], &error))
    return tool_fail (error);
  return TOOL_OK;
}
