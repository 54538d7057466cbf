/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdio.h>

/* Text on a terminal, and lines that are written over: they must not wrap, or they cannot be
   erased. */

/* @text as one line that is safe to show: valid UTF-8, no control characters. Transfer full. */
char *tool_terminal_clean (const char *text);

/* How many columns @text takes: wide characters two, combining ones none. */
guint tool_terminal_text_width (const char *text);

/* The beginning of @text that fits into @width columns, with an ellipsis where that is not all of
 * it. Transfer full. */
char *tool_terminal_cut (const char *text, guint width);

/* Whether lines may be written over there: a terminal, and TERM says that it can. */
gboolean tool_terminal_is_live (FILE *file);

/* Whether colours may be shown there: it is live, and NO_COLOR is not set. */
gboolean tool_terminal_has_color (FILE *file);

/* Whether what is shown may have other characters than ASCII's. */
gboolean tool_terminal_has_unicode (void);

/* Columns of the terminal; 80 where they are not known. */
guint tool_terminal_width (FILE *file);

/* Lines at the end of what a terminal shows, in place of those before. An error makes room for
   itself. */
typedef struct
{
  FILE *file;
  gboolean live; /* else nothing is shown */
  guint n_lines; /* that are shown */
  guint columns; /* that the terminal had then */
} ToolLive;

void tool_live_init (ToolLive *live, FILE *file);

/* Takes away what is shown. */
void tool_live_hide (ToolLive *live);

/* Takes away whatever is shown by this process, for other text. */
void tool_live_hide_any (void);

/* Says that so many lines, of which none wraps, were printed to the file since it was hidden, the
 * last without a line end. */
void tool_live_shown (ToolLive *live, guint n_lines);

/* Shows one line, cut to the terminal's width. */
void tool_live_show (ToolLive *live, const char *text);
