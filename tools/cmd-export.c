/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

ToolStatus
tool_export (char ***argv)
{
  g_auto (ToolTarget) target = { 0 };
  const GOptionEntry entries[] = { TOOL_LABELS_ENTRY (&target), G_OPTION_ENTRY_NULL };
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (GError) error = NULL;

  if (!tool_parse (
          "export", "MODEL OUT.onnx",
          "Writes a model's network as ONNX: from normalised images to logits, batch norm\n"
          "folded, with the recipe and the labels in the metadata.",
          NULL, entries, argv))
    return TOOL_USAGE;
  if (g_strv_length (*argv) != 3)
    return tool_usage_error ("export", "takes a model and a file to write, but has %u arguments",
                             g_strv_length (*argv) - 1);

  target.model = g_strdup ((*argv)[1]);
  if (!tool_check_output (&target, (*argv)[2]))
    return TOOL_FAILED;
  model = tool_load_model (&target, &error);
  if (!model || !effvk_model_save_onnx (model, (*argv)[2], &error))
    {
      tool_error ("%s", error->message);
      return TOOL_FAILED;
    }
  return TOOL_OK;
}
