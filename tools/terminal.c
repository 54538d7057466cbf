/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_WIDTH 80

gboolean
tool_terminal_has_unicode (void)
{
  return g_get_charset (NULL);
}

char *
tool_terminal_clean (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);

  for (const char *p = valid; *p; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      GUnicodeType type = g_unichar_type (c);

      /* Directions that are overridden show another text than there is. */
      if (type == G_UNICODE_CONTROL || type == G_UNICODE_LINE_SEPARATOR
          || type == G_UNICODE_PARAGRAPH_SEPARATOR || (c >= 0x202a && c <= 0x202e)
          || (c >= 0x2066 && c <= 0x2069))
        g_string_append_c (out, ' ');
      else
        g_string_append_unichar (out, c);
    }
  return g_string_free (out, FALSE);
}

static guint
character_width (gunichar c)
{
  return g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
}

guint
tool_terminal_text_width (const char *text)
{
  guint width = 0;

  for (const char *p = text; *p; p = g_utf8_next_char (p))
    width += character_width (g_utf8_get_char (p));
  return width;
}

char *
tool_terminal_cut (const char *text, guint width)
{
  const char *ellipsis = tool_terminal_has_unicode () ? "…" : "~", *end = text;
  guint used = 0;

  if (tool_terminal_text_width (text) <= width)
    return g_strdup (text);
  if (width == 0)
    return g_strdup ("");
  while (used + character_width (g_utf8_get_char (end)) <= width - 1)
    {
      used += character_width (g_utf8_get_char (end));
      end = g_utf8_next_char (end);
    }
  return g_strdup_printf ("%.*s%s", (int) (end - text), text, ellipsis);
}

gboolean
tool_terminal_is_live (FILE *file)
{
  const char *term = g_getenv ("TERM");

  return isatty (fileno (file)) && term && *term && strcmp (term, "dumb") != 0;
}

gboolean
tool_terminal_has_color (FILE *file)
{
  const char *no_color = g_getenv ("NO_COLOR");

  return tool_terminal_is_live (file) && !(no_color && *no_color);
}

guint
tool_terminal_width (FILE *file)
{
  struct winsize size;

  return ioctl (fileno (file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                          : USUAL_WIDTH;
}

static ToolLive *current; /* the one that is shown */

void
tool_live_init (ToolLive *live, FILE *file)
{
  *live = (ToolLive){ .file = file, .live = tool_terminal_is_live (file) };
}

void
tool_live_hide (ToolLive *live)
{
  if (live->n_lines == 0)
    return;
  /* Where the terminal has another width by now, what is shown may lie in other lines. */
  if (tool_terminal_width (live->file) != live->columns)
    fprintf (live->file, "\r\n");
  else
    {
      fprintf (live->file, "\r\033[K");
      for (guint i = 1; i < live->n_lines; i++)
        fprintf (live->file, "\033[A\033[K");
    }
  fflush (live->file);
  live->n_lines = 0;
  current = NULL;
}

void
tool_live_hide_any (void)
{
  if (current)
    tool_live_hide (current);
}

void
tool_live_shown (ToolLive *live, guint n_lines)
{
  fflush (live->file);
  live->n_lines = n_lines;
  live->columns = tool_terminal_width (live->file);
  current = live;
}

void
tool_live_show (ToolLive *live, const char *text)
{
  g_autofree char *clean = NULL, *cut = NULL;

  if (!live->live)
    return;
  clean = tool_terminal_clean (text);
  /* Some terminals wrap when the last column is written. */
  cut = tool_terminal_cut (clean, tool_terminal_width (live->file) - 1);
  tool_live_hide (live);
  fprintf (live->file, "%s", cut);
  tool_live_shown (live, 1);
}
