/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "arguments.h"

#include <string.h>

static gboolean
takes_value (const GOptionEntry *entry)
{
  return entry->arg != G_OPTION_ARG_NONE;
}

static const GOptionEntry *
find_short (const GOptionEntry *entries, char name)
{
  for (; entries->long_name; entries++)
    if (entries->short_name == name)
      return entries;
  return NULL;
}

/* Whether "--name" takes the next argument. */
static gboolean
long_takes_next (const GOptionEntry *entries, const char *name)
{
  for (; entries->long_name; entries++)
    if (strcmp (entries->long_name, name) == 0)
      return takes_value (entries);
  return FALSE;
}

/* Adds "-jk1" in its parts. Returns whether the next argument is its value. */
static gboolean
add_short (const GOptionEntry *entries, const char *argument, GPtrArray *out)
{
  for (const char *p = argument + 1; *p; p++)
    {
      const GOptionEntry *entry = find_short (entries, *p);

      if (!entry)
        break; /* GOption says so */
      if (!takes_value (entry))
        continue;
      g_ptr_array_add (out, g_strndup (argument, (gsize) (p + 1 - argument)));
      if (p[1])
        g_ptr_array_add (out, g_strdup (p + 1));
      return !p[1];
    }
  g_ptr_array_add (out, g_strdup (argument));
  return FALSE;
}

void
tool_arguments_part (const GOptionEntry *entries, char ***argv)
{
  g_autoptr (GPtrArray) out = g_ptr_array_new ();
  gboolean is_value = FALSE, options = TRUE;

  for (guint i = 0; (*argv)[i]; i++)
    {
      const char *argument = (*argv)[i];

      if (i == 0 || is_value || !options || argument[0] != '-' || !argument[1])
        {
          g_ptr_array_add (out, g_strdup (argument));
          is_value = FALSE;
          continue;
        }
      options = strcmp (argument, "--") != 0;
      if (argument[1] != '-')
        is_value = add_short (entries, argument, out);
      else
        {
          g_ptr_array_add (out, g_strdup (argument));
          is_value = long_takes_next (entries, argument + 2);
        }
    }
  g_ptr_array_add (out, NULL);
  g_strfreev (*argv);
  *argv = (char **) g_ptr_array_steal (out, NULL);
}
