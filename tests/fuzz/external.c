/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* An ONNX file in a folder, beside a file with the data of its tensors: the length of that one in
 * two bytes, and the model. */

#define DATA "weights.bin"

static char *folder, *model_path, *data_path;

static void
remove_folder (void)
{
  g_unlink (model_path);
  g_unlink (data_path);
  g_rmdir (folder);
}

static void
make_folder (void)
{
  g_autoptr (GError) error = NULL;

  folder = g_dir_make_tmp ("effvk-fuzz-XXXXXX", &error);
  /* Not zeros: numbers that a network can have, all about 0.001. */
  g_autofree char *data = g_malloc (0x10000);
  for (guint i = 0; i < 0x10000; i++)
    data[i] = (char) (i % 4 == 3 ? 0x3a : 0x80);
  data_path = folder ? g_build_filename (folder, DATA, NULL) : NULL;
  if (!folder || !g_file_set_contents (data_path, data, 0x10000, &error))
    g_error ("%s", error->message);
  model_path = g_build_filename (folder, "model.onnx", NULL);
  atexit (remove_folder);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;

  if (size < 2)
    return 0;
  if (!folder)
    make_folder ();
  /* Longer than it was, the file has zeros at its end. */
  if (truncate (data_path, data[0] | data[1] << 8) < 0
      || !g_file_set_contents_full (model_path, (const char *) data + 2, (gssize) (size - 2),
                                    G_FILE_SET_CONTENTS_NONE, 0600, &error))
    g_error ("%s: cannot be written", folder);
  fuzz_model_file (model_path);
  return 0;
}
