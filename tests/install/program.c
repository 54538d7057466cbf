/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program of somebody who has installed effvk. */
#include <effvk/effvk.h>

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EffvkDevice) device = effvk_device_new ("auto", &error);

  if (!device)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_print ("%s\n", effvk_device_get_name (device));
  return 0;
}
