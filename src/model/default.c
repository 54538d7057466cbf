/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE /* dladdr() */
#include "model/default.h"

#include <dlfcn.h>

#define MODEL_NAME "signal.safetensors"

/* As the data folder lies relative to the library's: a tree that was moved keeps its model. */
static char *
beside_library (void)
{
  static const char here;
  g_autofree char *folder = NULL;
  Dl_info info;

  if (!*EFFVK_MODELS_FROM_LIBDIR || !dladdr (&here, &info) || !info.dli_fname)
    return NULL;
  folder = g_path_get_dirname (info.dli_fname);
  return g_build_filename (folder, EFFVK_MODELS_FROM_LIBDIR, MODEL_NAME, NULL);
}

char *
effvk_default_model_path (void)
{
  const char *named = g_getenv ("EFFVK_MODEL");
  g_autofree char *path = NULL;

  if (named && *named)
    return g_strdup (named);
  path = beside_library ();
  if (path && g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  return g_build_filename (EFFVK_MODELS_DIR, MODEL_NAME, NULL);
}
