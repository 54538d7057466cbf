/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the sanitizers are for: a read beyond the end, a copy from nowhere, a leak. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main (int argc, char **argv)
{
  char *volatile text = malloc (8), *volatile nowhere = NULL;
  volatile size_t none = 0;
  char copy[8] = "";

  if (argc != 2 || !text)
    return 0;
  memcpy (text, "no zero.", 8);
  if (strcmp (argv[1], "read") == 0)
    printf ("%zu\n", strlen (text));
  if (strcmp (argv[1], "copy") == 0)
    memcpy (copy, nowhere, none);
  if (strcmp (argv[1], "leak") == 0)
    text = NULL;
  free (text);
  return copy[0];
}
