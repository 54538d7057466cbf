/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common.h"

ToolStatus
tool_export (char ***argv)
{
  g_auto (ToolTarget) target = { 0 };
  const GOptionEntry entries[] = { TOOL_LABELS_ENTRY (&target), G_OPTION_ENTRY_NULL };
  g_autoptr (EffvkModel) model = NULL;
  g_autoptr (GError) error = NULL;
  const char *out;
  guint n;

  if (!tool_parse (
          "export", "[MODEL] OUT.onnx",
          "Writes a model's network as ONNX, from normalised images to logits, with batch norm\n"
          "folded. The recipe and the labels are in the metadata. Without MODEL, effvk's own.",
          NULL, entries, argv))
    return TOOL_USAGE;
  n = g_strv_length (*argv);
  if (n != 2 && n != 3)
    return tool_usage_error (
        "export",
        "takes a model, if it is not effvk's own, and a file to write, but has %u arguments",
        n - 1);
  out = (*argv)[n - 1];
  /* A model that was meant to be read must not be written over. */
  if (n == 2 && g_file_test (out, G_FILE_TEST_EXISTS))
    return tool_usage_error ("export",
                             "'%s' exists: name the file to write after it if it is the model, or "
                             "remove it to write effvk's own model there",
                             out);

  target.model = n == 3 ? g_strdup ((*argv)[1]) : NULL;
  if (!tool_check_output (&target, out))
    return TOOL_FAILED;
  model = tool_load_model (&target, &error);
  if (!model || !effvk_model_save_onnx (model, out, &error))
    return tool_fail (error);
  return TOOL_OK;
}
