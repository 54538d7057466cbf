/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/nearest.h"

#include <string.h>

#define MAX_LENGTH 40

/* Damerau's distance (optimal string alignment), without regard to case. */
static guint
distance (const char *a, const char *b)
{
  guint rows[3][MAX_LENGTH + 1];
  guint n = (guint) strlen (a), m = (guint) strlen (b);

  for (guint j = 0; j <= m; j++)
    rows[0][j] = j;
  for (guint i = 1; i <= n; i++)
    {
      guint *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

      row[0] = i;
      for (guint j = 1; j <= m; j++)
        {
          char x = g_ascii_tolower (a[i - 1]), y = g_ascii_tolower (b[j - 1]);

          row[j] = MIN (last[j - 1] + (x != y), MIN (last[j], row[j - 1]) + 1);
          if (i > 1 && j > 1 && x == g_ascii_tolower (b[j - 2]) && g_ascii_tolower (a[i - 2]) == y)
            row[j] = MIN (row[j], before[j - 2] + 1);
        }
    }
  return rows[n % 3][m];
}

const char *
effvk_nearest (const char *word, const char *const *names, guint n_names)
{
  const char *best = NULL;
  guint least = G_MAXUINT;

  if (strlen (word) > MAX_LENGTH)
    return NULL;
  for (guint i = 0; i < n_names; i++)
    {
      gsize length = strlen (names[i]);
      guint wrong = length <= MAX_LENGTH ? distance (word, names[i]) : G_MAXUINT;

      if (wrong < least && wrong <= MAX (2, length / 3))
        {
          least = wrong;
          best = names[i];
        }
    }
  return best;
}
