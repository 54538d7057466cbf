/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "matrix-view.h"

#include <stdio.h>

#define LARGEST 16 /* classes of a table that fits a terminal */
#define MAX_WIDTH 16
#define N_PAIRS 10

/* Characters as wide as a terminal shows them. */
static guint
char_width (gunichar c)
{
  return g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
}

static guint
text_width (const char *text)
{
  guint width = 0;

  for (const char *p = text; *p; p = g_utf8_next_char (p))
    width += char_width (g_utf8_get_char (p));
  return width;
}

void
tool_print_column (const char *text, guint width, gboolean right)
{
  guint wide = text_width (text), used = 0;

  if (right && wide < width)
    printf ("%*s", (int) (width - wide), "");
  for (const char *p = text; *p; p = g_utf8_next_char (p))
    {
      guint w = char_width (g_utf8_get_char (p));

      if (used + w > width - (wide > width ? 1 : 0))
        break;
      fwrite (p, 1, (gsize) (g_utf8_next_char (p) - p), stdout);
      used += w;
    }
  if (wide > width)
    printf ("…%*s", (int) (width - used - 1), "");
  else if (!right)
    printf ("%*s", (int) (width - used), "");
}

static void
print_table (const char *const *labels, const guint *counts, guint n)
{
  guint width = 5;

  for (guint c = 0; c < n; c++)
    width = MIN (MAX_WIDTH, MAX (width, text_width (labels[c])));
  printf ("  %*s", (int) width, "");
  for (guint c = 0; c < n; c++)
    {
      printf (" ");
      tool_print_column (labels[c], n > 8 ? 6 : 10, TRUE);
    }
  printf ("\n");
  for (guint r = 0; r < n; r++)
    {
      printf ("  ");
      tool_print_column (labels[r], width, FALSE);
      for (guint c = 0; c < n; c++)
        if (counts[(gsize) r * n + c])
          printf (" %*u", n > 8 ? 6 : 10, counts[(gsize) r * n + c]);
        else
          printf (" %*s", n > 8 ? 6 : 10, "·");
      printf ("\n");
    }
}

static void
print_pairs (const char *const *labels, const guint *counts, guint n)
{
  g_autofree guint8 *printed = g_malloc0 ((gsize) n * n);

  for (guint i = 0; i < N_PAIRS; i++)
    {
      gsize worst = 0;
      guint most = 0;

      for (gsize at = 0; at < (gsize) n * n; at++)
        if (at / n != at % n && !printed[at] && counts[at] > most)
          {
            worst = at;
            most = counts[at];
          }
      if (!most)
        break;
      printed[worst] = 1;
      printf ("  %4u of \"%s\" taken for \"%s\"\n", most, labels[worst / n], labels[worst % n]);
    }
}

void
tool_matrix_print (const char *const *labels, const guint *counts, guint n)
{
  if (n <= LARGEST)
    print_table (labels, counts, n);
  else
    print_pairs (labels, counts, n);
}

void
tool_matrix_to_json (GstEffvkJson *json, const char *name, const guint *counts, guint n)
{
  gst_effvk_json_begin (json, name, '[');
  for (guint r = 0; r < n; r++)
    {
      gst_effvk_json_begin (json, NULL, '[');
      for (guint c = 0; c < n; c++)
        gst_effvk_json_int (json, NULL, counts[(gsize) r * n + c]);
      gst_effvk_json_end (json, ']');
    }
  gst_effvk_json_end (json, ']');
}

guint
tool_matrix_find_worst (const guint *counts, guint n, guint *a, guint *b)
{
  guint most = 0;

  for (guint r = 0; r < n; r++)
    for (guint c = r + 1; c < n; c++)
      {
        guint mistaken = counts[(gsize) r * n + c] + counts[(gsize) c * n + r];

        if (mistaken <= most)
          continue;
        most = mistaken;
        *a = r;
        *b = c;
      }
  return most;
}
