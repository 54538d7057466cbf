/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE /* dladdr() */
#include "model/default.h"

#include "model/install-paths.h"

#include <dlfcn.h>

#define MODEL_NAME "signal.safetensors"

/* Relative to the library's folder: as it was installed, so that a tree that was moved keeps its
 * model, and as it was built. */
static char *
beside_library (void)
{
  static const char here;
  static const char *const places[] = { EFFVK_MODELS_FROM_LIBDIR, "../models" };
  g_autofree char *folder = NULL;
  Dl_info info;

  if (!dladdr (&here, &info) || !info.dli_fname)
    return NULL;
  folder = g_path_get_dirname (info.dli_fname);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    if (*places[i])
      {
        g_autofree char *path = g_build_filename (folder, places[i], MODEL_NAME, NULL);

        if (g_file_test (path, G_FILE_TEST_EXISTS))
          return g_steal_pointer (&path);
      }
  return NULL;
}

char *
effvk_default_model_path (const char **name)
{
  const char *chosen = g_getenv ("EFFVK_MODEL");
  char *path;

  *name = NULL;
  if (chosen && *chosen)
    return g_strdup (chosen);
  *name = "signal";
  path = beside_library ();
  return path ? path : g_build_filename (EFFVK_MODELS_DIR, MODEL_NAME, NULL);
}
