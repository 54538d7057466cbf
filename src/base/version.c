/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <effvk/effvk-version.h>

const char *
effvk_version_string (void)
{
  return EFFVK_VERSION;
}

gboolean
effvk_check_version (guint major, guint minor, guint micro)
{
  const guint here[] = { EFFVK_MAJOR_VERSION, EFFVK_MINOR_VERSION, EFFVK_MICRO_VERSION };
  const guint needed[] = { major, minor, micro };

  for (guint i = 0; i < G_N_ELEMENTS (here); i++)
    if (here[i] != needed[i])
      return here[i] > needed[i];
  return TRUE;
}
