/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <string.h>

char *
tool_format_count (guint64 count)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, count);
  GString *out = g_string_new (NULL);
  gsize n = strlen (digits);

  for (gsize i = 0; i < n; i++)
    {
      if (i > 0 && (n - i) % 3 == 0)
        g_string_append_c (out, ',');
      g_string_append_c (out, digits[i]);
    }
  return g_string_free (out, FALSE);
}

char *
tool_format_time (gint64 ns)
{
  gint64 ms = ns / 1000000;

  return g_strdup_printf ("%" G_GINT64_FORMAT ":%02u:%02u.%03u", ms / 3600000,
                          (guint) (ms / 60000 % 60), (guint) (ms / 1000 % 60), (guint) (ms % 1000));
}

char *
tool_format_tenths (gint64 ns)
{
  gint64 tenths = ns / 100000000;

  return g_strdup_printf ("%" G_GINT64_FORMAT ":%02u:%02u.%u", tenths / 36000,
                          (guint) (tenths / 600 % 60), (guint) (tenths / 10 % 60),
                          (guint) (tenths % 10));
}
